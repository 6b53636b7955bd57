"""The words of `dh` that are about machines: API tokens."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

ACCESS = ("read", "publish", "manage")


def add_access(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    """Adds `token`."""
    text = "make, list and revoke API tokens, for machines"
    token = commands.add_parser("token", help=text, description=f"{text[0].upper()}{text[1:]}.")
    verbs = token.add_subparsers(dest="verb", required=True, metavar="VERB")
    create = verbs.add_parser(
        "create",
        help="make a token, and print it: this once",
        description="Makes a token and prints it, alone, on standard output. Nobody can show it again.",
        parents=[everywhere],
    )
    create.add_argument("name", metavar="NAME", help="what you will know it by")
    create.add_argument("--access", choices=ACCESS, default="publish", help="each includes those before it")
    create.add_argument("--scope", metavar="OWNER[/NAME]", help="an owner or one dataset (default: all of yours)")
    create.add_argument("--days", metavar="N", type=int, default=90, help="1 to 365 (default: 90)")
    verbs.add_parser("list", help="show your tokens, and their last use", parents=[everywhere])
    revoke = verbs.add_parser("revoke", help="make a token good for nothing, at once", parents=[everywhere])
    revoke.add_argument("token", metavar="NAME|ID", help="as `dh token list` shows it")
