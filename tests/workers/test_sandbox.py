"""The sandbox: hostile work is named and harms nobody else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from messages.errors import TransientError
from tests.workers import cruel
from workers.jail import STEP_BACK
from workers.sandbox import Limits, Sandbox, SandboxBug, printable
from workers.stage import Refused

MEMORY = 400_000_000


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(Limits(MEMORY), ["tests.workers.cruel"]) as sandbox:
        yield sandbox


async def waiting(sandbox: Sandbox, marker: Path) -> tuple[asyncio.Task[object], psutil.Process]:
    """A call that is under way, and its child."""
    call = asyncio.create_task(sandbox.run(cruel.wait, {"marker": str(marker)}, workdir=marker.parent, deadline=60))
    async with asyncio.timeout(20):
        while not (marker.exists() and marker.read_text()):
            await asyncio.sleep(0.02)
    return call, psutil.Process(int(marker.read_text()))


@pytest.mark.parametrize(
    ("function", "deadline", "rule", "words"),
    [
        (cruel.bomb, 30, "memory-limit", "MB of memory, the limit"),
        (cruel.loop, 1, "time-limit", "longer than 1 seconds, the limit"),
        (cruel.crash, 30, "crashed", "crash"),
        (cruel.killed, 30, "memory-limit", "MB of memory, the limit"),
        (cruel.big_file, 30, "size-limit", "bytes, the limit"),
    ],
)
async def test_cruel_work_is_a_named_failure_and_its_neighbour_does_not_notice(
    sandbox: Sandbox, tmp_path: Path, function: cruel.Cruelty, deadline: float, rule: str, words: str
) -> None:
    neighbour, child = await waiting(sandbox, tmp_path / "marker")
    with pytest.raises(Refused) as refusal:
        await sandbox.run(function, {}, workdir=tmp_path, deadline=deadline)
    assert refusal.value.rule == rule
    assert words in refusal.value.reason
    assert child.is_running()
    assert not neighbour.done()
    neighbour.cancel()
    await asyncio.gather(neighbour, return_exceptions=True)


async def test_child_has_no_network_no_secrets_and_a_directory_of_its_own(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_SECRET_KEY", "never seen")
    facts = await sandbox.run(cruel.facts, {}, workdir=tmp_path, deadline=20)
    assert "S3_SECRET_KEY" not in facts["environ"]
    assert facts["cwd"] == str(tmp_path)
    assert facts["connected"] != 0


async def test_network_is_out_of_reach(sandbox: Sandbox, tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await sandbox.run(cruel.connect, {"port": port}, workdir=tmp_path, deadline=20) is False


async def test_cancelled_caller_takes_its_child_along(sandbox: Sandbox, tmp_path: Path) -> None:
    call, child = await waiting(sandbox, tmp_path / "marker")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not child.is_running()


async def test_dead_fork_server_is_transient_takes_its_children_along_and_is_replaced(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    call, child = await waiting(sandbox, tmp_path / "marker")
    server = child.parent()
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(TransientError):
        await call
    _gone, alive = await asyncio.to_thread(psutil.wait_procs, [child], 5)
    assert alive == []
    assert await sandbox.run(cruel.echo, {"text": "again"}, workdir=tmp_path, deadline=20) == "again"


async def test_progress_and_result_come_through(sandbox: Sandbox, tmp_path: Path) -> None:
    heard: list[tuple[int, int | None, str]] = []
    result = await sandbox.run(
        cruel.report_progress,
        {"rows": 3},
        workdir=tmp_path,
        deadline=20,
        report=lambda done, total, unit: heard.append((done, total, unit)),
    )
    assert result == 3
    assert heard == [(1, 3, "rows"), (2, 3, "rows"), (3, 3, "rows")]


async def test_event_loop_goes_on_while_a_child_computes(sandbox: Sandbox, tmp_path: Path) -> None:
    call = asyncio.create_task(sandbox.run(cruel.loop, {}, workdir=tmp_path, deadline=1))
    loop = asyncio.get_running_loop()
    longest, last = 0.0, loop.time()
    while not call.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, loop.time() - last), loop.time()
    with pytest.raises(Refused):
        await call
    assert longest < 0.5


async def test_who_computes_for_long_lets_others_go_first(sandbox: Sandbox, tmp_path: Path) -> None:
    begun, threads = await sandbox.run(cruel.compute, {}, workdir=tmp_path, deadline=30)
    assert begun == os.getpriority(os.PRIO_PROCESS, 0)
    assert threads == [min(begun + STEP_BACK, 19)]


async def test_bug_is_told_apart_from_the_publishers_fault(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxBug, match="unforeseen"):
        await sandbox.run(cruel.bug, {}, workdir=tmp_path, deadline=20)


async def test_full_disk_is_transient(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="ENOSPC"):
        await sandbox.run(cruel.full_disk, {}, workdir=tmp_path, deadline=20)


async def test_many_calls_at_once_each_get_their_own_answer(sandbox: Sandbox, tmp_path: Path) -> None:
    calls = [
        sandbox.run(cruel.echo, {"text": f"{number}" * 10_000}, workdir=tmp_path, deadline=30) for number in range(30)
    ]
    assert await asyncio.gather(*calls) == [f"{number}" * 10_000 for number in range(30)]


def test_what_postgresql_and_utf8_cannot_hold_is_replaced() -> None:
    assert printable({"a\0": ["b\ud800", "Łódź 😀", 1, None]}) == {"a\ufffd": ["b\ufffd", "Łódź 😀", 1, None]}
