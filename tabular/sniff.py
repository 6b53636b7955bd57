"""Telling the dialect of a CSV from a sample of it.

Every plausible dialect parses the sample; the one under which the rows agree in width and the cells look like values
wins. Simple, and each candidate's score is kept as evidence.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tabular.celltype import cell_kind
from tabular.dialect import Dialect
from tabular.rows import reader

# A colon stands in times and addresses more often than between columns; a comma is the standard's default.
PRIORS = {",": 1.0, ";": 0.98, "\t": 0.98, "|": 0.95, ":": 0.5}
ROWS = 1_000
TYPED_ROWS = 100
TYPED_CELLS = 50
AGREEMENT = 0.9
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate dialect with its score and what it is made of."""

    dialect: Dialect
    score: float
    columns: int
    agreement: float
    typed: float

    def to_dict(self) -> dict[str, Any]:
        """JSON object; the dialect by the characters that tell it apart."""
        return {
            "delimiter": self.dialect.delimiter,
            "quoteChar": self.dialect.quote_char,
            "escapeChar": self.dialect.escape_char,
            "score": round(self.score, 3),
            "columns": self.columns,
            "agreement": round(self.agreement, 3),
            "typed": round(self.typed, 3),
        }


def separator_line(sample: str) -> str | None:
    """The delimiter that a first line `sep=;` names: spreadsheets write it as a hint for themselves."""
    match = SEPARATOR_LINE.match(sample)
    return match.group(1) if match and "\n" in sample[: match.end() + 1] else None


def line_terminator(sample: str) -> str:
    """The commonest end of lines of the sample; the standard's default for a single line."""
    crlf = sample.count("\r\n")
    counts = {"\r\n": crlf, "\n": sample.count("\n") - crlf, "\r": sample.count("\r") - crlf}
    best = max(counts, key=lambda end: counts[end])
    return best if counts[best] else "\r\n"


def candidates(sample: str, fixed: Dialect, known: frozenset[str]) -> list[Scored]:
    """All candidate dialects for the sample (whole lines), best first.

    `fixed` carries what was declared, and `known` the descriptor's names of it: those are not varied.
    """
    scored = [_score(dialect, sample) for dialect in _variants(sample, fixed, known)]
    return sorted(scored, key=lambda item: -item.score)


def parse(sample: str, dialect: Dialect, limit: int = ROWS) -> list[list[str]]:
    """The first records of the sample, blank ones left out."""
    rows: list[list[str]] = []
    for row in reader(io.StringIO(sample, newline=""), dialect):
        if row:
            rows.append(row)
        if len(rows) >= limit:
            break
    return rows


def _variants(sample: str, fixed: Dialect, known: frozenset[str]) -> Iterator[Dialect]:
    delimiters = [fixed.delimiter] if "delimiter" in known else [mark for mark in PRIORS if mark in sample] or [","]
    for delimiter in delimiters:
        dialect = replace(fixed, delimiter=delimiter)
        if "skipInitialSpace" not in known:
            dialect = replace(dialect, skip_initial_space=_has_spaced_quotes(sample, delimiter))
        yield dialect
        if "quoteChar" not in known and _has_single_quotes(sample, delimiter):
            yield replace(dialect, quote_char="'")
        if "escapeChar" not in known and dialect.quote_char == '"' and '\\"' in sample:
            yield replace(dialect, escape_char="\\", double_quote=False)


def _has_spaced_quotes(sample: str, delimiter: str) -> bool:
    if delimiter in "\t ":
        return False
    mark = re.escape(delimiter)
    return re.search(mark + ' +"', sample) is not None and re.search(mark + '"', sample) is None


def _has_single_quotes(sample: str, delimiter: str) -> bool:
    if '"' in sample:
        return False
    mark = re.escape(delimiter)
    return len(re.findall(f"(?:^|{mark})'[^'\r\n]*'(?={mark}|\r|$)", sample, re.MULTILINE)) > 1


def _score(dialect: Dialect, sample: str) -> Scored:
    rows = parse(sample, dialect)
    if not rows:
        return Scored(dialect, 0.0, 0, 0.0, 0.0)
    columns, agreement = _width([len(row) for row in rows])
    typed = _typed(rows)
    if columns < 2:
        return Scored(dialect, 0.0, columns, agreement, typed)
    prior = PRIORS.get(dialect.delimiter, 0.9)
    clean = 1 - 0.5 * _slips(sample, dialect, len(rows))
    score = prior * clean * agreement**2 * (0.4 + 0.6 * typed) * (1 + 0.05 * math.log2(min(columns, 64)))
    return Scored(dialect, score, columns, agreement, typed)


def _width(widths: list[int]) -> tuple[int, float]:
    """The number of columns and the share of rows that have it.

    The first row counts more than the commonest: a free text with a comma in most of its lines is one column, as its
    header says. Lines of a title above the header are the exception, when nearly all other rows agree.
    """
    counts = Counter(widths)
    common, times = counts.most_common(1)[0]
    if widths[0] == common or (times / len(widths) >= AGREEMENT and len(widths) > 5):
        return common, times / len(widths)
    return widths[0], counts[widths[0]] / len(widths)


def _typed(rows: list[list[str]]) -> float:
    """The share of cells with a value that look like a number, date or the like; a short text counts half."""
    total = points = 0.0
    for row in rows[1:TYPED_ROWS] or rows:
        for cell in row[:TYPED_CELLS]:
            kind = cell_kind(cell)
            if kind == "blank":
                continue
            total += 1
            points += 1 if kind != "text" else 0.5 if not set(cell) & set(";\t|") else 0
    return points / total if total else 0.5


def _slips(sample: str, dialect: Dialect, count: int) -> float:
    """The share of records with text after a closing quote, which a right dialect seldom has."""
    slips = done = 0
    records = reader(io.StringIO(sample, newline=""), dialect, strict=True)
    while done < count:
        done += 1
        try:
            next(records)
        except StopIteration:
            break
        except csv.Error:
            slips += 1
    return slips / max(count, 1)
