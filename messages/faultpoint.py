"""Places at which a test may kill this process, to see that nothing is lost and nothing is done twice.

In production a no-op that costs next to nothing. A test names a file in `DH_FAULT_FILE` at the start of a
process, and later writes `{place} {step}` into it: whoever gets there first takes the file away and dies by SIGKILL. So
a running system is hit again and again, by one blow at a time, and the process that is started anew is safe.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from messages.topology import DEAD_QUEUE, STAGE_QUEUES, WRITER_QUEUES

VARIABLE = "DH_FAULT_FILE"

_STAGE = ("received", "before_effect", "after_effect", "after_publish", "before_ack", "after_ack")
_WRITER = ("received", "before_commit", "after_commit", "before_ack", "after_ack")

POINTS: Mapping[str, tuple[str, ...]] = {
    "gateway": ("received", "before_commit", "after_commit"),
    "relay": ("received", "after_publish", "before_commit", "after_commit"),
    **{queue.name: _STAGE for queue in STAGE_QUEUES.values()},
    WRITER_QUEUES["pkgstore"].name: (*_WRITER, "before_effect", "after_effect"),
    WRITER_QUEUES["metastore"].name: _WRITER,
    WRITER_QUEUES["webhooks"].name: _WRITER,
    DEAD_QUEUE.name: _WRITER,
    "turns": ("received", "before_commit", "after_commit"),
    "rescue": ("received", "before_commit", "after_commit"),
}
"""Every step of every place; a consumer's place is its queue."""


def faultpoint(place: str, step: str) -> None:
    """Does nothing, unless a test has chosen this step of this place for the end of this process."""
    path = _armed()
    if path is not None:
        _strike(path, f"{place} {step}")


@cache
def _armed() -> Path | None:
    path = os.environ.get(VARIABLE)
    return Path(path) if path else None


def _strike(path: Path, point: str) -> None:
    try:
        if path.read_text() != point:
            return
        path.unlink()
    except FileNotFoundError:  # nothing is wanted, or another process was here first
        return
    os.kill(os.getpid(), signal.SIGKILL)
