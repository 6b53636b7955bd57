"""`dh-server up`: the whole system on one machine, from nothing, as children of this process."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
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

# One process, for each costs a second of imports and 60 MB; `worker` takes any other split.
_WORKERS = "all"


@asynccontextmanager
async def running_stack(state: State, environ: Mapping[str, str], say: Say) -> AsyncIterator[dict[str, str]]:
    """`async with`: PostgreSQL, S3 server, gateway and workers run; gives the settings they run with.

    DATABASE_URL, S3_ENDPOINT_URL (and credentials) and AMQP_URL in `environ` each replace one embedded part.
    Stops gateway and workers, then the servers. Raises ServerError when a part does not start.
    """
    with state.locked():
        environment = _environment(state, environ, say)
        database = [Keeper(server, say) for server in _database(state, environ, environment)]
        store = [Keeper(server, say) for server in _store(state, environ, environment)]
        programs = [_gateway(state, environment), _workers(state, environment)]
        above = [Keeper(program, say) for program in programs]
        async with AsyncExitStack() as exits:
            for group in ([*database, *store], above):
                exits.push_async_callback(_all, [keeper.stop for keeper in group])
            names = ", ".join(keeper.name for keeper in (*database, *store, *above))
            say(f"Starting {names} in {state.directory} ...")
            # The programs import what they need while the servers start, and connect as soon as there is a schema.
            await _all([program.warm for program in programs])

            async def open_database() -> None:
                await _all([keeper.start for keeper in database])
                await _migrate(environment)
                for program in programs:
                    program.begin()

            async def open_store() -> None:
                await _all([keeper.start for keeper in store])
                await _make_buckets(state, environ, environment)

            await _all([open_database, open_store])
            await _all([keeper.start for keeper in above])
            with state.announced(environment):
                yield environment


async def up(state: State, environ: Mapping[str, str], say: Say) -> None:
    """Run the stack until this task is cancelled."""
    started = time.monotonic()
    async with running_stack(state, environ, say) as environment:
        say(f"Serving at {environment['DH_PUBLIC_URL']} after {time.monotonic() - started:.1f} s (Ctrl-C ends it)")
        await asyncio.Event().wait()


def _environment(state: State, environ: Mapping[str, str], say: Say) -> dict[str, str]:
    """The settings of gateway and workers, but for what `_servers` adds."""
    port = _gateway_port(environ, say)
    return {
        "DH_LOG_FORMAT": "console",
        "DH_GRACE": "10",
        "DH_SPOOL_DIR": str(state.directory / "spool"),
        **environ,
        "DH_PUBLIC_URL": environ.get("DH_PUBLIC_URL") or f"http://{LOOPBACK}:{port}",
        "DH_PORT": str(port),
    }


def _database(state: State, environ: Mapping[str, str], environment: dict[str, str]) -> list[EmbeddedServer]:
    """The database server, unless `environ` names one; its address goes into `environment`."""
    if "DATABASE_URL" in environ:
        return []
    server = EmbeddedPostgres(state.directory / "postgres")
    server.prepare()
    environment["DATABASE_URL"] = server.url()
    return [server]


def _store(state: State, environ: Mapping[str, str], environment: dict[str, str]) -> list[EmbeddedServer]:
    """The object store, unless `environ` names one; its address and credentials go into `environment`."""
    if "S3_ENDPOINT_URL" in environ:
        return []
    server = EmbeddedSeaweedFS(state.directory / "seaweedfs", allowed_origin=environment["DH_PUBLIC_URL"])
    server.prepare()
    environment["S3_ENDPOINT_URL"] = server.endpoint_url
    environment["S3_ACCESS_KEY"] = server.access_key
    environment["S3_SECRET_KEY"] = server.secret_key
    return [server]


def _workers(state: State, environment: Mapping[str, str]) -> Program:
    return Program(["worker", _WORKERS], state.logs / "workers.log", environment)


def _gateway(state: State, environment: Mapping[str, str]) -> Program:
    async def ready() -> bool:
        return await asyncio.to_thread(_answers_ready, int(environment["DH_PORT"]))

    return Program(["gateway"], state.logs / "gateway.log", environment, ready)


async def _all(acts: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Do all at the same time; the first error is raised after all have tried."""
    outcomes = await asyncio.gather(*(act() for act in acts), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def _migrate(environment: Mapping[str, str]) -> None:
    """Bring the schema up to date."""
    # Imported here, as below: `dh-server --help` must not wait for a database driver.
    from deploy.migrate import migrate

    await migrate(environment["DATABASE_URL"])


async def _make_buckets(state: State, environ: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Make the buckets; in a store of ours once, for an S3 client costs a second."""
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
