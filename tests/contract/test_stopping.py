"""A consumer of RabbitMQ is stopped in the very moment in which it asks anew."""

from __future__ import annotations

import asyncio
import random

import pytest

from messages.transport.port import Transport
from messages.transport.rabbitmq import RabbitTransport
from tests.contract.observers import PATIENCE, Taker

TIMES = 40

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
