"""One sweep over the file: the kernel's suspects are judged by frictionless' cell readers, its keys are kept."""

from __future__ import annotations

import io
from typing import Any, Protocol

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.accept import mixed, signed
from tabular.fast.keys import KeyNumbers
from tabular.fast.layout import (
    BASE,
    CLEAN,
    ENTRY,
    FIRST,
    FOUND,
    KEPT,
    MARK_EVERY,
    MOST_PER_ROW,
    NO_KEY,
    NULL,
    PADDING,
    PROVEN,
    ROWS,
    STATE,
    UNTIL,
    Results,
)
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plan import Key, Table
from tabular.fast.source import Source
from tabular.longrecords import LONG, any_length
from tabular.oddity import tail_is_open
from tabular.place import Place
from tabular.progress import Progress, Throttle
from tabular.rows import reader
from tabular.verdict import MiscountedRows

BOM = b"\xef\xbb\xbf"
SUSPECTS, KEPT_ROWS = 1 << 14, 1 << 16
LONGEST_CHARACTER = 4
NOT_UTF8 = "bytes that are not UTF-8"
LARGEST_RECORD = 1 << 27
FIRST_COUNT = 1_000
"""Rows after which repeated keys are counted for the first time; then at every doubling."""


def cells_of(record: bytes, dialect: Dialect) -> list[str]:
    """The cells of one record, line end and all."""
    if len(record) > LONG:
        return next(any_length([record.decode("utf-8")], dialect))
    return next(reader(io.StringIO(record.decode("utf-8"), newline=""), dialect))


def fresh_results(keys: int, rows: int = KEPT_ROWS) -> Results:
    """Arrays for the kernel to write into; `state` says from where."""
    state = np.zeros(STATE, np.int64)
    state[UNTIL] = np.iinfo(np.int64).max
    return Results(
        state,
        np.zeros((SUSPECTS, ENTRY), np.int64),
        np.zeros((keys, rows), np.int64),
        np.zeros((rows // MARK_EVERY + 2, 2), np.int64),
    )


class Watch(Protocol):
    """Is told the watched columns' parts of keys: of a table that refers to others, or of one that is referred to."""

    @property
    def is_decided(self) -> bool:
        """Whether the rest of the file changes nothing."""

    def take(self, keys: Any, count: int, first_row: int) -> None:
        """The next rows; `keys` has part and check of every watched column by turns, and more rows than `count`."""


class Sweep:
    """After `run`: `bad` rows in order, `rows` in all, the numbers of all `keys`, each once in `key_numbers`: a primary
    key may be unique besides. `places` has every MARK_EVERYth row's offset and record number. It ends early, and
    `complete` is False, once there are as many bad rows as errors are reported."""

    def __init__(
        self,
        table: Table,
        source: Source,
        dialect: Dialect,
        limit: int,
        progress: Progress | None = None,
        watch: Watch | None = None,
        keeps_bad: bool = True,
    ) -> None:
        self.bad: list[Place] = []
        self.rows = self.accepted = 0
        self.complete = False
        made = {key.columns: KeyNumbers() for key in table.keys}
        self.keys = [made[key.columns] for key in table.keys]
        self.key_numbers = list(made.values())
        self.places: list[Any] = []
        self.learned = 0
        self.odd_rules: set[str] = set()
        self._table, self._source, self._dialect, self._limit = table, source, dialect, limit
        self._watch, self._keeps_bad = watch, keeps_bad
        self._told = Throttle(progress)
        self._results = fresh_results(len(table.plan.members))
        self._results.state[FIRST] = dialect.first_data_row
        self._buffer = np.zeros(PADDING, np.uint8)
        self._scratch = np.zeros(PADDING, np.uint8)
        self._decoded = 0
        self._counted = FIRST_COUNT
        self._known: set[tuple[int, bytes]] = set()

    def run(self) -> None:
        """Reads the file, or the part of it that decides. Raises OutsideEnvelope and whatever a reader raises."""
        try:
            self._run()
        finally:
            self._buffer = self._scratch = np.zeros(0, np.uint8)

    def _run(self) -> None:
        length, begin = self._fill(0), 0
        if bytes(self._buffer[: len(BOM)]) == BOM:
            begin = len(BOM)
        read = length
        while read:
            held = self._walk(begin, length, final=False)
            if self._is_decided():
                return
            read, begin = self._fill(held), 0
            length = held + read
        if tail_is_open(bytes(self._buffer[begin:length]), self._dialect):
            self.odd_rules.add("unterminated-quote")
        if left := self._walk(begin, length, final=True):
            raise MiscountedRows(self.rows, bytes_left=left)
        self.complete = True
        self._told.finish(self.rows)

    @property
    def proven(self) -> int:
        """Rows that the kernel let pass without a suspect."""
        return int(self._results.state[PROVEN])

    def _fill(self, held: int) -> int:
        """Reads the next piece to where it follows on what is held; how many bytes it has. A record that is longer than
        a piece is read from its beginning each time, so there are ever larger pieces of it."""
        room = min(max(self._source.piece, held), LARGEST_RECORD - held)
        if room <= 0:
            raise OutsideEnvelope("a record of more than 128 MB")
        length = held + room
        if length + PADDING > len(self._buffer):
            buffer = np.zeros(length + length // 8 + PADDING, np.uint8)
            buffer[:held] = self._buffer[:held]
            self._buffer, self._scratch = buffer, np.zeros(len(buffer), np.uint8)
        return self._source.read_into(self._buffer[held:length].data)

    def _walk(self, begin: int, length: int, final: bool) -> int:
        """Has the kernel read what is in the buffer; what is left of it is moved to the front."""
        state, buffer = self._results.state, self._buffer
        buffer[length : length + PADDING] = 10
        self._decode(length, final)
        at = begin
        while True:
            at = kernel().walk(
                buffer, self._scratch, at, length, final, self._table.plan, self._table.accepts.arrays, self._results
            )
            is_full = state[FOUND] + MOST_PER_ROW + 1 >= SUSPECTS or state[KEPT] + 1 >= self._results.keys.shape[1]
            self._take()
            if not is_full or len(self.bad) >= self._limit:
                break
        held = length - at
        if self._decoded < at:  # a record has ended within a character
            raise OutsideEnvelope(NOT_UTF8)
        self._decoded -= at
        if at:
            buffer[:held] = buffer[at:length].copy()
        state[BASE] += at
        self._told(self.rows)
        return int(held)

    def _decode(self, length: int, final: bool) -> None:
        """Checks that the buffer is UTF-8 so far; a character that is cut off at its end is left for the next time."""
        self._decoded, has_nul = kernel().utf8_until(self._buffer, self._decoded, length)
        if has_nul:
            self.odd_rules.add("nul-byte")
        if self._decoded < length - (0 if final else LONGEST_CHARACTER - 1):
            raise OutsideEnvelope(NOT_UTF8)

    def _take(self) -> None:
        """Judges the suspects of one call and puts its keys away."""
        self._judge(self._results.suspects[: self._results.state[FOUND]])
        self._put_away()

    def _judge(self, suspects: Any) -> None:
        state = self._results.state
        first_row = int(state[ROWS] - state[KEPT])
        base = int(state[BASE])
        refused = parsed = judged = -1
        cells: list[str] = []
        for record, row, start, end, column, cell, cell_end in suspects.tolist():
            is_plain = cell >= 0 and not self._table.rules[column].keyed
            if not is_plain and row != parsed:
                cells, parsed = cells_of(bytes(self._buffer[start - base : end - base]), self._dialect), row
                self._rekey(row - first_row, cells)
            self.accepted += row != judged
            judged = row
            if row == refused:
                continue
            if column < 0:
                good = self._is_good_row(cells)
            else:
                good = self._is_good(column, bytes(self._buffer[cell:cell_end]) if is_plain else cells[column].encode())
            if not good:
                refused = row
                self.accepted -= 1
                if self._keeps_bad:
                    self.bad.append(Place(row, record, start, end))

    def _put_away(self) -> None:
        state, results = self._results.state, self._results
        first_row = int(state[ROWS] - state[KEPT])
        kept = dict(zip(self.keys, results.keys[2 * len(self._table.watched) :], strict=True))
        for numbers in self.key_numbers:
            numbers.add(kept[numbers][: state[KEPT]])
        if self._watch is not None:
            self._watch.take(results.keys, int(state[KEPT]), first_row)
        begin = -(-first_row // MARK_EVERY)
        count = -(-int(state[ROWS]) // MARK_EVERY) - begin
        if count > 0:
            rows = (np.arange(begin, begin + count)) % len(results.places)
            self.places.append(results.places[rows])
        self.rows = int(state[ROWS])
        state[FOUND] = state[KEPT] = 0

    def _is_good(self, column: int, text: bytes) -> bool:
        """Whether frictionless reads the cell without complaint, which the kernel then learns."""
        if (column, text) in self._known:
            return True
        value, notes = self._table.readers[column](text.decode("utf-8"))
        if notes:
            return False
        self.learned += 1
        pair = self._table.pair(column, value) if self._table.rules[column].keyed else (0, 0)
        if self._table.accepts.learn(column, text, NULL if value is None else CLEAN, *pair):
            self._known.add((column, text))  # the kernel may have met it many times before it could learn it
        return True

    def _is_good_row(self, cells: list[str]) -> bool:
        """Whether a row as a whole has no error but those of keys that come twice."""
        if len(cells) != len(self._table.readers):
            return False
        read = [cell_reader(cell) for cell_reader, cell in zip(self._table.readers, cells, strict=True)]
        if any(notes for _, notes in read) or all(value is None for value, _ in read):
            return False
        return not any(
            key.is_primary and all(read[column][0] is None for column in key.columns) for key in self._table.keys
        )

    def _rekey(self, index: int, cells: list[str]) -> None:
        watched = self._table.watched
        for place, column in enumerate(watched):
            pair = self._table.pair(column, self._value(column, cells))
            self._results.keys[2 * place : 2 * place + 2, index] = pair
        for key, numbers in zip(self._table.keys, self._results.keys[2 * len(watched) :], strict=True):
            numbers[index] = self._key_number(key, cells)

    def _value(self, column: int, cells: list[str]) -> Any:
        value, _notes = self._table.readers[column](cells[column] if column < len(cells) else None)
        return value

    def _key_number(self, key: Key, cells: list[str]) -> int:
        """The number of a row's key, from the values that frictionless reads."""
        number = NO_KEY
        for column in key.columns:
            value = self._value(column, cells)
            part, _check = self._table.pair(column, value)
            if len(key.columns) == 1:
                return part
            if value is not None:
                number = signed(mixed(mixed(number, column), part))
        return number

    def _is_decided(self) -> bool:
        """Whether the report is full whatever comes: of bad rows, or of keys that come twice."""
        if len(self.bad) >= self._limit:
            return True
        if self.keys and self.rows >= self._counted:
            self._counted = 2 * self.rows
            if any(each.behind >= self._limit and each.repeats() >= self._limit for each in self.key_numbers):
                return True
        return self._watch is not None and self._watch.is_decided
