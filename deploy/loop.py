"""An event loop for one piece of work, loaded only when there is some: `dh-server --help` must not wait for it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; raises what it raises."""
    import asyncio

    return asyncio.run(work)
