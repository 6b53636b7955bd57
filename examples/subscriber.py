"""A downstream service: hears of every package that is published or fails, and prints one line for each.

    AMQP_URL=amqp://… python examples/subscriber.py      (or DATABASE_URL=postgresql://… where there is no broker)

The subscription is durable: what happens while this program is not running waits for it. An event may come twice,
always under the same id: whoever acts on events keeps the ids, best in the database transaction of the action itself.
"""

from __future__ import annotations

import asyncio
import os

from messages.events import PackageFailed, PackagePublished
from messages.transport import transport_at
from messages.transport.port import Ack, Delivery, Verdict

QUEUE = "example.subscriber"


async def main() -> None:
    seen: set[str] = set()

    async def hear(delivery: Delivery) -> Verdict:
        message = delivery.message
        if message.id not in seen:
            seen.add(message.id)
            if message.kind == PackagePublished.KIND:
                package = PackagePublished.from_message(message)
                print(f"published {package.flow.id}: {package.title}, {package.rows} rows", flush=True)
            elif message.kind == PackageFailed.KIND:
                failure = PackageFailed.from_message(message)
                print(f"failed {failure.flow.id}: {failure.reason}", flush=True)
        return Ack()

    transport = transport_at(os.environ.get("AMQP_URL") or os.environ["DATABASE_URL"])
    await transport.subscribe(QUEUE, ["event.package.*"])
    print("listening", flush=True)
    consumer = await transport.consume(QUEUE, hear)
    await consumer.closed()


if __name__ == "__main__":
    asyncio.run(main())
