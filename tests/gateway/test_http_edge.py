"""The HTTP edge: bodies, limits, headers, errors, logs."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import structlog
from aiohttp import web
from yarl import URL

from gateway import bodies, edge
from messages.settings import Settings
from tests.gateway.conftest import PASSWORD, Gateway, Publisher, serving

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

BAD_JSON: list[tuple[bytes, int, str]] = [
    (b"", 400, "syntax"),
    (b"{", 400, "syntax"),
    (b'{"a":1,}', 400, "syntax"),
    (b'{"a": NaN}', 400, "not-a-number"),
    (b'{"a": -Infinity}', 400, "not-a-number"),
    (b'{"a": 1e400}', 400, "number-out-of-range"),
    (b'{"a": ' + b"9" * 5000 + b"}", 400, "number-too-long"),
    (b'{"a": 1, "a": 2}', 400, "duplicate-key"),
    (b'{"a": "\\ud800"}', 400, "lone-surrogate"),
    (b'{"a": "\\u0000"}', 400, "nul-character"),
    (b'{"a": "\xff"}', 400, "invalid-utf8"),
    (b'\xef\xbb\xbf{"a": 1}', 400, "bom"),
    ('{"a": 1}'.encode("utf-16"), 400, "bom"),
    (b"[" * 100_000 + b"]" * 100_000, 400, "too-deep"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "too-deep"),
    (b"[" * 65 + b"]" * 65, 400, "too-deep"),
    (b"[]", 422, "not-an-object"),
    (b"7", 422, "not-an-object"),
    (b"null", 422, "not-an-object"),
]


async def post(publisher: Publisher, body: bytes | AsyncIterator[bytes], **headers: str) -> tuple[int, dict[str, Any]]:
    """Status and problem for a body at each of the addresses that take JSON; they must agree."""
    answers = []
    for path, service in (("/source/upload", "source"), ("/rawstore/authorize", "rawstore"), ("/auth/token", "source")):
        options = {"Content-Type": "application/json", "Auth-Token": await publisher.permission(service), **headers}
        answer = await publisher.gateway.post(path, data=body, headers=options)
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        answers.append((answer.status, answer.json()))
    assert len({(status, problem["type"]) for status, problem in answers}) == 1
    return answers[0]


async def test_bad_json_is_told_from_bad_content(ada: Publisher) -> None:
    for body, status, kind in BAD_JSON:
        started = time.monotonic()
        got, problem = await post(ada, body)
        assert (got, problem["type"]) == (status, f"urn:datahub:problem:{kind}"), body[:40]
        assert time.monotonic() - started < 10
        assert problem["error"]["message"]


async def test_a_body_of_50_mb_is_refused_without_being_read(ada: Publisher) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json", "Auth-Token": await ada.permission("source")}
    try:
        answer = await ada.gateway.post("/source/upload", data=body(), headers=headers)
        assert answer.status == 413
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        pass  # closed while we were still sending: refused all the same
    assert sent < 50
    headers["Content-Length"] = "50000000"
    answer = await ada.gateway.post("/source/upload", data=b" " * 50_000_000, headers=headers)
    assert answer.status == 413
    assert answer.json()["error"]["message"] == "The body is larger than 10,000,000 bytes."


async def test_a_body_that_unpacks_to_100_mb_is_refused(ada: Publisher) -> None:
    status, problem = await post(ada, gzip.compress(b" " * 100_000_000), **{"Content-Encoding": "gzip"})
    assert (status, problem["type"]) == (413, "urn:datahub:problem:too-large")


async def test_other_media_types_are_refused(ada: Publisher) -> None:
    odd = (
        "text/plain",
        "application/x-yaml",
        "multipart/form-data; boundary=x",
        "application/json; charset=x",
    )
    for media_type in odd:
        status, problem = await post(ada, b"{}", **{"Content-Type": media_type})
        assert (status, problem["type"]) == (415, "urn:datahub:problem:unsupported-media-type")


async def test_a_body_that_stalls_is_given_up(ada: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.3)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/json", "Auth-Token": await ada.permission("source")}
    answer = await ada.gateway.post("/source/upload", data=stalling(), headers=headers)
    assert answer.status == 408


async def test_half_a_request_does_not_hold_a_connection(settings: Settings) -> None:
    async with serving(settings, idle=0.5) as gateway:
        address = urlsplit(gateway.url)
        for sent in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(sent)
            async with asyncio.timeout(30):
                assert await reader.read() == b""
            writer.close()


async def test_every_answer_has_the_security_headers_and_an_id(gateway: Gateway, ada: Publisher) -> None:
    for method, path in (
        ("GET", "/"),
        ("GET", "/nothing/here/at/all"),
        ("GET", "/auth/check"),
        ("GET", "/auth/login"),
        ("GET", "/health/live"),
        ("GET", "/source/a/b/1"),
        ("GET", "/rawstore/info"),
        ("GET", "/.well-known/jwks.json"),
        ("POST", "/source/upload"),
        ("PROPFIND", "/auth/check"),
        ("DELETE", "/source/upload"),
        ("OPTIONS", "/source/upload"),
    ):
        answer = await gateway.request(method, path)
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        assert answer.headers["X-Request-Id"]
        assert answer.headers["Server"] == "datahub"
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_bytes_that_are_no_http_get_a_problem_with_the_same_headers(gateway: Gateway) -> None:
    address = urlsplit(gateway.url)
    for sent, status in (
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Secret: " + b"s" * 10_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
    ):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(sent)
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        assert answer.startswith((b"HTTP/1.1 " + status, b"HTTP/1.0 " + status)), answer[:200]
        assert b"Content-Security-Policy: default-src 'self'" in answer
        assert b"application/problem+json" in answer
        assert b"sssss" not in answer


async def test_https_is_insisted_on_where_it_is_our_address() -> None:
    assert "Strict-Transport-Security" in edge.security_headers("https://data.example.org")
    assert "Strict-Transport-Security" not in edge.security_headers("http://127.0.0.1:8080")


async def test_unknown_addresses_and_methods_are_problems(gateway: Gateway) -> None:
    answer = await gateway.get("/rawstore/nothing/at/all", headers={"Accept": "application/json"})
    problem = answer.json()
    assert (answer.status, problem["status"], problem["title"]) == (404, 404, "Not Found")
    assert problem["instance"] == f"urn:datahub:request:{answer.headers['X-Request-Id']}"
    for method in ("GET", "PUT", "TRACE", "PROPFIND"):
        answer = await gateway.request(method, "/auth/token")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    answer = await gateway.request("GET", "/auth/token", headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status == 405


async def test_odd_paths_never_end_in_our_error(gateway: Gateway) -> None:
    for path in (
        "/%00",
        "/%ff",
        "/..%2f..%2fetc%2fpasswd",
        "//evil",
        "/a;x",
        "/SOURCE/a/b/1",
        "/source/a/b/1.",
        "/%F0%9F",
    ):
        answer = await gateway.client.get(URL(gateway.url + path, encoded=True), allow_redirects=False)
        assert answer.status < 500, path


async def test_a_failure_of_ours_is_told_by_number_only(settings: Settings) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise KeyError("secret detail")

    async with serving(settings, extra=[web.get("/fail", fail)]) as gateway:
        with structlog.testing.capture_logs() as logs:
            answer = await gateway.get("/fail", headers={"Accept": "application/json"})
    assert (answer.status, answer.json()["type"]) == (500, "urn:datahub:problem:internal")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["request_failed"]


async def test_a_handler_that_waits_too_long_is_ended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "LOOK_LIMIT", 0.2)

    async def wait(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(settings, extra=[web.get("/wait", wait)]) as gateway:
        answer = await gateway.get("/wait", headers={"Accept": "application/json"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "3")


async def test_no_secret_is_logged(ada: Publisher) -> None:
    gateway = ada.gateway
    with structlog.testing.capture_logs() as logs:
        permission = await ada.permission("source")
        await gateway.get(f"/auth/check?jwt={ada.token}")
        await gateway.get(f"/rawstore/presign?jwt={permission}&url={gateway.url}")
        await gateway.post("/auth/token", json={"username": "ada", "password": PASSWORD})
        await gateway.post("/auth/token", json={"username": "ada", "password": "guessed wrong"})
        await ada.push()
    text = json.dumps(logs, default=str)
    for secret in (
        ada.token,
        permission,
        PASSWORD,
        "guessed wrong",
        "Signature",
        gateway.parts.settings.store.secret_key,
    ):
        assert secret not in text
    assert sum(entry["event"] == "request_served" for entry in logs) >= 6


async def test_a_line_of_log_is_one_line(gateway: Gateway) -> None:
    with structlog.testing.capture_logs() as logs:
        await gateway.get("/a%0d%0aevil%1b[31m")
    (line,) = [entry for entry in logs if entry["event"] == "request_served"]
    assert "\n" not in json.dumps(line)


async def test_no_other_site_reads_what_is_behind_a_login(gateway: Gateway, ada: Publisher) -> None:
    for origin in ("null", "https://evil.example", f"{gateway.url}.evil.example"):
        answer = await gateway.get("/auth/check", headers={"Origin": origin, "Auth-Token": ada.token})
        assert "Access-Control-Allow-Origin" not in answer.headers
        preflight = await gateway.request(
            "OPTIONS", "/source/upload", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        assert "Access-Control-Allow-Origin" not in preflight.headers


async def test_a_client_that_closes_is_answered_with_close(gateway: Gateway) -> None:
    """The original client (Node 20, node-fetch 1.7) fails its next request otherwise."""
    answer = await gateway.get("/auth/check?jwt=&next=http://localhost:3000", headers={"Connection": "close"})
    assert answer.headers["Connection"] == "close"
