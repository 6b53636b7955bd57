"""One running system that is hit again and again: at every step of every process, each time under load."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from messages.faultpoint import POINTS, VARIABLE
from messages.settings import StoreSettings
from messages.topology import DEAD_QUEUE, QUEUES, RETRY_QUEUES, STAGE_QUEUES
from messages.transport import transport_at
from messages.transport.port import Transport
from tests import stack as stacks
from tests.crash.oracle import History, violations
from tests.forked import POISON, ForkedStack
from tests.publisher import Publisher, logged_in
from tests.workers import floor as floors
from tests.workers.floor import File, Floor, job

CELLS = [(place, step) for place, steps in POINTS.items() for step in steps]
COMMANDS = {"gateway": ("gateway",), "stages": ("worker", "stages"), "writers": ("worker", "writers")}
_INNER = (*QUEUES, DEAD_QUEUE, *RETRY_QUEUES.values())
AT_ONCE = 2
"""Pushes at the same time, each to a dataset of its own."""
PATIENCE = 120.0
"""Seconds after which something that should come is said to have failed."""


@dataclass(slots=True)
class Campaign:
    """See the module. `strike` and `kill` return the seconds from the death until all that was under way had ended."""

    stack: stacks.Stack
    transport: Transport
    publisher: Publisher
    floor: Floor
    fault: Path
    history: History = field(default_factory=History)

    async def strike(self, place: str, step: str) -> float:
        """Kills the process that gets to this step, starts it anew, waits until everything has ended."""
        if place == "rescue":
            return await self._strike_rescue(step)
        self.fault.write_text(f"{place} {step}")
        dying = asyncio.create_task(self._death())
        loading = asyncio.create_task(self._load(place, dying))
        role, died = await self._fallen(f"{place} {step}", dying)
        await self.restart(role)
        async with asyncio.timeout(PATIENCE):
            await loading
        return await self._recovered(died)

    async def _strike_rescue(self, step: str) -> float:
        """A flow that has not moved for a day: its job waits, for there are no stages; rescue looks as it starts."""
        await self.stack.kill("stages")
        await self.push(0)
        # Turns are given by the writers: what still waits for its turn is not lost, and rescue would not take it.
        while not await self.transport.depth(STAGE_QUEUES["load"].name):
            await asyncio.sleep(0.02)
        await self.stack.kill("writers")
        await self.floor.pool.execute("update flow set updated_at = now() - interval '25 hours' where state = 'QUEUED'")
        self.fault.write_text(f"rescue {step}")
        await self.restart("writers")
        role, died = await self._fallen(f"rescue {step}", asyncio.create_task(self._death()))
        await self.restart(role)
        await self.restart("stages")
        return await self._recovered(died)

    async def roll(self, role: str) -> tuple[int, float]:
        """Stops a process as an operator does, under load, and starts it anew; once all has ended, the exit code and
        the seconds that it took to leave."""
        loading = asyncio.gather(*(self.push(lane) for lane in range(3 * AT_ONCE)))
        async with asyncio.timeout(PATIENCE):
            await self._begun()
            process = self.stack.processes.pop(role)
            told = asyncio.get_running_loop().time()
            process.send_signal(signal.SIGTERM)
            code = await process.wait()
            taken = asyncio.get_running_loop().time() - told
            await self.restart(role)
            await loading
            await self.quiet()
        return code, taken

    async def _begun(self) -> None:
        """Returns when something is under way."""
        while not await self.floor.pool.fetchval("select exists (select from flow where finished_at is null)"):
            await asyncio.sleep(0.01)

    async def push_many(self, count: int, at_once: int) -> None:
        """Pushes so many packages to so many datasets, one after the other to each."""

        async def fill(lane: int) -> None:
            for _ in range(lane, count, at_once):
                await self.push(lane)

        await asyncio.gather(*(fill(lane) for lane in range(at_once)))

    async def verify(self, *, heard: bool = True) -> list[str]:
        """Every broken promise so far, in words; without `heard` the subscriber is not waited for."""
        async with asyncio.timeout(PATIENCE):
            await self.quiet()
            await self._still()
            if heard:
                await self._heard()
        return await violations(self.history, self.floor.pool, self.floor.blobs, self.publisher.session)

    async def _recovered(self, died: float) -> float:
        """The seconds from then until all has ended; returns when also nothing comes again that is done already.

        A message that is in hand at three deaths is set aside, and rightly: one blow must be over before the next.
        """
        async with asyncio.timeout(PATIENCE):
            await self.quiet()
            taken = asyncio.get_running_loop().time() - died
            await self._still()
        return taken

    async def _still(self) -> None:
        """Returns when two looks in a row have found nothing in any queue."""
        looks = 0
        while looks < 2:
            waiting = [await self.transport.depth(queue.name) for queue in _INNER]
            kept = await self.floor.pool.fetchval(_KEPT)
            looks = 0 if kept or any(waiting) else looks + 1
            await asyncio.sleep(0.1)

    async def _fallen(self, point: str, dying: asyncio.Task[str]) -> tuple[str, float]:
        """The role that died at this point, and the loop's time then."""
        try:
            async with asyncio.timeout(PATIENCE):
                role = await dying
        except TimeoutError:
            raise AssertionError(f"{point} was never reached") from None
        return role, asyncio.get_running_loop().time()

    async def _death(self) -> str:
        """The role of the next process that ends, which must be by our fault."""
        waits = {asyncio.create_task(process.wait()): role for role, process in self.stack.processes.items()}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        role = waits[done.pop()]
        code = self.stack.processes.pop(role).returncode
        assert code == -signal.SIGKILL, f"{role} ended with {code}: {self.stack.log(role)[-2000:]}"
        return role

    async def restart(self, role: str) -> None:
        """Starts the role's process, which does not run."""
        await self.stack.start(role, *COMMANDS[role])
        if role == "gateway":
            await self.stack.ready()

    async def _load(self, place: str, dying: asyncio.Task[str]) -> None:
        """What leads to this place, until somebody has died there; what was begun is brought to its end."""
        while True:
            if place == DEAD_QUEUE.name:
                await self._doom()
            else:
                await asyncio.gather(*(self.push(lane) for lane in range(AT_ONCE)))
            if dying.done():
                return
            quiet = asyncio.create_task(self.quiet())
            await asyncio.wait([quiet, dying], return_when=asyncio.FIRST_COMPLETED)
            quiet.cancel()
            if dying.done():
                return

    async def poison(self, good: int) -> None:
        """Pushes a job that kills its worker each time, and good ones at the same time; workers are started anew."""
        async with asyncio.timeout(PATIENCE), self.kept():
            await self.push_poison()
            await asyncio.gather(*(self.push(lane) for lane in range(good)))
            await self.quiet()

    async def push_poison(self) -> None:
        """Pushes what kills whoever loads it."""
        self.history.doomed.add(await self.publisher.push(*_notes("poisoned", 0, POISON)))

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Meanwhile whoever dies is started anew."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await self.restart(await self._death())

    async def push(self, lane: int) -> None:
        """Pushes as a client does that tries again while the gateway is away."""
        number = len(self.history.contents)
        descriptor, files = _notes(f"lane-{lane}", number)
        [content] = files.values()
        self.history.contents[descriptor["title"]] = content
        while True:
            try:
                flow = await self.publisher.push(descriptor, files)
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)
            else:
                self.history.accepted.add(flow)
                return

    async def _doom(self) -> None:
        """A job that cannot be done: the bytes that an earlier stage has proven are gone."""
        lost = File(name="lost", content=b"gone", path="lost.txt", tabular=False, uploaded=False)
        flow, [resource] = await self.floor.accept([lost], dataset="doomed")
        self.history.doomed.add(flow.id)
        proven = replace(resource, source=replace(resource.source, sha256="0" * 64))
        await self.transport.publish(job(flow, proven, "dump").to_message())

    async def quiet(self) -> None:
        """Returns when every flow has ended and the MetaStore has its end in its log."""
        while await self.floor.pool.fetchval(_MOVING):
            await asyncio.sleep(0.04)

    async def _heard(self) -> None:
        """Returns when the subscriber has as many ends as there are flows."""
        flows = await self.floor.pool.fetchval("select count(*) from flow")
        while len({flow for _, flow in self.history.heard.values()}) < flows:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def campaign(
    database_url: str, store: StoreSettings, amqp_url: str | None, directory: Path, **more: str
) -> AsyncIterator[Campaign]:
    """A running system without faults so far (`more` are variables), and a subscriber that is there from the start."""
    fault = directory / "fault"
    variables = stacks.environment(database_url, store, amqp_url, directory) | {VARIABLE: str(fault)} | more
    stack = ForkedStack(variables, variables["DH_PUBLIC_URL"], directory, ahead=False)
    async with AsyncExitStack() as closing:
        transport = transport_at(amqp_url or database_url)
        closing.push_async_callback(transport.close)
        await closing.enter_async_context(stacks.started(stack))
        ownerid = await stack.add_user("carol")
        publisher = await closing.enter_async_context(logged_in(stack.url, ownerid, "carol", stacks.PASSWORD))
        floor = await closing.enter_async_context(floors.floor(ownerid, database_url, store))
        made = Campaign(stack, transport, publisher, floor, fault)
        await transport.declare()
        await transport.subscribe("listener", ["event.package.*"])
        await transport.consume("listener", made.history.hear, slots=4)
        yield made


# What a killed gateway would have watched goes half a minute after it.
_KEPT = """
select exists (select from delivery where queue not in ('listener', 'dh.memory') and queue not like 'watch.%')
"""
_MOVING = """
select exists (select from flow where finished_at is null) or exists (select from outbox)
    or (select count(*) from flow) <>
       (select count(distinct flow_id) from event_log where kind like 'event.package.%')
"""


def _notes(name: str, number: int, resource: str = "notes") -> tuple[dict[str, Any], dict[str, bytes]]:
    """A package without a table: its stages cost little, and what is tested here is not what they do."""
    content = f"Note {number}.\n".encode()
    descriptor = {"name": name, "title": f"Notes {number}", "resources": [{"name": resource, "path": "notes.txt"}]}
    return descriptor, {"notes.txt": content}
