"""Following a flow to its end: live while the server streams, by asking where it does not, patient while it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import quote

import aiohttp

from gateway.client.connection import CONNECT, Connection
from gateway.client.datahub import DataHub
from gateway.client.failures import ServerFailure
from gateway.client.stream import CHANGE, Event, changed, events_of

SILENCE = 60.0  # seconds without even a heartbeat, after which a stream is taken for dead
POLL = 1.0  # seconds between two questions
PATIENCE = 180.0  # seconds without any answer, after which we stop waiting
LONGEST_LINE = 16 * 1024 * 1024

Listener = Callable[[dict[str, Any]], None]


def is_final(status: dict[str, Any]) -> bool:
    """Failed, or published and found by the search (or given up by it): nothing more will change."""
    told = status.get("indexed") or status.get("index_error")
    return status.get("state") == "FAILED" or (status.get("state") == "SUCCEEDED" and bool(told))


async def follow(connection: Connection, token: str | None, flow: str, listener: Listener) -> dict[str, Any]:
    """Tell the listener every new status of the flow; returns the final one.

    A gateway that restarts in between is waited for. Raises ServerFailure when it stays away, RequestFailure when it
    does not know the flow.
    """
    stream = _Stream(connection, token, flow)
    heard = time.monotonic()
    while True:
        async with aclosing(stream.statuses()) as statuses:
            try:
                async for status in statuses:
                    heard = time.monotonic()
                    listener(status)
                    if is_final(status):
                        return status
            except ServerFailure:
                if time.monotonic() - heard > PATIENCE:
                    raise
        await asyncio.sleep(POLL)


class _Stream:
    """The events of one flow; taken up again where they broke off."""

    def __init__(self, connection: Connection, token: str | None, flow: str) -> None:
        self._connection = connection
        self._token = token
        self._flow = flow
        self._seen = ""
        self._status: dict[str, Any] = {}

    async def statuses(self) -> AsyncGenerator[dict[str, Any], None]:
        """What the stream says until it breaks, then one answer: that says whether the server is there at all."""
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async for event in self._events():
                self._seen = event.id
                if event.kind == "message":
                    self._status = event.document
                elif event.kind == CHANGE:
                    self._status = changed(self._status, event.document)
                else:
                    continue
                yield self._status
        self._status = await DataHub(self._connection, self._token).status(self._flow)
        yield self._status

    async def _events(self) -> AsyncIterator[Event]:
        """None where the server has no such stream."""
        async with self._connection.session.get(
            f"{self._connection.server}/source/{quote(self._flow)}/events",
            headers=await self._headers(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=SILENCE),
            allow_redirects=False,
        ) as response:
            if response.status != 200 or response.content_type != "text/event-stream":
                return
            async for event in events_of(_lines(response.content)):
                yield event

    async def _headers(self) -> dict[str, str]:
        current = await self._connection.current(self._token)
        token = {"Auth-Token": current} if current else {}
        seen = {"Last-Event-ID": self._seen} if self._seen else {}
        return {"Accept": "text/event-stream", **token, **seen}


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length up to LONGEST_LINE: a status of a package with many files is one line of megabytes."""
    rest = b""
    async for piece in content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise aiohttp.ClientPayloadError("an event without an end")
        for line in lines:
            yield line
