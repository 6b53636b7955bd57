"""Takers that die: real processes, killed with SIGKILL."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from messages.transport.port import Transport
from tests.contract.factory import TransportFactory
from tests.contract.observers import PATIENCE, Taker, Undertaker, job


async def start_taker(url: str, slots: int = 1) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.taker", url, "dh.job.load", str(slots)), stdout=PIPE
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
    assert "its taker died" in record.trail[-1].error
    taker = Taker()
    await transport.consume("dh.job.load", taker)
    await transport.publish(job(99))
    await taker.wait(1)
    while taker.got[-1].message.data["n"] != 99:
        await taker.wait(len(taker.got) + 1)
    assert len(undertaker.got) == 1


async def test_innocents_that_work_beside_a_killer_are_never_set_aside(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    undertaker = Undertaker()
    await transport.consume_dead(undertaker)
    killer = job(1, poison=True)
    # Held until their process dies: all that are in a slot when the killer strikes are hit with it.
    await transport.publish(*(job(number, hold=True) for number in range(2, 9)), killer)

    done = set()
    for _ in range(3):
        process = await start_taker(transport_factory.url, slots=8)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == -9
        assert process.stdout is not None
        words = [line.split() for line in (await process.stdout.read()).decode().splitlines()]
        done |= {int(line[1]) for line in words if line[0] == "done"}

    taker = Taker()
    await transport.consume("dh.job.load", taker, slots=8)
    (record,) = await undertaker.wait(1)
    assert record.message == killer
    rest = await taker.numbers(7 - len(done))
    assert sorted([*done, *rest]) == list(range(2, 9))
    assert len(undertaker.got) == 1


async def test_one_death_of_a_process_with_many_slots_is_one_death(
    transport: Transport, transport_factory: TransportFactory
) -> None:
    undertaker = Undertaker()
    await transport.consume_dead(undertaker)
    await transport.publish(job(1, hold=True))
    process = await start_taker(transport_factory.url, slots=16)
    try:
        await said(process, "took 1")
    finally:
        await kill(process)
    taker = Taker()
    await transport.consume("dh.job.load", taker)

    assert await taker.numbers(1) == [1]
    assert undertaker.got == []
