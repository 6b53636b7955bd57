"""A relay that is killed after the broker's confirm and before its own commit: `… dying_relay DATABASE BROKER`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from messages.database import open_pool
from messages.outbox import Relay
from tests.contract.factory import factory_of


async def main(database_url: str, broker_url: str) -> None:
    transport: Any = factory_of(broker_url)()
    publish = transport.publish

    async def publish_and_die(*messages: object) -> None:
        await publish(*messages)
        os.kill(os.getpid(), signal.SIGKILL)

    transport.publish = publish_and_die
    await Relay(await open_pool(database_url), transport).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
