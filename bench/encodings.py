"""How many tables of before UTF-8 are read exactly as written, and whether a wrong guess ever said it was sure.

    python -m bench.encodings [held-out|tune] [SHARE]

prints the table of docs/figures.md for the words that nothing was tuned on; SHARE 10 takes every tenth table only.
A text is exact when every character is; which name the encoding was given does not matter.
"""

from __future__ import annotations

import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.legacy import LANGUAGES, Legacy, tables
from tabular.encoding import detect_encoding
from tabular.encodingfound import EncodingRefused

SEEDS = {"tune": 1, "held-out": 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a table: `exact`, `wrong` or `refused`; `sure`: nothing said that the answer is in doubt.

    `chardet` and `normalizer`: whether the detector alone was right; None where nothing had to be guessed."""

    table: Legacy
    outcome: str
    sure: bool
    chardet: bool | None
    normalizer: bool | None
    seconds: float


def judge(table: Legacy, path: Path) -> Verdict:
    """Writes the table, asks for its encoding without any declaration, and compares the texts."""
    path.write_bytes(table.content)
    started = time.process_time()
    found = detect_encoding(path)
    seconds = time.process_time() - started
    choices = {judge: one["encoding"] for one in found.evidence.get("candidates", []) for judge in one["by"]}
    chardet, normalizer = (
        _reads(table, choices.get(name)) if choices else None for name in ("chardet", "charset-normalizer")
    )
    if isinstance(found, EncodingRefused):
        return Verdict(table, "refused", False, chardet, normalizer, seconds)
    sure = found.certain or bool(found.evidence.get("sure"))
    exact = _reads(table, found.encoding)
    return Verdict(table, "exact" if exact else "wrong", sure, chardet, normalizer, seconds)


def _reads(table: Legacy, encoding: str | None) -> bool:
    return encoding is not None and table.content.decode(encoding, "replace") == table.text


def report(verdicts: list[Verdict]) -> None:
    """The shares, of all and by size, kind, place of the accents, language and encoding."""
    print("| tables | of them | exact | refused | wrong | of these sure | chardet alone | charset-normalizer alone |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    _row("all", verdicts)
    for name, key in KEYS.items():
        values = dict.fromkeys(key(verdict.table) for verdict in verdicts)
        for value in values:
            _row(f"{name} {value}", [verdict for verdict in verdicts if key(verdict.table) == value])
    seconds = sorted(verdict.seconds for verdict in verdicts)
    print(f"\nCPU seconds a table: median {seconds[len(seconds) // 2]:.3f}, at most {seconds[-1]:.2f}\n")
    for verdict in verdicts:
        if verdict.outcome == "wrong":
            print(f"wrong{', and sure of it' if verdict.sure else ''}: {verdict.table.name}")


KEYS: dict[str, Callable[[Legacy], str]] = {
    "size": lambda table: f"{table.size:,} B",
    "kind": lambda table: table.kind,
    "accents": lambda table: table.accents,
    "language": lambda table: table.language,
    "encoding": lambda table: table.encoding,
}


def _row(name: str, verdicts: Iterable[Verdict]) -> None:
    listed = list(verdicts)
    counts = {word: sum(verdict.outcome == word for verdict in listed) for word in ("exact", "refused", "wrong")}
    sure = sum(verdict.outcome == "wrong" and verdict.sure for verdict in listed)
    alone = [_share(getattr(verdict, name) for verdict in listed) for name in ("chardet", "normalizer")]
    print(
        f"| {name} | {len(listed):,} | {counts['exact'] / len(listed):.1%} | {counts['refused']} | {counts['wrong']}"
        f" | {sure} | {alone[0]} | {alone[1]} |"
    )


def _share(values: Iterable[bool | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.1%}" if known else "-"


def main(half: str = "held-out", share: str = "1") -> None:
    """Judges all tables of a half."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        chosen = (one for one in tables(half, SEEDS[half]) if zlib.crc32(one.name.encode()) % int(share) == 0)
        verdicts = [judge(table, path) for table in chosen]
    print(f"{half}: {len(LANGUAGES)} languages, {len({one.table.encoding for one in verdicts})} encodings\n")
    report(verdicts)


if __name__ == "__main__":
    main(*sys.argv[1:])
