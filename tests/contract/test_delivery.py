"""Published is kept, delivered at least once, settled once, in bounded slots."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from messages.errors import PermanentError, Unroutable
from messages.transport.port import Ack, Delivery, Transport, Verdict
from tests.contract.factory import TransportFactory
from tests.contract.observers import Holder, Taker, event, job


async def test_a_job_is_delivered_as_it_was_said(transport: Transport) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker)

    await transport.publish(job(1, name="Zürich\n", nested={"deep": [1, None, True, 2.5]}))

    (delivery,) = await taker.wait(1)
    assert delivery.queue == "dh.job.load"
    assert delivery.attempt == 1
    assert not delivery.redelivered
    assert delivery.message.kind == "job.load"
    assert delivery.message.flow == "o/d/1"
    assert delivery.message.data == {"n": 1, "name": "Zürich\n", "nested": {"deep": [1, None, True, 2.5]}}


async def test_what_was_said_before_anybody_listened_is_kept(transport: Transport) -> None:
    await transport.publish(job(1), job(2), job(3))
    assert await transport.depth("dh.job.load") == 3
    assert await transport.depth("dh.job.load", most=2) in (2, 3)  # more only where it costs nothing
    taker = Taker()

    await transport.consume("dh.job.load", taker)

    assert await taker.numbers(3) == [1, 2, 3]
    assert await transport.depth("dh.job.load") == 0


async def test_a_settled_message_never_returns(transport_factory: TransportFactory) -> None:
    first, second = Taker(), Taker()
    transport = transport_factory()
    await transport.consume("dh.job.load", first)
    await transport.publish(job(1))
    await first.wait(1)
    await transport.close()

    other = transport_factory()
    await other.consume("dh.job.load", second)
    await other.publish(job(2))

    assert await second.numbers(1) == [2]


async def test_each_job_has_exactly_one_taker(transport_factory: TransportFactory) -> None:
    taker = Taker()
    for _ in range(3):
        await transport_factory().consume("dh.job.load", taker, slots=2)

    await transport_factory().publish(*(job(number) for number in range(30)))

    assert sorted(await taker.numbers(30)) == list(range(30))


async def test_slots_bound_what_is_taken_at_the_same_time(transport: Transport) -> None:
    holder, neighbour = Holder(), Taker()
    await transport.consume("dh.job.load", holder, slots=2)

    await transport.publish(*(job(number) for number in range(5)))
    await holder.wait(2)
    # What the slots do not hold is free for others: nothing was fetched ahead.
    await transport.consume("dh.job.load", neighbour)
    assert sorted(await neighbour.numbers(3)) == [2, 3, 4]

    assert holder.most_at_once == 2
    holder.release.set()


async def test_slots_are_refilled(transport: Transport) -> None:
    holder = Holder()
    holder.release.set()
    await transport.consume("dh.job.load", holder, slots=3)

    await transport.publish(*(job(number) for number in range(20)))

    await holder.wait(20)
    assert holder.most_at_once <= 3


async def test_queues_do_not_wait_for_each_other(transport: Transport) -> None:
    stuck, free = Holder(), Taker()
    await transport.consume("dh.job.load", stuck)
    await transport.consume("dh.job.dump", free)

    await transport.publish(job(1, "load"))
    await stuck.wait(1)
    await transport.publish(job(2, "dump"))

    assert await free.numbers(1) == [2]
    stuck.release.set()


async def test_a_job_that_no_queue_takes_is_refused(transport: Transport) -> None:
    with pytest.raises(Unroutable, match=r"job\.nosuchstage"):
        await transport.publish(job(1, "nosuchstage"))

    await transport.publish(job(2))  # and the channel is none the worse for it
    assert await transport.depth("dh.job.load") == 1


async def test_what_is_said_at_the_same_time_fails_or_arrives_each_for_itself(transport: Transport) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker, slots=8)
    good = [job(number) for number in range(60)]
    large = [job(100 + number, blob="x" * 1_500_000) for number in range(3)]
    no_text = replace(job(200), id="\0")  # which PostgreSQL has in no text, and AMQP does not mind
    bad = [job(300, "nosuchstage"), job(301, blob="x" * (16 * 1024 * 1024))]
    said = [*good, bad[0], *large, no_text, bad[1]]
    outcomes = await asyncio.gather(*(transport.publish(message) for message in said), return_exceptions=True)
    failed = {message.data["n"] for message, error in zip(said, outcomes, strict=True) if error is not None}
    assert failed - {200} == {300, 301}
    assert {*range(60), 100, 101, 102} <= set(await taker.numbers(63 + (200 not in failed)))


async def test_an_event_that_nobody_awaits_is_dropped_quietly(transport: Transport) -> None:
    await transport.publish(event(1, "event.nobody.cares"))


async def test_a_message_beyond_the_broker_s_limit_is_refused_before_it_is_sent(transport: Transport) -> None:
    with pytest.raises(PermanentError, match="over the limit"):
        await transport.publish(job(1, blob="x" * (16 * 1024 * 1024)))


async def test_a_handler_can_publish(transport: Transport) -> None:
    taker = Taker()

    async def chain(delivery: Delivery) -> Verdict:
        await transport.publish(job(delivery.message.data["n"] + 1, "encoding"), event(9, "event.stage.passed"))
        return Ack()

    await transport.consume("dh.job.load", chain)
    await transport.consume("dh.job.encoding", taker)

    await transport.publish(job(1))

    assert await taker.numbers(1) == [2]


async def test_a_deleted_queue_is_made_anew_and_consumed_again(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker)

    await transport_factory.delete_queue("dh.job.load")
    await transport.declare()
    await transport.publish(job(1))

    assert await taker.numbers(1) == [1]


async def test_stop_lets_running_work_finish(transport: Transport) -> None:
    holder = Holder()
    consumer = await transport.consume("dh.job.load", holder)
    await transport.publish(job(1), job(2))
    await holder.wait(1)

    stopping = asyncio.create_task(consumer.stop(grace=10))
    await asyncio.sleep(0.05)  # long enough for stop to begin; what is asserted does not depend on it
    holder.release.set()
    await stopping

    assert holder.finished == [1]
    assert await transport.depth("dh.job.load") == 1
    await consumer.closed()


async def test_stop_gives_back_what_does_not_finish_in_time(transport_factory: TransportFactory) -> None:
    holder, taker = Holder(), Taker()
    consumer = await transport_factory().consume("dh.job.load", holder, slots=2)
    transport = transport_factory()
    await transport.publish(job(1), job(2), job(3))
    await holder.wait(2)

    await consumer.stop(grace=0.1)
    await transport.consume("dh.job.load", taker)

    assert sorted(holder.cancelled) == [1, 2]
    assert sorted(await taker.numbers(3)) == [1, 2, 3]
    assert {delivery.attempt for delivery in taker.got} == {1}


async def test_given_back_on_purpose_does_not_count_as_dying(transport_factory: TransportFactory) -> None:
    taker = Taker()
    transport = transport_factory()
    await transport.publish(job(1))
    for _ in range(5):
        holder = Holder()
        consumer = await transport.consume("dh.job.load", holder)
        await holder.wait(1)
        await consumer.stop(grace=0)

    await transport.consume("dh.job.load", taker)

    assert await taker.numbers(1) == [1]
    assert await transport.depth("dh.dead") == 0
