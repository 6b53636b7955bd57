"""A reader of a run's events, and what moves the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.client.stream import Event, changed, events_of
from gateway.live import Live
from messages.datapackage import FlowRef
from messages.stageevents import StageProgressed
from tests.gateway.conftest import Gateway
from tests.gateway.seeds import Table


class Stream:
    """The events of a response; `raw` are its lines so far, `events` what was made of them."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.raw: list[str] = []
        self.events: list[Event] = []
        self.status: dict[str, Any] = {}
        self._made = events_of(self._lines())

    async def _lines(self) -> AsyncIterator[bytes]:
        async for line in self.response.content:
            self.raw.append(line.decode())
            yield line

    async def event(self) -> Event:
        """The next one; raises StopAsyncIteration at the end of the stream."""
        async with asyncio.timeout(30):
            self.events.append(event := await anext(self._made))
        return event

    async def next(self) -> dict[str, Any]:
        """The next status; raises StopAsyncIteration at the end of the stream, and where it is said."""
        event = await self.event()
        if event.kind == "end":
            raise StopAsyncIteration
        whole = event.kind == "message"
        self.status = event.document if whole else changed(self.status, event.document)
        return self.status

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The first status that has these values."""
        while True:
            status = await self.next()
            if all(status[name] == value for name, value in wanted.items()):
                return status

    async def ended(self) -> None:
        """The stream says that it ends, and does."""
        assert (await self.event()).kind == "end"
        assert await self.response.content.read() == b""


@asynccontextmanager
async def following(gateway: Gateway, flow: FlowRef, **headers: str) -> AsyncIterator[Stream]:
    url = f"{gateway.url}/source/{flow.id}/events"
    # Lines of a status may be long.
    async with gateway.client.get(url, headers=headers, read_bufsize=1 << 22) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Stream(response)


async def change(gateway: Gateway, flow: FlowRef, statement: str, *values: object, notify: bool = True) -> None:
    """What a writer does: a change and its notification in one transaction."""
    async with gateway.pool.acquire() as connection, connection.transaction():
        await connection.execute(statement, flow.id, *values)
        if notify:
            await connection.execute("select pg_notify('flow', $1)", flow.id)


async def left(live: Live) -> None:
    """Returns when nobody follows anything any more."""
    async with asyncio.timeout(30):
        while live.followed or live.readers:
            await asyncio.sleep(0.05)


async def looked(live: Live, flow: FlowRef) -> None:
    """Returns when the flow's feed has made its first snapshot, of which a reader who has it is not told."""
    async with asyncio.timeout(30):
        while not any(key.flow_id == flow.id and feed._snapshot for key, (feed, _) in live._feeds.items()):
            await asyncio.sleep(0.05)


WAITING = Table(state="QUEUED", stage="load")
STAGE = "update flow_resource set stage = $2, state = $3 where flow_id = $1"
PUBLISH = (
    "with done as (update flow_resource set stage = 'dump', state = 'SUCCEEDED' where flow_id = $1) "
    "update flow set state = 'SUCCEEDED', finished_at = now(), package = descriptor where id = $1"
)


def progressed(flow: FlowRef, done: int, **more: Any) -> StageProgressed:
    told: dict[str, Any] = {"stage": "validate", "total": 9, "unit": "rows", "rate": 2, "size": 90, **more}
    return StageProgressed(flow=flow, index=0, name="prices", done=done, **told)


async def heard(gateway: Gateway, stream: Stream, event: StageProgressed) -> dict[str, Any]:
    """The progress that the reader sees after this was said."""

    async def say() -> None:
        # The watch may not listen yet: progress is for whoever watches, so it is said until it is seen.
        while True:
            await gateway.parts.transport.publish(event.to_message())
            await asyncio.sleep(0.5)

    saying = asyncio.create_task(say())
    try:
        while True:
            progress = (await stream.next())["resources"][0]["progress"]
            if progress and progress["done"] == event.done:
                return dict(progress)
    finally:
        saying.cancel()
