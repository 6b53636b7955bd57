"""`dh-server up`: the whole system on one machine, from nothing, as children of this process."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from deploy.embedded.keeper import Keeper, Say
from deploy.embedded.ports import LOOPBACK, free_ports, is_free
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.program import Program
from deploy.embedded.seaweedfs import EmbeddedSeaweedFS
from deploy.embedded.server import EmbeddedServer
from deploy.embedded.state import State

DEFAULT_PORT = 8080

# Few processes, for each costs a second of imports and 60 MB; `worker` takes any other split.
_WORKERS = ("stages", "writers")


@asynccontextmanager
async def running_stack(state: State, environ: Mapping[str, str], say: Say) -> AsyncIterator[dict[str, str]]:
    """`async with`: PostgreSQL, S3 server, gateway and workers run; gives the settings they run with.

    DATABASE_URL, S3_ENDPOINT_URL (and credentials) and AMQP_URL in `environ` each replace one embedded part.
    Stops in the order workers, gateway, S3 server, PostgreSQL. Raises ServerError when a part does not start.
    """
    with state.locked():
        async with AsyncExitStack() as exits:
            environment = await _start_servers(state, environ, exits, say)
            await _prepare(state, environ, environment)
            await _start_programs(state, environment, exits, say)
            with state.announced(environment):
                yield environment


async def up(state: State, environ: Mapping[str, str], say: Say) -> None:
    """Run the stack until this task is cancelled."""
    started = time.monotonic()
    async with running_stack(state, environ, say) as environment:
        say(f"Serving at {environment['DH_PUBLIC_URL']} after {time.monotonic() - started:.1f} s (Ctrl-C ends it)")
        say(f"State and logs are in {state.directory}")
        await asyncio.Event().wait()


async def _start_servers(state: State, environ: Mapping[str, str], exits: AsyncExitStack, say: Say) -> dict[str, str]:
    """Start what `environ` does not name, side by side, and return the environment of gateway and workers."""
    port = _gateway_port(environ, say)
    public_url = environ.get("DH_PUBLIC_URL") or f"http://{LOOPBACK}:{port}"
    environment = {
        "DH_LOG_FORMAT": "console",
        "DH_GRACE": "10",
        "DH_SPOOL_DIR": str(state.directory / "spool"),
        **environ,
        "DH_PUBLIC_URL": public_url,
        "DH_PORT": str(port),
    }
    database = EmbeddedPostgres(state.directory / "postgres")
    store = EmbeddedSeaweedFS(state.directory / "seaweedfs", allowed_origin=public_url)
    wanted: list[EmbeddedServer] = []
    if "DATABASE_URL" not in environ:
        wanted.append(database)
    if "S3_ENDPOINT_URL" not in environ:
        wanted.append(store)
    await _start_all(wanted, exits, say)
    if database in wanted:
        environment["DATABASE_URL"] = database.url()
    if store in wanted:
        environment["S3_ENDPOINT_URL"] = store.endpoint_url
        environment["S3_ACCESS_KEY"] = store.access_key
        environment["S3_SECRET_KEY"] = store.secret_key
    return environment


async def _start_programs(state: State, environment: Mapping[str, str], exits: AsyncExitStack, say: Say) -> None:
    async def gateway_ready() -> bool:
        return await asyncio.to_thread(_answers_ready, int(environment["DH_PORT"]))

    gateway = Program(["gateway"], state.logs / "gateway.log", environment, gateway_ready)
    workers = [Program(["worker", group], state.logs / f"{group}.log", environment) for group in _WORKERS]
    await _start_all([gateway, *workers], exits, say)


async def _start_all(servers: list[EmbeddedServer], exits: AsyncExitStack, say: Say) -> None:
    """Start all at the same time; they are stopped in the reverse order, also when one of them does not start."""
    keepers = [Keeper(server, say) for server in servers]
    for keeper in keepers:
        exits.push_async_callback(keeper.stop)
    outcomes = await asyncio.gather(*(keeper.start() for keeper in keepers), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def _prepare(state: State, environ: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Bring the schema up to date and make the buckets."""
    # Imported here: `dh-server --help` must not wait for a database driver, nor a later start for an S3 client,
    # which costs a second.
    from deploy.migrate import migrate

    await migrate(environment["DATABASE_URL"])
    made = state.directory / "seaweedfs" / "buckets"
    if "S3_ENDPOINT_URL" in environ or not made.exists():
        from messages.blobs import Blobs
        from messages.settings import from_env

        async with Blobs(from_env(environment).store) as blobs:
            await blobs.ensure_buckets()
    if "S3_ENDPOINT_URL" not in environ:
        made.touch()


def _gateway_port(environ: Mapping[str, str], say: Say) -> int:
    """DH_PORT (0: any free one), else that of DH_PUBLIC_URL, else the usual one, else (it is taken) a free one."""
    if environ.get("DH_PORT"):
        return int(environ["DH_PORT"]) or free_ports(1)[0]
    if environ.get("DH_PUBLIC_URL"):
        return urlsplit(environ["DH_PUBLIC_URL"]).port or DEFAULT_PORT
    if is_free(DEFAULT_PORT):
        return DEFAULT_PORT
    (port,) = free_ports(1)
    say(f"Port {DEFAULT_PORT} is taken, using {port} (choose with DH_PORT)")
    return port


def _answers_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
