"""`dh-server up --demo DIR`: a first look. Starts everything and publishes one package with the real `dh` over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.keeper import Say
from deploy.embedded.process import ServerError
from deploy.embedded.secret import kept_secret
from deploy.embedded.state import State
from deploy.embedded.supervisor import running_stack
from deploy.operations import add_user
from messages.errors import PermanentError
from messages.settings import from_env

USER = "demo"
_DH = Path(sys.prefix) / "bin" / "dh"


async def demo(package: Path, state: State, environ: Mapping[str, str], say: Say) -> None:
    """Publish the package in directory `package` as user `demo`, then serve until cancelled.

    Where standard output is not a terminal it ends after the dataset's page was fetched. Raises ServerError when a
    part of the stack, the push or the page fails.
    """
    name = json.loads((package / "datapackage.json").read_text(encoding="utf-8"))["name"]
    async with running_stack(state, environ, say) as environment:
        url = environment["DH_PUBLIC_URL"]
        password = kept_secret(state.directory / "demo-password")
        with contextlib.suppress(PermanentError):  # it is there since the first time
            await add_user(from_env(environment), USER, password, "Demo", "")
        settings = {**os.environ, "DH_SERVER": url, "DH_CONFIG": str(state.directory / "demo-login.json")}
        await _dh(["login", "--username", USER, "--password-stdin"], settings, password)
        await _dh(["push", str(package)], settings)
        page = f"{url}/{USER}/{name}"
        size = await asyncio.to_thread(_fetch, page)
        say(f"\nPublished: {page} ({size} bytes of HTML)")
        if sys.stdout.isatty():
            say(f"Log in as {USER} with password {password}. Ctrl-C ends it all.")
            await asyncio.Event().wait()


async def _dh(words: list[str], environ: Mapping[str, str], typed: str = "") -> None:
    """Run `dh` with our terminal, so that its progress is seen live. Raises ServerError when it fails."""
    process = await asyncio.create_subprocess_exec(_DH, *words, env=dict(environ), stdin=asyncio.subprocess.PIPE)
    try:
        await process.communicate(typed.encode())
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        raise ServerError(f"`dh {words[0]}` ended with {process.returncode}.")


def _fetch(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 our own address
        return len(answer.read())
