"""The check before a push: the very code that the server's stages run, over the files on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.client.board import Board, Gauge
from gateway.client.cut import Hashes
from gateway.client.digests import declares_bytes, differences, hashes_of
from gateway.client.failures import RequestFailure
from gateway.client.lists import keep_lists
from gateway.client.package import LocalFile, LocalPackage
from tabular.check import StageProgress, TableCheck, check_table, referenced_table
from tabular.csvkind import CsvKind
from tabular.encodingfound import EncodingFound
from tabular.foreignkeys import References, referenced_names
from tabular.profile import check_descriptor
from tabular.reasons import reasons
from tabular.resource import is_table
from tabular.summary import summary_of_findings
from tabular.validation import Validation
from tabular.workbook import Sheet

LARGEST = 5 * 1024**4
MOST_EXAMPLES = 100
"""Findings of one file that `--json` tells; the report and the lists have more."""
QUICK = 5_000_000  # bytes up to which nobody needs to be told how far the check is


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What was found about the file of a resource; `rows` None: it is no table, or was not read to the end.

    `errors` are all that were counted (`truncated`: not to the end of the file), `findings` the first of each kind;
    `report` is frictionless' and `summary` our own, of a table that was validated.
    `sheet` says of a workbook which sheet was read (`sheet`, `number`, `area`) and the names of the `others`.
    """

    name: str
    path: str
    valid: bool
    tabular: bool
    rows: int | None = None
    errors: int = 0
    truncated: bool = False
    findings: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    inferred: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    summary: Mapping[str, Any] | None = None
    sheet: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PackageCheck:
    """The findings of the descriptor and of every file; the hashes of the files that were hashed, by path."""

    descriptor: tuple[Mapping[str, Any], ...]
    files: tuple[FileCheck, ...] = ()
    hashes: Mapping[str, Hashes] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.descriptor and all(file.valid for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "valid": self.valid,
            "descriptor": {"valid": not self.descriptor, "findings": list(self.descriptor)},
            "resources": [asdict(file) for file in self.files],
        }


def check_package(package: LocalPackage, shown: Board, output: Path | None = None) -> PackageCheck:
    """Check descriptor and data. Data is not looked at where the descriptor makes no sense. The reports, and the lists
    of errors, are written into the folder `output`."""
    findings = tuple(finding.to_dict() for finding in check_descriptor(package.descriptor))
    if findings:
        return PackageCheck(findings)
    files = package.files()
    hashes = {file.path: hashes_of(file.path, file.location, shown) for file in files if declares_bytes(file.resource)}
    named = {str(file.resource.get("name")): file for file in files}
    checks = (_check_file(file, hashes.get(file.path), named, shown, output) for file in files)
    return PackageCheck((), tuple(checks), hashes)


def _check_file(
    file: LocalFile, hashes: Hashes | None, named: Mapping[str, LocalFile], shown: Board, output: Path | None
) -> FileCheck:
    name = str(file.resource.get("name", file.path))
    wrong = (*_size_problems(file), *(differences(file.resource, hashes.whole) if hashes else ()))
    if wrong or not is_table(file.resource):
        return FileCheck(name, file.path, not wrong, tabular=is_table(file.resource), errors=len(wrong), findings=wrong)
    try:
        big = file.location.stat().st_size > QUICK
        gauge = shown.gauge(f"check {file.path}", None, "rows") if big else None
        with tempfile.TemporaryDirectory(prefix="dh-check-") as workdir:
            check = check_table(
                file.location,
                file.resource,
                Path(workdir),
                progress=_rows_of(gauge) if gauge else None,
                references=_references(name, file, named, Path(workdir)),
            )
            made = _file_check(name, file.path, check)
            if output is not None:
                keep_lists(output, made, Path(workdir))
    except OSError as error:
        raise RequestFailure(f"{file.path} cannot be read: {error.strerror}") from None
    if gauge:
        gauge.finish("valid" if made.valid else f"{made.errors:,} wrong")
    return made


def _references(name: str, file: LocalFile, named: Mapping[str, LocalFile], workdir: Path) -> References:
    """The tables that the file's foreign keys lead to."""
    names = [other for other in referenced_names(file.resource.get("schema"), name) if other in named]
    return {
        other: referenced_table(named[other].location, named[other].resource, workdir / f"looked-up-{index}")
        for index, other in enumerate(names)
    }


def _size_problems(file: LocalFile) -> Iterator[dict[str, Any]]:
    """What the object store takes in all of its parts; an empty file is published by nobody."""
    size = file.location.stat().st_size
    if size == 0:
        yield {"rule": "empty-file", "message": "The file is empty."}
    if size > LARGEST:
        yield {"rule": "too-large", "message": f"The file has {size:,} bytes; it may have {LARGEST:,}."}


def _rows_of(gauge: Gauge) -> StageProgress:
    def reached(stage: str, done: int) -> None:
        if stage in ("validate", "count"):
            gauge.reach(done)

    return reached


def _file_check(name: str, path: str, check: TableCheck) -> FileCheck:
    findings = tuple(finding.to_dict() for finding in check.findings)
    sheet = check.opened.sheet if check.opened else None
    notes = sheet.notes if sheet else ()
    if isinstance(check.encoding, EncodingFound):
        notes += check.encoding.notes
    told = _told_of(sheet)
    done = check.validation
    if done is None:
        return FileCheck(
            name, path, check.valid, tabular=True, errors=len(findings), findings=findings, notes=notes, sheet=told
        )
    summary = check.summary or summary_of_findings(check.findings)
    findings = tuple(example.to_dict() for example in summary.first_examples(MOST_EXAMPLES))
    return FileCheck(
        name,
        path,
        check.valid,
        tabular=True,
        rows=max(done.rows, summary.rows),
        errors=summary.errors,
        truncated=not summary.complete,
        findings=findings,
        report=done.report,
        summary=summary.to_dict(),
        notes=(*notes, *_told(check), *done.notes, *_reasons(done)),
        inferred=_inferred(check),
        sheet=told,
    )


def _told(check: TableCheck) -> tuple[str, ...]:
    """How the file was read, where it is no plain CSV."""
    return tuple(check.kind.evidence.get("notes", ())) if isinstance(check.kind, CsvKind) else ()


def _told_of(sheet: Sheet | None) -> Mapping[str, Any] | None:
    """What a publisher wants to know of the sheet."""
    told = sheet.to_dict() if sheet else {}
    return {name: told[name] for name in ("sheet", "number", "area", "others")} if told else None


def _reasons(done: Validation) -> list[str]:
    return reasons(done.schema, done.evidence.get("types", {})) if done.inferred else []


def _inferred(check: TableCheck) -> dict[str, Any]:
    """What a descriptor could say and did not: for a table that came without one."""
    found: dict[str, Any] = {}
    if check.validation is not None and check.validation.inferred:
        found["schema"] = check.validation.schema
    return found
