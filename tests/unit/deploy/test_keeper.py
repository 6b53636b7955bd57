"""The keeper, the state directory and the ending signal: what `dh-server up` is made of."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import override

from deploy.embedded.keeper import Keeper
from deploy.embedded.process import ServerError, ServerProcess
from deploy.embedded.server import EmbeddedServer
from deploy.embedded.signals import run_until_signal
from deploy.embedded.state import State


class Sleeper(EmbeddedServer):
    """A server that does nothing; `starts` counts."""

    def __init__(self, directory: Path) -> None:
        super().__init__("Sleeper", directory)
        self.starts: asyncio.Queue[int] = asyncio.Queue()

    @override
    async def start(self) -> None:
        self._process = await ServerProcess.start("Sleeper", ["/bin/sleep", "60"], log=self._log, env={})
        self.starts.put_nowait(self._process.pid)


async def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    sleeper = Sleeper(tmp_path)
    keeper = Keeper(sleeper, said.append)
    await keeper.start()
    first = await sleeper.starts.get()
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(30):
        second = await sleeper.starts.get()
    assert said == ["Sleeper ended with -9, starting it again in 0.5 s"]
    await keeper.stop()
    for pid in (first, second):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert sleeper.starts.empty()


def test_a_state_directory_has_one_user_at_a_time(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from deploy.embedded.state import State\n"
        "with State(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        refused = pytest.raises(ServerError, match=rf"process {other.pid}\).*DH_STATE")
        with refused, State(tmp_path).locked():
            pass
        other.kill()
    with State(tmp_path).locked():
        pass


def test_operator_commands_find_the_running_stack(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.announced({"DATABASE_URL": "postgresql://secret", "DH_PORT": "1"}):
        assert (tmp_path / "endpoints.json").stat().st_mode & 0o777 == 0o600
        assert state.environment({"DH_PORT": "2"}) == {"DATABASE_URL": "postgresql://secret", "DH_PORT": "2"}
    assert state.environment({"DH_PORT": "2"}) == {"DH_PORT": "2"}


async def test_the_first_signal_tidies_up_and_the_second_does_not_interrupt() -> None:
    tidied = False

    async def work() -> None:
        nonlocal tidied
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            tidied = True

    assert await run_until_signal(work()) == 0
    assert tidied
