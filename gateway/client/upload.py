"""Files go to the object store: several at a time, each tried again by itself, none in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from gateway.client.board import Board, Gauge
from gateway.client.connection import CONNECT, Connection, pause_after, reason_of
from gateway.client.cut import Hashes
from gateway.client.datahub import UploadForm
from gateway.client.failures import RequestFailure, ServerFailure, first_failure
from gateway.client.form import make_form
from tabular.hashing import Digest, hash_file

AT_ONCE = 4
ATTEMPTS = 5
IDLE = 60.0  # seconds in which nothing moves
LAST_WORD = 120.0  # seconds for the store to say that it has the whole file


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be uploaded: `path` is its name in the package, `hashes` what its bytes were when it was hashed."""

    path: str
    location: Path
    hashes: Hashes

    @property
    def digest(self) -> Digest:
        return self.hashes.whole


Renew = Callable[[Upload], Awaitable[UploadForm]]
"""A new form for a file: a signature lasts an hour, a slow line longer."""


class Uploader:
    """Sends files to the addresses of their forms."""

    def __init__(self, connection: Connection, shown: Board, renew: Renew) -> None:
        self._session = connection.session
        self._shown = shown
        self._renew = renew
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def send(self, uploads: Sequence[tuple[Upload, UploadForm]]) -> None:
        """Upload all of them; the first that fails for good ends the others and is raised."""
        try:
            async with asyncio.TaskGroup() as group:
                for upload, form in uploads:
                    group.create_task(self._send_in_turn(upload, form))
        except BaseExceptionGroup as group_error:
            raise first_failure(group_error) from None

    async def _send_in_turn(self, upload: Upload, form: UploadForm) -> None:
        async with self._slots:
            gauge = self._shown.gauge(upload.path, upload.digest.size, "bytes")
            for attempt in range(1, ATTEMPTS + 1):
                if attempt > 1:
                    # An answer may have been lost after the file was taken, a signature may have expired.
                    form = await self._renew(upload)
                try:
                    if not form.exists:
                        await self._send(upload, form, gauge)
                except (aiohttp.ClientError, TimeoutError, ServerFailure) as error:
                    await asyncio.to_thread(_refuse_when_changed, upload)
                    if attempt == ATTEMPTS:
                        raise _given_up(upload, error) from None
                    gauge.reach(0)
                    await asyncio.sleep(pause_after(attempt))
                else:
                    gauge.finish()
                    return

    async def _send(self, upload: Upload, form: UploadForm, gauge: Gauge) -> None:
        body = make_form(form.fields, upload.location, upload.digest.size)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(IDLE) as patience:

            def sent(done: int) -> None:
                gauge.reach(done)
                # The end of a big file is followed by the store's own work on all of it.
                rest = LAST_WORD if done == body.size else IDLE
                patience.reschedule(loop.time() + rest)

            async with self._session.post(
                form.url,
                data=body.pieces(sent),
                headers={"Content-Type": body.content_type, "Content-Length": str(body.length)},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
                allow_redirects=False,
            ) as response:
                answer = await response.text(errors="replace")
        if response.status > 204:
            raise refusal_of(response.status, answer)


def refusal_of(status: int, answer: str) -> ServerFailure:
    """What the object store said. Its own words (S3 errors are XML with Code and Message) help whoever runs it."""
    said = " ".join(re.findall(r"<(?:Code|Message)>([^<]*)<", answer)) or answer[:200] or "no reason given"
    return ServerFailure(f"the object store answered {status}: {said}")


def _refuse_when_changed(upload: Upload) -> None:
    """A file that changed since it was hashed can never be accepted: its hash is part of the signature."""
    try:
        size = upload.location.stat().st_size
        changed = size != upload.digest.size or hash_file(upload.location) != upload.digest
    except OSError as error:
        raise RequestFailure(f"{upload.path} cannot be read any more: {error.strerror}") from None
    if changed:
        raise changed_meanwhile(upload)


def changed_meanwhile(upload: Upload) -> RequestFailure:
    """What to say of a file that somebody writes to."""
    return RequestFailure(f"{upload.path} changed while it was being pushed: push again when nobody writes to it")


def _given_up(upload: Upload, error: Exception) -> ServerFailure:
    reason = str(error) if isinstance(error, ServerFailure) else reason_of(error)
    return ServerFailure(f"{upload.path} could not be uploaded in {ATTEMPTS} attempts: {reason}")
