"""`dh logout`: the token is made good for nothing and removed."""

from __future__ import annotations

import argparse
import asyncio
import os

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.failures import FINE, Failure
from gateway.client.session import ConfigFile, config_path, server_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Forget the token of one server; fine when there was none, or when the server is away."""
    server = server_of(options.server)
    file = ConfigFile(config_path())
    token = file.token(server)
    file.forget(server)
    if token is not None:
        asyncio.run(_revoke(server, token, terminal))
    terminal.say(f"logged out at {server}" if token else f"nobody was logged in at {server}")
    if os.environ.get("DH_TOKEN"):
        terminal.complain("DH_TOKEN is still set in the environment, and still works")
    terminal.answer({"ok": True, "server": server, "was_logged_in": token is not None})
    return FINE


async def _revoke(server: str, token: str, terminal: Terminal) -> None:
    try:
        async with connected(server) as connection:
            await DataHub(connection, token).log_out()
    except Failure as failure:
        terminal.complain(f"warning: the token is forgotten here, but the server could not be told: {failure}")
