"""`dh validate`: is it fit to be published? No network, whatever happens."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.client.board import showing
from gateway.client.check import FileCheck, PackageCheck, check_package
from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure
from gateway.client.findings import show_findings
from gateway.client.package import open_package
from gateway.client.sizes import plural
from gateway.client.summary import show_summary
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Check descriptor and data; exit code 1 where something is wrong."""
    package = open_package(Path(options.package)).with_sheet(options.sheet)
    with showing(terminal) as shown:
        check = check_package(package, shown, Path(options.output) if options.output else None)
    terminal.answer({"ok": check.valid, "package": package.name, **check.to_dict()})
    show_check(terminal, check)
    return FINE if check.valid else RequestFailure.exit_code


def show_check(terminal: Terminal, check: PackageCheck) -> None:
    """Say what was found, file by file."""
    if check.descriptor:
        terminal.say(terminal.paint("INVALID", "red") + f"  descriptor: {plural(len(check.descriptor), 'error')}")
        show_findings(terminal, check.descriptor, len(check.descriptor))
    for file in check.files:
        verdict = terminal.paint("valid", "green") if file.valid else terminal.paint("INVALID", "red")
        terminal.say(f"{verdict}  {escape(file.path, 200)}: {_summary(file)}")
        if file.summary is not None:
            show_summary(terminal, file.summary)
        else:
            show_findings(terminal, file.findings, file.errors)
        if file.sheet is not None:
            terminal.say(f"    {_sheet(file.sheet)}")
        for note in notes_on(file):
            terminal.say(f"    {note}")


def notes_on(file: FileCheck) -> list[str]:
    """What its publisher should know though nothing be wrong, as lines."""
    return [f"note: {escape(note)}" for note in file.notes]


def _sheet(sheet: Mapping[str, Any]) -> str:
    others = ", ".join(escape(name, 80) for name in sheet["others"])
    return f"sheet {escape(sheet['sheet'], 80)}, cells {sheet['area']}" + (f"; not read: {others}" if others else "")


def _summary(file: FileCheck) -> str:
    if file.valid and not file.tabular:
        return "not a table, published as it is"
    if file.valid:
        return plural(file.rows or 0, "row")
    errors = plural(file.errors, "error")
    if file.rows is None:
        return errors
    bad = file.summary["bad_rows"] if file.summary else 0
    return f"{errors} in {bad:,} of {plural(file.rows, 'row')}" if bad else f"{errors} in {plural(file.rows, 'row')}"
