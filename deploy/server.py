"""`dh-server`, the operator's command. What is heavy is imported by the subcommand that needs it."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy.loop import run_to_end
from deploy.operatorwords import add_check, add_dead_letters, add_quota
from messages.errors import PermanentError, TransientError
from messages.jobs import STAGES
from messages.settings import Settings, SettingsError

WRITERS = ("pkgstore", "metastore", "webhooks", "deadletters", "rescue")
GROUPS = {"stages": STAGES, "writers": WRITERS, "all": (*STAGES, *WRITERS)}
WORKERS = GROUPS["all"]

FINE, AT_FAULT, WRONG_USAGE, SERVER_TROUBLE = 0, 1, 2, 3
"""Exit codes, the same for `dh`."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code; only a bug of ours ends in a traceback."""
    arguments = parser().parse_args(words)
    try:
        result: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return FINE
    except SettingsError as error:
        return _complain(error, WRONG_USAGE)
    except PermanentError as error:
        return _complain(error, AT_FAULT)
    except (TransientError, OSError, TimeoutError) as error:
        return _complain(error, SERVER_TROUBLE)
    except Exception as error:
        if not _is_trouble(error):
            raise
        return _complain(error, SERVER_TROUBLE)
    return result


def expand(names: Sequence[str]) -> tuple[str, ...]:
    """Return the workers that names and groups mean, each once, in the pipeline's order."""
    wanted = {worker for name in names for worker in GROUPS.get(name, (name,))}
    return tuple(worker for worker in WORKERS if worker in wanted)


def parser() -> argparse.ArgumentParser:
    """The command line; the chosen subcommand is `run` of what it parses."""
    parser = argparse.ArgumentParser(
        prog="dh-server",
        description="Runs the parts of the publishing system.",
        epilog="Exit codes: 0 fine, 1 the request is at fault, 2 wrong usage, 3 a server or the network is.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="the whole system on this machine, database and object store included")
    up.add_argument("--demo", type=Path, metavar="DIR", help="publish this package after the start")
    up.set_defaults(run=_up)
    gateway = commands.add_parser("gateway", help="serve HTTP")
    gateway.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)
    gateway.set_defaults(run=_gateway)
    worker = commands.add_parser("worker", help="run stages and writers")
    names = (*WORKERS, *GROUPS)
    worker.add_argument("names", nargs="+", choices=names, metavar="NAME", help=f"any of {', '.join(names)}")
    worker.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)
    worker.set_defaults(run=_worker)
    alive = commands.add_parser("alive", help="exit 0 while the worker that touches DH_ALIVE_FILE is alive")
    alive.set_defaults(run=_alive)
    migrate = commands.add_parser("migrate", help="bring the database up to date and make the buckets")
    migrate.set_defaults(run=_migrate)
    _add_user(commands)
    _add_keys(commands)
    add_dead_letters(commands, _settings)
    add_check(commands, _settings)
    add_quota(commands, _settings)
    topology = commands.add_parser("topology", help="show exchanges and queues")
    topology.add_argument("--json", action="store_true", help="for programs")
    topology.add_argument("--declare", action="store_true", help="make them at the broker")
    topology.set_defaults(run=_topology)
    return parser


def _add_user(commands: Any) -> None:
    user = commands.add_parser("user", help="local accounts")
    add = user.add_subparsers(required=True, metavar="COMMAND").add_parser("add", help="make an account")
    add.add_argument("username")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add.add_argument("--name", default="", help="full name")
    add.add_argument("--email", default="")
    add.set_defaults(run=_user_add)


def _add_keys(commands: Any) -> None:
    keys = commands.add_parser("keys", help="the keys that sign tokens, and receipts").add_subparsers(
        required=True, metavar="COMMAND"
    )
    keys.add_parser("list", help="show them").set_defaults(run=_keys_list)
    rotate = keys.add_parser("rotate", help="make a new one; nobody is logged out")
    rotate.add_argument(
        "--receipts", action="store_true", help="of those that sign receipts; the old ones go on verifying"
    )
    rotate.set_defaults(run=_keys_rotate)
    revoke = keys.add_parser("revoke", help="forget one that leaked; its tokens are good for nothing from now on")
    revoke.add_argument("kid", metavar="KEY")
    revoke.set_defaults(run=_keys_revoke)


def _up(arguments: argparse.Namespace) -> int:
    from deploy.demo import demo
    from deploy.embedded.state import State
    from deploy.embedded.supervisor import up

    state = State.from_env()
    if arguments.demo:
        return _until_signal(demo(arguments.demo, state, os.environ, _say))
    return _until_signal(up(state, os.environ, _say))


def _gateway(arguments: argparse.Namespace) -> int:
    from gateway.app import serve
    from messages.settings import from_env

    settings = from_env()
    return _run_service("gateway", settings, arguments.wait, lambda: serve(settings))


def _worker(arguments: argparse.Namespace) -> int:
    from messages.settings import from_env
    from workers.main import serve

    settings = from_env()
    names = expand(arguments.names)
    if arguments.wait:
        # What every worker opens first, and what takes most of its start.
        import_module("aiobotocore.session")
    return _run_service("worker", settings, arguments.wait, lambda: serve(names, settings))


def _run_service(service: str, settings: Settings, wait: bool, serve: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Serve, after a line on standard input if told to `wait`: the supervisor sends it when the servers are up."""
    import uvloop

    from messages import telemetry

    telemetry.configure(settings.log_format, settings.log_level, service=service)
    if wait and not sys.stdin.readline():
        return FINE
    uvloop.run(serve())
    return FINE


def _alive(_arguments: argparse.Namespace) -> int:
    from workers.alive import is_alive

    path = os.environ.get("DH_ALIVE_FILE", "")
    if path and is_alive(Path(path)):
        return 0
    sys.stderr.write(f"No sign of life in DH_ALIVE_FILE={path!r}.\n")
    return 1


def _migrate(_arguments: argparse.Namespace) -> int:
    from deploy.operations import migrate_all

    run_to_end(migrate_all(_settings(), _say))
    return FINE


def _user_add(arguments: argparse.Namespace) -> int:
    from deploy.operations import add_user

    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else getpass.getpass()
    run_to_end(add_user(_settings(), arguments.username, password, arguments.name, arguments.email))
    _say(f"{arguments.username} can log in now")
    return FINE


def _keys_list(_arguments: argparse.Namespace) -> int:
    from deploy.operations import key_table

    _say(run_to_end(key_table(_settings())))
    return FINE


def _keys_rotate(arguments: argparse.Namespace) -> int:
    from deploy.operations import rotate_keys

    kid = run_to_end(rotate_keys(_settings(), receipts=arguments.receipts))
    if arguments.receipts:
        _say(f"{kid} signs receipts from now on; those of the key before are verified for ever")
        return FINE
    _say(f"{kid} signs in three minutes; tokens of the key before stay good until they end")
    return FINE


def _keys_revoke(arguments: argparse.Namespace) -> int:
    from deploy.operations import revoke_key

    run_to_end(revoke_key(_settings(), arguments.kid))
    _say(f"{arguments.kid} is gone; its tokens are good for nothing within a minute")
    return FINE


def _topology(arguments: argparse.Namespace) -> int:
    from deploy import operations

    if arguments.declare:
        run_to_end(operations.declare(_settings()))
    _say(operations.topology_json() if arguments.json else operations.topology_table())
    return FINE


def _settings() -> Settings:
    """The settings of the environment, else of the stack that `dh-server up` runs here."""
    from deploy.embedded.state import State
    from messages.settings import from_env

    return from_env(State.from_env().environment())


def _until_signal(work: Coroutine[Any, Any, None]) -> int:
    """Run `work` until it ends or somebody sends SIGINT, SIGTERM or SIGHUP: then it is cancelled, and tidies up."""
    from deploy.embedded.signals import run_until_signal

    return run_to_end(run_until_signal(work))


def _complain(error: BaseException, code: int) -> int:
    print(f"dh-server: {str(error) or type(error).__name__}", file=sys.stderr)
    return code


def _is_trouble(error: Exception) -> bool:
    from asyncpg import PostgresError

    from deploy.embedded.process import ServerError

    return isinstance(error, (ServerError, PostgresError))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
