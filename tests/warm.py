"""`dh` in children of a process that has imported it: importing takes longer than most of what its tests do.

A child is a process like any other: its own words, variables, folder, standard streams and exit code. What a start
costs, and that nothing is imported in vain, is tested on the command itself.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from gateway.client.cli import main as dh_main

COMMANDS = ("get", "login", "push", "status", "validate", "whoami")
LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    stdout: str
    stderr: str


async def run_dh(words: Sequence[str], variables: Mapping[str, str], stdin: str | None = None) -> Finished:
    """`dh WORDS` with exactly these variables, in this folder."""
    return await asyncio.to_thread(dh, words, variables, stdin)


def dh(words: Sequence[str], variables: Mapping[str, str], stdin: str | None = None) -> Finished:
    """The same for tests that are no coroutines."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        given.write((stdin or "").encode())
        given.seek(0)
        code = run_on([stream.fileno() for stream in (given, out, complaints)], words, variables)
        return Finished(code, _text(out), _text(complaints))


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


def run_on(streams: Sequence[int], words: Sequence[str], variables: Mapping[str, str]) -> int:
    """The same with three descriptors for its standard streams; its exit code, below zero for a signal."""
    request = json.dumps({"words": words, "variables": dict(variables), "folder": str(Path.cwd())}).encode()
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            socket.send_fds(_warm(), [request], [theirs.fileno(), *streams])
        answer = ours.recv(8)
    assert answer, "the process that runs dh is gone"
    return int(answer)


@cache
def _warm() -> socket.socket:
    """The way to the warm process of this test session, which ends when the other end of its socket is gone."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            (sys.executable, "-m", "tests.warm", str(theirs.fileno())),
            pass_fds=(theirs.fileno(),),
        )
    return ours


def serve(control: socket.socket) -> None:
    """Forks a child for every request until nobody is left to ask; returns in the child, ready to be `dh`."""
    while True:
        request, descriptors, _flags, _address = socket.recv_fds(control, LONGEST, 4)
        if not request:
            sys.exit(0)
        answer, *streams = descriptors
        waiter = os.fork()
        if waiter == 0:
            child = os.fork()
            if child == 0:
                _become(json.loads(request), streams)
                return
            _, status = os.waitpid(child, 0)
            os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


def _reap() -> None:
    """Forgets the waiters that have ended."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended == 0:
            return


def _become(request: Any, streams: Sequence[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(request["variables"])
    os.chdir(request["folder"])
    sys.argv[1:] = request["words"]
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, "w" if number else "r") for number in range(3))


def main() -> int:
    """Serves on the descriptor that is its only word."""
    for command in COMMANDS:
        importlib.import_module(f"gateway.client.commands.{command}")
    _rehearse()
    gc.freeze()  # a collection in a child would copy every page that it shares with its siblings
    serve(socket.socket(fileno=int(sys.argv[1])))
    return dh_main()


def _rehearse() -> None:
    """Checks a small table, for libraries import much only when they are used."""
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        table = Path(folder, "table.csv")
        table.write_text("a\n1\n")
        dh_main(["validate", str(table)])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
