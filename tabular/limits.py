"""How much of everything is accepted, in one place."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the checks. Sizes are bytes unless said otherwise.

    The ratio of an archive is judged only after `ratio_floor` bytes came out of it: small files of blanks compress
    a thousandfold and harm nobody.

    Of a workbook, `workbook_parts` are entries of its zip, `sheet_cells` those of the area in use, blank ones too;
    `shared_strings` bounds the texts that must be held in memory, each with 64 bytes added.

    Errors are counted in full for `count_seconds` at the most; of them `listed_errors`, and of the bad rows
    `listed_rows`, are listed, in files of `listed_bytes` each.

    From `fast_from` on, a table is checked by the compiled pass, in pieces of `piece_bytes`; loading it takes a second.
    """

    decompressed_bytes: int = 5_000 * MB
    ratio: int = 100
    ratio_floor: int = 100 * MB
    archive_entries: int = 100
    workbook_parts: int = 10_000
    sheet_cells: int = 100_000_000
    shared_strings: int = 250 * MB
    cell_bytes: int = MB
    row_bytes: int = 16 * MB
    columns: int = 10_000
    column_name: int = 1_000
    errors: int = 1_000
    reported_cell: int = 500
    reported_cells: int = 100
    listed_errors: int = 10_000
    listed_rows: int = 10_000
    listed_bytes: int = 50 * MB
    count_seconds: float = 300.0
    fast_from: int | None = MB
    piece_bytes: int = 4 * MB

    @property
    def most_listed(self) -> int:
        """Bad rows after which nothing more is listed, whatever they have."""
        return max(self.listed_rows, self.listed_errors)
