"""`dh trust`: the CI jobs that may publish a dataset, without any secret."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.client.access import Access
from gateway.client.connection import connected
from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure, UsageFailure
from gateway.client.session import session_of
from gateway.client.terminal import Terminal

LIMITS = ("workflow", "ref", "environment")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Do what `options.verb` says; what the server refuses is a RequestFailure."""
    if len([part for part in options.dataset.split("/") if part]) != 2:
        raise UsageFailure(f"{options.dataset!r} is not OWNER/NAME")
    session = session_of(options.server)
    token = session.required_token()

    async def act() -> None:
        async with connected(session.server) as connection:
            access = Access(connection, token)
            if options.verb == "add":
                await _add(access, options, terminal)
            elif options.verb == "list":
                await _list(access, options.dataset, terminal)
            else:
                await _remove(access, options, terminal)

    asyncio.run(act())
    return FINE


async def _add(access: Access, options: argparse.Namespace, terminal: Terminal) -> None:
    provider, repository = ("github", options.github) if options.github else ("gitlab", options.gitlab)
    given = {name: getattr(options, name) for name in ("issuer", *LIMITS) if getattr(options, name)}
    made = await access.add_trust(options.dataset, {"provider": provider, "repository": repository, **given})
    terminal.say(f"{escape(options.dataset)} trusts {_words(made)}")
    if not (made["ref"] or made["environment"]):
        terminal.note("any branch of it: --ref or --environment say which")
    terminal.answer({"ok": True, **made})


async def _list(access: Access, dataset: str, terminal: Terminal) -> None:
    trusted = await access.trusted(dataset)
    for each in trusted:
        used = f"used {each['last_used'][:16]}" if each["last_used"] else "never used"
        terminal.say(f"{each['id'][:8]}  {_words(each)}  {used}")
    if not trusted:
        terminal.say(f"{escape(dataset)} trusts no CI job: `dh trust add` does")
    terminal.answer({"ok": True, "trusted": trusted})


async def _remove(access: Access, options: argparse.Namespace, terminal: Terminal) -> None:
    found = [each for each in await access.trusted(options.dataset) if options.trust in (each["id"], each["id"][:8])]
    if not found:
        raise RequestFailure(f"{options.dataset} has no trust {options.trust!r}: see `dh trust list {options.dataset}`")
    await access.remove_trust(options.dataset, found[0]["id"])
    terminal.say(f"{escape(options.dataset)} does not trust {_words(found[0])} any more")
    terminal.answer({"ok": True, "id": found[0]["id"]})


def _words(trust: Mapping[str, Any]) -> str:
    limits = "".join(f", {name} {trust[name]}" for name in LIMITS if trust[name])
    return escape(f"{trust['provider']} {trust['repository']}{limits}", 300)
