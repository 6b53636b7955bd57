"""A stack whose processes start in a tenth of a second: forks of one process that has imported everything.

Each is a process of its own that runs `dh-server` with its words and variables, and can be killed as any other. One
thing is different: a resource with the name POISON kills whoever loads it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from typing_extensions import override

from messages.jobs import StageJob
from tests.stack import Process, Stack
from workers.stage import Outcome, StageContext
from workers.stages.load import load

POISON = "poison"

IMPORTED = (
    "aiobotocore.session",
    "botocore.parsers",
    "deploy.server",
    "gateway.app",
    "messages.transport.postgres",
    "messages.transport.rabbitmq",
    "tests.forked",
    "uvloop",
    "workers.main",
    "workers.pipeline",
    "workers.recollection",
    "workers.rescue",
    "workers.runtime",
    "workers.sandbox",
    "workers.webhooks.sender",
    "workers.writers.deadletters",
    "workers.writers.metastore",
    "workers.writers.pkgstore",
    "workers.writers.webhooks",
    "tests.warmed",  # the last
)


@dataclass(slots=True)
class ForkedStack(Stack):
    """See the module. `ahead`: the stages' fork servers import what they need before their first table, as they do in
    production; where there are no tables it is in vain."""

    ahead: bool = True

    @override
    async def _launch(self, role: str, command: Sequence[str]) -> Process:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(IMPORTED))
        log = self.directory / f"{role}.log"
        process = context.Process(target=_live, args=(tuple(command), dict(self.environment), log, self.ahead))
        await asyncio.to_thread(process.start)  # the first one waits for the imports
        return ForkedProcess(process)


class ForkedProcess:
    """A child of the fork server, with the face of `asyncio.subprocess.Process`."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self._process = process
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = loop.create_future()
        loop.add_reader(process.sentinel, self._end)

    @property
    def returncode(self) -> int | None:
        """See `tests.stack.Process`."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """See `tests.stack.Process`."""
        return await asyncio.shield(self._ended)

    def send_signal(self, signal: int) -> None:
        """See `tests.stack.Process`."""
        if not self._ended.done():
            os.kill(self.pid, signal)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        code = self._process.exitcode
        assert code is not None
        self._ended.set_result(code)
        self._process.close()


async def _deadly(job: StageJob, context: StageContext) -> Outcome:
    if job.resource.name == POISON:
        os.kill(os.getpid(), signal.SIGKILL)
    return await load(job, context)


def _die_with_the_tests() -> None:
    """A test run that is killed leaves nothing: its fork server would live as long as one of its children."""
    tests = multiprocessing.parent_process()
    assert tests is not None
    tests.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _live(words: Sequence[str], environment: Mapping[str, str], log: Path, ahead: bool) -> None:
    """The child's whole life."""
    threading.Thread(target=_die_with_the_tests, daemon=True).start()
    with log.open("ab") as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    from deploy import server
    from workers import pipeline

    stages = [stage if ahead else replace(stage, preload=()) for stage in pipeline.PIPELINE]
    deadly: Any = tuple(replace(stage, function=_deadly) if stage.name == "load" else stage for stage in stages)
    pipeline.PIPELINE = deadly
    sys.exit(server.main(words))
