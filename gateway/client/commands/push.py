"""`dh push`: check, authorise, upload, post, follow."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from gateway.client.board import showing
from gateway.client.check import check_package
from gateway.client.commands.validate import show_check
from gateway.client.failures import INTERRUPTED, RequestFailure
from gateway.client.package import LocalPackage, open_package
from gateway.client.push import Push
from gateway.client.session import session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Publish the package; the exit code says how that ended."""
    session = session_of(options.server)
    session.required_token()
    package: LocalPackage | None = open_package(Path(options.package)).renamed(options.name)
    if package and not package.name:
        raise RequestFailure("the descriptor has no name: give it one, or use --name")
    if package and not options.no_check:
        package = _checked(package, terminal)
    if package is None:
        return RequestFailure.exit_code
    push = Push(session, package, options.findability, terminal)
    try:
        return asyncio.run(push.dry_run() if options.dry_run else push.run(wait=not options.no_wait))
    except KeyboardInterrupt:
        terminal.complain(push.farewell())
        return INTERRUPTED


def _checked(package: LocalPackage, terminal: Terminal) -> LocalPackage | None:
    """The package, completed by what the check found out about a lone table; None where it is not fit to be sent."""
    with showing(terminal) as shown:
        check = check_package(package, shown)
    if check.valid:
        return package.completed([file.inferred for file in check.files])
    terminal.answer({"ok": False, "error": "the check found errors; nothing was sent", "check": check.to_dict()})
    show_check(terminal, check)
    terminal.say("nothing was sent")
    return None
