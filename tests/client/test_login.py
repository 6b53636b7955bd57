"""Logging in at a terminal: by a browser here, by one elsewhere, at a provider; staying so, and ending it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.client.board import LineBoard
from gateway.client.connection import Connection, connected
from gateway.client.download import Downloader, Wanted
from gateway.client.failures import RequestFailure, ServerFailure
from gateway.client.loopback import listening
from gateway.client.renewal import Renewal, family_of
from gateway.client.session import ConfigFile, LogIn
from gateway.client.terminal import Terminal
from tests import stack as stacks
from tests.client.screen import Screen
from tests.client.server import serving as responding
from tests.gateway.conftest import Answer
from tests.oidc.visitor import Visitor, visiting

ADDRESS = r"(http://\S+/auth/oauth/authorize\?\S+)\s"


@pytest_asyncio.fixture
async def browser(stack: stacks.Stack) -> AsyncIterator[Visitor]:
    """Carol's browser, logged in."""
    async with visiting(stack.url) as visitor:
        answer = await visitor.submit("/auth/login", username="carol", password=stacks.PASSWORD)
        assert answer.status == 303
        yield visitor


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "home" / "config.json"


def at_home(stack: stacks.Stack, config: Path) -> dict[str, str]:
    return {"DH_CONFIG": str(config), "DH_SERVER": stack.url}


async def agree(browser: Visitor, address: str, act: str = "allow") -> Answer:
    """Opens what `dh login` shows, decides, and follows the redirect to its listener."""
    page = await browser.get(address)
    assert page.status == 200, page.body
    wish = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    decided = await browser.submit("/auth/oauth/authorize", **wish, act=act)
    return await browser.get(decided.headers["Location"])


def entry_of(config: Path, server: str) -> dict[str, Any]:
    """What the file holds of a log-in."""
    entry: dict[str, Any] = json.loads(config.read_text())["servers"][server]
    return entry


async def logged_in(stack: stacks.Stack, browser: Visitor, config: Path) -> dict[str, Any]:
    """A log-in by the browser; what is kept of it."""
    screen = Screen("login", "--no-browser", **at_home(stack, config))
    await agree(browser, (await screen.until(ADDRESS))[1])
    assert await screen.code() == 0, screen.shown
    return entry_of(config, stack.url)


async def is_good(stack: stacks.Stack, token: str) -> bool:
    async with visiting(stack.url) as visitor:
        answer = await visitor.get("/auth/check", **{"Auth-Token": token})
        return bool(answer.json()["authenticated"])


async def test_browser_brings_a_code_to_the_waiting_command(
    stack: stacks.Stack, browser: Visitor, config: Path
) -> None:
    screen = Screen("login", "--no-browser", **at_home(stack, config))
    address = (await screen.until(ADDRESS))[1]
    await screen.until("dh login --device")
    page = await agree(browser, address)
    assert (page.status, b"You are logged in" in page.body) == (200, True)
    assert await screen.code() == 0
    assert f"logged in at {stack.url} as carol" in screen.shown
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    kept = entry_of(config, stack.url)
    assert 3000 < kept["expires"] - time.time() <= 3600
    for secret in (kept["token"], kept["refresh_token"]):
        assert secret not in screen.shown
    assert (await stack.dh("whoami", config=config)).stdout.startswith("carol at ")


async def test_refusal_in_the_browser_ends_the_command(stack: stacks.Stack, browser: Visitor, config: Path) -> None:
    screen = Screen("login", "--no-browser", **at_home(stack, config))
    page = await agree(browser, (await screen.until(ADDRESS))[1], act="deny")
    assert b"You are not logged in" in page.body
    assert await screen.code() == 1
    assert "the log-in was refused in the browser" in screen.shown
    assert not config.exists()


async def test_where_no_browser_can_be_opened_a_code_is_shown(
    stack: stacks.Stack, browser: Visitor, config: Path
) -> None:
    screen = Screen("login", **at_home(stack, config))
    user_code = (await screen.until(r"type this code:\s+(\w{4}-\w{4})\s"))[1]
    assert "no browser can be opened here" in screen.shown
    assert f"open in any browser: {stack.url}/auth/device" in screen.shown
    asked = await browser.submit("/auth/device", user_code=user_code)
    assert b"Only agree if" in asked.body
    assert (await browser.submit("/auth/device", user_code=user_code, act="allow")).status == 200
    assert await screen.code() == 0, screen.shown
    assert f"logged in at {stack.url} as carol" in screen.shown
    assert entry_of(config, stack.url)["refresh_token"]


async def test_a_code_that_is_refused_ends_the_command(stack: stacks.Stack, browser: Visitor, config: Path) -> None:
    screen = Screen("login", "--device", **at_home(stack, config))
    user_code = (await screen.until(r"type this code:\s+(\w{4}-\w{4})\s"))[1]
    await browser.submit("/auth/device", user_code=user_code, act="deny")
    assert await screen.code() == 1
    assert "the log-in was refused in the browser" in screen.shown


async def test_logging_out_ends_all_that_came_of_the_log_in(
    stack: stacks.Stack, browser: Visitor, config: Path
) -> None:
    kept = await logged_in(stack, browser, config)
    assert await is_good(stack, kept["token"])
    done = await stack.dh("logout", config=config)
    assert (done.code, done.stdout) == (0, f"logged out at {stack.url}\n")
    assert not await is_good(stack, kept["token"])
    async with connected(stack.url) as connection:
        with pytest.raises(RequestFailure) as refused:
            await connection.token(
                {"grant_type": "refresh_token", "client_id": "dh", "refresh_token": kept["refresh_token"]}
            )
    assert refused.value.details["problem"]["error"] == "invalid_grant"


async def test_a_second_log_in_ends_the_first(stack: stacks.Stack, browser: Visitor, config: Path) -> None:
    first = await logged_in(stack, browser, config)
    await logged_in(stack, browser, config)
    assert not await is_good(stack, first["token"])
    assert (await stack.dh("whoami", config=config)).code == 0


def expire(config: Path, server: str) -> None:
    """As if an hour had gone by on this machine."""
    file = ConfigFile(config)
    login = file.login(server)
    assert login is not None
    file.keep_login(server, replace(login, expires=time.time() - 1))


async def test_a_log_in_is_renewed_without_asking_and_by_one_of_many_processes(
    stack: stacks.Stack, browser: Visitor, config: Path
) -> None:
    kept = await logged_in(stack, browser, config)
    expire(config, stack.url)
    done = await asyncio.gather(*(stack.dh("whoami", config=config) for _ in range(4)))
    assert [each.code for each in done] == [0] * 4, done
    renewed = entry_of(config, stack.url)
    assert renewed["refresh_token"] != kept["refresh_token"]
    assert renewed["expires"] > time.time() + 3000
    assert "attempt" not in renewed
    assert family_of(renewed["token"]) == family_of(kept["token"])
    assert (await stack.dh("whoami", config=config)).code == 0
    assert entry_of(config, stack.url) == renewed, "what is fresh is not exchanged"


async def test_an_answer_that_is_lost_logs_nobody_out(stack: stacks.Stack, browser: Visitor, config: Path) -> None:
    kept = await logged_in(stack, browser, config)
    expire(config, stack.url)
    file = ConfigFile(config)
    async with aiohttp.ClientSession() as session:
        connection = Connection(stack.url, session)

        async def lost(form: Mapping[str, str]) -> dict[str, Any]:
            await connection.token(form)
            raise ServerFailure("the line was cut")

        with pytest.raises(ServerFailure, match="the line was cut"):
            await Renewal(stack.url, file).current(kept["token"], lost)
    assert entry_of(config, stack.url)["refresh_token"] == kept["refresh_token"]
    assert (await stack.dh("whoami", config=config)).code == 0
    assert await is_good(stack, entry_of(config, stack.url)["token"])


async def test_a_token_that_is_good_for_minutes_outlasts_a_server_that_is_away(config: Path) -> None:
    token = f"x.{'eyJmYW1pbHkiOiJmIn0'}.x"  # {"family":"f"}
    file = ConfigFile(config)
    file.keep_login("http://a", LogIn(token=token, username="a", refresh_token="r", expires=time.time() + 100))

    async def away(_form: Mapping[str, str]) -> dict[str, Any]:
        raise ServerFailure("away")

    assert await Renewal("http://a", file).current(token, away) == token
    assert await Renewal("http://a", file).current("dhp_of-another-kind", away) == "dhp_of-another-kind"


async def test_what_takes_longer_than_a_token_goes_on_with_the_next(config: Path, tmp_path: Path) -> None:
    """A download whose first files took an hour."""
    old, new = ("x.eyJmYW1pbHkiOiJmIn0.old", "x.eyJmYW1pbHkiOiJmIn0.new")  # {"family":"f"}
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST":
            tokens = {"access_token": new, "refresh_token": "r2", "username": "a", "expires_in": 3600}
            return web.json_response(tokens)
        seen.append(request.headers.get("Auth-Token"))
        return web.Response(body=b"x")

    async with responding(answer) as url, aiohttp.ClientSession() as session:
        file = ConfigFile(config)
        file.keep_login(url, LogIn(token=old, username="a", refresh_token="r", expires=time.time() - 1))
        connection = Connection(url, session, renewal=Renewal(url, file))
        wanted = Wanted("/f", "f", 1, hashlib.sha256(b"x").hexdigest())
        await Downloader(connection, old, LineBoard(Terminal(as_json=True))).fetch([wanted], tmp_path)
    assert seen == [new]


async def test_a_log_in_that_was_ended_elsewhere_is_said_and_forgotten(
    stack: stacks.Stack, browser: Visitor, config: Path
) -> None:
    kept = await logged_in(stack, browser, config)
    await browser.submit("/settings/end", family=family_of(kept["token"]))
    expire(config, stack.url)
    done = await stack.dh("whoami", config=config)
    assert (done.code, f"the log-in at {stack.url} has ended: run `dh login`" in done.stderr) == (1, True)
    done = await stack.dh("whoami", config=config)
    assert "you are not logged in" in done.stderr


async def test_password_and_browser_do_not_mix(stack: stacks.Stack, config: Path) -> None:
    done = await stack.dh("login", "--username", "carol", "--password-stdin", "--device", config=config, stdin="x")
    assert (done.code, "needs no browser" in done.stderr) == (2, True)
    assert (await stack.dh("login", "--device", "--no-browser", config=config)).code == 2


async def test_listener_takes_one_right_request_and_nothing_else() -> None:
    async with listening() as loopback, aiohttp.ClientSession() as browser:
        port = urlsplit(loopback.address).port
        right = f"state={loopback.state}"
        wrong = [
            (f"http://127.0.0.1:{port}/", {}),
            (f"http://127.0.0.1:{port}/?code=evil&{right}", {}),
            (f"{loopback.address}?code=evil", {}),
            (f"{loopback.address}?code=evil&state=", {}),
            (f"{loopback.address}?code=evil&state=other", {}),
            (f"{loopback.address}?error=evil&state=other", {}),
            (f"{loopback.address}?code=evil&{right}", {"Host": f"evil.example:{port}"}),
            (f"{loopback.address}?code=evil&{right}", {"Host": f"localhost:{port}"}),
            (f"{loopback.address}/more?code=evil&{right}", {}),
        ]
        for address, headers in wrong:
            async with browser.get(address, headers=headers) as answer:
                assert answer.status == 404, address
        async with browser.post(f"{loopback.address}?code=evil&{right}") as answer:
            assert answer.status == 405
        async with browser.get(f"{loopback.address}?{right}") as answer:
            assert answer.status == 400
        async with browser.get(f"{loopback.address}?code=good&{right}") as answer:
            assert answer.status == 200
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "good" not in await answer.text()
        async with browser.get(f"{loopback.address}?code=second&{right}") as answer:
            assert answer.status == 404
        assert await loopback.code() == "good"
    async with aiohttp.ClientSession() as browser:
        with pytest.raises(aiohttp.ClientConnectorError):
            await browser.get(loopback.address)


async def test_listener_does_not_wait_for_ever() -> None:
    async with listening() as loopback:
        with pytest.raises(RequestFailure, match="nobody logged in"):
            await loopback.code(patience=0.01)


async def test_listener_is_reached_from_this_machine_alone() -> None:
    async with listening() as loopback:
        assert urlsplit(loopback.address).hostname == "127.0.0.1"
