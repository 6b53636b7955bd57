"""`dh webhook`: addresses that are told of events."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure
from gateway.client.session import session_of
from gateway.client.terminal import Terminal
from gateway.client.webhooks import Webhooks


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Do what `options.verb` says; what the server refuses is a RequestFailure."""
    session = session_of(options.server)
    token = session.required_token()

    async def act() -> None:
        async with connected(session.server) as connection:
            owner = options.owner or (await DataHub(connection, token).profile()).username
            webhooks = Webhooks(connection, token, owner)
            if options.verb == "add":
                await _add(webhooks, options, terminal)
            elif options.verb == "list":
                await _list(webhooks, owner, terminal)
            else:
                await _act(webhooks, await _found(webhooks, options.webhook), options, terminal)

    asyncio.run(act())
    return FINE


async def _add(webhooks: Webhooks, options: argparse.Namespace, terminal: Terminal) -> None:
    made = await webhooks.add(options.url, options.dataset)
    terminal.note(_line(made))
    _tell_secret(made, terminal)


async def _list(webhooks: Webhooks, owner: str, terminal: Terminal) -> None:
    found = await webhooks.all()
    for each in found:
        terminal.say(_line(each))
    if not found:
        terminal.say(f"{escape(owner)} has no webhooks: `dh webhook add URL` makes one")
    terminal.answer({"ok": True, "webhooks": found})


async def _act(webhooks: Webhooks, webhook: Mapping[str, Any], options: argparse.Namespace, terminal: Terminal) -> None:
    """What is done to one of them."""
    named = webhook["id"]
    if options.verb == "rotate":
        made = await webhooks.rotate(named)
        terminal.note(f"the secret before it signs, too, until {made['old_secret_until'][:16]}")
        _tell_secret(made, terminal)
    elif options.verb == "deliveries":
        await _deliveries(webhooks, named, options.state, terminal)
    elif options.verb == "replay":
        replayed = await webhooks.replay(named, options.delivery)
        terminal.say(f"sent once more: {replayed}")
        terminal.answer({"ok": True, "id": named, "replayed": replayed})
    elif options.verb == "ping":
        delivery = (await webhooks.ping(named))["delivery"]
        terminal.say(f"sent; `dh webhook deliveries {named[:8]}` says whether it arrived")
        terminal.answer({"ok": True, "id": named, "delivery": delivery})
    elif options.verb == "enable":
        terminal.say(_line(enabled := await webhooks.enable(named)))
        terminal.answer({"ok": True, **enabled})
    else:
        await webhooks.remove(named)
        terminal.say(f"removed  {_line(webhook)}")
        terminal.answer({"ok": True, "id": named})


async def _deliveries(webhooks: Webhooks, named: str, state: str | None, terminal: Terminal) -> None:
    found = await webhooks.deliveries(named, state)
    for each in found:
        when = f"next {each['next'][:16]}" if each["next"] else f"at {(each['ended'] or each['created'])[:16]}"
        words = (each["id"], f"{each['state']:9}", each["kind"], f"{each['attempts']} attempts", when)
        terminal.say("  ".join([*words, escape(each["error"] or "", 200)]).rstrip())
    if not found:
        terminal.say("nothing was sent, and nothing is to be")
    terminal.answer({"ok": True, "id": named, "deliveries": found})


async def _found(webhooks: Webhooks, named: str) -> Mapping[str, Any]:
    found = [each for each in await webhooks.all() if named in (each["id"], each["id"][:8])]
    if not found:
        raise RequestFailure(f"there is no webhook {named!r}: see `dh webhook list`")
    return found[0]


def _tell_secret(made: Mapping[str, Any], terminal: Terminal) -> None:
    terminal.say(str(made["secret"]))
    terminal.note("keep it now: what signs is shown this once")
    terminal.answer({"ok": True, **made})


def _line(webhook: Mapping[str, Any]) -> str:
    of = escape(webhook["dataset"]) if webhook["dataset"] else "all of one's own"
    states = [f"{webhook[state]} {state}" for state in ("waiting", "parked") if webhook[state]]
    states += ["disabled: the receiver said that it is gone"] if webhook["disabled"] else []
    return "  ".join([webhook["id"][:8], of, escape(webhook["url"], 200), *states])
