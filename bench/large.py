"""One big CSV: memory of every process, reads of the object store, and other people's small packages meanwhile; the
time of the stages beside that of `md5sum` and one upload of the same file. `--alone` leaves the small packages out.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.servers import TRANSPORTS, percentile, publisher, system
from bench.tables import SCHEMA, csv
from tests.publisher import Publisher, small_package
from tests.stack import Stack

CHUNK = 1 << 20


async def measure(transport: str, size: int, alone: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "big.csv"
        with path.open("wb") as file:
            file.writelines(csv(size))
        async with system(transport) as stack, publisher(stack) as user, publisher(stack, "other") as other:
            peaks: dict[str, float] = defaultdict(float)
            watching = asyncio.create_task(watch(stack, peaks))
            idle = [await small(other, number) for number in range(5)]
            hashed = await asyncio.to_thread(md5sum, path)
            start = time.perf_counter()
            flow, uploaded = await push(user, path)
            sent = time.perf_counter() - start
            ending = asyncio.create_task(user.ended(flow, deadline=3600))
            busy: list[float] = []
            while not ending.done() and not alone:
                busy.append(await small(other, 100 + len(busy)))
            status = await ending
            total = time.perf_counter() - start
            watching.cancel()
            assert status["state"] == "SUCCEEDED", status
            report(stack, status, peaks, path.stat().st_size, sent, total)
            print(
                f"  stages and writers: {total - sent:.1f} s, {(total - sent) / (hashed + uploaded):.2f} times md5sum "
                f"({hashed:.1f} s) and one upload ({uploaded:.1f} s)"
            )
            if busy:
                print(
                    f"  small packages of another owner: p50 {percentile(idle, 0.5):.2f} s idle, "
                    f"{percentile(busy, 0.5):.2f} s (max {max(busy):.2f} s) meanwhile, {len(busy)} of them"
                )


def md5sum(path: Path) -> float:
    """Seconds of the command."""
    start = time.perf_counter()
    subprocess.run(["md5sum", path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def report(
    stack: Stack, status: dict[str, Any], peaks: dict[str, float], actual: int, sent: float, total: float
) -> None:
    rows = sum(resource["rows"] or 0 for resource in status["resources"])
    print(f"  {actual / 1e9:.2f} GB, {rows} rows: uploaded in {sent:.0f} s, published after {total:.0f} s")
    for name, peak in sorted(peaks.items()):
        print(f"  peak RSS {name}: {peak / 1e6:.0f} MB")
    log = [json.loads(line) for line in stack.log("stages").splitlines() if line.startswith("{")]
    fetched = [entry for entry in log if entry["event"] == "object_fetched" and entry["size"] == actual]
    print(f"  fetches of the big object by the stages: {len(fetched)}")


async def small(user: Publisher, number: int) -> float:
    """Seconds of a small push to published."""
    start = time.perf_counter()
    status = await user.ended(await user.push(*small_package("small", number)), deadline=300)
    assert status["state"] == "SUCCEEDED", status
    return time.perf_counter() - start


async def push(user: Publisher, path: Path) -> tuple[str, float]:
    """Push one file, streamed from disk: the flow, and the seconds of the upload itself."""
    with path.open("rb") as file:
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        while chunk := file.read(CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
    declared = {
        "length": path.stat().st_size,
        "md5": base64.b64encode(md5.digest()).decode(),
        "sha256": sha256.hexdigest(),
    }
    form = (await user.authorize({"big.csv": declared}))["big.csv"]
    fields = aiohttp.FormData()
    for name, value in form["upload_query"].items():
        fields.add_field(name, value)
    fields.add_field("file", path.open("rb"), filename="big.csv", content_type=form["upload_query"]["Content-Type"])
    timeout = aiohttp.ClientTimeout(total=3600)
    start = time.perf_counter()
    async with user.session.post(form["upload_url"], data=fields, timeout=timeout) as answer:
        assert answer.status < 300, await answer.text()
    uploaded = time.perf_counter() - start
    descriptor = {"name": "big", "resources": [{"name": "big", "path": "big.csv", "schema": SCHEMA}]}
    answer_ = await user.post(descriptor, {"big.csv": f"{form['upload_url']}/{form['upload_query']['key']}"})
    assert answer_["success"], answer_
    flow_id: str = answer_["flow_id"]
    return flow_id, uploaded


async def watch(stack: Stack, peaks: dict[str, float]) -> None:
    """Keep the highest RSS of every process of the system, by role: ours, their sandboxes, the servers."""
    this = psutil.Process()
    while True:
        roles = {started.pid: role for role, started in stack.processes.items()}
        for process in this.children(recursive=True):
            try:
                role = roles.get(process.pid) or roles.get(process.ppid()) or process.name()
                sandbox = ", sandbox" if process.pid not in roles and role in roles.values() else ""
                peaks[role + sandbox] = max(peaks[role + sandbox], process.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, default="postgres")
    parser.add_argument("--size", type=int, default=1_000_000_000, help="bytes")
    parser.add_argument("--alone", action="store_true", help="no other packages meanwhile")
    words = parser.parse_args()
    print(f"{words.transport}:")
    asyncio.run(measure(words.transport, words.size, words.alone))


if __name__ == "__main__":
    main()
