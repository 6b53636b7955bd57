"""The kernel, compiled once: as set-up does it. The reference library remembers how it writes the names of its options,
which it works out anew for each cell that is wrong: a twentieth of the time of random tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from frictionless.vendors import stringcase

from tabular.fast.native import kernel as load


@pytest.fixture(scope="session", autouse=True)
def kernel() -> None:
    """Ten seconds the first time."""
    load()


@pytest.fixture(scope="session", autouse=True)
def remembered_names() -> Iterator[None]:
    """A function of its argument alone, remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stringcase, "snakecase", cache(stringcase.snakecase))
        yield
