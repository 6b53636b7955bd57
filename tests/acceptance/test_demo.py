"""`make demo`, the first command of the README, as a newcomer runs it: with and without a terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services import server_directory
from tests.stack import plain_environment

ROOT = Path(__file__).parents[2]
PAGE = re.compile(r"http://127\.0\.0\.1:\d+/demo/s-and-p-500-companies")
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
COMMAND = ("make", "demo")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """Where everything is kept, from one start to the next."""
    with server_directory() as path:
        yield path


def environment(state: Path) -> dict[str, str]:
    return {**plain_environment(), "DH_STATE": str(state), "DH_PORT": "0", "TERM": "xterm"}


def left_running(state: Path) -> list[str]:
    """Command lines of processes that know the state directory by argument or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words, environ = process.cmdline(), process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(str(state) in word for word in words) or environ.get("DH_STATE") == str(state):
            found.append(" ".join(words))
    return found


def demo(state: Path) -> str:
    """What `make demo` prints into a pipe."""
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_without_a_terminal_it_publishes_and_ends(state: Path) -> None:
    shown = demo(state)
    assert PAGE.search(shown), shown
    for sign in ("constituents: load", "constituents: done, 503 rows", "sector-counts: done, 11 rows", "SUCCEEDED"):
        assert sign in shown
    assert left_running(state) == []
    for secret in ("demo-password", "endpoints.json", "postgres/password", "seaweedfs/secret-key"):
        path = state / secret
        assert not path.exists() or path.stat().st_mode & 0o077 == 0, secret
    assert not (state / "endpoints.json").exists()


async def test_on_a_terminal_it_serves_until_ctrl_c(state: Path) -> None:
    terminal, inner = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        cwd=ROOT,
        env=environment(state),
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    shown = await asyncio.to_thread(read_until, terminal, b"Ctrl-C ends it all")
    address = PAGE.search(shown.decode())
    assert address, shown.decode()
    page = await asyncio.to_thread(fetch, address[0])
    assert "S&amp;P 500 Companies" in page
    os.killpg(process.pid, signal.SIGINT)  # what the terminal does on Ctrl-C: to make, and to all it started
    async with asyncio.timeout(30):
        await asyncio.to_thread(drain, terminal)
        await process.wait()
    os.close(terminal)
    assert left_running(state) == []


def test_killed_servers_come_back_and_a_killed_supervisor_leaves_nothing(state: Path) -> None:
    with subprocess.Popen(["make", "up"], cwd=ROOT, env=environment(state), stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        url = next(ADDRESS.findall(line)[0] for line in iter(up.stdout.readline, "") if "Serving at" in line)
        (supervisor,) = [child for child in psutil.Process(up.pid).children() if "up" in child.cmdline()]
        for server in supervisor.children():
            if server.name() in ("postgres", "weed"):
                server.kill()
        said = [up.stdout.readline() for _ in range(2)]
        assert all("ended with -9, starting it again" in line for line in said), said
        deadline = time.monotonic() + 40
        while not is_ready(url):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        family = supervisor.children(recursive=True)
        assert len(family) >= 5
        supervisor.kill()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert [process.cmdline() for process in alive] == []
    assert PAGE.search(demo(state))
    assert left_running(state) == []


def is_ready(url: str) -> bool:
    try:
        return "ready" in fetch(f"{url}/health/ready")
    except OSError:
        return False


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 our own address
        return answer.read().decode()  # type: ignore[no-any-return]


def read_until(terminal: int, mark: bytes) -> bytes:
    shown = b""
    while mark not in shown:
        shown += os.read(terminal, 65_536)
    return shown


def drain(terminal: int) -> None:
    """Read until the other side is closed: a full terminal would stop who still writes to it."""
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:  # EIO: Linux says so when nobody holds the other side any more
        return
