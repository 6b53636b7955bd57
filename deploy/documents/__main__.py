"""Writes the JSON documents in docs/; with `--check`, exits 1 where they are not what the code says."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.resources import files
from pathlib import Path

from deploy.documents import asyncapi, openapi
from deploy.documents.application import application

DOCS = Path(__file__).parents[2] / "docs"


async def documents() -> dict[str, str]:
    """The text of every document by its name in docs/."""
    summary = json.loads((files("tabular") / "profiles" / "summary.json").read_text("utf-8"))
    contents = {
        "asyncapi.json": asyncapi.document(),
        "openapi.json": openapi.document(application()),
        "summary.schema.json": summary,
    }
    return {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in contents.items()}


def main() -> int:
    texts = asyncio.run(documents())
    stale = [name for name, text in texts.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    if "--check" in sys.argv:
        if stale:
            print(f"{', '.join(stale)} in docs/ are not what the code says: run `python -m deploy.documents`")
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(texts[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
