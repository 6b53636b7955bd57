"""Large files over a bad line to a real store: what arrived never goes again, what is garbled never arrives."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import random
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.client.board import LineBoard
from gateway.client.connection import connected
from gateway.client.cut import MOST_PARTS, PART, hash_in_parts, part_size_of
from gateway.client.datahub import DataHub
from gateway.client.failures import RequestFailure, ServerFailure
from gateway.client.follow import follow
from gateway.client.inparts import PartSender
from gateway.client.pace import FIRST, MOST, Pace
from gateway.client.parted import PartedUpload, PartedUploads
from gateway.client.sizes import size
from gateway.client.spec import source_spec
from gateway.client.terminal import Terminal
from gateway.client.upload import Upload
from messages.datapackage import BlobRef
from messages.multipart import SMALLEST
from messages.settings import Settings, StoreSettings
from tests import services
from tests.client.badlink import BadLink, Fault, bad_link, faults
from tests.client.publisher import Publisher as Person
from tests.client.screen import on_a_terminal
from tests.gateway.conftest import Gateway, Publisher, serving, settings_for, shared_settings
from tests.stack import plain_environment
from tests.warm import run_dh

CONTENT = random.Random(11).randbytes(5 * SMALLEST + 70_000)
BOARD = LineBoard(Terminal(as_json=True))
HEADS = 4_096
"""Bytes at the most of a request without its body."""
NUMBERS = itertools.count()


@pytest_asyncio.fixture(scope="module")
async def line(object_store: StoreSettings) -> AsyncIterator[BadLink]:
    async with bad_link(object_store.endpoint_url) as line:
        yield line


@pytest_asyncio.fixture(scope="module")
async def settings(
    postgres: services.DatabaseServer, object_store: StoreSettings, line: BadLink
) -> AsyncIterator[Settings]:
    """Of a gateway that sends publishers to the store over the line."""
    async with shared_settings(postgres, replace(object_store, public_url=line.url)) as settings:
        yield settings


@pytest_asyncio.fixture(scope="module")
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    async with serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def carol(gateway: Gateway) -> Publisher:
    """Somebody new, of whom nothing is there."""
    return await gateway.publisher(f"carol{next(NUMBERS)}")


@pytest.fixture
def link(line: BadLink) -> BadLink:
    """The line, as good as new."""
    line.carried, line.faults, line.met = 0, [], []
    return line


def file_in(folder: Path, content: bytes = CONTENT) -> Upload:
    path = folder / "big.bin"
    path.write_bytes(content)
    return Upload("big.bin", path, hash_in_parts(path, SMALLEST))


@asynccontextmanager
async def calls_of(publisher: Publisher) -> AsyncIterator[tuple[PartedUploads, PartSender]]:
    async with connected(publisher.gateway.url) as connection:
        hub = DataHub(connection, publisher.token)
        uploads = PartedUploads(hub, await hub.profile())
        yield uploads, PartSender(connection, BOARD, uploads)


async def send(publisher: Publisher, upload: Upload) -> PartedUpload:
    """Sends it; what is there afterwards."""
    async with calls_of(publisher) as (uploads, sender):
        await sender.send(upload)
        return await uploads.look(upload)


async def stored(publisher: Publisher, place: PartedUpload) -> str:
    """The SHA-256 of what lies there."""
    key, digest = f"{publisher.id}/{place.address.rpartition('/')[2]}", hashlib.sha256()
    blob = BlobRef(bucket="rawstore", key=key, size=len(CONTENT))
    async for chunk in publisher.gateway.parts.blobs.stream(blob):
        digest.update(chunk)
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("seed", "kinds"),
    [
        (1, ["cut", "cut", "cut"]),
        (2, ["cut", "garble", "slow"]),
        (3, ["stall", "garble"]),
    ],
    ids=str,
)
async def test_each_fault_costs_one_part_at_the_most(
    carol: Publisher, link: BadLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, kinds: list[str]
) -> None:
    for patience in ("STALL", "ANSWER"):
        monkeypatch.setattr(f"gateway.client.inparts.{patience}", 4.0)
    upload = file_in(tmp_path)
    link.faults = faults(seed, kinds, len(CONTENT))
    place = await send(carol, upload)
    assert place.exists
    assert sorted(fault.kind for fault in link.met) == sorted(kinds)
    assert await stored(carol, place) == upload.digest.sha256
    twice = link.carried - len(CONTENT) - HEADS * (len(upload.hashes.parts) + len(kinds))
    lost = sum(fault.kind != "slow" for fault in link.met)
    assert 0 < twice <= lost * SMALLEST
    assert await send(carol, upload) == place
    assert link.carried < len(CONTENT) + lost * SMALLEST + HEADS * 20, "what is there goes again"


async def test_a_url_that_expired_on_the_way_is_renewed(settings: Settings, link: BadLink, tmp_path: Path) -> None:
    short = settings_for(settings.database_url, settings.store)
    short = replace(short, gateway=replace(short.gateway, upload_expiry=2))
    upload = file_in(tmp_path, CONTENT[: SMALLEST + 1])
    async with serving(short) as hasty:
        dora = await hasty.publisher(f"dora{next(NUMBERS)}")
        link.freed.clear()
        sending = asyncio.create_task(send(dora, upload))
        await link.wait_for(1)
        await asyncio.sleep(3.5)  # the URL has to expire
        link.freed.set()
        assert (await sending).exists


@pytest.mark.parametrize("change", ["other bytes", "shorter", "longer", "gone"])
async def test_a_file_that_changes_meanwhile_is_named_and_nothing_is_there(
    carol: Publisher, link: BadLink, tmp_path: Path, change: str
) -> None:
    upload = file_in(tmp_path, CONTENT[: SMALLEST + 100_000])
    content = bytearray(upload.location.read_bytes())
    if change == "gone":
        upload.location.unlink()
    else:
        content[SMALLEST + 5] ^= 1
        content = {"shorter": content[:-1], "longer": content + b"x"}.get(change, content)
        upload.location.write_bytes(content)
    async with calls_of(carol) as (uploads, sender):
        with pytest.raises(RequestFailure, match=r"^big\.bin (changed while it was|cannot be read any more)"):
            await sender.send(upload)
        assert not (await uploads.look(upload)).exists


async def test_who_gives_up_says_how_to_go_on_and_from_where(
    carol: Publisher, link: BadLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.client.inparts.PATIENCE", 0.0)
    link.faults = [Fault(len(CONTENT) * 3 // 4, "cut")]
    with pytest.raises(ServerFailure, match=r"(?s)big\.bin could not be uploaded.*`dh push` again goes on from there"):
        await send(carol, file_in(tmp_path))
    async with calls_of(carol) as (uploads, _):
        assert (await uploads.look(file_in(tmp_path))).there


@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGINT], ids=lambda each: each.name)
async def test_ended_and_gone_on_from_another_machine(
    carol: Publisher, link: BadLink, tmp_path: Path, ended: signal.Signals
) -> None:
    """`kill -9` or Ctrl-C in the middle; then another home, another folder, a copy of the file."""
    content = random.Random(12).randbytes(3 * PART + 1_000)
    here, there = (package_in(tmp_path / name, content, carol) for name in ("here", "there"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.client.cli", "push", str(here), "--no-wait"),
        env=variables(here, carol),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    await link.wait_for(3 * PART - SMALLEST // 2)
    link.freed.clear()
    process.send_signal(ended)
    _, complaints = await process.communicate()
    assert process.returncode == (130 if ended == signal.SIGINT else -ended), complaints
    assert (b"`dh push` again goes on" in complaints) == (ended == signal.SIGINT)
    link.freed.set()
    link.cut_all()

    upload = Upload("big.bin", there / "big.bin", hash_in_parts(there / "big.bin", PART))
    async with calls_of(carol) as (uploads, _):
        arrived = sum(upload.hashes.parts[number - 1].size for number in (await uploads.look(upload)).there)
    assert arrived
    planned = json.loads((await run_dh(("push", str(there), "--dry-run", "--json"), variables(there, carol))).stdout)
    # The store may still be busy with a part that reached it just before the end.
    assert len(content) - 3 * PART <= planned["bytes_to_send"] <= len(content) - arrived
    link.carried = 0
    if ended == signal.SIGKILL:
        done = await run_dh(("push", str(there), "--no-wait"), variables(there, carol))
        code, shown = done.code, done.stderr
    else:
        code, shown = await on_a_terminal("push", str(there), "--no-wait", TERM="xterm", **variables(there, carol))
        assert re.search(rf"━.*{size(len(content))} of {size(len(content))}", shown), shown
    assert (code, "MB are there already, going on" in shown) == (0, True), shown
    assert link.carried < planned["bytes_to_send"] + HEADS * 5


async def test_a_large_file_is_published_and_one_that_is_not_what_its_hash_says_is_not(
    publisher: Person, name: str, tmp_path: Path
) -> None:
    """The object store proves the parts, `load` the whole."""
    folder = tmp_path / "package"
    folder.mkdir()
    path = folder / "big.bin"
    path.write_bytes(CONTENT[: 2 * PART + 1_000])
    descriptor: dict[str, Any] = {"name": name, "title": "Big", "resources": [{"name": "big", "path": "big.bin"}]}
    (folder / "datapackage.json").write_text(json.dumps(descriptor))
    assert (await publisher.answer("push", str(folder)))["ok"] is True

    honest = hash_in_parts(path, PART)
    upload = Upload("big.bin", path, replace(honest, whole=replace(honest.whole, sha256="0" * 64)))
    async with connected(publisher.stack.url) as connection:
        hub = DataHub(connection, publisher.token)
        profile = await hub.profile()
        uploads = PartedUploads(hub, profile)
        await PartSender(connection, BOARD, uploads).send(upload)
        spec = source_spec(
            profile, "published", {**descriptor, "name": f"{name}-lie"}, [(upload, await uploads.look(upload))]
        )
        accepted = await hub.post(spec)
        status = await follow(connection, publisher.token, accepted.flow_id, lambda _: None)
    assert (status["state"], "its SHA-256 is" in status["reason"]) == ("FAILED", True)


def package_in(folder: Path, content: bytes, owner: Publisher) -> Path:
    """A package of one large file, in a home with a log-in."""
    folder.mkdir()
    (folder / "big.bin").write_bytes(content)
    descriptor = {"name": "big", "title": "Big", "resources": [{"name": "big", "path": "big.bin"}]}
    (folder / "datapackage.json").write_text(json.dumps(descriptor))
    (folder / "home").mkdir(mode=0o700)
    config = folder / "home" / "config.json"
    config.write_text(json.dumps({"servers": {owner.gateway.url: {"token": owner.token}}}))
    config.chmod(0o600)
    return folder


def variables(folder: Path, owner: Publisher) -> dict[str, str]:
    return {
        **plain_environment(),
        "DH_CONFIG": str(folder / "home" / "config.json"),
        "DH_SERVER": owner.gateway.url,
    }


def test_one_reading_gives_the_hashes_of_all_parts_and_of_the_whole(tmp_path: Path) -> None:
    for length in (1, SMALLEST, SMALLEST + 1, 2 * SMALLEST):
        path = tmp_path / str(length)
        path.write_bytes(CONTENT[:length])
        told: list[int] = []
        hashes = hash_in_parts(path, SMALLEST, told.append)
        pieces = [CONTENT[:length][start : start + SMALLEST] for start in range(0, length, SMALLEST)]
        assert [part.sha256 for part in hashes.parts] == [hashlib.sha256(piece).hexdigest() for piece in pieces]
        assert [part.md5 for part in hashes.parts] == [hashlib.md5(piece).hexdigest() for piece in pieces]  # noqa: S324
        assert [part.size for part in hashes.parts] == [len(piece) for piece in pieces]
        assert (hashes.whole.sha256, told[-1]) == (hashlib.sha256(CONTENT[:length]).hexdigest(), length)


@pytest.mark.parametrize("length", [2 * PART + 1, 50 * 1000**3, 78 * 1024**3 + 1, 5 * 1024**4])
def test_any_file_fits_into_the_parts_that_a_store_takes(length: int) -> None:
    part_size = part_size_of(length)
    assert part_size >= PART
    assert -(-length // part_size) <= MOST_PARTS
    assert part_size_of(2 * PART) == 0


class Line:
    """A line on which each connection has one byte a second, up to as many as it bears."""

    def __init__(self, bears: int) -> None:
        self.bears, self.now = bears, 0.0
        self.pace = Pace(lambda: self.now)

    def round(self) -> int:
        width = self.pace.width
        self.now += max(1.0, width / self.bears)
        for _ in range(width):
            self.pace.arrived(1)
        return width


@pytest.mark.parametrize("bears", [1, 2, 5, 50])
def test_as_many_parts_are_under_way_as_the_line_bears(bears: int) -> None:
    line = Line(bears)
    widths = [line.round() for _ in range(60)]
    wanted = min(bears, MOST)
    assert max(abs(width - wanted) for width in widths[20:]) <= 2
    assert widths[0] == FIRST


def test_a_line_that_fails_gets_half_as_many_once() -> None:
    line = Line(50)
    for _ in range(20):
        line.round()
    width = line.pace.width
    for _ in range(3):
        line.pace.failed()
    assert (width > MOST // 2, line.pace.width) == (True, width // 2)
    line.round()
    for _ in range(8):
        line.pace.failed()
        line.pace.arrived(1)
    assert line.pace.width == 1
