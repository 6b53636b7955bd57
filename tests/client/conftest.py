"""`dh` against a whole system: each test has its own log-in file and dataset name."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import stack as stacks
from tests.client.publisher import Publisher

USERNAME = "carol"


@pytest_asyncio.fixture(scope="session")
async def stack(embedded_stack: stacks.Stack) -> stacks.Stack:
    """A running system with a user called carol."""
    await embedded_stack.add_user(USERNAME)
    return embedded_stack


@pytest_asyncio.fixture(scope="session")
async def login_file(stack: stacks.Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `dh login` with Carol's password left."""
    config = tmp_path_factory.mktemp("login") / "home" / "config.json"
    await Publisher(stack, config).log_in(USERNAME)
    return config


@pytest.fixture
def publisher(stack: stacks.Stack, login_file: Path, tmp_path: Path) -> Publisher:
    """Carol, logged in, in a home of this test's own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Publisher(stack, Path(shutil.copy(login_file, home)))


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def name(_numbers: Iterator[int]) -> str:
    """A dataset name that no other test uses."""
    return f"towns-{next(_numbers)}"
