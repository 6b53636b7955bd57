"""The process that the sandbox's children are forked from: `python -m workers.forkserver FD NAME...`.

It imports what is heavy once, so that a child costs milliseconds: each NAME is a module, or `MODULE:FUNCTION` to be
called, a rehearsal, because libraries import much only when it is used. It has no network and no secret in its
environment, and neither have its children. It lives as long as the other end of the control socket FD is open.

| from the sandbox | a job's number, big-endian, after a letter |
| --- | --- |
| `F` | fork a child for this job; the child's end of its channel comes along as a descriptor |
| `K` | kill the job's child, unless it is gone |

It answers with `X`, the number and the wait status of a child that has ended.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Sequence

from workers import jail

REQUEST = struct.Struct("!cI")
ENDED = struct.Struct("!cIi")


class ForkServer:
    """Forks, kills and reaps: one thread, so a child that it is asked to kill cannot be reaped meanwhile."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pids: dict[int, int] = {}
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        self._waker = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def serve(self) -> None:
        """Until the sandbox is gone; then no child is left behind."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ, self._obey)
            selector.register(self._wake, selectors.EVENT_READ, self._reap)
            alive = True
            while alive:
                for key, _ in selector.select():
                    alive &= key.data()
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)

    def _obey(self) -> bool:
        request, descriptors, _flags, _address = socket.recv_fds(self._control, REQUEST.size, 1)
        if len(request) < REQUEST.size:
            return False
        letter, number = REQUEST.unpack(request)
        if letter == b"F":
            self._fork(number, descriptors[0])
        elif number in self._pids:
            os.kill(self._pids[number], signal.SIGKILL)
        return True

    def _fork(self, number: int, descriptor: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._control.close()
            self._wake.close()
            self._waker.close()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            jail.live(socket.socket(fileno=descriptor))
        os.close(descriptor)
        self._pids[number] = pid

    def _reap(self) -> bool:
        self._wake.recv(4096)
        numbers = {pid: number for number, pid in self._pids.items()}
        while numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            number = numbers.pop(pid)
            del self._pids[number]
            self._control.sendall(ENDED.pack(b"X", number, status))
        return True


def main(arguments: Sequence[str]) -> None:
    """Serves on the descriptor that is the first argument; the others say what to import beforehand."""
    descriptor, *names = arguments
    jail.leave_network()
    for name in names:
        module, _, rehearsal = name.partition(":")
        imported = importlib.import_module(module)
        if rehearsal:
            getattr(imported, rehearsal)()
    gc.freeze()  # a collection in a child would copy every page that it shares with its siblings
    with socket.socket(fileno=int(descriptor)) as control:
        ForkServer(control).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
