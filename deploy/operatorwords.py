"""The command lines of operators' tools. Standard library only: `dh-server --help` must not wait for anything heavy."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import socket
from collections.abc import Callable
from typing import Any

from deploy.loop import run_to_end
from messages.settings import Settings

WAITING = "waiting"
STATES = (WAITING, "replayed", "discarded")
"""Of a dead letter."""
MOST = 1_000
"""Dead letters at a time, unless somebody wants more."""

AskSettings = Callable[[], Settings]


def add_dead_letters(commands: Any, settings: AskSettings) -> None:
    """Adds `dead-letters`; `settings` are asked for when it runs."""
    letters = commands.add_parser("dead-letters", help="messages that were set aside")
    acts = letters.add_subparsers(required=True, metavar="COMMAND")
    listing = acts.add_parser("list", help="those that wait for somebody, the oldest first")
    _add_filters(listing)
    listing.add_argument("--state", choices=(*STATES, "all"), default=WAITING, help="(default: %(default)s)")
    listing.set_defaults(run=_run("list_chosen", settings))
    show = acts.add_parser("show", help="one of them: the message, every attempt, what operators did")
    show.add_argument("id")
    show.set_defaults(run=_run("show", settings))
    for name, text in (
        ("replay", "bring them back: a failed flow runs again, any other message goes to its queue"),
        ("discard", "put them away: nothing is done with them any more"),
    ):
        act = acts.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. Twice is once.")
        act.add_argument("ids", nargs="*", metavar="ID")
        _add_filters(act)
        act.add_argument("--all", action="store_true", help="every one that waits")
        act.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
        act.add_argument("--by", default=_somebody(), help="who does it (default: %(default)s)")
        act.add_argument("--why", default="", help="kept with the dead letter")
        act.set_defaults(act=name, run=_run("act", settings))
    for parser in acts.choices.values():
        parser.add_argument("--json", action="store_true", help="for programs")


def add_quota(commands: Any, settings: AskSettings) -> None:
    """Adds `quota`; `settings` are asked for when it runs."""
    text = "show, or say, how much an owner may have in the object store"
    quota = commands.add_parser("quota", help=text, description=f"{text[0].upper()}{text[1:]}.")
    quota.add_argument("owner", help="a user name, or an organisation's")
    wanted = quota.add_mutually_exclusive_group()
    wanted.add_argument("--set", type=size_in, metavar="SIZE", dest="limit", help="such as 500MB, 2TB; 0: no limit")
    wanted.add_argument("--default", action="store_true", help="what DH_OWNER_QUOTA says, from now on")
    quota.add_argument("--json", action="store_true", help="for programs")
    quota.set_defaults(run=lambda arguments: _quota(arguments, settings))


def size_in(text: str) -> int:
    """Bytes of a size as people write it, such as `1.5 GB`; raises ArgumentTypeError."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kKMGTP]?)B?", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: such as 500MB, 2TB, or a number of bytes")
    size = int(float(match[1]) * 1000 ** " KMGTP".index(match[2].upper() or " "))
    if size >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is too much")
    return size


def _quota(arguments: argparse.Namespace, settings: AskSettings) -> int:
    from deploy.quotacommand import quota

    return run_to_end(quota(arguments, settings()))


def add_check(commands: Any, settings: AskSettings) -> None:
    """Adds `check`; `settings` are asked for when it runs."""
    text = "audit what is published, and find what nothing needs any more"
    more = "Exit codes: 0 all is as it was published, 1 something is damaged, 3 a server does not answer."
    check = commands.add_parser("check", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=more)
    check.add_argument("--fast", action="store_true", help="compare the objects' lengths, not their hashes")
    check.add_argument("--sweep", action="store_true", help="delete what nothing has needed for a day")
    check.add_argument("--dry-run", action="store_true", help="only say what would be deleted (as without --sweep)")
    check.add_argument("--json", action="store_true", help="for programs")

    def run(words: argparse.Namespace) -> int:
        from deploy import checkcommand

        return run_to_end(checkcommand.check(words, settings()))

    check.set_defaults(run=run)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queue", help="the queue they died in, such as dh.job.validate")
    parser.add_argument("--owner", help="whose flows: a user name, or an account id")
    parser.add_argument("--reason", metavar="TEXT", help="a part of the reason")
    parser.add_argument("--limit", type=int, default=MOST, help="at most so many (default: %(default)s)")


def _run(function: str, settings: AskSettings) -> Callable[[argparse.Namespace], int]:
    def run(words: argparse.Namespace) -> int:
        from deploy import deadletterscommand

        code: int = run_to_end(getattr(deadletterscommand, function)(words, settings()))
        return code

    return run


def _somebody() -> str:
    """Who is at the keyboard, as far as the machine knows."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
