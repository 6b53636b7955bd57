"""Exchanges, queues, bindings and the retry ladder: the one table to read.

| exchange | type | what goes in |
| --- | --- | --- |
| dh.jobs | direct | jobs; routing key = kind (`job.load`) |
| dh.events | topic | events; routing key = kind (`event.package.published`) |
| dh.retry | direct | a message that waits in a delay's queue (`dh.retry.5`), from where it goes back to its own |
| dh.dead | fanout | dead letters |

Behind each retry exchange is one queue with that TTL. What expires there is dead-lettered to the default exchange under
the routing key it came with, and so returns to the very queue whose taker wanted the retry, and to no other.

Every stage, every writer and every delay has its own queue: two of them never share a fate. Every argument is stated:
RabbitMQ 3.10 and 4.x differ in defaults. An existing queue's arguments cannot change: a change here needs a new name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from messages.jobs import STAGES, next_stage
from messages.stageevents import StagePassed

JOBS = "dh.jobs"
EVENTS = "dh.events"
DEAD = "dh.dead"

DELIVERY_LIMIT = 3
"""Deliveries of a message that kills whoever takes it before the broker sets it aside."""

RETRY_DELAYS = (1, 5, 30, 120)
"""Seconds; one queue per delay, for a queue with per-message TTLs holds short retries behind long ones."""
MOMENT = 0.1
"""Seconds, and a queue besides: no retry is so soon, but suspects come back after it while another is at work."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue, and the bindings (exchange, key) that fill it."""

    name: str
    bindings: tuple[tuple[str, str], ...]


def _stage_queue(stage: str) -> Queue:
    """Its jobs, and the event of the stage before it: one publish tells the writers and moves the resource on."""
    before = [(EVENTS, f"{StagePassed.KIND}.{name}") for name in STAGES if next_stage(name) == stage]
    return Queue(f"dh.job.{stage}", ((JOBS, f"job.{stage}"), *before))


STAGE_QUEUES: Mapping[str, Queue] = {stage: _stage_queue(stage) for stage in STAGES}
WRITER_QUEUES: Mapping[str, Queue] = {
    "pkgstore": Queue("dh.writer.pkgstore", ((EVENTS, "event.stage.passed.*"), (EVENTS, "event.stage.rejected"))),
    "metastore": Queue(
        "dh.writer.metastore",
        ((EVENTS, "event.flow.accepted"), (EVENTS, "event.package.*"), (EVENTS, "event.visibility.changed")),
    ),
    "webhooks": Queue("dh.writer.webhooks", ((EVENTS, "event.package.*"), (EVENTS, "event.visibility.changed"))),
}
RETRY_QUEUES: Mapping[float, Queue] = {
    delay: Queue(f"dh.retry.{delay}", ((f"dh.retry.{delay}", ""),)) for delay in (MOMENT, *RETRY_DELAYS)
}
DEAD_QUEUE = Queue("dh.dead", ((DEAD, ""),))
MEMORY_QUEUE = Queue("dh.memory", ())
"""Holds one message that nobody takes: as long as it is there, the broker has not lost its disk. Not part of what
`declare` makes: it is there when everything that a loss asks for has been done."""
SIGN = (
    b"As long as this is here the broker has kept what it was given. Purge this queue to have all flows started again."
)
QUEUES: tuple[Queue, ...] = (*STAGE_QUEUES.values(), *WRITER_QUEUES.values())
EXCHANGES: Mapping[str, str] = {
    JOBS: "direct",
    EVENTS: "topic",
    DEAD: "fanout",
    **{exchange: "fanout" for queue in RETRY_QUEUES.values() for exchange, _ in queue.bindings},
}


def retry_delay(wanted: float) -> int:
    """The delay of the ladder, in seconds, that is at least `wanted` (else the longest)."""
    return next((delay for delay in RETRY_DELAYS if delay >= wanted), RETRY_DELAYS[-1])


def matches(pattern: str, kind: str) -> bool:
    """AMQP topic matching: words between dots, `*` one word, `#` any number of words (AMQP 0-9-1, 3.1.3.3)."""
    return _match(pattern.split("."), kind.split("."))


def _match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_match(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _match(pattern[1:], words[1:])
