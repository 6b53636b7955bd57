"""What parts cost, and what they save: `python -m bench.upload`.

One file on a good line, by one signed form and in parts, in turns; then in parts over a line that cuts, stalls, garbles
and slows it at random points (`tests.client.badlink`): how much went twice. Everything is on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.client import inparts
from gateway.client.board import LineBoard
from gateway.client.connection import connected
from gateway.client.cut import hash_in_parts, part_size_of
from gateway.client.datahub import DataHub, Profile, UploadForm
from gateway.client.inparts import PartSender
from gateway.client.parted import PartedUploads
from gateway.client.spec import upload_request
from gateway.client.terminal import Terminal
from gateway.client.upload import Upload, Uploader
from messages.blobs import Blobs
from messages.settings import StoreSettings
from tests import services
from tests.client.badlink import bad_link, faults
from tests.gateway.conftest import Gateway, serving, shared_settings

BOARD = LineBoard(Terminal(as_json=True))
MB = 1_000_000
PATIENCE = 10.0
"""Seconds after which a stalled part is given up here (20 and 45 in earnest), so that the bench ends sooner."""


def write_file(path: Path, size: int) -> None:
    """Bytes that no store can compress or has already."""
    chance = random.Random(time.time_ns())
    with path.open("wb") as file:
        for start in range(0, size, 16 * MB):
            file.write(chance.randbytes(min(16 * MB, size - start)))


class Bench:
    """One file, sent again and again by publishers of whom nothing is there."""

    def __init__(self, upload: Upload, gateway: Gateway, store: StoreSettings) -> None:
        self._upload = upload
        self._gateway = gateway
        self._store = store
        self._number = 0

    async def by_form(self) -> float:
        """Seconds for the file in one signed form."""
        async with self._publisher() as (hub, profile, uploader, _):
            form = await self._form(hub, profile)
            start = time.perf_counter()
            await uploader.send([(self._upload, form)])
            return time.perf_counter() - start

    async def in_parts(self) -> float:
        """Seconds for the file in parts, beginning and end included."""
        async with self._publisher() as (_, _, _, sender):
            start = time.perf_counter()
            await sender.send(self._upload)
            return time.perf_counter() - start

    async def _form(self, hub: DataHub, profile: Profile) -> UploadForm:
        return (await hub.upload_forms(upload_request(profile, "private", [self._upload])))[self._upload.path]

    @asynccontextmanager
    async def _publisher(self) -> AsyncIterator[tuple[DataHub, Profile, Uploader, PartSender]]:
        """Somebody new; what they sent is removed, for the disk's sake."""
        self._number += 1
        user = await self._gateway.publisher(f"user{self._number}-{time.time_ns() % 10**9}")
        async with connected(self._gateway.url) as connection:
            hub = DataHub(connection, user.token)
            profile = await hub.profile()

            async def renew(_: Upload) -> UploadForm:
                return await self._form(hub, profile)

            yield (
                hub,
                profile,
                Uploader(connection, BOARD, renew),
                PartSender(connection, BOARD, PartedUploads(hub, profile)),
            )
        async with Blobs(self._store) as blobs:
            async for found in blobs.objects(self._store.raw_bucket):
                assert found.size == self._upload.digest.size
                await blobs.delete(found)


async def measure(size: int, rounds: int, kinds: Sequence[str], seed: int, folder: Path) -> None:
    path = folder / "file.bin"
    write_file(path, size)
    start = time.perf_counter()
    upload = Upload("file.bin", path, hash_in_parts(path, part_size_of(size)))
    print(
        f"{size / MB:,.0f} MB, {len(upload.hashes.parts)} parts; hashed at {_rate(size, time.perf_counter() - start)}"
    )
    async with services.database_server() as postgres, services.object_store() as store:
        async with shared_settings(postgres, store) as settings, serving(settings) as gateway:
            await good_line(Bench(upload, gateway, store), size, rounds)
        await bad_line(upload, postgres, store, kinds, seed)
    print(f"peak memory of this program (client and gateway): {_peak():,.0f} MB")


async def good_line(bench: Bench, size: int, rounds: int) -> None:
    ratios = []
    print("| round | one signed form | in parts | ratio |\n| --- | --- | --- | --- |")
    for number in range(rounds):
        # In turns, and each as often first: what is sent second finds the disk busy with what was sent first.
        taken = {}
        for way in (("form", "parts"), ("parts", "form"))[number % 2]:
            taken[way] = await (bench.by_form() if way == "form" else bench.in_parts())
        ratios.append(taken["form"] / taken["parts"])
        print(
            f"| {number + 1} | {_rate(size, taken['form'])} | {_rate(size, taken['parts'])} | {ratios[-1]:.2f} |",
            flush=True,
        )
    print(f"throughput in parts, of that by one form: median {statistics.median(ratios):.2f} (aim 0.9)")


async def bad_line(
    upload: Upload, postgres: services.DatabaseServer, store: StoreSettings, kinds: Sequence[str], seed: int
) -> None:
    inparts.STALL = inparts.ANSWER = PATIENCE
    size, part_size = upload.digest.size, upload.hashes.part_size
    async with bad_link(store.endpoint_url, faults(seed, kinds, size)) as line:
        over = replace(store, public_url=line.url)
        async with shared_settings(postgres, over) as settings, serving(settings) as gateway:
            taken = await Bench(upload, gateway, store).in_parts()
        met = {kind: sum(fault.kind == kind for fault in line.met) for kind in kinds}
        lost = sum(count for kind, count in met.items() if kind != "slow")
        requests = (len(upload.hashes.parts) + lost) * 900  # heads of requests, about
        twice = line.carried - size - requests
        faulty, part = ", ".join(f"{count} {kind}" for kind, count in met.items()), twice / max(lost, 1) / part_size
        print(f"bad line, seed {seed}: {faulty}; {_rate(size, taken)}")
        print(f"sent twice: {twice / MB:,.1f} MB, {part:.2f} of a part for each (aim: at most 1)")


def _rate(size: int, seconds: float) -> str:
    return f"{size / seconds / MB:,.0f} MB/s"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2_000, help="megabytes")
    parser.add_argument("--rounds", type=int, default=4, help="of the good line")
    parser.add_argument("--cuts", type=int, default=20, help="on the bad line; of everything else a tenth")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kinds = ["cut"] * options.cuts + ["stall", "garble", "slow"] * (options.cuts // 10)
    with tempfile.TemporaryDirectory(prefix="dh-bench-") as folder:
        asyncio.run(measure(options.size * MB, options.rounds, kinds, options.seed, Path(folder)))


if __name__ == "__main__":
    main()
