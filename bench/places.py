"""What it costs the database to say where a resource stands, with 100,000 of one owner waiting and 100,000 jobs queued.

`python -m bench.places`: medians of 20 in turns, with the exact count of all that stand before as the peer.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from messages.transport import transport_at
from messages.turns import MOST_PLACES, places_of
from tests import services

OWNER = "0" * 32
ROUNDS = 20
EXACT = "select count(*) from turn where ownerid = $1 and not released and id < (select max(id) from turn)"

_FILL = """
    insert into account (id, username) values ('{owner}', 'bench');
    insert into dataset (id, ownerid, owner, name, findability)
    values ('{owner}/d', '{owner}', 'bench', 'd', 'private');
    insert into flow (id, dataset_id, revision, ownerid, owner, dataset, findability, spec, descriptor)
    select '{owner}/d/' || n, '{owner}/d', n, '{owner}', 'bench', 'd', 'private', '{{}}', '{{}}'
    from generate_series(1, {jobs} / 10) n;
    insert into turn (ownerid, flow_id, index, size)
    select '{owner}', '{owner}/d/' || (n / 10 + 1), n % 10, 1 from generate_series(0, {jobs} - 1) n;
    insert into delivery (queue, message_id, body)
    select 'dh.job.load', n::text, convert_to(repeat('x', 1000), 'UTF8') from generate_series(1, {jobs}) n;
    analyze
"""


async def main(jobs: int) -> None:
    async with services.database_server() as server:
        url = await server.clone()
        connection, transport = await asyncpg.connect(url), transport_at(url)
        await connection.execute(_FILL.format(owner=OWNER, jobs=jobs))
        first, last = (f"{OWNER}/d/{number}" for number in (1, jobs // 10))
        looks: dict[str, Callable[[], Awaitable[Any]]] = {
            "the places of the first flow in line": lambda: places_of(connection, OWNER, first),
            "the places of the last": lambda: places_of(connection, OWNER, last),
            "all that stand before it, counted": lambda: connection.fetchval(EXACT, OWNER),
            "the length of the embedded queue, once in 2 s for all who ask": lambda: transport.depth(
                "dh.job.load", most=MOST_PLACES
            ),
            "the same, all of it counted": lambda: transport.depth("dh.job.load"),
        }
        taken: dict[str, list[float]] = {name: [] for name in looks}
        for _ in range(ROUNDS):
            for name, look in looks.items():
                start = time.perf_counter()
                await look()
                taken[name].append(time.perf_counter() - start)
        for name, times in taken.items():
            print(f"{statistics.median(times) * 1000:8.2f} ms  {name}")
        await transport.close()
        await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    asyncio.run(main(parser.parse_args().jobs))
