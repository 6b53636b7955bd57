"""`dh link`: preview links to a private dataset."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.runname import RunName
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Do what `options.verb` says; the address of a new link is the one line on standard output."""
    session = session_of(options.server)
    session.required_token()
    named = RunName.of_dataset(options.dataset)
    document = asyncio.run(_ask(session, named, options))
    if options.verb == "create":
        terminal.note(f"good until {document['expires'][:19]}; it is not shown again, `dh link revoke` ends it")
        terminal.say(document["url"])
    elif options.verb == "revoke":
        terminal.say(f"revoked {escape(options.link)}")
    else:
        for link in document["links"]:
            used = f"last used {link['last_used'][:19]}" if link["last_used"] else "not used yet"
            terminal.say(f"{link['id']}  until {link['expires'][:19]}  {used}  {escape(link['note'], 100)}".rstrip())
    terminal.answer({"ok": True, **document})
    return FINE


async def _ask(session: Session, named: RunName, options: argparse.Namespace) -> dict[str, Any]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        if options.verb == "revoke":
            await hub.revoke_link(named.owner, named.dataset, options.link)
            return {"id": options.link}
        with named.expected(session.server, ", or it is not yours"):
            if options.verb == "create":
                return await hub.make_link(named.owner, named.dataset, options.days, options.note)
            return {"links": (await hub.sharing(named.owner, named.dataset))["links"]}
