"""Telling the dialect of a CSV from a sample of it.

Every plausible dialect parses the sample; the one under which the rows agree in width and the cells look like values
wins. Simple, and each candidate's score is kept as evidence.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tabular.celltype import cell_kind
from tabular.dialect import UNQUOTED, Dialect
from tabular.frame import Frame, frame_of
from tabular.rows import reader

# A colon stands in times and addresses, a blank between words, more often than between columns; a comma is the
# standard's default.
PRIORS = {",": 1.0, ";": 0.98, "\t": 0.98, "|": 0.95, "^": 0.8, "~": 0.8, "§": 0.8, "¦": 0.8, ":": 0.4, " ": 0.4}
ROWS = 1_000
TYPED_ROWS = 100
TYPED_CELLS = 50
ONE_COLUMN = 0.12
"""The score of a single column of text; of values such as decimals it is higher."""
ONE_TYPED = 0.7
HEAD = 32_768
"""Characters in which quotes and blanks are looked for."""
LOOSE, LOOSELY = 2, 0.45
ODD_HEADER = 0.6
"""Times the score where the first record is of another width than the table."""
BETTER = 1.02
"""Times that an unusual quote or escape must be better than the usual ones."""
OTHERS = re.compile(r"[;|](?! )|\t|^\s*(['\"]).*\1\s*$")
"""In a text: signs that another delimiter or quote would fit better."""
SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?\r?\n?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate dialect with its score and what it is made of."""

    dialect: Dialect
    score: float
    frame: Frame
    typed: float

    @property
    def columns(self) -> int:
        """How many it makes."""
        return self.frame.width

    def to_dict(self) -> dict[str, Any]:
        """JSON object; the dialect by the characters that tell it apart."""
        return {
            "delimiter": self.dialect.delimiter,
            "quoteChar": self.dialect.quote_char,
            "escapeChar": self.dialect.escape_char,
            "score": round(self.score, 3),
            "columns": self.columns,
            "agreement": round(self.frame.agreement, 3),
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


def candidates(sample: str, fixed: Dialect, known: frozenset[str], names: Sequence[str] = ()) -> list[Scored]:
    """All candidate dialects for the sample (whole lines), best first; the first of equals is the usual one.

    `fixed` carries what was declared, and `known` the descriptor's names of it: those are not varied. `names` are the
    schema's fields.
    """
    scored = [_score(dialect, sample, names) for dialect in _variants(sample, fixed, known)]
    return sorted(scored, key=lambda item: -round(item.score, 6))


def parse(sample: str, dialect: Dialect, limit: int = ROWS) -> list[list[str]]:
    """The first records of the sample; a blank line is an empty one."""
    rows: list[list[str]] = []
    for row in reader(io.StringIO(sample, newline=""), dialect):
        rows.append(row)
        if len(rows) >= limit:
            break
    return rows


def _variants(sample: str, fixed: Dialect, known: frozenset[str]) -> Iterator[Dialect]:
    marks = [fixed.delimiter] if "delimiter" in known else [mark for mark in PRIORS if mark in sample]
    for mark in marks:
        yield from _written(sample, replace(fixed, delimiter=mark), known)
    if "delimiter" not in known:
        # No delimiter at all: one that is not in the text leaves each line whole.
        yield replace(fixed, delimiter=next((mark for mark in PRIORS if mark not in sample), fixed.delimiter))


def _written(sample: str, dialect: Dialect, known: frozenset[str]) -> Iterator[Dialect]:
    """The ways of quoting that the sample may have, the usual one first."""
    delimiter = dialect.delimiter
    sample = sample[:HEAD]
    if "skipInitialSpace" not in known:
        dialect = replace(dialect, skip_initial_space=_is_spaced(sample, delimiter))
    yield dialect
    if "quoteChar" not in known:
        if _has_single_quotes(sample, delimiter):
            yield replace(dialect, quote_char="'")
            if "\\'" in sample and "escapeChar" not in known:
                yield replace(dialect, quote_char="'", escape_char="\\", double_quote=False)
        if _has_loose_quotes(sample, delimiter):
            yield replace(dialect, quote_char=UNQUOTED)
    if "escapeChar" not in known and ('\\"' in sample or f"\\{delimiter}" in sample):
        yield replace(dialect, escape_char="\\", double_quote=False)


def _is_spaced(sample: str, delimiter: str) -> bool:
    """Whether blanks after the delimiter are part of it: before quotes, or after every one."""
    if delimiter == "\t":
        return False
    if delimiter == " ":
        return re.search(r"(?:^|\S)  +\S|^ +\S", sample, re.MULTILINE) is not None
    mark = re.escape(delimiter)
    spaced = len(re.findall(mark + " +\\S", sample))
    quoted = re.search(mark + ' +"', sample) is not None and re.search(mark + '"', sample) is None
    return quoted or (spaced > 1 and spaced == len(re.findall(mark + "(?!$)(?=.)", sample, re.MULTILINE)))


def _has_single_quotes(sample: str, delimiter: str) -> bool:
    mark = re.escape(delimiter)
    if re.search(f'(?:^|{mark})"', sample, re.MULTILINE):
        return False
    return len(re.findall(f"(?:^|{mark}) *'[^\r\n]*?'(?= *(?:{mark}|\r|$))", sample, re.MULTILINE)) > 1


def _has_loose_quotes(sample: str, delimiter: str) -> bool:
    """Whether most cells that begin with a quote do not end with one: then it is no quote."""
    mark = re.escape(delimiter)
    opened = len(re.findall(f'(?:^|{mark})"', sample, re.MULTILINE))
    closed = len(re.findall(f'(?:^|{mark})"(?:[^"]|"")*+"(?={mark}|\r|$)', sample, re.MULTILINE))
    return opened >= LOOSE and opened > 2 * closed


def _score(dialect: Dialect, sample: str, names: Sequence[str]) -> Scored:
    rows = parse(sample, dialect)
    numbered = [[] if dialect.is_comment(number, row) else row for number, row in enumerate(rows, start=1)]
    frame = frame_of(numbered, names)
    typed = _typed(numbered[frame.first_data - 1 :] or numbered)
    if frame.width < 2:
        return Scored(dialect, frame.agreement * (ONE_TYPED if typed >= 0.95 else ONE_COLUMN), frame, typed)
    prior = PRIORS.get(dialect.delimiter, 0.8)
    if dialect.delimiter == " " and not _is_tabular(frame, typed, len(rows)):
        prior = 0.0
    clean = 1 - 0.5 * _slips(sample, dialect, len(rows))
    usual = 1.0 if dialect.quote_char == '"' and dialect.escape_char is None else 1 / BETTER
    wide = 1 + 0.05 * math.log2(min(frame.width, 64))
    fits = 1.0 if frame.is_headed else ODD_HEADER
    score = (
        prior * usual * fits * clean * _even(numbered, frame) ** 2 * frame.coverage**0.5 * (0.4 + 0.6 * typed) * wide
    )
    return Scored(dialect, score, frame, typed)


def _even(rows: list[list[str]], frame: Frame) -> float:
    """How much the records agree in width; some for those that all have several cells."""
    broad = all(2 * len(row) >= frame.width for row in rows if row) and frame.width > 2
    return max(frame.agreement, LOOSELY if broad else 0.0)


def _is_tabular(frame: Frame, typed: float, count: int) -> bool:
    """Whether blanks make columns: words do not agree in number, and sentences hold no numbers."""
    return frame.agreement >= 0.95 and (typed >= 0.7 or (frame.width > 3 and count > 4))


def _typed(rows: list[list[str]]) -> float:
    """The share of cells with a value that look like a number, date or the like; a short text counts half."""
    total = points = 0.0
    for row in rows[:TYPED_ROWS]:
        for cell in row[:TYPED_CELLS]:
            kind = cell_kind(cell)
            if kind == "blank":
                continue
            total += 1
            points += 1 if kind != "text" else 0 if OTHERS.search(cell) else 0.5
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
