"""Logging in through the browser: a real HTTP client is the browser, the loopback listener is the command's own."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from gateway.client.failures import RequestFailure
from gateway.client.loopback import listening
from tests import stack as stacks


async def test_browser_brings_the_token_to_the_waiting_command(stack: stacks.Stack, tmp_path: Path) -> None:
    config = tmp_path / "home" / "config.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.client.cli", "login", "--no-browser"),
        env={**os.environ, "DH_CONFIG": str(config), "DH_SERVER": stack.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    address = line.split()[-1]
    destination = parse_qs(urlsplit(address).query)["next"][0]
    assert destination.startswith("http://127.0.0.1:")

    async with aiohttp.ClientSession() as browser:
        async with browser.get(address) as page:
            assert page.status == 200
        form = {"username": "carol", "password": stacks.PASSWORD, "next": destination}
        headers = {"Origin": stack.url, "Sec-Fetch-Site": "same-origin"}
        async with browser.post(f"{stack.url}/auth/login", data=form, headers=headers) as last:
            assert last.status == 200
            assert last.url.host == "127.0.0.1"
            assert "close this window" in await last.text()
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode() == f"logged in at {stack.url} as carol\n"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert (await stack.dh("whoami", config=config)).code == 0


async def test_listener_takes_one_right_request_and_nothing_else() -> None:
    async with listening() as loopback, aiohttp.ClientSession() as browser:
        port = urlsplit(loopback.address).port
        wrong = [
            (f"http://127.0.0.1:{port}/", {}),
            (f"http://127.0.0.1:{port}/?jwt=evil", {}),
            (f"http://127.0.0.1:{port}/logged-in/wrong?jwt=evil", {}),
            (f"{loopback.address}?jwt=evil", {"Host": f"evil.example:{port}"}),
            (f"{loopback.address}?jwt=evil", {"Host": f"localhost:{port}"}),
            (f"{loopback.address}/more?jwt=evil", {}),
        ]
        for address, headers in wrong:
            async with browser.get(address, headers=headers) as answer:
                assert answer.status == 404, address
        async with browser.post(f"{loopback.address}?jwt=evil") as answer:
            assert answer.status == 405
        async with browser.get(loopback.address) as answer:
            assert answer.status == 400
        async with browser.get(f"{loopback.address}?jwt=good") as answer:
            assert answer.status == 200
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "good" not in await answer.text()
        async with browser.get(f"{loopback.address}?jwt=second") as answer:
            assert answer.status == 404
        assert await loopback.token() == "good"
    async with aiohttp.ClientSession() as browser:
        with pytest.raises(aiohttp.ClientConnectorError):
            await browser.get(loopback.address)


async def test_listener_does_not_wait_for_ever() -> None:
    async with listening() as loopback:
        with pytest.raises(RequestFailure, match="nobody logged in"):
            await loopback.token(patience=0.01)


async def test_listener_is_reached_from_this_machine_alone() -> None:
    async with listening() as loopback:
        assert urlsplit(loopback.address).hostname == "127.0.0.1"
