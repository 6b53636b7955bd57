"""The scan reads by blocks and takes short cuts; here it is held against a plain reader of the whole text."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tabular import blocks
from tabular.dialect import Dialect
from tabular.finding import Finding
from tabular.limits import Limits
from tabular.scan import scan

LOOSE = Limits(cell_bytes=10_000, row_bytes=100_000, columns=1_000)


def plain(text: str, dialect: Dialect) -> tuple[int, bool]:
    """How many records a reader finds, and whether the text ended inside of quotes."""
    ended = False

    def lines() -> io.StringIO:
        return io.StringIO(text, newline="")

    def until_the_end() -> object:
        nonlocal ended
        yield from lines()
        ended = True

    count = 0
    for _ in csv.reader(until_the_end(), **dialect.options()):  # type: ignore[arg-type]
        if ended:
            return count, True
        count += 1
    return count, False


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1_048_576])
@pytest.mark.parametrize("delimiter", [",", "§"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(alphabet='a,"\n\r é', min_size=1, max_size=40))
@example(text='"a\n"x\n"b\n"\n')
@example(text='a\r\n"\r\n"\r\n')
@example(text='"a"b,"c\nd"\ne')
def test_the_scan_counts_what_a_reader_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, delimiter: str, text: str
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    path = tmp_path / "t"
    path.write_bytes(text.encode())
    dialect = Dialect(delimiter=delimiter)
    records, unterminated = plain(text, dialect)
    result = scan(path, dialect, LOOSE)
    if isinstance(result, Finding):
        assert result.rule == "unterminated-quote"
        # A quote closed on a later line and followed by text counts as forgotten too.
        assert unterminated or '"' in text
    else:
        assert not unterminated
        assert result.records == records


@pytest.mark.parametrize("block", [1, 3, 64])
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    table=st.lists(st.lists(st.text(alphabet='a,"\n\r é', max_size=5), min_size=1, max_size=3), min_size=1, max_size=5)
)
def test_well_written_tables_are_never_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, table: list[list[str]]
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(table)
    path = tmp_path / "t"
    path.write_bytes(text.getvalue().encode())
    result = scan(path, Dialect(), LOOSE)
    assert not isinstance(result, Finding), result
    assert result.records == len(table)
    assert result.stray_quotes == 0
