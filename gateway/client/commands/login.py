"""`dh login`: in the browser, in a browser elsewhere (`--device`), or with a password from standard input."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from dataclasses import replace

from gateway.client.connection import Connection, connected, is_loopback
from gateway.client.datahub import DataHub
from gateway.client.failures import FINE, Failure, UsageFailure
from gateway.client.login import log_in_elsewhere, log_in_here
from gateway.client.session import ConfigFile, LogIn, config_path, server_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Get a token, ask the server whose it is, keep it."""
    if options.password_stdin != bool(options.username):
        raise UsageFailure("--username and --password-stdin belong together (a password is never an argument)")
    if options.username and (options.device or options.no_browser):
        raise UsageFailure("a log-in with a password needs no browser: leave --device and --no-browser out")
    server = server_of(options.server)
    if server.startswith("http://") and not is_loopback(server):
        terminal.complain(f"warning: {server} is not https: others on the way can read your log-in")
    return asyncio.run(_log_in(server, options, terminal))


async def _log_in(server: str, options: argparse.Namespace, terminal: Terminal) -> int:
    file = ConfigFile(config_path())
    before = file.login(server)  # a file that cannot be used is said before anybody logs in
    async with connected(server) as connection:
        login = await _new(connection, options, terminal)
        profile = await DataHub(connection, login.token).profile()
        file.keep_login(server, replace(login, username=profile.username))
        if before is not None and before.refresh_token is not None:
            # Nobody holds it any more: it would stand in the list of machines for months.
            with suppress(Failure):
                await connection.form("/auth/oauth/revoke", {"token": before.refresh_token})
    terminal.say(f"logged in at {server} as {profile.username}")
    terminal.answer({"ok": True, "server": server, "profile": profile.document})
    return FINE


async def _new(connection: Connection, options: argparse.Namespace, terminal: Terminal) -> LogIn:
    if options.username:
        token = await DataHub(connection, None).log_in(options.username, _password())
        return LogIn(token=token, username=options.username)
    if options.device:
        return await log_in_elsewhere(connection, terminal)
    return await log_in_here(connection, terminal, open_browser=not options.no_browser)


def _password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageFailure("--password-stdin: standard input is empty")
    return password
