from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from messages import ending
from messages.ending import dismiss


async def deaf(times: int) -> None:
    """Goes on when it is cancelled, so many times: as after a library that has forgotten a cancellation."""
    while True:
        if not times:
            await asyncio.Event().wait()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        times -= 1


async def failing() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise OSError("the connection is lost, too")


async def tidy(done: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        done.append("tidy")


async def test_who_forgets_a_cancellation_is_cancelled_again_and_all_others_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "AGAIN", 0.05)
    done: list[str] = []
    tasks = [asyncio.create_task(each) for each in (deaf(0), deaf(1), deaf(2), failing(), tidy(done))]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await dismiss(*tasks)
    assert [task.cancelled() for task in tasks] == [True, True, True, False, True]
    assert done == ["tidy"]


async def test_what_has_ended_already_is_left_alone() -> None:
    async with asyncio.timeout(10):
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        await dismiss(task)
        await dismiss()
    assert not task.cancelled()
