"""The transport's port: what every implementation promises. `tests/contract` is these promises as tests, run on each.

* Published is kept: `publish` returns only after the broker has taken responsibility (publisher confirm, commit).
* At least once: a delivery that is not settled (worker killed, connection lost) comes again, to anybody.
* One verdict per delivery. A handler that raises is a bug of ours: logged, retried as `Retry(5)`, at most
  `DELIVERY_LIMIT` times.
* `slots` deliveries at a time per consumer, each unsettled one holding exactly one slot (prefetch 1 per slot).
* `Retry` is a new message with attempt + 1, confirmed before the old one is settled; a long one never holds back a
  short one.
* `DeadLetter` keeps body, reason, queue, attempts and the trail of them, readable through `consume_dead`. Undecodable
  messages go there at once, as does a message whose taker died `DELIVERY_LIMIT` times.
* A job without a queue raises Unroutable; an event nobody listens to is dropped quietly.
* A broker that lost its messages (a disk, a purge) is told from one that did not: by a message that stays in it.
* Trouble with the broker surfaces as TransientError within `publish`'s deadline; consumers come back by themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from messages.envelope import Message
from messages.transport.trail import Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message handed to one consumer until settled.

    `attempt` is 1 for the first and counted by us; `redelivered` is only a hint.
    """

    message: Message
    queue: str
    attempt: int
    redelivered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRecord:
    """A message set aside: its bytes as they were, its queue, the reason. `message` None: it is none of ours.

    `trail` has each attempt, with its time and what went wrong.
    """

    id: str
    body: bytes
    message: Message | None
    queue: str
    reason: str
    attempts: int
    trail: Trail = ()


@dataclass(frozen=True, slots=True)
class Ack:
    """Done, for good."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Again, after at least `delay` seconds (rounded up to the ladder of the topology)."""

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Never again: set aside with a reason."""

    reason: str


Verdict = Ack | Retry | DeadLetter
Handler = Callable[[Delivery], Awaitable[Verdict]]
DeadHandler = Callable[[DeadLetterRecord], Awaitable[Verdict]]
Watcher = Callable[[Message], None]


class Consumer(Protocol):
    """A running consumption."""

    async def closed(self) -> None:
        """Returns when it was stopped; raises when it ended by itself and cannot be restored: leave the process."""

    async def stop(self, grace: float) -> None:
        """Takes no more, waits `grace` seconds for running handlers, cancels the rest and gives their messages back."""


class Transport(Protocol):
    """See the module's promises."""

    async def declare(self) -> None:
        """Makes the topology's exchanges and queues exist; repeatable."""

    async def publish(self, *messages: Message) -> None:
        """All are confirmed on return (jobs mandatory). Raises Unroutable, or TransientError in time."""

    async def put(self, queue: str, body: bytes) -> None:
        """Puts bytes into one queue alone, as a first attempt: a dead letter's way back. Raises as `publish`."""

    async def consume(self, queue: str, handler: Handler, *, slots: int = 1) -> Consumer:
        """Calls `handler` for the deliveries of a queue (the topology's, or one of `subscribe`), `slots` at a time."""

    async def consume_dead(self, handler: DeadHandler) -> Consumer:
        """Calls `handler` for each dead letter, one at a time; `Ack` takes it off the queue."""

    async def subscribe(self, queue: str, patterns: Sequence[str]) -> None:
        """Makes a durable queue for a listening service, bound to the events that match the patterns; repeatable."""

    async def watch(self, patterns: Sequence[str], watcher: Watcher) -> Consumer:
        """Calls `watcher` for events from now on, while connected: nothing is kept for it, nothing is redelivered."""

    async def depth(self, queue: str, *, most: int | None = None) -> int:
        """Messages in a queue that nobody has taken yet; where they must be counted for it, up to `most`."""

    async def remembers(self) -> bool:
        """Whether what `remember` left is still there: False on a new broker, and on one that lost its messages."""

    async def remember(self) -> None:
        """Leaves one message, confirmed, in a queue that nobody consumes; repeatable. Raises as `publish`."""

    async def close(self) -> None:
        """Stops every consumer without grace and closes the connections."""
