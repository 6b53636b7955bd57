"""The whole check of one table, as the pipeline's stages make it: the same functions in the same order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.archive import Opened
from tabular.count import count_errors
from tabular.csvkind import CsvKind, NotCsv, detect_kind
from tabular.descriptor import clean_schema
from tabular.encoding import detect_encoding, transcode
from tabular.encodingfound import EncodingFound, EncodingRefused
from tabular.finding import Finding
from tabular.foreignkeys import Referenced, References, Unreadable
from tabular.limits import Limits
from tabular.opening import UNICODE, as_csv, open_resource
from tabular.summary import Summary
from tabular.validation import Validation, validate_table

StageProgress = Callable[[str, int], None]
"""Told the stage's name and how much of it is done by now (bytes, or rows while validating)."""


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What each step found; the steps after a refusal are None. `stage` is the step that ended the check."""

    valid: bool
    stage: str
    findings: tuple[Finding, ...]
    opened: Opened | None = None
    encoding: EncodingFound | EncodingRefused | None = None
    kind: CsvKind | NotCsv | None = None
    validation: Validation | None = None
    summary: Summary | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        parts = {"opened": self.opened, "encoding": self.encoding, "kind": self.kind, "validation": self.validation}
        return {
            "valid": self.valid,
            "stage": self.stage,
            "findings": [finding.to_dict() for finding in self.findings],
            "summary": self.summary.to_dict() if self.summary else None,
            **{name: part.to_dict() if part is not None else None for name, part in parts.items()},
        }


def check_table(
    path: Path,
    resource: Mapping[str, Any],
    workdir: Path,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
    references: References | None = None,
) -> TableCheck:
    """Opens, decodes, tells the kind of, and validates the file of a resource; copies, and the lists of an invalid
    table's errors, go to `workdir`. Raises OSError.

    `resource` is the descriptor's; its `path`, `encoding`, `dialect` and `schema` are used when they are there. Its
    foreign keys are looked up in `references`.
    """
    tell = _Teller(progress)
    read = read_table(path, resource, workdir, limits, tell)
    if isinstance(read, TableCheck):
        return read
    validation = validate_table(
        read.text,
        resource=read.resource,
        dialect=read.kind.dialect,
        kinds=read.opened.sheet.kinds if read.opened.sheet else (),
        limits=limits,
        progress=tell.of("validate"),
        references=references,
    )
    summary = count_errors(
        read.text,
        validation,
        workdir,
        resource=read.resource,
        dialect=read.kind.dialect,
        sheet=read.opened.sheet,
        limits=limits,
        progress=tell.of("count"),
        references=references,
    )
    return TableCheck(
        validation.valid, "validate", validation.findings, read.opened, read.encoding, read.kind, validation, summary
    )


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A table before its validation: UTF-8 `text`, and how it came to be that."""

    text: Path
    resource: Mapping[str, Any]
    opened: Opened
    encoding: EncodingFound
    kind: CsvKind


def referenced_table(
    path: Path, resource: Mapping[str, Any], workdir: Path, limits: Limits | None = None
) -> Referenced | Unreadable:
    """The file of a resource as foreign keys are looked up in it; copies go to `workdir`. Raises OSError."""
    workdir.mkdir(parents=True, exist_ok=True)
    read = read_table(path, resource, workdir, limits)
    if isinstance(read, TableCheck):
        return Unreadable(f"That table cannot be read: {read.findings[0].message}")
    schema = resource.get("schema")
    cleaned = clean_schema(schema) if schema is not None else None
    if isinstance(cleaned, Finding):
        return Unreadable(f"That table's schema cannot be used: {cleaned.message}")
    return Referenced(read.text, read.kind.dialect, schema)


def read_table(
    path: Path,
    resource: Mapping[str, Any],
    workdir: Path,
    limits: Limits | None = None,
    tell: _Teller | None = None,
) -> ReadTable | TableCheck:
    """Opens, decodes and tells the kind of the file of a resource. Raises OSError."""
    tell = tell or _Teller(None)
    opened = open_resource(path, resource, workdir / "opened", limits, tell.of("load"))
    if isinstance(opened, Finding):
        return TableCheck(False, "load", (opened,))
    encoding: EncodingFound | EncodingRefused = UNICODE
    if opened.sheet is None:
        encoding = detect_encoding(opened.path, _text(resource, "encoding"), tell.of("encoding"), resource)
    else:
        resource = as_csv(resource, opened.sheet)
    if isinstance(encoding, EncodingRefused):
        return TableCheck(False, "encoding", (encoding.finding,), opened, encoding)
    text = opened.path
    if not encoding.is_plain_utf8:
        text = workdir / "utf8"
        transcode(opened.path, encoding.encoding, text, tell.of("encoding"))
    names = schema_names(resource)
    kind = detect_kind(
        text, _mapping(resource, "dialect"), field_names=names, limits=limits, progress=tell.of("csvkind")
    )
    if isinstance(kind, NotCsv):
        return TableCheck(False, "csvkind", (kind.finding,), opened, encoding, kind)
    return ReadTable(text, resource, opened, encoding, kind)


def schema_names(resource: Mapping[str, Any]) -> list[str]:
    """The names of the fields of an inline schema; an empty list when there is none."""
    fields = (_mapping(resource, "schema") or {}).get("fields")
    listed = fields if isinstance(fields, list) else []
    return [item["name"] for item in listed if isinstance(item, Mapping) and isinstance(item.get("name"), str)]


def _mapping(resource: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = resource.get(key)
    return value if isinstance(value, Mapping) else None


def _text(resource: Mapping[str, Any], key: str) -> str | None:
    value = resource.get(key)
    return value if isinstance(value, str) else None


class _Teller:
    def __init__(self, listener: StageProgress | None) -> None:
        self._listener = listener

    def of(self, stage: str) -> Callable[[int], None] | None:
        listener = self._listener
        if listener is None:
            return None
        return lambda done: listener(stage, done)
