"""A table's frame as the part of its dialect that every reader keeps, and as words on what they leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from tabular.dialect import Dialect
from tabular.finding import shorten
from tabular.frame import Frame
from tabular.sniff import parse

SHOWN = 5
SHOWN_LENGTH = 120


def placed_in(dialect: Dialect, frame: Frame, known: frozenset[str], before: int) -> Dialect:
    """The dialect with the frame's header rows, numbered after `before` more records; what precedes the table is left
    out. A comment's mark is told only where comments stand among the data: above it they need none."""
    header = tuple(number + before for number in frame.header_rows)
    first = (frame.header_rows[0] if frame.header_rows else frame.first_data) + before
    placed = replace(dialect, header_rows=header)
    if "commentChar" not in known and frame.comment is not None:
        placed = replace(placed, comment_char=frame.comment)
    if not header and first > 1:
        placed = replace(placed, comment_rows=tuple(sorted({*range(1, first), *dialect.comment_rows})))
    return placed


def evidence_of(sample: str, dialect: Dialect, frame: Frame) -> dict[str, Any]:
    """Why the header is one, what no reader will take for data, and what may be notes below the table, which stay."""
    found: dict[str, Any] = {"header": {"why": frame.why}}
    above = dialect.first_table_row - 1
    if above:
        rows = islice(parse(sample, dialect), above)
        texts = [shorten(dialect.delimiter.join(row), SHOWN_LENGTH) for row in rows if any(row)]
        found["skipped"] = {"records": above, "first": texts[:SHOWN]}
    if dialect.comment_char:
        found["comments"] = {"mark": dialect.comment_char}
    if frame.footer:
        found["footer"] = {"records": len(frame.footer)}
    return found


def notes_of(evidence: Mapping[str, Any], header_rows: Sequence[int]) -> list[str]:
    """What a publisher should know of how the table was read, as sentences; nothing about a plain one."""
    notes = []
    if "skipped" in evidence:
        texts = "; ".join(f"“{text}”" for text in evidence["skipped"]["first"])
        what = "the header" if header_rows else "the first row"
        notes.append(f"{_lines(evidence['skipped']['records'])} above {what} left out{': ' + texts if texts else ''}.")
    if len(header_rows) > 1:
        notes.append(f"The header is made of rows {' and '.join(map(str, header_rows))}.")
    if not header_rows and "header" in evidence:
        notes.append(f"No header was found: {evidence['header']['why']}.")
    if "comments" in evidence:
        notes.append(f"Lines that begin with {evidence['comments']['mark']} are left out as comments.")
    if "footer" in evidence:
        notes.append(f"{_lines(evidence['footer']['records'])} at the end look like notes; they were read as data.")
    if "doubt" in evidence:
        notes.append(f"Not sure: {evidence['doubt']}; a dialect in the descriptor settles it.")
    return notes


def _lines(count: int) -> str:
    return f"{count:,} line{'s' if count > 1 else ''}"
