"""`dh org`: organisations, and who is in them."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Do what `options.verb` says; what the server refuses is a RequestFailure."""
    session = session_of(options.server)
    session.required_token()
    document = asyncio.run(_ask(session, options))
    for line in _lines(options, document):
        terminal.say(line)
    terminal.answer({"ok": True, **document})
    return FINE


async def _ask(session: Session, options: argparse.Namespace) -> dict[str, Any]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        if options.verb == "create":
            return await hub.make_organisation(options.name, options.title)
        if options.verb == "list":
            return await hub.organisations()
        if options.verb == "members":
            return await hub.members(options.name)
        if options.verb == "add":
            return await hub.set_role(options.name, options.username, options.role)
        await hub.remove_member(options.name, options.username)
        return {"username": options.username}


def _lines(options: argparse.Namespace, document: dict[str, Any]) -> list[str]:
    if options.verb == "create":
        name = escape(str(document["name"]))
        return [f"made {name}: you are its owner", f"publish for it with `dh push --owner {name}`"]
    if options.verb == "list":
        found = document["organisations"]
        return [f"{escape(each['name']):24}  {each['role']:10}  {each['members']} members" for each in found] or [
            "you are in no organisation: `dh org create NAME` makes one"
        ]
    if options.verb == "members":
        return [f"{escape(each['username']):24}  {each['role']}" for each in document["members"]]
    who, where = escape(options.username), escape(options.name)
    if options.verb == "add":
        return [f"{who} is {document['role']} of {where}"]
    return [f"{who} is no member of {where} any more"]
