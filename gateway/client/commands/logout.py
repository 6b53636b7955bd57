"""`dh logout`: the log-in is ended at the server, with all its tokens, and removed."""

from __future__ import annotations

import argparse
import asyncio
import os

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.failures import FINE, Failure
from gateway.client.session import ConfigFile, LogIn, config_path, server_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Forget the token of one server; fine when there was none, or when the server is away."""
    server = server_of(options.server)
    file = ConfigFile(config_path())
    login = file.login(server)
    file.forget(server)
    if login is not None:
        asyncio.run(_revoke(server, login, terminal))
    terminal.say(f"logged out at {server}" if login else f"nobody was logged in at {server}")
    if os.environ.get("DH_TOKEN"):
        terminal.complain("DH_TOKEN is still set in the environment, and still works")
    terminal.answer({"ok": True, "server": server, "was_logged_in": login is not None})
    return FINE


async def _revoke(server: str, login: LogIn, terminal: Terminal) -> None:
    try:
        async with connected(server) as connection:
            if login.refresh_token is None:
                await DataHub(connection, login.token).log_out()
            else:
                # The log-in as a whole, also where its token of the hour has ended already.
                await connection.form("/auth/oauth/revoke", {"token": login.refresh_token})
    except Failure as failure:
        terminal.complain(f"warning: the token is forgotten here, but the server could not be told: {failure}")
