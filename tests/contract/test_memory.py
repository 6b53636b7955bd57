"""Whether a broker still has what it was given can be asked of it."""

from __future__ import annotations

from messages.topology import MEMORY_QUEUE
from messages.transport.port import Transport
from tests.contract.factory import TransportFactory


async def test_a_new_broker_remembers_nothing_and_one_that_was_told_does(transport: Transport) -> None:
    assert await transport.remembers() is False
    await transport.remember()
    await transport.remember()
    # Counted before it is looked at: RabbitMQ counts what is given back to a queue a moment later.
    assert await transport.depth(MEMORY_QUEUE.name) == 1
    assert [await transport.remembers() for _ in range(5)] == [True] * 5
    await transport.remember()
    assert await transport.remembers() is True


async def test_any_process_sees_it(transport_factory: TransportFactory) -> None:
    await transport_factory().remember()
    assert await transport_factory().remembers() is True


async def test_a_broker_that_lost_it_says_so_and_can_be_told_again(transport_factory: TransportFactory) -> None:
    transport = transport_factory()
    await transport.remember()
    await transport_factory.delete_queue(MEMORY_QUEUE.name)
    assert await transport.remembers() is False
    await transport.declare()  # makes everything else
    assert await transport.remembers() is False
    await transport.remember()
    assert await transport.remembers() is True
