"""`dh token`: API tokens, for machines."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.client.access import Access
from gateway.client.connection import connected
from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure
from gateway.client.session import session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Do what `options.verb` says; what the server refuses is a RequestFailure."""
    session = session_of(options.server)
    token = session.required_token()

    async def act() -> None:
        async with connected(session.server) as connection:
            access = Access(connection, token)
            if options.verb == "create":
                await _create(access, options, terminal)
            elif options.verb == "list":
                await _list(access, terminal)
            else:
                await _revoke(access, options.token, terminal)

    asyncio.run(act())
    return FINE


async def _create(access: Access, options: argparse.Namespace, terminal: Terminal) -> None:
    wanted = {"name": options.name, "access": options.access, "days": options.days}
    made = await access.make_token({**wanted, **({"scope": options.scope} if options.scope else {})})
    terminal.say(str(made["token"]))
    terminal.note(f"{made['access']} {escape(str(made['scope']))}, until {made['expires'][:10]}")
    terminal.note("keep it now: it is shown this once, and kept nowhere")
    terminal.answer({"ok": True, **made})


async def _list(access: Access, terminal: Terminal) -> None:
    tokens = await access.tokens()
    for token in tokens:
        terminal.say(_line(token))
    if not tokens:
        terminal.say("you have no tokens: `dh token create NAME` makes one")
    terminal.answer({"ok": True, "tokens": tokens})


async def _revoke(access: Access, named: str, terminal: Terminal) -> None:
    good = [token for token in await access.tokens() if not token["ended"]]
    found = [token for token in good if named in (token["name"], token["id"], token["id"][:8])]
    if not found:
        raise RequestFailure(f"you have no good token called {named!r}: see `dh token list`")
    await access.revoke_token(found[0]["id"])
    terminal.say(f"revoked  {escape(found[0]['name'])}")
    terminal.answer({"ok": True, "id": found[0]["id"], "name": found[0]["name"]})


def _line(token: Mapping[str, Any]) -> str:
    used = f"used {token['last_used'][:16]} from {token['last_address']}" if token["last_used"] else "never used"
    end = token["ended"] or f"until {token['expires'][:10]}"
    scope = escape(token["scope"])
    return f"{token['id'][:8]}  {escape(token['name']):24}  {token['access']:7}  {scope:24}  {end:16}  {escape(used)}"
