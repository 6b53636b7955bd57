"""`dh get`: a published revision, whole and proven, or nothing at all."""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.client.board import showing
from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.download import Downloader
from gateway.client.failures import FINE, RequestFailure, UsageFailure
from gateway.client.fetched import FOLDER, FetchedPackage
from gateway.client.session import Session, session_of
from gateway.client.sizes import plural, size
from gateway.client.terminal import Terminal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Fetch into a folder that does not exist yet, or is empty."""
    owner, name = _parts(options.dataset)
    output = Path(options.output or name)
    _require_free(output)
    session = session_of(options.server)
    package = asyncio.run(_get(session, owner, name, options.revision, output, terminal))
    total = sum(file.size for file in package.files)
    terminal.say(f"{output}: {plural(len(package.files), 'file')}, {size(total)}, every SHA-256 as published")
    files = [{"path": file.path, "bytes": file.size, "sha256": file.sha256} for file in package.files]
    terminal.answer({"ok": True, "owner": owner, "dataset": name, "output": str(output), "files": files})
    return FINE


async def _get(
    session: Session, owner: str, name: str, revision: int | None, output: Path, terminal: Terminal
) -> FetchedPackage:
    async with connected(session.server) as connection:
        package = FetchedPackage(await DataHub(connection, session.token).published(owner, name, revision))
        with _made_whole(output) as folder, showing(terminal) as shown:
            (folder / FOLDER).mkdir()
            await Downloader(connection, session.token, shown).fetch(package.files, folder)
            package.write(folder)
    return package


@contextmanager
def _made_whole(output: Path) -> Iterator[Path]:
    """A folder beside `output` that becomes it at the end of the block, or disappears if the block fails."""
    try:
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".dh-get-", dir=output.absolute().parent))
    except OSError as error:
        raise RequestFailure(f"{output} cannot be made: {error.strerror}") from None
    try:
        yield folder
        folder.chmod(0o755)
        # Replaces an empty folder, and fails on one that got contents meanwhile.
        folder.replace(output)
    except OSError as error:
        raise RequestFailure(f"{output} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_free(output: Path) -> None:
    if output.is_symlink() or (output.exists() and not (output.is_dir() and not any(output.iterdir()))):
        raise RequestFailure(f"{output} exists and is no empty folder: choose another one with --output")


def _parts(named: str) -> tuple[str, str]:
    owner, slash, name = named.partition("/")
    if not (slash and _NAME.fullmatch(owner) and _NAME.fullmatch(name)):
        raise UsageFailure(f"{named!r} is not OWNER/NAME")
    return owner, name
