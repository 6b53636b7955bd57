"""How a CSV is written: delimiter, quotes, header. The Table Dialect of the Data Package standard, v1 and v2."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

UNQUOTED = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A CSV dialect; the defaults are the standard's.

    `header_rows` are record numbers counted from 1; no number means that there is no header. Everything before the
    last of them that is not a header row is not data either.
    """

    delimiter: str = ","
    quote_char: str = '"'
    double_quote: bool = True
    escape_char: str | None = None
    skip_initial_space: bool = False
    line_terminator: str = "\r\n"
    header_rows: tuple[int, ...] = (1,)
    header_join: str = " "
    comment_char: str | None = None
    comment_rows: tuple[int, ...] = ()
    skip_blank_rows: bool = False

    @classmethod
    def from_descriptor(cls, descriptor: Mapping[str, Any] | None) -> Dialect:
        """A dialect from a descriptor's `dialect`; unknown keys are ignored, wrong ones raise ValueError."""
        given = dict(descriptor or {})
        rows = given.get("headerRows") or [1]
        header = given.get("header", True)
        return cls(
            delimiter=_character(given, "delimiter", ","),
            quote_char=_character(given, "quoteChar", '"', or_none=True) or UNQUOTED,
            double_quote=bool(given.get("doubleQuote", True)),
            escape_char=_character(given, "escapeChar", None, or_none=True) or None,
            skip_initial_space=bool(given.get("skipInitialSpace", False)),
            line_terminator=str(given.get("lineTerminator", "\r\n")),
            header_rows=_numbers(rows, "headerRows") if header else (),
            header_join=str(given.get("headerJoin", " ")),
            comment_char=str(given["commentChar"]) if given.get("commentChar") else None,
            comment_rows=_numbers(given.get("commentRows") or [], "commentRows"),
            skip_blank_rows=bool(given.get("skipBlankRows", False)),
        )

    def to_descriptor(self) -> dict[str, Any]:
        """The `dialect` of a descriptor: always says what every reader must know, the rest only when it is unusual."""
        made: dict[str, Any] = {
            "delimiter": self.delimiter,
            "quoteChar": self.quote_char,
            "doubleQuote": self.double_quote,
            "skipInitialSpace": self.skip_initial_space,
            "lineTerminator": self.line_terminator,
            "header": bool(self.header_rows),
        }
        unusual: dict[str, Any] = {
            "escapeChar": self.escape_char,
            "headerRows": list(self.header_rows) if self.header_rows not in ((), (1,)) else None,
            "headerJoin": self.header_join if len(self.header_rows) > 1 else None,
            "commentChar": self.comment_char,
            "commentRows": list(self.comment_rows) or None,
            "skipBlankRows": self.skip_blank_rows or None,
        }
        return made | {key: value for key, value in unusual.items() if value is not None}

    @property
    def first_data_row(self) -> int:
        """The record number, from 1, at which data may start."""
        return self.header_rows[-1] + 1 if self.header_rows else 1

    @property
    def first_table_row(self) -> int:
        """The record number, from 1, at which the table starts: its header or, without one, what is no comment."""
        if self.header_rows:
            return self.header_rows[0]
        return next(number for number in count(1) if number not in self.comment_rows)

    @property
    def is_canonical(self) -> bool:
        """Whether a file in this dialect reads the same in the standard's default one, whatever ends its lines."""
        return (
            self.delimiter == ","
            and self.quote_char == '"'
            and self.escape_char is None
            and not self.skip_initial_space
            and self.header_rows == (1,)
            and self.comment_char is None
            and not self.comment_rows
            and not self.skip_blank_rows
        )

    def is_data(self, number: int, cells: list[str]) -> bool:
        """Whether the record `number` is a row of the table."""
        if number < self.first_data_row or self.is_comment(number, cells):
            return False
        return not self.skip_blank_rows or any(cells)

    def is_comment(self, number: int, cells: list[str]) -> bool:
        """Whether the record `number` is a comment and so no data."""
        if number in self.comment_rows:
            return True
        return bool(self.comment_char and cells and cells[0].startswith(self.comment_char))

    def options(self, strict: bool = False) -> dict[str, Any]:
        """Keyword arguments of `csv.reader`."""
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote_char or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote_char else csv.QUOTE_NONE,
            # Without an escape character a quote can only be doubled, whatever the descriptor claims.
            "doublequote": self.double_quote or not self.escape_char,
            "escapechar": self.escape_char,
            "skipinitialspace": self.skip_initial_space,
            "strict": strict,
        }


def _character(given: Mapping[str, Any], key: str, default: str | None, or_none: bool = False) -> str:
    value = given.get(key, default)
    if value in (None, "") and or_none:
        return ""
    if not isinstance(value, str) or len(value) != 1 or value in "\r\n\x00":
        raise ValueError(f"the dialect's {key} must be one character, not {str(value)[:20]!r}")
    return value


def _numbers(value: Any, key: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(item) is int and item > 0 for item in value):
        raise ValueError(f"the dialect's {key} must be a list of row numbers from 1")
    return tuple(sorted(value))
