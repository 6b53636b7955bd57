"""The words of `dh` that are about webhooks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

STATES = ("waiting", "delivered", "parked")


def add_webhook(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    """Adds `webhook`."""
    webhook = commands.add_parser(
        "webhook",
        help="have an address be told when a dataset is published",
        description="Webhooks: addresses that are told when a dataset is published, fails, or is seen by others.",
    )
    verbs = webhook.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(verb: str, text: str, named: bool = True) -> argparse.ArgumentParser:
        description = f"{text[0].upper()}{text[1:]}."
        parser = verbs.add_parser(verb, help=text, description=description, parents=[everywhere])
        parser.add_argument("--for", metavar="OWNER", dest="owner", help="an organisation's (default: your own)")
        if named:
            parser.add_argument("webhook", metavar="ID", help="as `dh webhook list` shows it")
        return parser

    make = add("add", "make a webhook, and print the secret that signs, alone: this once", named=False)
    make.add_argument("url", metavar="URL", help="https://…, on the public internet")
    make.add_argument("--dataset", metavar="OWNER/NAME", help="one that you may read (default: every one of your own)")
    add("list", "show the webhooks, and what waits for them", named=False)
    add("remove", "end a webhook, and forget what was to be sent")
    add("rotate", "give it a new secret and print that; the one before signs, too, for a day")
    add("deliveries", "show what was sent and is to be").add_argument("--state", choices=STATES)
    replay = add("replay", "send once more what is parked, or one delivery")
    replay.add_argument("delivery", metavar="DELIVERY", nargs="?", help="as `dh webhook deliveries` shows it")
    add("enable", "have it be told again, after its receiver had said that it is gone (410)")
    add("ping", "send it a test event")
