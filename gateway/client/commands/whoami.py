"""`dh whoami`: who the server takes us for."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub, Profile
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Ask the server; a token it does not accept is the request's fault (exit code 1)."""
    session = session_of(options.server)
    profile = asyncio.run(_profile(session))
    terminal.say(f"{escape(profile.username)} at {session.server}{_by_token(profile.scope)}")
    scope = {} if profile.scope is None else {"scope": profile.scope}
    terminal.answer({"ok": True, "server": session.server, "profile": profile.document, **scope})
    return FINE


def _by_token(scope: Mapping[str, Any] | None) -> str:
    if scope is None:
        return ""
    target = "/".join(filter(None, (scope["owner"], scope["dataset"])))
    until = datetime.fromtimestamp(scope["expires"], UTC)
    return f", by a token that may {scope['actions'][-1]} {escape(target)} until {until:%Y-%m-%d %H:%M} UTC"


async def _profile(session: Session) -> Profile:
    async with connected(session.server) as connection:
        return await DataHub(connection, session.required_token()).profile()
