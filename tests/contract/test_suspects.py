"""How long a suspect stays away from another one."""

from __future__ import annotations

import asyncio

import pytest

from messages.topology import MOMENT, RETRY_DELAYS
from messages.transport.rabbitmq.suspects import Suspects


async def test_a_suspect_leaves_for_a_moment_until_another_has_been_at_work_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suspects, loop = Suspects(), asyncio.get_running_loop()
    async with suspects.examination():
        assert suspects.examined
        async with suspects.leaving() as at_first:
            pass
        late = loop.time() + RETRY_DELAYS[0]
        monkeypatch.setattr(loop, "time", lambda: late)
        async with suspects.leaving() as later:
            pass
        monkeypatch.undo()
    assert (at_first, later) == (MOMENT, RETRY_DELAYS[0])
    assert not suspects.examined
