"""Whether a broker still has the message that was left in it: see `Transport.remembers`."""

from __future__ import annotations

import asyncio

from messages.topology import MEMORY_QUEUE
from messages.transport.rabbitmq.link import DEADLINE, Link, Missing, trouble
from messages.transport.rabbitmq.publisher import close_channel


async def has_sign(link: Link) -> bool:
    """True where it is there. A message and not only its queue, which a backup of the broker's definitions brings back.

    A count of the queue will not do: it is 0 as well while a queue that has just been started elects its leader.
    """
    channel = await link.channel()
    try:
        with trouble(f"looking into {MEMORY_QUEUE.name}"):
            async with asyncio.timeout(DEADLINE):
                queue = await channel.get_queue(MEMORY_QUEUE.name, ensure=False)
                sign = await queue.get(fail=False)
                if sign is not None:
                    await sign.nack()
    except Missing:
        return False
    finally:
        await close_channel(channel)
    return sign is not None
