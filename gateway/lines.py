"""How long the queues of the stages are: looked at now and then for all who ask, and nobody waits for the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from messages.errors import PermanentError, TransientError
from messages.topology import STAGE_QUEUES
from messages.transport.port import Transport
from messages.turns import MOST_PLACES

PAUSE = 2.0
"""Seconds between two looks at one queue, however many ask."""
NEWS = 10.0
"""Seconds after which an answer is worth nothing any more."""

log = structlog.get_logger()


class Lines:
    """The lengths that this process knows."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._clock = clock
        self._lengths: dict[str, tuple[float, int]] = {}
        self._looked: dict[str, float] = {}
        self._looks: set[asyncio.Task[None]] = set()

    def length(self, stage: str) -> int | None:
        """Jobs that wait for this stage, as of a moment ago; None where that is not known (yet)."""
        now = self._clock()
        if now - self._looked.get(stage, -PAUSE) >= PAUSE:
            self._looked[stage] = now
            look = asyncio.create_task(self._look(stage))
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)
        at, length = self._lengths.get(stage, (-NEWS, 0))
        return length if now - at < NEWS else None

    async def _look(self, stage: str) -> None:
        try:
            length = await self._transport.depth(STAGE_QUEUES[stage].name, most=MOST_PLACES)
        except (TransientError, PermanentError) as error:
            log.info("queue_not_counted", stage=stage, error=str(error))
            return
        self._lengths[stage] = (self._clock(), length)
