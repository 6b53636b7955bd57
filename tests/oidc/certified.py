"""Two certified OpenID providers (`oidc-provider` from npm) in one process of Node.js, on loopback."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp

from deploy.embedded.process import dies_with_parent
from gateway.auth.oidc.provider import CALLBACK
from messages.providersettings import ProviderSettings
from messages.settings import Settings

PACKAGE = "oidc-provider@9.13.3"
PROGRAM = Path(__file__).with_name("provider.mjs")


def available() -> bool:
    """Whether Node.js and its package manager are there."""
    return all(map(shutil.which, ("node", "npm")))


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Sequence[str]]:
    """The issuers of both, until the end; installed in an empty directory."""
    (directory / "package.json").write_text('{"private": true}')
    install = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", PACKAGE)
    npm = await asyncio.create_subprocess_exec(*install, cwd=directory)
    assert await npm.wait() == 0, f"{PACKAGE} could not be installed"
    shutil.copy(PROGRAM, directory)
    node = await asyncio.create_subprocess_exec(
        *("node", PROGRAM.name),
        cwd=directory,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )
    assert node.stdin is not None
    assert node.stdout is not None
    yield json.loads(await node.stdout.readline())
    node.stdin.close()
    await node.wait()


async def registered(name: str, issuer: str, public_url: str) -> ProviderSettings:
    """A client of the gateway at this address, registered with the issuer (RFC 7591)."""
    wanted = {"redirect_uris": [f"{public_url}{CALLBACK}/{name}"]}
    async with aiohttp.ClientSession() as session, session.post(f"{issuer}/reg", json=wanted) as answer:
        client = await answer.json()
    return ProviderSettings(
        name=name,
        label=name.capitalize(),
        issuer=issuer,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )


async def with_providers(settings: Settings, issuers: Sequence[str]) -> Settings:
    """The settings of a gateway with the providers `first` and `second`."""
    url = settings.gateway.public_url
    providers = [await registered(name, issuer, url) for name, issuer in zip(("first", "second"), issuers, strict=True)]
    return replace(settings, gateway=replace(settings.gateway, providers=tuple(providers)))
