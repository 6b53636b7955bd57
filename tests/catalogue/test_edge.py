"""G: connections that are slow, odd or not HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import structlog
from aiohttp import web

from deploy.embedded.ports import LOOPBACK, free_ports
from gateway import protocol
from gateway.app import IDLE
from gateway.edge import set_deadline
from messages.settings import Settings
from tests.gateway.conftest import Gateway, serving

HALF = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: "
WHOLE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def connection(gateway: Gateway) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    yield reader, writer
    writer.transport.abort()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Waits until the other side has hung up, whatever it said; not so long that it does with every idle one."""
    try:
        async with asyncio.timeout(IDLE - 6):
            await reader.read()
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


async def test_a_connection_that_does_not_get_on_is_closed(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """G01: nothing sent, half a request, and half of a second one after a good first."""
    monkeypatch.setattr(protocol, "HEADER_LIMIT", 0.3)
    for sent in (b"", b"G", HALF):
        async with connection(gateway) as (reader, writer):
            writer.write(sent)
            assert await is_closed(reader), sent
    async with connection(gateway) as (reader, writer):
        writer.write(WHOLE)
        await reader.readuntil(b'{"status": "live"}')
        writer.write(HALF)
        assert await is_closed(reader)


async def test_bytes_now_and_then_win_no_time(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """G01: slowloris."""
    monkeypatch.setattr(protocol, "HEADER_LIMIT", 0.5)

    async def drip(writer: asyncio.StreamWriter) -> None:
        while not writer.transport.is_closing():
            writer.write(b"a")
            await asyncio.sleep(0.05)

    async with connection(gateway) as (reader, writer):
        writer.write(HALF)
        dripping = asyncio.create_task(drip(writer))
        assert await is_closed(reader)
        dripping.cancel()


async def test_two_hundred_slow_connections_change_nothing_for_others(gateway: Gateway) -> None:
    """G02: half with half a header, half with half a body."""
    body = b"POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{"
    async with AsyncExitStack() as stack:
        for number in range(200):
            _, writer = await stack.enter_async_context(connection(gateway))
            writer.write(HALF if number % 2 else body)
        answers = await asyncio.gather(*(gateway.get("/auth/check") for _ in range(100)))
        assert {answer.status for answer in answers} == {200}


async def test_a_reader_who_does_not_read_is_left(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """G01, the other direction: nobody can have answers held in memory for ever."""
    monkeypatch.setattr(protocol, "STALLED", 0.3)
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        set_deadline(request, None)  # as a large download does
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 100_000)
        finally:
            left.set()

    (port,) = free_ports(1)
    own = replace(settings, gateway=replace(settings.gateway, port=port, public_url=f"http://{LOOPBACK}:{port}"))
    route = web.get("/endless/of/it/all", endless)
    async with serving(own, extra=[route]) as gateway, connection(gateway) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /endless/of/it/all HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(30):
            await left.wait()


NEARLY: list[tuple[bytes, bytes]] = [
    (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
    (b"GET /\r\n\r\n", b"400"),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX\x00: a\r\n\r\n", b"400"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"s" * 10_000 + b"\r\n\r\n", b"431"),
    (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 200 + b"\r\n", b"400"),
]


async def test_what_is_nearly_http_is_refused(gateway: Gateway) -> None:
    """G03."""
    for sent, status in NEARLY:
        async with connection(gateway) as (reader, writer):
            writer.write(sent)
            async with asyncio.timeout(30):
                line = await reader.readline()
            assert line.split(b" ")[1:2] in ([status], [b"405"]), (sent[:80], line)


async def test_one_request_is_one_line_of_log_whatever_it_says(gateway: Gateway) -> None:
    """G10."""
    odd = ("a[31mred", "%s%n%p{0}{x.__class__}", "x" * 7_000, "é\u202ex", "${jndi:ldap://x}")
    for text in odd:
        with structlog.testing.capture_logs() as logs:
            headers = {"User-Agent": text, "X-Request-Id": text, "Referer": text}
            await gateway.get("/auth/check", headers=headers, params={"next": text})
        (line,) = logs
        written = json.dumps(line)
        assert "\n" not in written
        assert text not in written
