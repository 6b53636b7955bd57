"""Following a run: through a gateway that restarts, until somebody stops waiting, and on a terminal that shows it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.client.connection import Connection, connected
from gateway.client.failures import ServerFailure
from gateway.client.follow import follow
from gateway.client.stream import Event, events_of
from tests.client.publisher import Publisher, write_package
from tests.client.screen import on_a_terminal
from tests.client.server import serving


async def test_server_without_a_stream_is_asked_again_and_again() -> None:
    answers = [
        {"state": "QUEUED"},
        {"state": "INPROGRESS"},
        {"state": "SUCCEEDED", "indexed": False},
        {"state": "SUCCEEDED", "indexed": True},
    ]
    turn = iter(answers)
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=503) if request.path.endswith("/events") else web.json_response(next(turn))

    heard: list[dict[str, Any]] = []
    async with serving(handler) as address, connected(address) as connection:
        assert await follow(connection, "token", "o/d/1", heard.append) == answers[-1]
    assert heard == answers
    assert seen[:2] == ["/source/o/d/1/events", "/source/o/d/1"]


async def test_stream_that_breaks_is_taken_up_again() -> None:
    streams = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal streams
        if not request.path.endswith("/events"):
            return web.json_response({"state": "INPROGRESS"})
        streams += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if streams == 1:
            await response.write(b': hello\n\ndata: {"state": "QUEUED"}\n\ndata: {"state": "SUCC')
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write(b'data: {"state": "FAILED"}\n\n')
        return response

    heard: list[dict[str, Any]] = []
    async with serving(handler) as address, connected(address) as connection:
        assert await follow(connection, None, "o/d/1", heard.append) == {"state": "FAILED"}
    assert [status["state"] for status in heard] == ["QUEUED", "INPROGRESS", "FAILED"]


async def test_server_that_stays_away_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.client.follow.PATIENCE", 0.0)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with serving(handler) as address, connected(address) as connection:
        with pytest.raises(ServerFailure, match="answered 503"):
            await follow(Connection(address, connection.session, attempts=1), None, "o/d/1", lambda _: None)


async def start(publisher: Publisher, *words: str, **more: str) -> Process:
    """Start `dh` and leave it running."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.client.cli", *words),
        env={**os.environ, "DH_CONFIG": str(publisher.config), "DH_SERVER": publisher.stack.url, **more},
        stdout=PIPE,
        stderr=PIPE,
    )


async def accepted(process: Process) -> None:
    """Return when the command says that its push was accepted."""
    assert process.stderr is not None
    while b"accepted as revision" not in (line := await process.stderr.readline()):
        assert line, "the command ended before its push was accepted"


async def test_gateway_that_restarts_is_waited_for(publisher: Publisher, name: str, tmp_path: Path) -> None:
    stack = publisher.stack
    await stack.kill("stages")
    try:
        process = await start(publisher, "push", str(write_package(tmp_path / "p", name)))
        await accepted(process)
        await stack.kill("gateway")
        await stack.start("gateway", "gateway")
        await stack.ready()
    finally:
        await stack.start("stages", "worker", "stages")
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert f"SUCCEEDED  carol/{name}, revision 1".encode() in out


async def test_a_stream_goes_on_at_a_gateway_that_was_killed_and_started_again(
    publisher: Publisher, name: str, tmp_path: Path
) -> None:
    """What a browser does: it names the last event it has, and hears nothing twice and misses nothing."""
    stack = publisher.stack
    await stack.kill("stages")
    try:
        run = await publisher.answer("push", str(write_package(tmp_path / "p", name)), "--no-wait")
        events = f"{stack.url}/source/{run['id']}/events"
        async with aiohttp.ClientSession(headers={"Auth-Token": publisher.token}) as session:
            async with session.get(events) as response:
                first = await anext(events_of(aiter(response.content)))
            await stack.kill("gateway")
            await stack.start("gateway", "gateway")
            await stack.ready()
            async with session.get(events, headers={"Last-Event-ID": first.id}) as response:
                await stack.start("stages", "worker", "stages")
                heard = [event async for event in events_of(aiter(response.content))]
            async with session.get(events, headers={"Last-Event-ID": heard[-1].id}) as response:
                assert response.status == 204
    finally:
        if "stages" not in stack.processes:
            await stack.start("stages", "worker", "stages")
    assert heard[-1].kind == "end"
    assert heard[-2].kind == "message"
    assert heard[-2].document["state"] == "SUCCEEDED"
    facts = [event for event in heard[:-1] if not is_moving(event)]
    assert first.id not in {event.id for event in facts}
    assert len({event.id for event in facts}) == len(facts)


def is_moving(event: Event) -> bool:
    """Whether it tells of progress or of a queue, and not of a fact."""
    return any(resource["progress"] or resource["waiting"] for resource in event.document["resources"])


async def test_who_stops_waiting_is_told_how_to_see_the_run_later(
    publisher: Publisher, name: str, tmp_path: Path
) -> None:
    stack = publisher.stack
    await stack.kill("stages")
    try:
        process = await start(publisher, "push", str(write_package(tmp_path / "p", name)))
        await accepted(process)
        waiting = await publisher.dh("status", f"carol/{name}")
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    finally:
        await stack.start("stages", "worker", "stages")
    assert (waiting.code, waiting.stdout.split()[0]) == (0, "QUEUED")
    assert "towns: load queued" in waiting.stdout
    assert process.returncode == 130
    assert f"the run goes on: see `dh status carol/{name}/1`".encode() in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("no_color", ["", "1"])
async def test_terminal_sees_bars_and_colours_unless_it_wants_none(
    publisher: Publisher, name: str, tmp_path: Path, no_color: str
) -> None:
    package = write_package(tmp_path / "p", name)
    (package / "data" / "towns.csv").write_text("id,name,amount\n" + f"1,{name}{no_color},2\n" * 50_000)
    shown = await pushed_on_a_terminal(publisher, package, NO_COLOR=no_color, TERM="xterm-256color")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "━" in text
    assert re.search(r"data/towns\.csv .*[0-9.]+ kB( of [0-9.]+ kB)?.* [0-9.]+ [kM]B/s", text)
    assert "towns" in text
    assert "done, 50,000 rows" in text
    assert "SUCCEEDED" in text
    assert ("\x1b[32mSUCCEEDED\x1b[0m" in shown) == (not no_color)
    coloured = re.search(r"\x1b\[(?:3[0-7]|9[0-7]|38;)", shown) is not None
    assert coloured == (not no_color)


async def test_terminal_without_abilities_gets_plain_lines(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", name, files={"notes.txt": f"of {name}"})
    shown = await pushed_on_a_terminal(publisher, package, TERM="dumb")
    assert "\x1b" not in shown
    assert "notes.txt: 1" in shown


async def pushed_on_a_terminal(publisher: Publisher, package: Path, **more: str) -> str:
    """Everything that appeared on the terminal while the package was pushed."""
    login = {"DH_CONFIG": str(publisher.config), "DH_SERVER": publisher.stack.url}
    code, shown = await on_a_terminal("push", str(package), **login, **more)
    assert code == 0, shown
    return shown
