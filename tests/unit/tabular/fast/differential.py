"""Both sides on one case: frictionless' verdict, and ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frictionless import Dialect, FrictionlessException, Resource, Schema

from tabular import validate
from tabular.descriptor import UNHASHABLE
from tabular.limits import Limits
from tabular.validation import validate_table
from tests.unit.tabular.fast.cases import Case

KINDS: dict[str, Any] = {"schema": Schema, "dialect": Dialect}
Ask = Callable[[Path, dict[str, Any], Limits], Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """What both say, without the time they took; `path` is the one that was taken: `fast`, `slow` and `why`, or
    `raised`, when there is no report but an exception."""

    ours: Any
    reference: Any
    path: str
    why: str = ""

    @property
    def same(self) -> bool:
        """Whether they agree in everything."""
        return bool(self.ours == self.reference)


def compare(folder: Path, case: Case) -> Compared:
    """Writes the case's bytes into `folder` and has them checked twice."""
    path = folder / case.name
    path.write_bytes(case.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if case.is_told:
            return _compare_told(path, case)
        return compare_file(path, case.descriptor, Limits(errors=case.errors, fast_from=0, piece_bytes=case.piece))


def reference(path: Path, given: dict[str, Any], limits: Limits) -> Any:
    """frictionless' report on the file, or what it raises in its place."""
    return _told(lambda: _resource(path, given).validate(limit_errors=limits.errors).to_dict())


def compare_file(path: Path, given: dict[str, Any], limits: Limits, ask: Ask = reference) -> Compared:
    """The public function against frictionless as anybody would call it. `given` is a descriptor, if it has a name;
    else some of `schema`, `dialect` and `encoding`. `ask` has frictionless' answer, `reference`, from wherever."""
    statistics: dict[str, Any] = {"path": "raised"}

    def ours() -> dict[str, Any]:
        asked: dict[str, Any] = {"descriptor": given} if "name" in given else given
        report = validate(path, **asked, limits=limits)
        statistics.update(report.statistics)
        return report.to_dict()

    return Compared(_told(ours), ask(path, given, limits), **_taken(statistics))


def _resource(path: Path, given: dict[str, Any]) -> Any:
    is_told = path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    form: dict[str, Any] = {} if is_told else {"format": "csv"}
    place: dict[str, Any] = {"basepath": str(path.parent)}
    if "name" in given:
        return Resource.from_descriptor({**form, **given, "path": path.name}, **place)
    made = {key: Kind.from_descriptor(given[key]) for key, Kind in KINDS.items() if key in given}
    version = {"schema_profile": given["schema"]["$schema"]} if "$schema" in given.get("schema", {}) else {}
    encoding = {"encoding": given["encoding"]} if "encoding" in given else {}
    return Resource(path=path.name, **place, **form, **made, **version, **encoding)


def _compare_told(path: Path, case: Case) -> Compared:
    """The pipeline's check by both of its paths, unique keys with it."""
    schema = case.descriptor["schema"]
    names = [field["name"] for field in schema["fields"] if field.get("type") not in UNHASHABLE]
    keys = [[name] for name in names[:2]] + ([names[-2:]] if len(names) > 1 else [])
    resource = {"name": "table", "path": "table.csv", "schema": {**schema, "uniqueKeys": keys}}
    results = []
    for least in (0, None):
        limits = Limits(errors=case.errors, fast_from=least, piece_bytes=case.piece)
        made = validate_table(path, resource=resource, dialect=case.descriptor["dialect"], limits=limits)
        result = made.to_dict() | {"repeats": made.repeats}
        _forget_time(result["report"])
        results.append((result, result["evidence"].pop("engine", {"path": "raised"})))
    (ours, statistics), (reference, _) = results
    return Compared(ours, reference, **_taken(statistics))


def _taken(statistics: dict[str, Any]) -> dict[str, str]:
    return {"path": statistics["path"], "why": statistics.get("why", "")}


def _told(run: Callable[[], dict[str, Any]]) -> Any:
    """The report, or what was raised in its place."""
    try:
        report = run()
    except FrictionlessException as error:
        return type(error).__name__, str(error), [reason.to_dict() for reason in error.reasons]
    except Exception as error:
        return type(error).__name__, str(error)
    _forget_time(report)
    return report


def _forget_time(report: dict[str, Any]) -> None:
    for stats in (report["stats"], *(task["stats"] for task in report["tasks"])):
        stats["seconds"] = 0
