"""The kernel, compiled once: as set-up does it."""

from __future__ import annotations

import pytest

from tabular.fast.native import kernel as load


@pytest.fixture(scope="session", autouse=True)
def kernel() -> None:
    """Ten seconds the first time."""
    load()
