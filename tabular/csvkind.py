"""Whether a text is a CSV, of which kind, and whether all of it can be read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tabular.dialect import Dialect
from tabular.finding import Finding, shorten
from tabular.header import judge_header, label_problem
from tabular.limits import Limits
from tabular.magic import binary_kind, looks_binary
from tabular.progress import Progress
from tabular.rows import read_labels
from tabular.scan import Scan, scan
from tabular.sniff import Scored, candidates, line_terminator, parse, separator_line
from tabular.textkind import text_kind

SAMPLE = 262_144
SHOWN = 5


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
    what = text_kind(path, sample)
    if what is not None:
        return NotCsv(what, Finding("not-csv", f"The file is {what}, not a CSV."), {"text": what})
    try:
        declared = Dialect.from_descriptor(declared_dialect)
    except ValueError as error:
        return NotCsv("a CSV", Finding("bad-dialect", f"The dialect cannot be used: {error}."), {})
    known = frozenset(key for key, value in (declared_dialect or {}).items() if value is not None)
    dialect, columns, evidence = _dialect(sample, declared, known, field_names)
    bounds = limits or Limits()
    scanned = scan(path, dialect, bounds, progress)
    if isinstance(scanned, Finding):
        return NotCsv("a damaged CSV", scanned, evidence)
    problem = label_problem(read_labels(path, dialect), bounds.column_name)
    if problem is not None:
        return NotCsv("a CSV with an unusable header", problem, evidence)
    return CsvKind(dialect.to_descriptor(), dialect.header_rows, columns, scanned.records, evidence | _stray(scanned))


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
) -> tuple[Dialect, int, dict[str, Any]]:
    evidence: dict[str, Any] = {"declared": sorted(known)} if known else {}
    hinted = separator_line(sample)
    body = sample
    if hinted is not None:
        # The hint is a record of its own: whoever reads the file must step over it.
        evidence["separator_line"] = hinted
        body = sample.split("\n", 1)[1] if "\n" in sample else ""
        if "delimiter" not in known:
            declared, known = replace(declared, delimiter=hinted), known | {"delimiter"}
    scored = candidates(body, declared, known)
    best = _best(scored, declared)
    if best.columns < 2 and "delimiter" in known:
        evidence |= _doubt(candidates(body, declared, known - {"delimiter"})[0])
    evidence["candidates"] = [candidate.to_dict() for candidate in scored[:SHOWN]]
    dialect = best.dialect
    if "lineTerminator" not in known:
        dialect = replace(dialect, line_terminator=line_terminator(body))
    if not known & {"header", "headerRows"}:
        is_header, why = judge_header(parse(body, dialect, 200), names)
        evidence["header"] = why
        dialect = replace(dialect, header_rows=_header_rows(is_header, hinted is not None))
    if hinted is not None and not dialect.header_rows:
        dialect = replace(dialect, comment_rows=(1, *dialect.comment_rows))
    return dialect, best.columns, evidence


def _header_rows(is_header: bool, after_hint: bool) -> tuple[int, ...]:
    if not is_header:
        return ()
    return (2,) if after_hint else (1,)


def _best(scored: list[Scored], declared: Dialect) -> Scored:
    """The best candidate; one column with the default or declared delimiter when no delimiter makes columns."""
    best = scored[0]
    if best.score > 0:
        return best
    return Scored(replace(best.dialect, delimiter=declared.delimiter), 0.0, 1, 1.0, best.typed)


def _doubt(other: Scored) -> dict[str, Any]:
    """What was declared is kept, but a file of one column deserves a word when another delimiter makes more."""
    if other.columns < 2:
        return {}
    mark = other.dialect.delimiter
    return {"doubt": f"the delimiter told makes one column, {mark!r} would make {other.columns}"}


def _stray(scanned: Scan) -> dict[str, Any]:
    if not scanned.stray_quotes:
        return {}
    note = shorten("text after a closing quote was read as part of the cell")
    return {"stray_quotes": {"rows": scanned.stray_quotes, "first_row": scanned.first_stray, "note": note}}
