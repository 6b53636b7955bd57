"""A large file goes to the object store in parts: several at a time, each by itself, and never one that is there."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp

from gateway.client.board import Board, Gauge
from gateway.client.connection import CONNECT, LONGEST_PAUSE, Connection, pause_after, reason_of
from gateway.client.failures import RequestFailure, ServerFailure, first_failure
from gateway.client.pace import MOST, Pace
from gateway.client.parted import PartAddress, PartedUpload, PartedUploads, UploadLost
from gateway.client.sizes import size
from gateway.client.upload import Upload, changed_meanwhile, refusal_of

PIECE = 256 * 1024
STALL = 20.0
"""Seconds in which nothing of a part moves: that connection is dead, whatever its ends believe."""
ANSWER = 45.0
"""Seconds from the last byte of a part to the store's answer: some of them still wait in somebody's buffer."""
PATIENCE = 300.0
"""Seconds in which no part at all arrives, after which it is left to the publisher to go on."""
ROUNDS = 5
"""How often an upload that got lost on the way (swept, put together by others) is opened anew."""
AT_A_TIME = 32
"""Parts whose addresses are asked for together."""


@dataclass(slots=True)
class _Progress:
    """Of one file: bytes of parts that are there, of those under way, and when the last arrived."""

    gauge: Gauge
    there: int
    shown: int = 0
    under_way: dict[int, int] = field(default_factory=dict)
    last: float = field(default_factory=time.monotonic)

    def sent(self, number: int, done: int) -> None:
        self.under_way[number] = done
        self.show()

    def arrived(self, number: int, total: int) -> None:
        self.under_way.pop(number, None)
        self.there += total
        self.last = time.monotonic()
        self.show()

    def show(self) -> None:
        # What a cut takes back is not shown as a step back: the bar stands still until it is made good.
        self.shown = max(self.shown, self.there + sum(self.under_way.values()))
        self.gauge.reach(self.shown)


class PartSender:
    """Sends files in parts, at a pace that it keeps from one to the next."""

    def __init__(self, connection: Connection, shown: Board, uploads: PartedUploads) -> None:
        self._session = connection.session
        self._shown = shown
        self._uploads = uploads
        self._pace = Pace()

    async def send(self, upload: Upload) -> None:
        """Upload one file; raises RequestFailure where it changed meanwhile, ServerFailure where it cannot go on."""
        gauge = self._shown.gauge(upload.path, upload.digest.size, "bytes")
        for _ in range(ROUNDS):
            opened = await self._uploads.open(upload)
            if not opened.exists:
                try:
                    await _Sending(self._session, self._uploads, self._pace, upload, opened, gauge).run()
                except UploadLost:
                    continue
            gauge.finish()
            return
        raise ServerFailure(f"{upload.path} could not be put together of its parts in {ROUNDS} attempts")


class _Sending:
    """One file, as far as it is there, and the parts of it that are to go."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        uploads: PartedUploads,
        pace: Pace,
        upload: Upload,
        opened: PartedUpload,
        gauge: Gauge,
    ) -> None:
        self._session = session
        self._uploads = uploads
        self._pace = pace
        self._upload = upload
        self._id = str(opened.id)
        self._parts = dict(enumerate(upload.hashes.parts, 1))
        self._missing = deque(number for number in self._parts if number not in opened.there)
        self._addresses = dict(opened.addresses or {})
        self._asking = asyncio.Lock()
        there = sum(self._parts[number].size for number in opened.there)
        gauge.resume(there)
        self._progress = _Progress(gauge, there)

    async def run(self) -> None:
        """Send what is missing, and have the whole put together; raises UploadLost, Failure."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(MOST, len(self._missing))):
                    group.create_task(self._work())
        except BaseExceptionGroup as errors:
            lost, _ = errors.split(UploadLost)
            raise (UploadLost(self._upload.path) if lost else first_failure(errors)) from None
        await self._uploads.complete(self._id, self._upload)

    async def _work(self) -> None:
        while self._missing:
            number = self._missing.popleft()
            attempt = 1
            while error := await self._attempt(number):
                await asyncio.to_thread(self._refuse_when_changed, number)
                if time.monotonic() - self._progress.last > PATIENCE:
                    raise self._given_up(error)
                await asyncio.sleep(min(pause_after(attempt), LONGEST_PAUSE))
                attempt = min(attempt + 1, 10)

    async def _attempt(self, number: int) -> Exception | None:
        """Send a part; what kept it from arriving."""
        async with self._pace.slot():
            try:
                await self._put(number, await self._address(number))
            except (aiohttp.ClientError, TimeoutError, ServerFailure) as error:
                # The address may have expired.
                self._addresses.pop(number, None)
                self._pace.failed()
                return error
            self._pace.arrived(self._parts[number].size)
        self._progress.arrived(number, self._parts[number].size)
        return None

    async def _put(self, number: int, address: PartAddress) -> None:
        total = self._parts[number].size
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(STALL) as patience:

            def sent(done: int) -> None:
                self._progress.sent(number, done)
                patience.reschedule(loop.time() + (ANSWER if done == total else STALL))

            async with self._session.put(
                address.url,
                data=self._pieces(number, sent),
                headers={**address.headers, "Content-Length": str(total)},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
                allow_redirects=False,
            ) as response:
                answer = await response.text(errors="replace")
        if response.status == 404:
            raise UploadLost(self._upload.path)
        if response.status > 204:
            raise refusal_of(response.status, answer)

    async def _pieces(self, number: int, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
        done, total = 0, self._parts[number].size
        with self._upload.location.open("rb") as file:
            file.seek((number - 1) * self._upload.hashes.part_size)
            while done < total and (piece := await asyncio.to_thread(file.read, min(PIECE, total - done))):
                yield piece
                done += len(piece)
                sent(done)
        if done < total:
            raise EOFError(f"{self._upload.location} became shorter while it was sent")

    async def _address(self, number: int) -> PartAddress:
        """Where a part goes; asked for with those of the parts that come next."""
        async with self._asking:
            now = time.monotonic()
            address = self._addresses.get(number)
            if address is None or address.until < now:
                wanted = [number, *(each for each in self._missing if each not in self._addresses)][:AT_A_TIME]
                parts = {each: self._parts[each] for each in wanted}
                self._addresses |= await self._uploads.addresses(self._id, parts)
                address = self._addresses[number]
        return address

    def _refuse_when_changed(self, number: int) -> None:
        """A part that is not what was hashed can never arrive: its hashes are in the signature."""
        size_of_part = self._upload.hashes.part_size
        try:
            with self._upload.location.open("rb") as file:
                whole = file.seek(0, os.SEEK_END)
                file.seek((number - 1) * size_of_part)
                changed = hashlib.sha256(file.read(size_of_part)).hexdigest() != self._parts[number].sha256
        except OSError as error:
            raise RequestFailure(f"{self._upload.path} cannot be read any more: {error.strerror}") from None
        if changed or whole != self._upload.digest.size:
            raise changed_meanwhile(self._upload)

    def _given_up(self, error: Exception) -> ServerFailure:
        reason = str(error) if isinstance(error, ServerFailure) else reason_of(error)
        there = f"{size(self._progress.there)} of {size(self._upload.digest.size)}"
        return ServerFailure(
            f"{self._upload.path} could not be uploaded, for nothing arrived in {PATIENCE / 60:.0f} minutes: {reason}\n"
            f"{there} are there: `dh push` again goes on from there"
        )
