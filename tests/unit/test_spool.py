"""The spool: fetched once, bounded, never pulled away under a reader."""

from __future__ import annotations

import asyncio
import hashlib
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from messages.datapackage import BlobRef
from messages.errors import PermanentError, TransientError
from messages.spool import Spool

CONTENT = b"some bytes"
PIECE = 1_000_000


def blob_of(content: bytes) -> BlobRef:
    return BlobRef(bucket="b", key="k", size=len(content), sha256=hashlib.sha256(content).hexdigest())


class Store:
    """Where objects come from, and how often they did."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.fetched = 0

    async def fetch(self, path: Path) -> None:
        self.fetched += 1
        path.write_bytes(self.content[: len(self.content) // 2])
        await asyncio.sleep(0.05)
        path.write_bytes(self.content)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    with Spool(tmp_path / "spool", 10 * PIECE) as spool:
        yield spool


async def read(spool: Spool, store: Store) -> bytes:
    async with spool.checkout(blob_of(store.content), store.fetch) as path:
        return path.read_bytes()


async def test_object_is_fetched_once_however_often_and_however_many_want_it(spool: Spool) -> None:
    store = Store()
    together = await asyncio.gather(*(read(spool, store) for _ in range(20)))
    later = await read(spool, store)
    assert {*together, later} == {CONTENT}
    assert store.fetched == 1


async def test_processes_that_want_the_same_object_at_once_fetch_it_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = f"""
import asyncio
from pathlib import Path
from tests.unit.test_spool import CONTENT, Store, Spool, blob_of, read
class Logging(Store):
    async def fetch(self, path):
        with open({str(log)!r}, "a") as file:
            file.write("fetched\\n")
        await super().fetch(path)
with Spool(Path({str(tmp_path / "spool")!r}), 10**9) as spool:
    assert asyncio.run(read(spool, Logging())) == CONTENT
"""
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", program) for _ in range(4)]
    codes = [await process.wait() for process in processes]
    assert codes == [0, 0, 0, 0]
    assert log.read_text() == "fetched\n"


async def test_reader_keeps_its_file_when_another_process_evicts_everything(tmp_path: Path, spool: Spool) -> None:
    store = Store()
    await read(spool, store)
    async with spool.checkout(blob_of(CONTENT), store.fetch) as path:
        for kept in (tmp_path / "spool").glob("boot-*/objects/*"):
            kept.unlink()
        assert path.read_bytes() == CONTENT
    assert not path.exists()
    assert await read(spool, store) == CONTENT
    assert store.fetched == 2


async def test_least_recently_used_copies_go_first_and_those_in_use_stay(spool: Spool) -> None:
    stores = [Store(bytes([number]) * PIECE) for number in range(3)]
    for store in stores:
        await read(spool, store)
    await read(spool, stores[0])
    async with spool.checkout(blob_of(stores[1].content), stores[1].fetch):
        spool.evict(2 * PIECE + PIECE // 2)
    for store in stores:
        await read(spool, store)
    assert [store.fetched for store in stores] == [1, 1, 2]


async def test_capacity_bounds_what_is_kept(tmp_path: Path, spool: Spool) -> None:
    for number in range(40):
        await read(spool, Store(bytes([number]) * PIECE))
    kept = sum(path.stat().st_size for path in (tmp_path / "spool").glob("boot-*/objects/*"))
    assert kept <= 11 * PIECE


async def test_object_larger_than_the_capacity_is_served(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool", 1000) as spool:
        assert len(await read(spool, Store(b"x" * PIECE))) == PIECE


async def test_added_bytes_need_no_fetch(spool: Spool) -> None:
    store = Store()
    with spool.workdir() as directory:
        (directory / "made").write_bytes(CONTENT)
        spool.add(directory / "made", str(blob_of(CONTENT).sha256))
    assert await read(spool, store) == CONTENT
    assert store.fetched == 0


async def test_failed_fetch_leaves_nothing_behind(tmp_path: Path, spool: Spool) -> None:
    async def half(path: Path) -> None:
        path.write_bytes(CONTENT[:3])
        raise TransientError("the store went away")

    with pytest.raises(TransientError):
        async with spool.checkout(blob_of(CONTENT), half):
            raise AssertionError("a half object was handed out")
    files = [path for path in (tmp_path / "spool").rglob("*") if path.is_file() and path.stat().st_size]
    assert files == []
    assert await read(spool, Store()) == CONTENT


async def test_full_disk_is_transient_and_makes_room(tmp_path: Path, spool: Spool) -> None:
    async def full(path: Path) -> None:
        Path("/dev/full").write_bytes(CONTENT)

    await read(spool, Store())
    with pytest.raises(TransientError, match="full"):
        async with spool.checkout(blob_of(b"other"), full):
            raise AssertionError
    assert list((tmp_path / "spool").glob("boot-*/objects/*")) == []


def test_directory_is_ours_alone(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool", PIECE):
        assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "spool")
    with pytest.raises(PermanentError, match="another account"), Spool(tmp_path / "link", PIECE):
        pass


def test_leavings_of_dead_processes_and_earlier_boots_are_removed_and_those_of_the_living_kept(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    with Spool(root, PIECE) as living, living.workdir() as used:
        boot = next(root.glob("boot-*"))
        abandoned = boot / "work" / "dead"
        abandoned.mkdir()
        (abandoned / ".lock").touch()
        (root / "boot-before").mkdir()
        (root / "unrelated").mkdir()
        with Spool(root, PIECE):
            assert not abandoned.exists()
            assert not (root / "boot-before").exists()
            assert (root / "unrelated").exists()
            assert used.exists()
