"""Verdicts: again later, never again, and what becomes of bugs and of bytes that are none of ours."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta

import pytest

from messages.errors import Unroutable
from messages.topology import DELIVERY_LIMIT
from messages.transport.port import Ack, DeadLetter, DeadLetterRecord, Delivery, Retry, Transport, Verdict
from tests.contract.factory import TransportFactory
from tests.contract.observers import Noted, Taker, Undertaker, event, job


async def test_a_retry_waits_and_counts(transport: Transport) -> None:
    taker = Taker(Retry(1, "not yet"), Retry(1, "not yet"))
    await transport.consume("dh.job.load", taker)
    began = time.monotonic()

    await transport.publish(job(1))

    deliveries = await taker.wait(3)
    assert [delivery.attempt for delivery in deliveries] == [1, 2, 3]
    assert [delivery.message.data["n"] for delivery in deliveries] == [1, 1, 1]
    assert time.monotonic() - began >= 2


async def test_a_retry_returns_to_its_own_queue_only(transport: Transport) -> None:
    retrying, other = Taker(Retry(1, "not yet")), Taker()
    await transport.subscribe("other", ["event.package.*"])
    await transport.subscribe("mine", ["event.package.*"])
    await transport.consume("mine", retrying)
    await transport.consume("other", other)

    await transport.publish(event(1))
    await retrying.wait(2)
    await transport.publish(event(2))

    assert await other.numbers(2) == [1, 2]


async def test_a_long_retry_does_not_hold_back_a_short_one(transport: Transport) -> None:
    verdicts = {1: Retry(30, "long"), 2: Retry(1, "short")}
    noted: Noted[int] = Noted()

    async def take(delivery: Delivery) -> Verdict:
        await noted.note(delivery.message.data["n"])
        return verdicts.pop(delivery.message.data["n"], None) or Ack()

    await transport.consume("dh.job.load", take)
    await transport.publish(job(1))
    await noted.wait(1)
    await transport.publish(job(2))
    began = time.monotonic()

    assert await noted.wait(3) == [1, 2, 2]
    assert time.monotonic() - began < 20


async def test_a_waiting_retry_occupies_no_slot(transport: Transport) -> None:
    taker = Taker(Retry(30, "later"))
    await transport.consume("dh.job.load", taker)

    await transport.publish(job(1), job(2))

    assert await taker.numbers(2) == [1, 2]


async def test_a_dead_letter_keeps_body_queue_reason_and_attempts(transport: Transport) -> None:
    taker, undertaker = Taker(Retry(1, "not yet"), DeadLetter("the bucket is gone")), Undertaker()
    await transport.consume("dh.job.load", taker)
    await transport.consume_dead(undertaker)
    message = job(1)

    await transport.publish(message)

    (record,) = await undertaker.wait(1)
    assert record.body == message.encode()
    assert record.message == message
    assert record.queue == "dh.job.load"
    assert record.reason == "the bucket is gone"
    assert record.attempts == 2
    assert [(attempt.number, attempt.error) for attempt in record.trail] == [(1, "not yet"), (2, "the bucket is gone")]
    first, second = (datetime.fromisoformat(attempt.at) for attempt in record.trail)
    assert timedelta() < second - first < timedelta(minutes=5)
    assert [delivery.attempt for delivery in taker.got] == [1, 2]


async def test_a_dead_letter_waits_until_somebody_reads_it(transport_factory: TransportFactory) -> None:
    transport = transport_factory()
    taker, undertaker = Taker(DeadLetter("no")), Undertaker()
    await transport.consume("dh.job.load", taker)
    await transport.publish(job(1))
    await taker.wait(1)
    await transport.close()

    await transport_factory().consume_dead(undertaker)

    (record,) = await undertaker.wait(1)
    assert record.reason == "no"


async def test_a_dead_letter_that_cannot_be_handled_yet_comes_again_unchanged(transport: Transport) -> None:
    noted: Noted[DeadLetterRecord] = Noted()

    async def bury(record: DeadLetterRecord) -> Verdict:
        await noted.note(record)
        return Ack() if len(noted.got) > 1 else Retry(1, "the database is down")

    await transport.consume("dh.job.load", Taker(DeadLetter("no")))
    await transport.consume_dead(bury)

    await transport.publish(job(1))

    first, second = await noted.wait(2)
    assert first == second
    assert (first.queue, first.reason, first.attempts) == ("dh.job.load", "no", 1)


async def test_a_handler_that_raises_is_retried_then_dead_lettered(transport: Transport) -> None:
    noted: Noted[Delivery] = Noted()
    undertaker = Undertaker()

    async def broken(delivery: Delivery) -> Verdict:
        await noted.note(delivery)
        raise KeyError("rows")

    await transport.consume("dh.job.load", broken)
    await transport.consume_dead(undertaker)

    await transport.publish(job(1))

    (record,) = await undertaker.wait(1)
    assert [delivery.attempt for delivery in noted.got] == [1, 2, 3]
    assert record.reason == "KeyError: 'rows'"
    assert record.attempts == DELIVERY_LIMIT == 3
    assert [(attempt.number, attempt.error) for attempt in record.trail] == [(n, record.reason) for n in (1, 2, 3)]


async def test_a_handler_that_is_cancelled_by_what_it_calls_is_retried_too(transport: Transport) -> None:
    """A lost connection inside a handler surfaces as CancelledError, which `except Exception` does not see."""
    noted: Noted[Delivery] = Noted()

    async def unlucky(delivery: Delivery) -> Verdict:
        await noted.note(delivery)
        if delivery.attempt == 1:
            lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            lost.cancel()
            await lost
        return Ack()

    await transport.consume("dh.job.load", unlucky)

    await transport.publish(job(1))

    assert [delivery.attempt for delivery in await noted.wait(2)] == [1, 2]


async def test_a_raising_handler_does_not_stop_its_queue(transport: Transport) -> None:
    noted: Noted[int] = Noted()

    async def brittle(delivery: Delivery) -> Verdict:
        await noted.note(delivery.message.data["n"])
        if delivery.message.data["n"] == 1:
            raise ValueError("one")
        return Ack()

    await transport.consume("dh.job.load", brittle)

    await transport.publish(job(1), job(2))

    assert (await noted.wait(2))[:2] == [1, 2]


async def test_undecodable_bytes_go_to_the_dead_letters_at_once(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    taker, undertaker = Taker(), Undertaker()
    await transport.consume("dh.job.load", taker)
    await transport.consume_dead(undertaker)

    await transport_factory.put_raw("dh.job.load", b"\xff not ours")
    await transport.publish(job(1))

    (record,) = await undertaker.wait(1)
    assert record.body == b"\xff not ours"
    assert record.message is None
    assert record.queue == "dh.job.load"
    assert "not JSON" in record.reason
    assert record.attempts == 1
    assert await taker.numbers(1) == [1]


async def test_a_dead_letter_goes_back_into_its_queue_alone(transport: Transport) -> None:
    refusing, other, undertaker = Taker(DeadLetter("no")), Taker(), Undertaker()
    await transport.subscribe("other", ["event.package.*"])
    await transport.subscribe("mine", ["event.package.*"])
    await transport.consume("mine", refusing)
    await transport.consume("other", other)
    await transport.consume_dead(undertaker)
    await transport.publish(event(1))
    (record,) = await undertaker.wait(1)

    await transport.put(record.queue, record.body)

    first, second = await refusing.wait(2)
    assert first.message == second.message
    assert (second.attempt, second.queue) == (1, "mine")
    await transport.publish(event(2))
    assert await other.numbers(2) == [1, 2]
    with pytest.raises(Unroutable):
        await transport.put("nobody", record.body)
