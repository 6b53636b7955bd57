"""Calls of the object store: how long each may take, and what its errors mean to us.

botocore's `read_timeout` does not bound a PUT to a silent server (it waits for `100 Continue` for ever) nor a body that
drips one byte a second, so each call runs under `asyncio.timeout`.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from messages.errors import PermanentError, TransientError

CALL_DEADLINE = 20.0
"""Seconds for a call that carries no content."""
SLOWEST = 500_000
"""Bytes per second below which a transfer is given up, after CALL_DEADLINE."""
LOCAL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EEXIST, errno.ENOENT)
"""Troubles of the local disk, not of the store."""


class BlobMissing(PermanentError):
    """No object at that key."""


class BlobChanged(PermanentError):
    """The object is no longer the one that was proven (another ETag)."""


class Stopwatch:
    """Bounds the time that the store takes for one object of so many bytes in all."""

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._left = _seconds(size)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """`async with`: while we wait for the store, and only then. Raises as `deadline` does."""
        clock = asyncio.get_running_loop().time
        started = clock()
        async with _within(self._what, self._left):
            yield
        self._left -= clock() - started


def deadline(what: str, size: int = 0) -> AbstractAsyncContextManager[None]:
    """`async with`: one call that carries so many bytes. Raises BlobMissing, BlobChanged, PermanentError,
    TransientError, and OSError for the local disk; `what` is in their words."""
    return _within(what, _seconds(size))


def _seconds(size: int) -> float:
    return CALL_DEADLINE + size / SLOWEST


@asynccontextmanager
async def _within(what: str, seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except ClientError as error:
        raise _translated(what, error) from error
    except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as error:
        if isinstance(error, OSError) and error.errno in LOCAL:
            raise
        raise TransientError(f"object store: {what}: {type(error).__name__}") from error


def _translated(what: str, error: ClientError) -> Exception:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    code = error.response.get("Error", {}).get("Code", "")
    if code in ("NoSuchKey", "404", "NotFound") or status == 404:
        return BlobMissing(f"object store: {what}: no such object")
    if status == 412:
        return BlobChanged(f"object store: {what}: the object has changed")
    # A refused credential (401, 403) is the operator's to mend: no publisher's flow should fail for it at once.
    passes = status >= 500 or status in (401, 403, 408, 429)
    refusal: Callable[[str], Exception] = TransientError if passes else PermanentError
    return refusal(f"object store: {what}: {status} {code}")
