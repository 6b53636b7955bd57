"""The delimiter, quote and header row of the corpus' held-out files, told by others: csv.Sniffer, CleverCSV, DuckDB."""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clevercsv
import duckdb

from tabular.csvkind import CsvKind, detect_kind
from tests.kinds.cases import cases
from tests.kinds.tables import Truth
from tests.kinds.words import HELD_OUT

Told = tuple[str, str, int | None]
"""Delimiter, quote, the header's row (0: no header; None: it does not tell)."""
SAMPLE = 16_384
"""Characters that the slow ones are given."""
SNIFF = (
    "select Delimiter, Quote, SkipRows, HasHeader from"
    " sniff_csv(?, ignore_errors=true, strict_mode=false, null_padding=true)"
)


def ours(path: Path) -> Told | None:
    told = detect_kind(path)
    if not isinstance(told, CsvKind):
        return None
    return told.dialect["delimiter"], told.dialect["quoteChar"], told.header_rows[0] if told.header_rows else 0


def sniffer(path: Path) -> Told | None:
    found = csv.Sniffer().sniff(path.read_text("utf-8")[:SAMPLE])
    return found.delimiter, found.quotechar or "", None


def clever(path: Path) -> Told | None:
    found = clevercsv.Sniffer().sniff(path.read_text("utf-8")[:SAMPLE])
    return (found.delimiter or "", found.quotechar or "", None) if found else None


def duck(connection: Any) -> Callable[[Path], Told | None]:
    def tell(path: Path) -> Told | None:
        delimiter, quote, skipped, header = connection.execute(SNIFF, [str(path)]).fetchone()
        return delimiter, quote.replace("(empty)", ""), skipped + 1 if header else 0

    return tell


def right(truth: Truth, told: Told | None, text: str) -> dict[str, bool]:
    """By property; of a file of one column, any delimiter that is not in it is right."""
    delimiter, quote, header = told or ("\0", "\0", None)
    is_single = max(map(len, (truth.header, *truth.rows))) < 2
    found = {"delimiter": delimiter not in text or not delimiter if is_single else delimiter == truth.delimiter}
    if told is None:
        found["delimiter"] = False
    if truth.quote is not None:
        found["quote"] = quote == truth.quote
    if header is not None:
        found["header"] = header == (truth.header_rows[0] if truth.header_rows else 0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=10, help="files of every shape")
    words = parser.parse_args()
    peers = {"ours": ours, "csv.Sniffer": sniffer, "CleverCSV": clever, "DuckDB": duck(duckdb.connect())}
    shares: dict[str, dict[str, list[bool]]] = {name: defaultdict(list) for name in peers}
    seconds = dict.fromkeys(peers, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for case in cases(HELD_OUT, 2, words.each):
            assert isinstance(case.truth, Truth)
            path.write_bytes(case.content)
            for name, peer in peers.items():
                started = time.process_time()
                try:
                    told = peer(path)
                except Exception:  # some raise where they cannot tell
                    told = None
                seconds[name] += time.process_time() - started
                for key, value in right(case.truth, told, case.content.decode()).items():
                    shares[name][key].append(value)
    for name, found in shares.items():
        told_right = ", ".join(f"{key} {100 * sum(values) / len(values):.1f} %" for key, values in found.items())
        print(f"{name}: {told_right}; {1000 * seconds[name] / len(found['delimiter']):.0f} ms CPU a file")


if __name__ == "__main__":
    main()
