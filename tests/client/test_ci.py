"""`dh push` in a CI job: it proves by itself which job it is, and needs no token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from gateway.client.ci import CiJob, JobRenewal, job_of
from gateway.client.connection import connected
from gateway.client.failures import RequestFailure
from gateway.client.session import session_of
from messages.settings import StoreSettings
from tests import services
from tests.client.publisher import write_package
from tests.client.server import serving as answering
from tests.gateway.ciworld import World, a_world, trusting
from tests.gateway.conftest import Gateway, Publisher
from tests.stack import plain_environment
from tests.warm import Finished, run_dh

SECRET = "Zq7-request-secret"


@dataclass(frozen=True)
class Runner:
    """A GitHub runner: `url` is where its jobs ask for ID tokens, `asked` how often they did."""

    world: World
    url: str
    asked: list[str]

    @property
    def gateway(self) -> Gateway:
        return self.world.gateway

    async def dh(self, *words: str, **more: str) -> Finished:
        github = {"ACTIONS_ID_TOKEN_REQUEST_URL": self.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET}
        base = {**plain_environment(), "DH_SERVER": self.gateway.url, "DH_CONFIG": "/nonexistent/config.json"}
        return await run_dh(words, {**base, **(more or github)})


@pytest_asyncio.fixture(scope="module")
async def runner(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Runner]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(a_world(postgres, object_store))
        asked: list[str] = []

        async def id_token(request: web.Request) -> web.Response:
            asked.append(request.query["audience"])
            if request.headers["Authorization"] != f"Bearer {SECRET}" or request.query["api-version"] != "2.0":
                return web.Response(status=401)
            return web.json_response({"count": 1, "value": world.job(aud=request.query["audience"])})

        url = await stack.enter_async_context(answering(id_token))
        yield Runner(world, f"{url}/token?api-version=2.0", asked)


@pytest_asyncio.fixture(scope="module")
async def ada(runner: Runner) -> Publisher:
    return await runner.gateway.publisher("ada")


async def test_a_job_of_github_publishes_what_trusts_it(runner: Runner, ada: Publisher, tmp_path: Path) -> None:
    folder = write_package(tmp_path / "package", "towns")
    refused = await runner.dh("push", str(folder), "--no-wait")
    assert (refused.code, "dh trust add" in refused.stderr) == (1, True), refused
    await trusting(ada, "ada/towns", workflow="publish.yml", ref="main")
    pushed = await runner.dh("push", str(folder), "--no-wait")
    assert pushed.code == 0, pushed
    assert pushed.stdout == f"{runner.gateway.url}/ada/towns/v/1\n"
    assert "this job is trusted" in pushed.stderr
    assert set(runner.asked) == {runner.gateway.url}
    assert SECRET not in pushed.stderr
    flow = await runner.gateway.pool.fetchval("select state from flow where id = $1", f"{ada.id}/towns/1")
    assert flow == "QUEUED"


async def test_a_job_of_gitlab_shows_the_token_that_it_was_given(
    runner: Runner, ada: Publisher, tmp_path: Path
) -> None:
    folder = write_package(tmp_path / "package", "lab")
    await trusting(ada, "ada/lab", provider="gitlab", repository="group/sub/data")
    token = runner.world.gitlab_job()
    pushed = await runner.dh("push", str(folder), "--no-wait", "--owner", "ada", DH_ID_TOKEN=token)
    assert pushed.code == 0, pushed
    again = await runner.dh("push", str(folder), "--no-wait", DH_ID_TOKEN=token)
    assert (again.code, "exchanged already" in again.stderr) == (1, True), again
    assert token not in again.stdout + again.stderr


async def test_the_next_token_is_had_when_one_is_nearly_over(runner: Runner, ada: Publisher) -> None:
    await trusting(ada, "ada/long")
    job = CiJob(url=runner.url, secret=SECRET)
    async with connected(runner.gateway.url) as connection:
        renewal = JobRenewal(job, connection, "long")
        connection.renew_by(renewal)
        first = await renewal.first()
        assert await connection.current(first) == first
        renewal._expires -= 700
        second = await connection.current(first)
        assert second != first
        assert await connection.current(first) == second
        assert await connection.current("another") == "another"
        given = JobRenewal(CiJob(given=runner.world.job()), connection, "long")
        only = await given.first()
        given._expires -= 700
        assert await given.current(only) == only


async def test_a_runner_that_gives_none_is_told(runner: Runner, tmp_path: Path) -> None:
    folder = write_package(tmp_path / "package", "towns")
    wrong = {"ACTIONS_ID_TOKEN_REQUEST_URL": runner.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}
    done = await runner.dh("push", str(folder), "--no-wait", **wrong)
    assert (done.code, "gave this job no ID token (status 401)" in done.stderr) == (3, True), done


def test_a_token_wins_over_a_job_and_a_job_that_cannot_prove_itself_is_told_how() -> None:
    job = {"DH_ID_TOKEN": "x", "DH_CONFIG": "/nonexistent/config.json"}
    assert session_of("http://a", job).job == CiJob(given="x")
    assert session_of("http://a", {**job, "DH_TOKEN": "t"}).job is None
    plain = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://runner.example", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET}
    with pytest.raises(RequestFailure, match="not https"):
        job_of(plain)
    assert job_of({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}) is None


async def test_a_job_of_github_without_the_permission_is_told_of_it(runner: Runner, tmp_path: Path) -> None:
    folder = write_package(tmp_path / "package", "towns")
    done = await runner.dh("push", str(folder), GITHUB_ACTIONS="true")
    assert (done.code, "id-token: write" in done.stderr) == (1, True), done
