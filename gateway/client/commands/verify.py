"""`dh verify`: is a folder, or what a server shows, what the receipt says? The signature first, then every byte."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.client.board import Board, showing
from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.download import Downloader
from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure
from gateway.client.session import Session, session_of
from gateway.client.sizes import plural
from gateway.client.terminal import Terminal
from gateway.client.verification import Difference, Folder, published_differences
from gateway.receipt import LONGEST, BadReceipt, Receipt, read_receipt


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Exit code 0 where all is as the receipt says, 1 where the receipt or anything else is not."""
    text = _read(Path(options.receipt)).strip()
    folder = Folder(Path(options.folder), options.name, options.sheet) if options.folder else None
    session = session_of(options.server)
    receipt = _proven(text, _saved(options.keys) if options.keys else asyncio.run(_keys(session)))
    _say(receipt, terminal)
    with showing(terminal) as shown:
        if folder is not None:
            count, found = folder.differences(receipt, shown)
        else:
            count, found = asyncio.run(_published(session, receipt, text, shown))
    _conclude(receipt, options.folder or f"{session.server}{receipt.address}", count, found, terminal)
    return RequestFailure.exit_code if found else FINE


async def _keys(session: Session) -> Mapping[str, Any]:
    async with connected(session.server) as connection:
        return await DataHub(connection, session.token).receipt_keys()


async def _published(session: Session, receipt: Receipt, text: str, shown: Board) -> tuple[int, list[Difference]]:
    async with connected(session.server) as connection:
        return await published_differences(receipt, text, Downloader(connection, session.token, shown))


def _proven(text: str, keys: Mapping[str, Any]) -> Receipt:
    try:
        return read_receipt(text, keys)
    except BadReceipt as error:
        raise RequestFailure(f"the receipt proves nothing: {error}") from None


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(LONGEST + 1)
    except UnicodeDecodeError:
        raise RequestFailure(f"{path} is no receipt") from None
    except OSError as error:
        raise RequestFailure(f"{path} cannot be read: {error.strerror}") from None


def _saved(path: str) -> Mapping[str, Any]:
    try:
        keys = json.loads(_read(Path(path)))
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
        raise RequestFailure(f"{path} is no key set: save the server's /.well-known/receipt-keys.json")
    return keys


def _say(receipt: Receipt, terminal: Terminal) -> None:
    moment = datetime.fromtimestamp(receipt.moment, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    named = f"{escape(receipt.owner)}/{escape(receipt.dataset)}, revision {receipt.revision}"
    terminal.say(f"{terminal.paint('signed', 'green')}  {named}, published {moment} UTC by {escape(receipt.issuer)}")


def _conclude(receipt: Receipt, where: str, count: int, found: list[Difference], terminal: Terminal) -> None:
    for each in found:
        terminal.say(f"{terminal.paint('DIFFERS', 'red')}  {escape(each.path, 300)} {escape(each.message, 300)}")
    if found:
        terminal.say(f"{where} is not what was published")
    else:
        terminal.say(f"{where}: {plural(count, 'file')}, every SHA-256 as in the receipt")
    differences = [{"path": each.path, "message": each.message} for each in found]
    document = {"ok": not found, "compared": where, "files": count, "differences": differences}
    terminal.answer({**document, "receipt": receipt.claims()})
