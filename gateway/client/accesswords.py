"""The words of `dh` that are about machines: API tokens, and the CI jobs that a dataset trusts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

ACCESS = ("read", "publish", "manage")


def add_access(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    """Adds `token` and `trust`."""
    _add_token(commands, everywhere)
    _add_trust(commands, everywhere)


def _add_token(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
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


def _add_trust(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    text = "say which CI jobs may publish a dataset, without any secret"
    trust = commands.add_parser("trust", help=text, description=f"{text[0].upper()}{text[1:]}.")
    verbs = trust.add_subparsers(dest="verb", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="trust the jobs of a repository", parents=[everywhere])
    add.add_argument("dataset", metavar="OWNER/NAME", help="the dataset; it need not exist yet")
    where = add.add_mutually_exclusive_group(required=True)
    where.add_argument("--github", metavar="OWNER/REPOSITORY", help="a repository whose jobs run in GitHub Actions")
    where.add_argument("--gitlab", metavar="GROUP/PROJECT", help="a project whose jobs run in GitLab CI")
    add.add_argument("--issuer", metavar="URL", help="where that is a server of your own: the issuer of its ID tokens")
    add.add_argument("--workflow", metavar="FILE", help="only this workflow, such as publish.yml")
    add.add_argument("--ref", metavar="REF", help="only this branch, or a ref such as 'refs/tags/v*'")
    add.add_argument("--environment", metavar="NAME", help="only jobs of this deployment environment")
    listing = verbs.add_parser("list", help="show what a dataset trusts", parents=[everywhere])
    listing.add_argument("dataset", metavar="OWNER/NAME")
    remove = verbs.add_parser("remove", help="stop trusting, at once", parents=[everywhere])
    remove.add_argument("dataset", metavar="OWNER/NAME")
    remove.add_argument("trust", metavar="ID", help="as `dh trust list` shows it")
