"""Connections to RabbitMQ: stopped in the very moment in which they ask anew, refused, lost."""

from __future__ import annotations

import asyncio
import gc
import random
import warnings

import pytest

from messages.errors import TransientError
from messages.transport.port import Transport
from messages.transport.rabbitmq import RabbitTransport
from tests.broker import Broker
from tests.contract.observers import PATIENCE, Taker, job

TIMES = 24

pytestmark = pytest.mark.rabbitmq


async def test_whoever_is_stopped_while_he_asks_anew_stops(amqp_url: str) -> None:
    """The channel that is closed just then takes its connection along, and that must not pass for a lost one."""
    chance = random.Random(7)

    async def start_and_stop() -> None:
        transport: Transport = RabbitTransport(amqp_url, silence=0.02)
        await transport.declare()
        consumer = await transport.consume("dh.job.load", Taker())
        await asyncio.sleep(chance.uniform(0.02, 0.08))
        await consumer.stop(0)
        await transport.close()

    async with asyncio.timeout(PATIENCE * 3):
        for _ in range(TIMES // 4):
            await asyncio.gather(*(start_and_stop() for _ in range(4)))


async def refused() -> None:
    transport = RabbitTransport("amqp://guest:guest@127.0.0.1:1/")
    for _ in range(3):
        with pytest.raises(TransientError):
            await transport.declare()
    await transport.close()


async def lost(broker: Broker) -> None:
    url = await broker.empty()
    transport = RabbitTransport(url)
    await transport.declare()
    await transport.publish(job(1))
    await broker.drop(url)
    for _ in range(2):
        with pytest.raises(TransientError):
            await transport.publish(job(2))
    await transport.close()


@pytest.mark.parametrize("what", ["refused", "lost"])
async def test_a_connection_that_failed_leaves_nothing_to_close(what: str, broker: Broker) -> None:
    """It is collected as garbage in a thread that has no event loop, as happens in any program."""
    gc.disable()
    try:
        await (refused() if what == "refused" else lost(broker))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            await asyncio.to_thread(gc.collect)
    finally:
        gc.enable()
    assert [str(warning.message) for warning in warned if "never awaited" in str(warning.message)] == []
