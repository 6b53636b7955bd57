"""`dh push`: check, authorise, upload, post, follow."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path

from gateway.client.board import showing
from gateway.client.check import PackageCheck, check_package
from gateway.client.commands.validate import notes_on, show_check
from gateway.client.cut import Hashes
from gateway.client.escape import escape
from gateway.client.failures import INTERRUPTED, RequestFailure, UsageFailure
from gateway.client.package import open_package
from gateway.client.push import Push
from gateway.client.session import session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Publish the package; the exit code says how that ended."""
    if options.receipt and options.no_wait:
        raise UsageFailure("--receipt needs the end of the run, which --no-wait does not wait for")
    session = session_of(options.server)
    if session.job is None:
        session.required_token()
    package = open_package(Path(options.package)).with_sheet(options.sheet).renamed(options.name)
    if not package.name:
        raise RequestFailure("the descriptor has no name: give it one, or use --name")
    hashes: Mapping[str, Hashes] = {}
    if not options.no_check:
        with showing(terminal) as shown:
            check = check_package(package, shown)
        if not check.valid:
            return _refused(check, terminal)
        for file in check.files:
            for note in notes_on(file):
                terminal.note(f"{escape(file.path, 200)}: {note}")
        package, hashes = package.completed([file.inferred for file in check.files]), check.hashes
    push = Push(session, package, options.findability, terminal, hashes, owner=options.owner, again=options.again)
    try:
        if options.dry_run:
            return asyncio.run(push.dry_run())
        receipt = Path(options.receipt) if options.receipt else None
        return asyncio.run(push.run(wait=not options.no_wait, receipt=receipt))
    except KeyboardInterrupt:
        terminal.complain(push.farewell())
        return INTERRUPTED


def _refused(check: PackageCheck, terminal: Terminal) -> int:
    terminal.answer({"ok": False, "error": "the check found errors; nothing was sent", "check": check.to_dict()})
    show_check(terminal, check)
    terminal.say("nothing was sent")
    return RequestFailure.exit_code
