"""The embedded servers: they answer, keep what was written, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import aio_pika
import asyncpg
import psutil
import pytest

from deploy.embedded import rabbitmq
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.process import ServerError, ServerProcess
from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.embedded.seaweedfs import EmbeddedSeaweedFS
from messages.blobs import Blobs, StoredObject
from messages.datapackage import BlobRef
from messages.settings import StoreSettings
from tests.conftest import missing
from tests.services import server_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    with server_directory() as path:
        yield path


async def test_a_database_per_test_has_the_schema_and_no_rows(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from flow") == 0
    assert await connection.fetchval("select max(version) from schema_migration") >= 1
    await connection.close()


async def test_the_object_store_keeps_what_was_put(object_store: StoreSettings, random_ownerid: str) -> None:
    async with Blobs(object_store) as blobs:
        await blobs.put("rawstore", f"{random_ownerid}/a", b"hello", "text/plain")
        head = await blobs.head("rawstore", f"{random_ownerid}/a")
        assert head is not None
        assert head.size == 5
        ref = BlobRef(bucket="rawstore", key=f"{random_ownerid}/a", size=5, sha256="0" * 64)
        assert await blobs.get(ref) == b"hello"


@pytest.mark.rabbitmq
async def test_a_virtual_host_per_test_accepts_quorum_queues(empty_amqp_url: str) -> None:
    async with await aio_pika.connect(empty_amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("q", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"hello"), routing_key="q")
        message = await queue.get(timeout=30)
        assert message is not None
        assert message.body == b"hello"


@pytest.mark.rabbitmq
async def test_a_control_program_that_finds_no_name_server_starts_none(directory: Path) -> None:
    """It would outlive all of us: whoever is interrupted stops the name server while others are still at work."""
    if not rabbitmq.installed():
        missing("RabbitMQ")
    stopped = EmbeddedRabbitMQ(directory)
    stopped.prepare()
    with pytest.raises(ServerError, match="rabbitmqctl"):
        await stopped.control("set_disk_free_limit", "200MB")
    # Without an environment: it has ended, or is another user's, as where RabbitMQ is a service of the machine.
    found = [each for each in psutil.process_iter(["name", "environ"]) if each.info["environ"]]
    homes = {each.pid: each.info["environ"].get("HOME") for each in found if each.info["name"] == "epmd"}
    assert str(directory / "home") not in homes.values(), homes


async def test_postgres_keeps_rows_over_kill_and_restart(directory: Path) -> None:
    async with EmbeddedPostgres(directory) as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("create table kept as select 7 as number")
        os.kill(server.process.pid, signal.SIGKILL)
        await server.process.wait()
        async with EmbeddedPostgres(directory) as successor:
            connection = await asyncpg.connect(successor.url())
            assert await connection.fetchval("select number from kept") == 7
            await connection.close()


async def test_postgres_refuses_a_wrong_password(directory: Path) -> None:
    async with EmbeddedPostgres(directory, durable=False) as server:
        user, address = server.url().rsplit("@", 1)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"{user[:-1]}@{address}")
    assert (directory / "password").stat().st_mode & 0o777 == 0o600


async def test_a_server_that_dies_at_start_shows_its_last_words(directory: Path) -> None:
    async with EmbeddedPostgres(directory, durable=False):
        pass
    (directory / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match="version 9") as failure:
        await EmbeddedPostgres(directory, durable=False).start()
    assert "postgresql.log" in str(failure.value)


async def test_a_program_that_is_not_there_is_named(directory: Path) -> None:
    with pytest.raises(ServerError, match="Nothing cannot be started"):
        await ServerProcess.start("Nothing", ["/nowhere/nothing"], log=directory / "log", env={})


async def test_a_server_that_never_gets_ready_is_given_up(directory: Path) -> None:
    process = await ServerProcess.start("Sleeper", ["/bin/sleep", "60"], log=directory / "log", env={})

    async def never() -> bool:
        return False

    with pytest.raises(ServerError, match=r"Sleeper was not ready after 0\.1 s"):
        await process.ready(never, deadline_seconds=0.1)
    await process.stop()
    assert process.exit_code == -signal.SIGTERM


async def test_object_store_listens_on_loopback_only(directory: Path) -> None:
    async with EmbeddedSeaweedFS(directory) as server:
        sockets = psutil.Process(server.process.pid).net_connections("tcp")
        listening = {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
    assert (directory / "s3.json").stat().st_mode & 0o777 == 0o600


async def test_the_object_store_removes_its_own_sockets_and_nobody_elses(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two users' servers may have had the same port, and the temporary directory lets nobody remove another's."""
    port = f"9{os.getpid():07}"  # none that there is
    left = Path("/tmp") / f"seaweedfs-master-grpc-{port}.sock"
    left.touch()
    server = EmbeddedSeaweedFS(directory)
    owner = os.getuid()
    for user, remains in ((owner + 1, True), (owner, False)):
        (directory / "leftovers").write_text(f"{directory / 'sockets'}\n{port}")
        with monkeypatch.context() as patch:
            patch.setattr(os, "getuid", lambda user=user: user)
            await server.stop()
        assert left.exists() is remains
        assert not (directory / "leftovers").exists()


async def test_the_object_store_keeps_what_it_answered_for_though_it_ends_at_once(directory: Path) -> None:
    """It is killed, not asked: nothing that was put, put over or deleted may come back otherwise."""
    kept: dict[str, bytes] = {}
    for life in range(3):
        async with EmbeddedSeaweedFS(directory) as server, Blobs(_settings_of(server)) as blobs:
            await blobs.ensure_buckets()
            for key, content in kept.items():
                assert await blobs.get(_blob(key, content)) == content
            assert {found.key async for found in blobs.objects("rawstore")} == set(kept)
            new = {f"{life}/{number}": os.urandom(1 + 977 * number) for number in range(50)} | {"over": os.urandom(99)}
            await asyncio.gather(*(blobs.put("rawstore", key, new[key], "text/plain") for key in new))
            kept |= new
            gone = f"{life}/7"
            await blobs.delete(
                StoredObject(bucket="rawstore", key=gone, size=len(kept.pop(gone)), modified=datetime.now(UTC))
            )
    assert len(kept) == 3 * 49 + 1


def _settings_of(server: EmbeddedSeaweedFS) -> StoreSettings:
    return StoreSettings(
        endpoint_url=server.endpoint_url,
        public_url=server.endpoint_url,
        access_key=server.access_key,
        secret_key=server.secret_key,
        region="us-east-1",
        raw_bucket="rawstore",
        package_bucket="pkgstore",
    )


def _blob(key: str, content: bytes) -> BlobRef:
    return BlobRef(bucket="rawstore", key=key, size=len(content), sha256=sha256(content).hexdigest())


_PARENT = """
import asyncio, sys
from pathlib import Path
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.seaweedfs import EmbeddedSeaweedFS
async def main(directory):
    pg, weed = EmbeddedPostgres(directory / "pg", durable=False), EmbeddedSeaweedFS(directory / "s3")
    async with pg, weed:
        print(pg.process.pid, weed.process.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main(Path(sys.argv[1])))
"""


async def test_nothing_survives_a_killed_parent(directory: Path) -> None:
    with subprocess.Popen(  # noqa: ASYNC220 the wait is for one line, in a thread
        [sys.executable, "-c", _PARENT, str(directory)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        line = await asyncio.to_thread(parent.stdout.readline)
        servers = [psutil.Process(int(pid)) for pid in line.split()]
        family = [process for server in servers for process in (server, *server.children(recursive=True))]
        assert len(family) > 5
        parent.kill()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=30)
    for process in alive:
        process.kill()
    assert alive == []
    async with EmbeddedSeaweedFS(directory / "s3"):  # a successor finds the data free, and tidies up
        pass
    assert not (directory / "s3" / "leftovers").exists()
