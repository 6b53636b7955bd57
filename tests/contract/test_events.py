"""Events: any number of listeners, topic patterns, durable subscriptions, watchers."""

from __future__ import annotations

import asyncio

import pytest

from messages.envelope import Message
from messages.transport.port import DeadLetter, Retry, Transport
from tests.contract.factory import TransportFactory
from tests.contract.observers import PATIENCE, Taker, Undertaker, event, job


class Watched:
    """A watcher that notes numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._came = asyncio.Event()

    def __call__(self, message: Message) -> None:
        self.numbers.append(message.data["n"])
        self._came.set()

    async def wait_for(self, number: int) -> list[int]:
        """All that came up to `number`."""
        async with asyncio.timeout(PATIENCE):
            while number not in self.numbers:
                self._came.clear()
                await self._came.wait()
        return self.numbers


async def test_every_listener_gets_every_event(transport: Transport) -> None:
    one, other = Taker(), Taker()
    await transport.subscribe("one", ["event.package.*"])
    await transport.subscribe("other", ["event.package.*"])
    await transport.consume("one", one)
    await transport.consume("other", other)

    await transport.publish(event(1), event(2))

    assert sorted(await one.numbers(2)) == [1, 2]
    assert sorted(await other.numbers(2)) == [1, 2]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("event.package.published", [1]),
        ("event.package.*", [1, 2]),
        ("event.*", [5]),
        ("event.#", [1, 2, 3, 4, 5]),
        ("#", [1, 2, 3, 4, 5]),
        ("event.*.published", [1]),
        ("event.#.passed", [3]),
        ("*.stage.#", [3, 4]),
        ("event.package.published.#", [1]),
    ],
)
async def test_patterns_choose_by_words(transport: Transport, pattern: str, wanted: list[int]) -> None:
    taker = Taker()
    await transport.subscribe("mine", [pattern, "event.end"])
    await transport.consume("mine", taker)

    for number, kind in enumerate(
        ("event.package.published", "event.package.failed", "event.stage.passed", "event.stage.progressed", "event.x"),
        start=1,
    ):
        await transport.publish(event(number, kind))
    await transport.publish(event(99, "event.end"))

    expected = [*wanted, 99]
    assert await taker.numbers(len(expected)) == expected


async def test_what_a_stage_passed_is_the_next_stage_s_job_and_the_writers_news(transport: Transport) -> None:
    stage, writer, other = Taker(Retry(1, "not now"), DeadLetter("never")), Taker(), Taker()
    undertaker = Undertaker()
    await transport.consume("dh.job.encoding", stage)
    await transport.consume("dh.job.csvkind", other)
    await transport.consume("dh.writer.pkgstore", writer)
    await transport.consume_dead(undertaker)

    await transport.publish(event(1, "event.stage.passed.load"))
    first, again = await stage.wait(2)
    (letter,) = await undertaker.wait(1)
    await transport.publish(event(2, "event.stage.passed.dump"))

    assert (first.attempt, again.attempt, again.message) == (1, 2, first.message)
    assert (letter.queue, letter.message) == ("dh.job.encoding", first.message)
    assert await writer.numbers(2) == [1, 2]  # retries and deaths are the stage's own affair
    assert not other.got


async def test_two_patterns_that_match_deliver_once(transport: Transport) -> None:
    taker = Taker()
    await transport.subscribe("mine", ["event.package.*", "event.#"])
    await transport.consume("mine", taker)

    await transport.publish(event(1))
    await transport.publish(event(2))

    assert await taker.numbers(2) == [1, 2]


async def test_no_pattern_of_events_takes_a_job_away(transport: Transport) -> None:
    stage, listener = Taker(), Taker()
    await transport.subscribe("mine", ["#"])
    await transport.consume("mine", listener)
    await transport.consume("dh.job.load", stage)

    await transport.publish(job(1))
    await transport.publish(event(2))

    assert await stage.numbers(1) == [1]
    assert await listener.numbers(1) == [2]


async def test_a_subscription_to_jobs_is_refused(transport: Transport) -> None:
    with pytest.raises(ValueError, match=r"job\.load"):
        await transport.subscribe("mine", ["job.load"])
    with pytest.raises(ValueError, match=r"job\.#"):
        await transport.watch(["job.#"], Watched())


async def test_a_subscription_keeps_events_while_its_service_is_away(transport_factory: TransportFactory) -> None:
    service, publisher = transport_factory(), transport_factory()
    before, after = Taker(), Taker()
    await service.subscribe("mine", ["event.package.*"])
    await service.consume("mine", before)
    await publisher.publish(event(1))
    await before.wait(1)
    await service.close()

    await publisher.publish(event(2))
    await publisher.publish(event(3))
    returned = transport_factory()
    await returned.subscribe("mine", ["event.package.*"])
    await returned.consume("mine", after)

    assert await after.numbers(2) == [2, 3]


async def test_a_watcher_sees_only_what_comes_from_now_on(transport: Transport) -> None:
    watched = Watched()
    await transport.publish(event(1))

    await transport.watch(["event.package.*"], watched)
    await transport.publish(event(2, "event.stage.passed"))
    await transport.publish(event(3))
    await transport.publish(event(4))

    assert await watched.wait_for(4) == [3, 4]


async def test_a_stopped_watcher_sees_no_more(transport: Transport) -> None:
    stopped, other = Watched(), Watched()
    watch = await transport.watch(["event.#"], stopped)
    await transport.watch(["event.#"], other)
    await transport.publish(event(1))
    await stopped.wait_for(1)
    await other.wait_for(1)

    await watch.stop(0)
    await watch.closed()
    await transport.publish(event(2))
    await other.wait_for(2)

    assert stopped.numbers == [1]


async def test_a_watched_event_may_be_large(transport: Transport) -> None:
    watched = Watched()
    await transport.watch(["event.#"], watched)

    await transport.publish(event(1, facts="x" * 1_000_000))

    assert await watched.wait_for(1) == [1]


async def test_a_watcher_that_raises_goes_on_watching(transport: Transport) -> None:
    watched = Watched()

    def clumsy(message: Message) -> None:
        watched(message)
        raise RuntimeError("no such page")

    await transport.watch(["event.#"], clumsy)
    await transport.publish(event(1))
    await transport.publish(event(2))

    assert await watched.wait_for(2) == [1, 2]


async def test_a_watcher_gets_events_within_a_moment(transport: Transport) -> None:
    """A page that follows a push live is only as quick as this."""
    watched = Watched()
    await transport.watch(["event.#"], watched)
    await transport.publish(event(0))
    await watched.wait_for(0)
    began = asyncio.get_running_loop().time()

    for number in range(1, 21):
        await transport.publish(event(number))
        await watched.wait_for(number)

    assert asyncio.get_running_loop().time() - began < 20 * 0.25
