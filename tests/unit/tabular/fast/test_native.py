"""How compiled functions are called."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from tabular.fast import native
from tabular.fast.layout import TRANSCODE_FRAME

NATIVE: Any = native


def test_arguments_live_until_the_function_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread was given the memory of a frame that was being read: a table in Latin-2 was taken for empty."""
    frames: list[weakref.ref[Any]] = []
    framed = NATIVE._frame

    def watched(*words: Any) -> Any:
        frame = framed(*words)
        frames.append(weakref.ref(frame))
        return frame

    monkeypatch.setattr(native, "_frame", watched)
    arrays = np.zeros(1, np.uint8), np.zeros(1, np.int64), np.zeros(1, np.uint8)
    assert NATIVE._called(lambda _address: frames[-1]() is not None, arrays, (1,), TRANSCODE_FRAME) is True
    assert frames[-1]() is None
