"""Where canonical CSV is written: UTF-8, commas, CRLF; hashed and counted on the way."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from tabular.hashing import Digest, Hasher

PIECE = 262_144


class CsvSink:
    """Writes records to a binary file in pieces; `finish` writes the last one."""

    def __init__(self, out: BinaryIO) -> None:
        self.records = 0
        self._out = out
        self._hasher = Hasher()
        self._writer = csv.writer(self, lineterminator="\r\n")
        self._waiting: list[str] = []
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are written by now."""
        return self._hasher.size

    def write_record(self, cells: Sequence[str]) -> None:
        """One record."""
        self._writer.writerow(cells)

    def write_records(self, records: Iterable[Sequence[str]]) -> None:
        """Records, as many as there are."""
        self._writer.writerows(records)

    def write(self, text: str) -> None:
        """One record's text, as `csv.writer` hands it over."""
        self.records += 1
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= PIECE:
            self._flush()

    def write_piece(self, piece: bytes) -> None:
        """Bytes that are records already; they are not counted."""
        self._flush()
        self._put(piece)

    def place(self) -> tuple[int, Hasher]:
        """Where the output is after what was written so far."""
        self._flush()
        return self._out.tell(), self._hasher.copy()

    def go_back(self, place: tuple[int, Hasher]) -> None:
        """Takes back what was written since."""
        offset, self._hasher = place
        self._out.seek(offset)
        self._out.truncate()

    def finish(self) -> Digest:
        """The digest of everything that was written."""
        self._flush()
        return self._hasher.digest()

    def _flush(self) -> None:
        self._put("".join(self._waiting).encode("utf-8"))
        self._waiting.clear()
        self._size = 0

    def _put(self, piece: bytes) -> None:
        self._hasher.update(piece)
        self._out.write(piece)
