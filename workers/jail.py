"""The life of a sandboxed child: takes one call from its channel, does it within limits, answers in JSON, ends.

Frames are a length (4 bytes, big-endian) and that many bytes of UTF-8 JSON. In comes `{"call", "arguments", "workdir",
"limits"}`; out go any number of `{"progress"}` and one of `{"result"}`, `{"disk"}`, `{"memory"}`, `{"bug"}`. Only JSON
comes out: whatever a hostile file makes of this process, it cannot make the parent run code.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

LENGTH = struct.Struct("!I")
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SHORT = 0.25
"""Seconds of processor time after which a child lets others go first: who has little to do does not wait for long."""
STEP_BACK = 10
"""By how much its niceness grows then."""


def leave_network() -> None:
    """Moves this process, for good, to an empty network namespace; a plain user needs a user namespace for that.

    Best effort: a container may forbid both, and other systems than Linux have neither.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return
    with contextlib.suppress(OSError):
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 no path of ours
                file.write(line)


def live(channel: socket.socket) -> NoReturn:
    """Never returns, whatever happens: this is a copy of the fork server and must not go on as one."""
    try:
        _die_with_parent()
        with channel:
            request = _receive(channel)
            if request is not None:
                _answer(channel, request)
    finally:
        os._exit(0)


def _answer(channel: socket.socket, request: dict[str, Any]) -> None:
    def progress(done: int, total: int | None, unit: str) -> None:
        _send(channel, {"progress": [done, total, unit]})

    try:
        os.chdir(request["workdir"])
        _limit(**request["limits"])
        _step_back_after(SHORT)
        module, name = request["call"].split(":")
        result = getattr(importlib.import_module(module), name)(progress=progress, **request["arguments"])
        answer: dict[str, Any] = {"result": result}
    except MemoryError:
        answer = {"memory": True}
    except OSError as error:
        answer = {"disk": errno.errorcode.get(error.errno or 0, "EIO"), "bug": traceback.format_exc()}
    except Exception:
        answer = {"bug": traceback.format_exc()}
    _send(channel, answer)


def _limit(memory: int, cpu: int, file_size: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, memory),
    ):
        resource.setrlimit(limit, (value, value))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails with EFBIG instead


def _step_back_after(seconds: float) -> None:
    """Lowers the priority of this process once it has computed so long: on Linux, that of each of its threads."""

    def step_back(_number: int, _frame: object) -> None:
        niceness = os.getpriority(os.PRIO_PROCESS, 0) + STEP_BACK
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # one that has ended meanwhile
                os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)

    if sys.platform == "linux":
        signal.signal(signal.SIGPROF, step_back)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _die_with_parent() -> None:
    if sys.platform != "linux":
        return
    parent = os.getppid()
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died between the two lines
        os._exit(0)


def _receive(channel: socket.socket) -> dict[str, Any] | None:
    with channel.makefile("rb") as reader:
        length = reader.read(LENGTH.size)
        if len(length) < LENGTH.size:
            return None
        request: dict[str, Any] = json.loads(reader.read(LENGTH.unpack(length)[0]))
    return request


def _send(channel: socket.socket, frame: dict[str, Any]) -> None:
    body = json.dumps(frame).encode()
    channel.sendall(LENGTH.pack(len(body)) + body)
