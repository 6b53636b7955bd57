"""Real bytes for the checks."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frictionless.vendors import stringcase

Write = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def remembered_names() -> None:
    """The reference library asks a thousand times for each table how its properties are spelled in Python, which is a
    twelfth of its time: asked once here."""
    for name in ("snakecase", "camelcase"):
        setattr(stringcase, name, functools.cache(getattr(stringcase, name)))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes bytes, or text as UTF-8, to a file and returns its path."""

    def _write(content: bytes | str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return _write


@pytest.fixture
def refuse_network(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """From the call on, every connection attempt is recorded in the list it returns, and refused."""

    def _refuse() -> list[Any]:
        asked: list[Any] = []

        def _connect(self: socket.socket, address: Any) -> None:
            asked.append(address)
            raise OSError("no network here")

        monkeypatch.setattr(socket.socket, "connect", _connect)
        return asked

    return _refuse
