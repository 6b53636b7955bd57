"""What runs in the sandbox: calls of `tabular` on local files, JSON values in and out.

Each function is told where to report progress, and which paths to read and write; a finding is a result.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabular.finding import Finding
from tabular.progress import Progress
from workers.stage import Report

if TYPE_CHECKING:
    from tabular.foreignkeys import References

PROBLEMS = 20
"""Errors that travel with the event; the report and the lists have the rest."""
LISTS = ("errors.csv", "annotated.csv")

# tabular's modules are imported where they are needed: the worker's own process only names these functions.


def open_table(
    progress: Report,
    path: str,
    resource: Mapping[str, Any],
    destination: str,
    limits: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`{"finding"}`, or what `tabular.archive.Opened` says (the CSV is at `destination`) and the CSV's `descriptor`."""
    from tabular.limits import Limits
    from tabular.opening import as_csv, open_resource

    bounds = Limits(**limits or {})
    opened = open_resource(Path(path), resource, Path(destination), bounds, _bytes(progress))
    if isinstance(opened, Finding):
        return {"finding": opened.to_dict()}
    descriptor = as_csv(resource, opened.sheet) if opened.sheet else resource
    return {**opened.to_dict(), "descriptor": dict(descriptor)}


def decode_table(progress: Report, path: str, resource: Mapping[str, Any], destination: str) -> dict[str, Any]:
    """`{"finding", "evidence"}`, or `{"found", "copy"}`: a copy in UTF-8 is at `destination`; None: none is needed."""
    from tabular.encoding import detect_encoding, transcode
    from tabular.encodingfound import EncodingRefused

    declared = resource.get("encoding")
    told = _bytes(progress, Path(path))
    found = detect_encoding(Path(path), declared if isinstance(declared, str) else None, told, resource)
    if isinstance(found, EncodingRefused):
        return found.to_dict()
    copy = None if found.is_plain_utf8 else transcode(Path(path), found.encoding, Path(destination), _bytes(progress))
    return {"found": found.to_dict(), "copy": copy.to_dict() if copy else None}


def sniff_table(
    progress: Report,
    path: str,
    dialect: Mapping[str, Any] | None,
    field_names: Sequence[str],
    limits: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`{"finding", "evidence"}`, or what `tabular.csvkind.CsvKind` says."""
    from tabular.csvkind import detect_kind
    from tabular.limits import Limits

    report, bounds = _bytes(progress, Path(path)), Limits(**limits or {})
    return detect_kind(Path(path), dialect, field_names=field_names, limits=bounds, progress=report).to_dict()


def _bytes(progress: Report, path: Path | None = None) -> Progress:
    total = path.stat().st_size if path else None
    return lambda done: progress(done, total, "bytes")


def _rows(progress: Report, total: int | None) -> Progress:
    return lambda done: progress(done, total, "rows")


def validate_table(
    progress: Report,
    path: str,
    resource: Mapping[str, Any],
    dialect: Mapping[str, Any],
    destination: str,
    sheet: Mapping[str, Any] | None = None,
    references: Sequence[Mapping[str, Any]] = (),
    records: int | None = None,
    limits: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What `tabular.validation.Validation` says, its report at `destination` as JSON.

    Where the table is invalid also `summary`, and `problems`: the first examples of each kind. `files` are the
    digests, by name, of what is in the folder of `destination`: the report, and then the summary and the lists.
    `references` are what `referenced.referenced` says; copies of those files go there too. `records` are those of the
    file, the ones before its data included, for the progress.
    """
    from tabular.count import count_errors
    from tabular.dialect import Dialect
    from tabular.limits import Limits
    from tabular.reasons import reasons
    from tabular.validation import validate_table
    from tabular.workbook import Sheet

    before = Dialect.from_descriptor(dialect).first_data_row - 1
    told = _rows(progress, None if records is None else max(records - before, 0))
    read, bounds, report_path = Sheet.from_dict(sheet) if sheet else None, Limits(**limits or {}), Path(destination)
    found = _references(references, report_path.parent)
    validation = validate_table(
        Path(path),
        resource=resource,
        dialect=dialect,
        kinds=read.kinds if read else (),
        limits=bounds,
        progress=told,
        references=found,
    )
    report = validation.report
    for stats in (report["stats"], *(task["stats"] for task in report["tasks"])):
        stats["seconds"] = 0  # the same bytes have the same report, wherever and however often they are checked
    files = {report_path.name: _write_json(report, destination)}
    answer = validation.to_dict()
    del answer["report"]
    answer["limits"] = {name: getattr(bounds, name) for name in ("errors", "listed_errors", "listed_rows")}
    answer["reasons"] = reasons(validation.schema, validation.evidence.get("types", {})) if validation.inferred else []
    if validation.valid:
        return {**answer, "files": files}
    folder = report_path.parent
    summary = count_errors(
        Path(path),
        validation,
        folder,
        resource=resource,
        dialect=dialect,
        sheet=read,
        limits=bounds,
        progress=told,
        references=found,
    )
    files["summary.json"] = _write_json(summary.to_dict(), str(folder / "summary.json"))
    files |= {name: _digest(folder / name) for name in LISTS if (folder / name).is_file()}
    problems = [finding.to_dict() for finding in summary.first_examples(PROBLEMS)]
    told_summary = summary.to_dict() | {"groups": [], "by_rule": summary.by_rule}
    return {**answer, "summary": told_summary, "problems": problems, "files": files}


def _references(told: Sequence[Mapping[str, Any]], folder: Path) -> References:
    from tabular.check import referenced_table
    from tabular.foreignkeys import Unreadable

    return {
        each["name"]: referenced_table(Path(each["path"]), each["resource"], folder / f"looked-up-{index}")
        if "path" in each
        else Unreadable(each["reason"])
        for index, each in enumerate(told)
    }


def dump_table(
    progress: Report,
    path: str,
    dialect: Mapping[str, Any],
    field_names: Sequence[str],
    destination: str,
    preview_destination: str,
    rows: int | None = None,
) -> dict[str, Any]:
    """`{"canonical", "preview"}`: what `tabular.dump.Canonical` says, and the digest of the preview's JSON.

    `rows` are those of the table, for the progress.
    """
    from tabular.dump import preview, write_canonical

    canonical = write_canonical(
        Path(path),
        "utf-8",
        dialect,
        Path(destination),
        field_names=field_names,
        progress=_rows(progress, rows),
        hashed=_bytes(progress, Path(path)),
    )
    shown = preview(Path(path), "utf-8", dialect)
    return {"canonical": canonical.to_dict(), "preview": _write_json(shown, preview_destination)}


def rehearse() -> None:
    """Validates a small table by the pass and one of one cell by the stage, so that all that they need is loaded where
    children are forked from (0.4 s)."""
    from tabular import fast

    fast.warm()
    with tempfile.TemporaryDirectory() as folder:
        table, report = Path(folder) / "table.csv", Path(folder) / "report.json"
        table.write_bytes(b"name\r\nvalue\r\n")
        validate_table(lambda *_: None, str(table), {"name": "table", "path": "table.csv"}, {}, str(report))


def _write_json(value: Any, destination: str) -> dict[str, Any]:
    """Size and SHA-256 of the JSON that was written; a lone surrogate becomes `?` rather than an error."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    Path(destination).write_bytes(body)
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _digest(path: Path) -> dict[str, Any]:
    from tabular.hashing import hash_file

    digest = hash_file(path)
    return {"size": digest.size, "sha256": digest.sha256}
