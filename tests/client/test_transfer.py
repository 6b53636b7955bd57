"""Uploads and downloads over bad lines, to bad stores, of files that change: all of it, or an exact error."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from gateway.client.board import LineBoard
from gateway.client.connection import connected
from gateway.client.cut import Hashes
from gateway.client.datahub import UploadForm
from gateway.client.download import Downloader, Wanted
from gateway.client.failures import Failure, RequestFailure, ServerFailure
from gateway.client.terminal import Terminal
from gateway.client.upload import Upload, Uploader
from tabular.hashing import hash_file
from tests.client.server import Handler, serving

CONTENT = bytes(range(256)) * 4000
BOARD = LineBoard(Terminal(as_json=True))


def upload_of(folder: Path, content: bytes = CONTENT) -> Upload:
    path = folder / "big.bin"
    path.write_bytes(content)
    return Upload("big.bin", path, Hashes(hash_file(path)))


async def send(address: str, upload: Upload, renew: Callable[[Upload], Awaitable[UploadForm]] | None = None) -> None:
    form = UploadForm(address, {"key": "k", "policy": "p", "Content-Type": "text/plain"}, exists=False)

    async def again(_: Upload) -> UploadForm:
        return form

    async with connected(address) as connection:
        await Uploader(connection, BOARD, renew or again).send([(upload, form)])


async def test_form_has_its_fields_in_order_then_the_file_and_a_length(tmp_path: Path) -> None:
    got: list[tuple[str | None, bytes]] = []
    lengths: list[int | None] = []

    async def handler(request: web.Request) -> web.Response:
        lengths.append(request.content_length)
        async for part in await request.multipart():
            assert not isinstance(part, type(None))
            got.append((part.name, bytes(await part.read())))  # type: ignore[union-attr]
        return web.Response(status=204)

    async with serving(handler) as address:
        await send(address, upload_of(tmp_path))
    assert [name for name, _ in got] == ["key", "policy", "Content-Type", "file"]
    assert [content for _, content in got] == [b"k", b"p", b"text/plain", CONTENT]
    assert lengths[0] is not None
    assert lengths[0] > len(CONTENT)


async def test_upload_is_tried_again_after_the_store_hung_up_or_was_away(tmp_path: Path) -> None:
    attempts: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        attempts.append(1)
        if len(attempts) == 1:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()  # to nobody
        await request.read()
        return web.Response(status=503 if len(attempts) == 2 else 204)

    async with serving(handler) as address:
        await send(address, upload_of(tmp_path))
    assert len(attempts) == 3


async def test_expired_form_is_renewed_and_a_file_that_arrived_after_all_is_not_sent_again(tmp_path: Path) -> None:
    attempts: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        attempts.append(1)
        return web.Response(
            status=403, text="<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>"
        )

    async with serving(handler) as address:

        async def there(_: Upload) -> UploadForm:
            return UploadForm(address, {}, exists=True)

        await send(address, upload_of(tmp_path), there)
    assert len(attempts) == 1


async def test_refusal_of_the_store_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.client.upload.ATTEMPTS", 2)
    text = "<?xml version='1.0'?><Error><Code>EntityTooLarge</Code><Message>Too big.</Message></Error>"

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=400, text=text)

    async with serving(handler) as address:
        with pytest.raises(
            Failure,
            match=r"big\.bin could not be uploaded in 2 attempts: the object store answered 400: EntityTooLarge",
        ):
            await send(address, upload_of(tmp_path))


async def test_file_that_changed_since_it_was_hashed_is_told(tmp_path: Path) -> None:
    upload = upload_of(tmp_path)

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        upload.location.write_bytes(CONTENT[::-1])
        return web.Response(status=400)

    async with serving(handler) as address:
        with pytest.raises(RequestFailure, match="changed while it was being pushed"):
            await send(address, upload)


async def test_file_that_shrank_is_told(tmp_path: Path) -> None:
    upload = upload_of(tmp_path)
    upload.location.write_bytes(CONTENT[:1000])

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    async with serving(handler) as address:
        with pytest.raises(RequestFailure, match="changed while it was being pushed"):
            await send(address, upload)


async def fetch(address: str, folder: Path, content: bytes = CONTENT) -> None:
    wanted = Wanted("/f", "f", len(content), hashlib.sha256(content).hexdigest())
    async with connected(address) as connection:
        await Downloader(connection, "secret", BOARD).fetch([wanted], folder)


def answering(*contents: bytes | int) -> Handler:
    turn = iter(contents)

    async def handler(_: web.Request) -> web.Response:
        answer = next(turn)
        return web.Response(body=answer) if isinstance(answer, bytes) else web.Response(status=answer)

    return handler


async def test_download_is_proven_and_tried_again(tmp_path: Path) -> None:
    async with serving(answering(503, CONTENT)) as address:
        await fetch(address, tmp_path)
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (CONTENT[::-1], "not what was published: its SHA-256 is"),
        (CONTENT[:-1], "has 1,023,999 bytes, published were 1,024,000"),
        (CONTENT + b"x", "longer than the 1,024,000 bytes"),
    ],
)
async def test_other_bytes_than_published_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    async with serving(answering(content)) as address:
        with pytest.raises(ServerFailure, match=told):
            await fetch(address, tmp_path)


async def test_token_is_not_carried_to_where_the_server_redirects(tmp_path: Path) -> None:
    tokens: list[str | None] = []

    async def store(request: web.Request) -> web.Response:
        tokens.append(request.headers.get("Auth-Token"))
        return web.Response(body=CONTENT)

    async with serving(store) as elsewhere:

        async def redirecting(request: web.Request) -> web.Response:
            tokens.append(request.headers.get("Auth-Token"))
            return web.Response(status=302, headers={"Location": f"{elsewhere}/signed"})

        async with serving(redirecting) as address:
            await fetch(address, tmp_path)
    assert tokens == ["secret", None]


async def test_redirects_in_circles_end(tmp_path: Path) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/f"})

    async with serving(handler) as address:
        with pytest.raises(ServerFailure, match="in circles"):
            await fetch(address, tmp_path)
