"""The words of `dh` that are about owners: organisations and their members, who sees a dataset, the audit log."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FINDABILITIES = ("published", "unlisted", "private")
ROLES = ("reader", "publisher", "maintainer", "owner")


def add_owning(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    """Adds `org`, `visibility`, `link`, `quota` and `audit`."""
    _add_org(commands, everywhere)
    _add_visibility(commands, everywhere)
    _add_link(commands, everywhere)
    quota = commands.add_parser(
        "quota",
        help="show how much an owner has in the object store, and may have",
        description="Shows how much an owner has in the object store, each content counted once, and may have.",
        parents=[everywhere],
    )
    quota.add_argument("owner", metavar="NAME", nargs="?", help="an organisation that you are in (default: yourself)")
    audit = commands.add_parser(
        "audit",
        help="show who did what to what an owner has",
        description="Shows who did what to what an owner has, the newest last. For the owner alone.",
        parents=[everywhere],
    )
    audit.add_argument("owner", metavar="NAME", nargs="?", help="an organisation that you own (default: yourself)")
    audit.add_argument("--count", metavar="N", type=_count, default=50, help="how many entries (default: 50)")


def _add_org(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    org = commands.add_parser(
        "org",
        help="make an organisation, see and say who is in it",
        description="Organisations: people who publish together as one owner.",
    )
    verbs = org.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", parents=[everywhere])

    create = add("create", "make an organisation; you are its first owner")
    create.add_argument("name", metavar="NAME", help="its name in addresses")
    create.add_argument("--title", metavar="TEXT", default="", help="its full name")
    add("list", "show the organisations that you are in")
    add("members", "show who is in an organisation").add_argument("name", metavar="NAME")
    member = add("add", "add a member, or give a member another role")
    member.add_argument("name", metavar="NAME")
    member.add_argument("username", metavar="USER")
    member.add_argument("--role", choices=ROLES, required=True, help="each may do what those before it may")
    remove = add("remove", "remove a member; everybody can remove themselves")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("username", metavar="USER")


def _add_visibility(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    visibility = commands.add_parser(
        "visibility",
        help="show, or say, who sees a dataset",
        description="Shows who sees a dataset and when others could, or has it be seen by others from now on.",
        parents=[everywhere],
    )
    visibility.add_argument("dataset", metavar="OWNER/NAME")
    visibility.add_argument(
        "findability",
        metavar="published|unlisted|private",
        nargs="?",
        choices=FINDABILITIES,
        help="everybody, whoever has the address, or only who may read what its owner has",
    )


def _add_link(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    link = commands.add_parser(
        "link",
        help="make, show and revoke preview links to a private dataset",
        description="Preview links: whoever has one reads one private dataset, until it expires or is revoked.",
    )
    verbs = link.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", parents=[everywhere])
        verb.add_argument("dataset", metavar="OWNER/NAME")
        return verb

    create = add("create", "make a link; its address is shown this once")
    create.add_argument("--days", metavar="N", type=_count, default=7, help="how long it is good (default: 7)")
    create.add_argument("--note", metavar="TEXT", default="", help="for whom it is")
    add("list", "show the links that are good")
    add("revoke", "end a link now").add_argument("link", metavar="ID")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 10_000):
        raise argparse.ArgumentTypeError(f"a number from 1 to 10000 is expected, not {text!r}")
    return int(text)
