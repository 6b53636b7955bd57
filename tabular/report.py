"""`validate`: frictionless' report on a table, at the speed of the machine; and what it does not tell, beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabular.finding import Finding
from tabular.limits import Limits
from tabular.progress import Progress

if TYPE_CHECKING:
    from tabular.verdict import Verdict

Folder = Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check.

    `to_dict()` is frictionless' report. `findings` are our own and not in it: a NUL byte (`nul-byte`), a quote that is
    never closed (`unterminated-quote`), an archive beyond the limits (`too-large-decompressed`), a unique key that
    comes twice (`unique-key`). `rows` are the data
    rows read, `invalid_rows` those of them with errors. `statistics["path"]` is `fast` or `slow`, `statistics["why"]`
    the reason for the slow one.
    """

    report: dict[str, Any]
    rows: int
    invalid_rows: int
    findings: tuple[Finding, ...] = ()
    statistics: dict[str, Any] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether there is neither an error nor a finding."""
        return bool(self.report["valid"]) and not self.findings

    @property
    def valid_rows(self) -> int:
        """Rows without errors."""
        return self.rows - self.invalid_rows

    def to_dict(self) -> dict[str, Any]:
        """frictionless' own report."""
        return self.report


def validate(
    path: Path | str,
    *,
    descriptor: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    dialect: Mapping[str, Any] | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Report:
    """Checks a CSV or TSV file, or one compressed with gzip, against its Table Schema.

    `descriptor` is a Data Resource, whose `path` is not looked at; `schema`, `dialect` and `encoding` take the place of
    its own. `Report.to_dict()` is, in everything but `seconds`, what frictionless 5.21 says, `limits.errors` given:

        Resource.from_descriptor({**descriptor, "path": path.name}, basepath=path.parent).validate().to_dict()

    and without a descriptor, with `Schema.from_descriptor(schema)` and so on for what is given:

        Resource(path=path.name, basepath=path.parent, schema=…, dialect=…, encoding=…).validate().to_dict()

    What is not told is guessed as frictionless guesses it: encoding, dialect, header row, schema. Five things differ.
    A file whose name says neither CSV nor TSV is read as a CSV. A schema whose `$schema` says that it is of the second
    version of the Data Package standard makes a resource without a descriptor one of that version. Samples end after
    16 MB of text, though that be less than a hundred rows. Of lines of more than a million characters only the ends are
    looked at for the dialect. And nothing is fetched: a descriptor that refers to anything
    outside of itself raises ReferenceRefused.

    Raises what frictionless raises in place of a report: FrictionlessException where a schema or dialect cannot be
    used, others where values cannot be compared; OSError; MiscountedRows where rows read are not rows valid and rows
    with errors. `progress` is told rows.
    """
    from tabular.library import compression_of, described_resource, loose_resource
    from tabular.reference import self_contained

    place = Path(path).absolute()
    told = {"schema": schema, "dialect": dialect, "encoding": encoding}
    given = dict(descriptor or {}) | {key: value for key, value in told.items() if value is not None}
    made = self_contained(given, place.name)
    make = partial(loose_resource if descriptor is None else described_resource, place.parent, made)
    schema_given = given.get("schema")
    keys = schema_given.get("uniqueKeys") if isinstance(schema_given, Mapping) else None
    with ExitStack() as stack:
        folder = cache(lambda: Path(stack.enter_context(tempfile.TemporaryDirectory())))  # made for those who ask
        return _check(place, make, bool(compression_of(made)), folder, limits or Limits(), progress, keys)


def _check(
    path: Path,
    make: Callable[[], Any],
    is_packed: bool,
    folder: Folder,
    limits: Limits,
    progress: Progress | None,
    keys: Any,
) -> Report:
    judged = _judged(path, make, is_packed, folder, limits, progress)
    if isinstance(judged, Finding):
        return refusal(judged)
    verdict, text = judged
    findings = _own_findings(verdict, text, folder, limits)
    if keys is not None:
        findings += _repeated_keys(verdict, text, keys, limits)
    return Report(verdict.report, verdict.rows, verdict.invalid_rows, findings, verdict.statistics)


def _judged(
    path: Path, make: Callable[[], Any], is_packed: bool, folder: Folder, limits: Limits, progress: Progress | None
) -> tuple[Verdict, Path] | Finding:
    """The verdict, and where the table is if it is compressed; instead, that it is too large to be unpacked."""
    from tabular.verdict import judge

    if not is_packed:
        return judge(make, path, limits, progress=progress), path
    from tabular.unpacking import ArchiveRefused, Unpacking

    with closing(Unpacking(path, folder() / "opened", limits)) as unpacking:
        try:
            verdict = judge(make, unpacking.path, limits, progress=progress, unpacking=unpacking)
            return verdict, unpacking.finish()
        except ArchiveRefused as refused:
            if refused.finding.rule == "too-large-decompressed":
                return refused.finding
    return judge(make, path, limits, progress=progress), path  # damaged: that is the library's to tell


def _own_findings(verdict: Verdict, text: Path, folder: Folder, limits: Limits) -> tuple[Finding, ...]:
    from tabular.library import dialect_of
    from tabular.oddity import name_oddities, odd_rules

    resource = verdict.resource
    if resource.stats.fields is None:  # it was never opened: what it is read in was not found out
        return ()
    dialect = dialect_of(resource)
    rules = verdict.odd_rules
    if rules is None:
        rules = odd_rules(text, dialect, resource.encoding)
    return name_oddities(rules, text, dialect, resource.encoding, folder() / "utf8", limits) if rules else ()


def _repeated_keys(verdict: Verdict, text: Path, keys: Any, limits: Limits) -> tuple[Finding, ...]:
    from tabular.library import dialect_of
    from tabular.uniquekeys import find_repeats, unique_keys

    resource = verdict.resource
    if resource.stats.fields is None:
        return ()
    schema = resource.schema.to_descriptor() | {"uniqueKeys": keys}
    found = unique_keys(schema)
    if isinstance(found, Finding):
        return (found,)
    return find_repeats(text, schema, dialect_of(resource), resource.encoding, limits).findings()


def refusal(finding: Finding) -> Report:
    """A check that could not be made: an invalid report with one error, in the form of a report all the same."""
    error = {
        "type": finding.rule,
        "title": finding.rule,
        "message": finding.message,
        "note": finding.message,
        "tags": [],
    }
    stats = {"tasks": 0, "errors": 1, "warnings": 0, "seconds": 0}
    report = {"valid": False, "stats": stats, "warnings": [], "errors": [error], "tasks": []}
    return Report(report, 0, 0, (finding,), {"path": "none"})
