"""What the sandbox must survive: functions to be run in it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.stage import Report


def facts(progress: Report) -> dict[str, Any]:
    """What a child knows of its surroundings."""
    with socket.socket() as tcp:
        tcp.settimeout(2)
        connected = tcp.connect_ex(("127.0.0.1", 22))
    return {"environ": sorted(os.environ), "cwd": str(Path.cwd()), "connected": connected, "pid": os.getpid()}


def bomb(progress: Report) -> int:
    """Takes all the memory there is."""
    held = []
    while True:
        held.append(bytearray(50_000_000))


def loop(progress: Report) -> None:
    """Never ends."""
    while True:
        pass


def compute(progress: Report) -> list[Any]:
    """Keeps a processor busy beside another thread until it is nice, or for ever; its niceness before, and that of
    every thread after."""
    begun = os.getpriority(os.PRIO_PROCESS, 0)
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    while os.getpriority(os.PRIO_PROCESS, 0) == begun:
        pass
    threads = {os.getpriority(os.PRIO_PROCESS, int(thread.name)) for thread in Path("/proc/self/task").iterdir()}
    done.set()
    other.join()
    return [begun, sorted(threads)]


def crash(progress: Report) -> None:
    """Segmentation fault."""
    ctypes.string_at(0)


def bug(progress: Report) -> None:
    """An error that nobody foresaw."""
    raise KeyError("unforeseen")


def killed(progress: Report) -> None:
    """As the kernel's OOM killer does it."""
    os.kill(os.getpid(), signal.SIGKILL)


def big_file(progress: Report) -> None:
    """Writes more than it may."""
    with Path("big").open("wb") as file:
        file.truncate(20_000_000_000)


def report_progress(progress: Report, rows: int) -> int:
    """Tells how far it is, row by row."""
    for row in range(1, rows + 1):
        progress(row, rows, "rows")
    return rows


def wait(progress: Report, marker: str) -> None:
    """Says that it runs by a file with its process id, then waits for ever."""
    Path(marker).write_text(str(os.getpid()), encoding="ascii")
    signal.pause()


def echo(progress: Report, text: str) -> str:
    """Gives back what it was given."""
    return text


def full_disk(progress: Report) -> None:
    """As a write to a full disk answers."""
    Path("/dev/full").write_text("x", encoding="ascii")


def connect(progress: Report, port: int) -> bool:
    """Whether a server of this machine can be reached."""
    with socket.socket() as tcp:
        tcp.settimeout(2)
        return tcp.connect_ex(("127.0.0.1", port)) == 0


Cruelty = Callable[[Report], Any]
