"""Both paths on one case: frictionless' verdict on all rows, and the fast path's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.limits import Limits
from tabular.validation import validate_table
from tests.unit.tabular.fast.cases import Case


@dataclass(frozen=True, slots=True)
class Compared:
    """What both paths say, without the time they took and their statistics; the path that was taken, and why."""

    fast: dict[str, Any]
    slow: dict[str, Any]
    path: str
    why: str

    @property
    def same(self) -> bool:
        """Whether they agree in everything."""
        return self.fast == self.slow


def compare(path: Path, case: Case) -> Compared:
    """Writes the case's bytes to `path` and checks them twice."""
    path.write_bytes(case.data)
    fast = _validate(path, case, Limits(errors=case.errors, fast_from=0, piece_bytes=case.piece))
    slow = _validate(path, case, Limits(errors=case.errors, fast_from=None))
    engine = fast["evidence"].pop("engine", {"path": "none", "why": "no check"})
    slow["evidence"].pop("engine", None)
    return Compared(fast, slow, engine["path"], engine.get("why", ""))


def _validate(path: Path, case: Case, limits: Limits) -> dict[str, Any]:
    resource = {"name": "table", "path": "table.csv", "schema": case.schema}
    result = validate_table(path, resource=resource, dialect=case.dialect, limits=limits).to_dict()
    report = result["report"]
    for stats in (report["stats"], *(task["stats"] for task in report["tasks"])):
        stats["seconds"] = 0
    return result
