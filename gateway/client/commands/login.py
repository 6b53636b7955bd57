"""`dh login`: the token comes from the browser over a loopback address, or for a password from standard input."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser
from urllib.parse import urlencode

from gateway.client.connection import connected, is_loopback
from gateway.client.datahub import DataHub
from gateway.client.failures import FINE, UsageFailure
from gateway.client.loopback import listening
from gateway.client.session import ConfigFile, config_path, server_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Get a token, ask the server whose it is, keep it."""
    if options.password_stdin != bool(options.username):
        raise UsageFailure("--username and --password-stdin belong together (a password is never an argument)")
    server = server_of(options.server)
    if server.startswith("http://") and not is_loopback(server):
        terminal.complain(f"warning: {server} is not https: others on the way can read your log-in")
    return asyncio.run(_log_in(server, options, terminal))


async def _log_in(server: str, options: argparse.Namespace, terminal: Terminal) -> int:
    async with connected(server) as connection:
        if options.username:
            token = await DataHub(connection, None).log_in(options.username, _password())
        else:
            token = await _browser_token(server, terminal, open_browser=not options.no_browser)
        profile = await DataHub(connection, token).profile()
    file = ConfigFile(config_path())
    file.keep(server, token, profile.username)
    terminal.say(f"logged in at {server} as {profile.username}")
    terminal.answer({"ok": True, "server": server, "profile": profile.document})
    return FINE


def _password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageFailure("--password-stdin: standard input is empty")
    return password


async def _browser_token(server: str, terminal: Terminal, *, open_browser: bool) -> str:
    async with listening() as loopback:
        address = f"{server}/auth/login?{urlencode({'next': loopback.address})}"
        opened = open_browser and await asyncio.to_thread(_open, address)
        what = "the browser opens" if opened else "open in a browser of this machine"
        terminal.tell(f"{what}: {address}")
        return await loopback.token()


def _open(address: str) -> bool:
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
