"""Whether a text is a CSV, of which kind, and whether all of it can be read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tabular.dialect import Dialect
from tabular.finding import Finding, shorten
from tabular.header import label_problem
from tabular.limits import Limits
from tabular.magic import binary_kind, looks_binary
from tabular.placement import evidence_of, notes_of, placed_in
from tabular.plaintext import lines_kind, started_kind
from tabular.progress import Progress
from tabular.rows import read_labels
from tabular.scan import Scan, scan
from tabular.sniff import Scored, candidates, line_terminator, separator_line
from tabular.textkind import text_kind

SAMPLE = 262_144
SHOWN = 5
READABLE = 0.3
"""The score of a candidate below which the file may be no table at all."""
NEAR = 0.85
"""The share of the best score from which another delimiter is a doubt."""


@dataclass(frozen=True, slots=True)
class CsvKind:
    """A CSV that can be read to its end. `dialect` is a descriptor's; `header_rows` are record numbers from 1 (none: no
    header); `records` counts everything, header and blank records too."""

    dialect: dict[str, Any]
    header_rows: tuple[int, ...]
    columns: int
    records: int
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        return {
            "dialect": self.dialect,
            "header_rows": list(self.header_rows),
            "columns": self.columns,
            "records": self.records,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class NotCsv:
    """No CSV, or one that no reader should be given. `what` is a noun such as "a PNG image" or "a damaged CSV"."""

    what: str
    finding: Finding
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        return {"what": self.what, "finding": self.finding.to_dict(), "evidence": self.evidence}


def detect_kind(
    path: Path,
    declared_dialect: Mapping[str, Any] | None = None,
    *,
    field_names: Sequence[str] = (),
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> CsvKind | NotCsv:
    """The kind of the UTF-8 text at `path`: what was declared is kept, the rest is told from a sample.

    `field_names` of the schema help to tell a header. The whole file is scanned for what readers must not be given;
    `progress` is told bytes. Rules: `empty-file`, `not-csv`, `bad-dialect`, `column-name`, and those of
    `scan`. Raises OSError.
    """
    sample, finding = _sample(path)
    if finding is not None:
        return NotCsv("an empty file" if finding.rule == "empty-file" else finding.message, finding, {})
    what = text_kind(path, sample) or (None if "delimiter" in (declared_dialect or {}) else started_kind(sample))
    if what is not None:
        return _something_else(what)
    try:
        declared = Dialect.from_descriptor(declared_dialect)
    except ValueError as error:
        return NotCsv("a CSV", Finding("bad-dialect", f"The dialect cannot be used: {error}."), {})
    known = frozenset(key for key, value in (declared_dialect or {}).items() if value is not None)
    dialect, best, evidence = _dialect(sample, declared, known, field_names)
    what = lines_kind(sample) if best.score < READABLE and "delimiter" not in known else None
    if what is not None:
        return _something_else(what)
    bounds = limits or Limits()
    scanned = scan(path, dialect, bounds, progress)
    if isinstance(scanned, Finding):
        return NotCsv("a damaged CSV", scanned, evidence)
    problem = label_problem(read_labels(path, dialect), bounds.column_name, max(dialect.header_rows, default=1))
    if problem is not None:
        return NotCsv("a CSV with an unusable header", problem, evidence)
    evidence |= _stray(scanned)
    if notes := notes_of(evidence, dialect.header_rows):
        evidence["notes"] = notes
    return CsvKind(dialect.to_descriptor(), dialect.header_rows, best.columns, scanned.records, evidence)


def _something_else(what: str) -> NotCsv:
    hint = "" if what.endswith("itself") else "; if it is one, declare its dialect's delimiter"
    return NotCsv(what, Finding("not-csv", f"The file is {what}, not a CSV{hint}."), {"text": what})


def _sample(path: Path) -> tuple[str, Finding | None]:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        more = bool(file.read(1))
    if not more and not head.removeprefix(b"\xef\xbb\xbf").strip():
        blank = "is empty" if not head else "holds nothing but blank space"
        return "", Finding("empty-file", f"The file {blank}; a table has at least a header.")
    kind = binary_kind(head) or ("binary data" if looks_binary(head) else None)
    if kind is not None:
        return "", Finding("not-csv", f"The file is {kind}, not a CSV.")
    if more:
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    return head.decode("utf-8", "ignore"), None


def _dialect(
    sample: str, declared: Dialect, known: frozenset[str], names: Sequence[str]
) -> tuple[Dialect, Scored, dict[str, Any]]:
    evidence: dict[str, Any] = {"declared": sorted(known)} if known else {}
    hinted = separator_line(sample)
    body = sample
    if hinted is not None:
        # The hint is a record of its own: whoever reads the file must step over it.
        evidence["separator_line"] = hinted
        body = sample.split("\n", 1)[1]
        if "delimiter" not in known:
            declared, known = replace(declared, delimiter=hinted), known | {"delimiter"}
    scored = candidates(body, declared, known, names)
    others = scored[1:] if "delimiter" not in known else candidates(body, declared, known - {"delimiter"}, names)
    evidence |= _doubt(scored[0], others, known)
    evidence["candidates"] = [candidate.to_dict() for candidate in scored[:SHOWN]]
    dialect = scored[0].dialect
    if "lineTerminator" not in known:
        dialect = replace(dialect, line_terminator=line_terminator(body))
    if "headerRows" not in known and (declared.header_rows or "header" not in known):
        dialect = placed_in(dialect, scored[0].frame, known, 0 if hinted is None else 1)
        evidence |= evidence_of(sample, dialect, scored[0].frame)
    elif hinted is not None and not dialect.header_rows:
        dialect = replace(dialect, comment_rows=(1, *dialect.comment_rows))
    return dialect, scored[0], evidence


def _doubt(best: Scored, others: Sequence[Scored], known: frozenset[str]) -> dict[str, Any]:
    """A word where another delimiter fits nearly as well, or what was declared makes one column and another more."""
    mark = best.dialect.delimiter
    other = next((each for each in others if each.dialect.delimiter != mark and each.columns > 1), None)
    if other is None or other.score < READABLE:
        return {}
    named = repr(other.dialect.delimiter)
    if "delimiter" in known:
        is_odd = best.columns < 2
        words = f"the delimiter told makes one column, {named} would make {other.columns}"
    else:
        is_odd = other.score > NEAR * best.score
        words = f"{named} would make {other.columns:,} columns and fits nearly as well as {mark!r}"
    return {"doubt": words} if is_odd else {}


def _stray(scanned: Scan) -> dict[str, Any]:
    if not scanned.stray_quotes:
        return {}
    note = shorten("text after a closing quote was read as part of the cell")
    return {"stray_quotes": {"rows": scanned.stray_quotes, "first_row": scanned.first_stray, "note": note}}
