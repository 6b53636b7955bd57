"""Server-sent events (WHATWG HTML, 9.2) as the JSON objects in them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any


async def objects_of(lines: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The JSON object of every event that has one; comments (heartbeats) and other fields are passed over."""
    data: list[str] = []
    async for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            document = _object("\n".join(data))
            data = []
            if document is not None:
                yield document


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
