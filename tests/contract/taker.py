"""A worker in a process of its own, to be killed: `python -m tests.contract.taker URL QUEUE SLOTS`.

It says `took N` for each message (N from its data), dies by SIGKILL where the data says `poison`, holds on for ever
where it says `hold` and no taker has died with it, else says `done N` and settles.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from messages.transport.port import Ack, Delivery, Verdict
from tests.contract.factory import factory_of


async def take(delivery: Delivery) -> Verdict:
    data = delivery.message.data
    print("took", data["n"], flush=True)
    if data.get("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    if data.get("hold") and not delivery.redelivered:
        await asyncio.Event().wait()
    print("done", data["n"], flush=True)
    return Ack()


async def main(url: str, queue: str, slots: str) -> None:
    consumer = await factory_of(url)().consume(queue, take, slots=int(slots))
    print("ready", flush=True)
    await consumer.closed()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
