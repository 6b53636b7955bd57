"""What every CSV reader passes and nobody should be given: NUL bytes, and a quote that is never closed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from tabular.dialect import Dialect
from tabular.finding import Finding
from tabular.limits import Limits
from tabular.rows import reader
from tabular.scan import scan

NUL = "\x00"
END = ("\n", "\n", "x")
"""Lines after the last: the first may be swallowed by an escape character, all of them by an open quote."""
SENTENCES = {
    "nul-byte": "The file has a NUL byte; text files hold none.",
    "unterminated-quote": "The last row opens a quote that is never closed; what follows was swallowed by it.",
}


def leaves_quote_open(lines: Iterable[str], dialect: Dialect) -> bool:
    """Whether the text ends inside quotes, as `csv` reads it."""
    last: list[str] = []
    for cells in reader(chain(lines, END), dialect):
        last = cells
    return last != ["x"]


def odd_rules(path: Path, dialect: Dialect, encoding: str) -> set[str]:
    """Which of the two rules the file breaks; none when it cannot be decoded, an error of its own. Raises OSError."""
    found: set[str] = set()

    def watched(lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if NUL in line:
                found.add("nul-byte")
            yield line

    try:
        with path.open(encoding=encoding, newline="") as file:
            if leaves_quote_open(watched(file), dialect):
                found.add("unterminated-quote")
    except UnicodeError:
        return set()
    return found


def name_oddities(
    rules: set[str], path: Path, dialect: Dialect, encoding: str, copy: Path, limits: Limits
) -> tuple[Finding, ...]:
    """A finding for each rule; the first with its place. `copy` is where the file may be written in UTF-8."""
    if not rules:
        return ()
    text = path
    from tabular.encoding import transcode

    if encoding not in ("utf-8", "utf-8-sig"):
        transcode(path, encoding, copy)
        text = copy
    placed = scan(text, dialect, limits)
    findings = [Finding(rule, SENTENCES[rule]) for rule in sorted(rules)]
    if isinstance(placed, Finding) and placed.rule in rules:
        findings = [placed, *(finding for finding in findings if finding.rule != placed.rule)]
    return tuple(findings)


def tail_is_open(tail: bytes, dialect: Dialect) -> bool:
    """`leaves_quote_open` for the last record of a file in UTF-8."""
    return leaves_quote_open(io.StringIO(tail.decode("utf-8", "replace"), newline=""), dialect)
