"""Patience with a server that is away, none with one that says no, and sentences out of answers."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.client.answers import failure_of
from gateway.client.connection import Connection, connected
from gateway.client.failures import Failure, RequestFailure, ServerFailure
from tests.client.server import Handler, serving


def in_turn(*answers: web.Response | None) -> tuple[Handler, list[str]]:
    """A handler that gives these answers one after the other (None: hangs up), and the methods it saw."""
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = answers[len(seen)]
        seen.append(request.method)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()  # to nobody
        return answer

    return handler, seen


def unavailable(retry_after: str = "0") -> web.Response:
    return web.Response(status=503, headers={"Retry-After": retry_after})


async def test_call_is_repeated_until_the_server_is_back() -> None:
    handler, seen = in_turn(unavailable(), None, web.Response(status=502), web.json_response({"a": 1}))
    async with serving(handler) as address, connected(address) as connection:
        answer = await connection.call("GET", "/x")
    assert (answer.status, answer.body) == (200, b'{"a": 1}')
    assert len(seen) == 4


async def test_retry_after_is_waited_for_and_a_long_one_is_not() -> None:
    handler, _ = in_turn(unavailable("1"), web.Response())
    async with serving(handler) as address, connected(address) as connection:
        started = time.monotonic()
        await connection.call("GET", "/x")
        assert time.monotonic() - started >= 1
    handler, seen = in_turn(unavailable("3600"))
    async with serving(handler) as address, connected(address) as connection:
        with pytest.raises(ServerFailure):
            await connection.call("GET", "/x")
    assert len(seen) == 1


async def test_attempts_end() -> None:
    handler, seen = in_turn(unavailable(), unavailable())
    async with serving(handler) as address, connected(address) as connection:
        with pytest.raises(ServerFailure, match="answered 503"):
            await Connection(address, connection.session, attempts=2).call("GET", "/x")
    assert len(seen) == 2


async def test_call_that_may_have_been_taken_is_not_repeated() -> None:
    handler, seen = in_turn(None, web.Response())
    async with serving(handler) as address, connected(address) as connection:
        with pytest.raises(ServerFailure, match="cannot be reached"):
            await connection.call("POST", "/x", json={}, repeatable=False)
    assert seen == ["POST"]
    handler, seen = in_turn(unavailable(), web.Response())
    async with serving(handler) as address, connected(address) as connection:
        await connection.call("POST", "/x", json={}, repeatable=False)
    assert seen == ["POST", "POST"]


async def test_call_with_a_key_is_repeated_with_the_same_key_also_while_it_is_still_being_done() -> None:
    keys: list[str] = []
    in_flight = web.json_response({}, status=409, headers={"Retry-After": "0"})
    handler, _ = in_turn(None, in_flight, web.Response())

    async def keyed(request: web.Request) -> web.StreamResponse:
        keys.extend(request.headers.getall("Idempotency-Key"))
        return await handler(request)

    async with serving(keyed) as address, connected(address) as connection:
        assert (await connection.call("POST", "/x", json={}, key="k")).status == 200
    assert keys == ['"k"'] * 3


async def test_token_follows_no_redirect() -> None:
    handler, seen = in_turn(web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}))
    async with serving(handler) as address, connected(address) as connection:
        with pytest.raises(ServerFailure, match="sends us on to"):
            await connection.call("GET", "/x", token="secret")
    assert len(seen) == 1


async def test_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, connected(address) as connection:
        with pytest.raises(ServerFailure, match="certificate is not accepted"):
            await connection.call("GET", "/x")


async def test_plain_server_under_a_secure_address_is_told() -> None:
    handler, _ = in_turn(web.Response())
    async with serving(handler) as address, connected(address.replace("http", "https")) as connection:
        with pytest.raises(ServerFailure, match="cannot be reached"):
            await connection.call("GET", "/x")


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "told"),
    [
        (
            422,
            {},
            b'{"title": "T", "detail": "It is wrong.", "errors": [{"pointer": "#/a", "detail": "a is bad"}]}',
            RequestFailure,
            "It is wrong.\n  - a is bad",
        ),
        (400, {}, b'{"error": {"message": "M"}}', RequestFailure, "M"),
        (400, {}, b'{"error": "M"}', RequestFailure, "M"),
        (400, {"Content-Type": "text/plain"}, b"plain words", RequestFailure, "plain words"),
        (404, {"Content-Type": "text/html"}, b"<html>no</html>", RequestFailure, "Not Found"),
        (401, {}, b'{"detail": "Expired."}', RequestFailure, "Expired. (run `dh login`)"),
        (
            401,
            {},
            b'{"type": "urn:x:invalid-credentials", "detail": "Wrong."}',
            RequestFailure,
            "Wrong.",
        ),
        (500, {}, b"", ServerFailure, "http://s answered 500: Internal Server Error"),
        (429, {}, b'{"detail": "Too many."}', ServerFailure, "http://s answered 429: Too many."),
        (599, {}, b"[" * 100_000, ServerFailure, None),
    ],
)
def test_answers_become_sentences(
    status: int, headers: dict[str, str], body: bytes, kind: type[Failure], told: str | None
) -> None:
    failure = failure_of("http://s", status, headers, body)
    assert type(failure) is kind
    assert told is None or str(failure) == told
