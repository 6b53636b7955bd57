"""A link that is dead though nobody has hung up: another does the work, and the late verdict changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from messages.transport.port import Transport
from messages.transport.rabbitmq.link import HEARTBEAT
from tests.contract.factory import TransportFactory, factory_of
from tests.contract.observers import Holder, Taker, Undertaker, job
from tests.gateway.gate import gate_to

pytestmark = pytest.mark.timeout(180)

NOTICED = 3.5 * HEARTBEAT
"""Seconds after which the broker has given up a taker that it does not hear of (the embedded transport: its lease)."""


async def test_what_was_held_behind_a_dead_link_is_done_by_another_and_the_late_verdict_changes_nothing(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    undertaker, holder, other = Undertaker(), Holder(), Taker()
    await transport.consume_dead(undertaker)
    async with gate_to(transport_factory.url) as gate:
        behind = factory_of(gate.url)
        consumer = await behind().consume("dh.job.load", holder)
        await transport.publish(job(1))
        await holder.wait(1)

        gate.block()
        await transport.consume("dh.job.load", other)
        async with asyncio.timeout(NOTICED):
            while not other.got:
                await asyncio.sleep(0.1)
        holder.release.set()  # as far as it knows it has done the job itself
        await gate.open()
        await consumer.stop(grace=1)
        await behind.close()

    await transport.publish(job(2))
    assert await other.numbers(2) == [1, 2]
    assert await transport.depth("dh.job.load") == 0
    assert undertaker.got == []


async def test_a_publish_into_a_dead_link_is_an_error_in_time_and_what_was_confirmed_is_there(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    async with gate_to(transport_factory.url) as gate:
        behind = factory_of(gate.url)
        publisher = behind()
        await publisher.publish(job(1, "dump"))
        gate.block()
        failure = (await asyncio.gather(publisher.publish(job(2, "dump")), return_exceptions=True))[0]
        assert type(failure).__name__ == "TransientError"
        await gate.open()
        await behind.close()
    taker = Taker()
    await transport.consume("dh.job.dump", taker)
    assert 1 in await taker.numbers(1)
