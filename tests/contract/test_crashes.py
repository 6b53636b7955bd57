"""Takers that die: real processes, killed with SIGKILL."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from messages.transport.port import Transport
from tests.contract.factory import TransportFactory
from tests.contract.observers import PATIENCE, Taker, Undertaker, job


async def start_taker(url: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.taker", url, "dh.job.load", stdout=PIPE
    )


async def said(process: Process, line: str) -> None:
    """Waits until the process has said this line."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while (heard := (await process.stdout.readline()).decode().strip()) != line:
            assert heard, f"the process ended with {process.returncode} before it said {line!r}"


async def kill(process: Process) -> None:
    process.kill()
    await process.wait()


async def test_what_a_killed_process_held_comes_again(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    process = await start_taker(transport_factory.url)
    try:
        await transport.publish(job(1, hold=True))
        await said(process, "took 1")
    finally:
        await kill(process)
    taker = Taker()

    await transport.consume("dh.job.load", taker)

    (delivery,) = await taker.wait(1)
    assert delivery.message.data["n"] == 1
    assert delivery.attempt == 1
    assert delivery.redelivered


async def test_what_a_killed_process_had_settled_does_not_come_again(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    process = await start_taker(transport_factory.url)
    try:
        await transport.publish(job(1), job(2, hold=True))
        await said(process, "done 1")
        await said(process, "took 2")
    finally:
        await kill(process)
    taker = Taker()

    await transport.consume("dh.job.load", taker)

    assert await taker.numbers(1) == [2]


async def test_a_message_that_kills_its_takers_is_set_aside_and_no_innocent_one(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    undertaker = Undertaker()
    await transport.consume_dead(undertaker)
    poison = job(1, poison=True)
    await transport.publish(poison, *(job(number) for number in range(2, 12)))

    for _ in range(3):
        process = await start_taker(transport_factory.url)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == -9

    (record,) = await undertaker.wait(1)
    assert record.message == poison
    assert record.queue == "dh.job.load"
    assert record.reason == "its taker died 3 times"
    assert record.attempts == 3
    taker = Taker()
    await transport.consume("dh.job.load", taker)
    await transport.publish(job(99))
    await taker.wait(1)
    while taker.got[-1].message.data["n"] != 99:
        await taker.wait(len(taker.got) + 1)
    assert len(undertaker.got) == 1
