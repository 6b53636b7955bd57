"""`dh get` is all or nothing: whatever a server sends, and whenever somebody stops it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.client.server import Handler, serving

CONTENT = b"x" * 1_000_000


async def get(address: str, folder: Path, before: Callable[[], object] | None = None) -> Process:
    words = ("get", "o/towns", "--server", address, "--output", str(folder / "towns"))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.client.cli", *words),
        env={**os.environ, "DH_CONFIG": str(folder / "config.json")},
        stdout=PIPE,
        stderr=PIPE,
        preexec_fn=before,
    )


def publishing(file: Handler) -> Handler:
    """A server with one published dataset; `file` answers for its one file."""
    resource = {"name": "a", "path": "http://s/r/a.bin", "bytes": len(CONTENT)}
    resource["hash"] = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/o/towns/datapackage.json":
            return web.json_response({"name": "towns", "resources": [resource]})
        return await file(request)

    return handler


async def test_right_bytes_become_the_folder(tmp_path: Path) -> None:
    async def file(_: web.Request) -> web.Response:
        return web.Response(body=CONTENT)

    (tmp_path / "towns").mkdir()  # an empty folder is as good as none
    async with serving(publishing(file)) as address:
        process = await get(address, tmp_path)
        _, err = await process.communicate()
    assert process.returncode == 0, err
    assert (tmp_path / "towns" / "data" / "a.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["towns"]


async def test_wrong_bytes_leave_nothing(tmp_path: Path) -> None:
    async def file(_: web.Request) -> web.Response:
        return web.Response(body=CONTENT[:-1] + b"y")

    async with serving(publishing(file)) as address:
        process = await get(address, tmp_path)
        out, err = await process.communicate()
    assert (process.returncode, out) == (3, b"")
    assert b"data/a.bin is not what was published" in err
    assert list(tmp_path.iterdir()) == []


def in_a_script() -> None:
    """A shell's script has what it starts in the background ignore SIGINT (POSIX, 2.12)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("before", [None, in_a_script], ids=["alone", "in the background"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_who_stops_it_leaves_nothing(
    tmp_path: Path, number: signal.Signals, before: Callable[[], object] | None
) -> None:
    begun = asyncio.Event()

    async def file(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
        await response.prepare(request)
        await response.write(CONTENT[:500_000])
        begun.set()
        await asyncio.Event().wait()  # for ever: the client is stopped meanwhile
        return response

    async with serving(publishing(file)) as address:
        process = await get(address, tmp_path, before)
        await asyncio.wait_for(begun.wait(), 30)
        process.send_signal(number)
        _, err = await process.communicate()
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


async def test_server_of_another_kind_is_told(tmp_path: Path) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    async with serving(handler) as address:
        process = await get(address, tmp_path)
        _, err = await process.communicate()
    assert process.returncode == 3
    assert b"does not speak our language" in err
