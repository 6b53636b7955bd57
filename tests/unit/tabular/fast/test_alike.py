"""Fields that say the same but for their names share what is made of them; each column is checked for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tabular.fast.layout import KEYED, UNIQUE
from tabular.fast.plan import table_of
from tabular.library import dialect_of, loose_resource
from tabular.limits import Limits
from tests.unit.tabular.fast.differential import compare_file

KINDS: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "integer", "constraints": {"minimum": 5}},
    {"type": "integer", "constraints": {"unique": True}},
    {"type": "string", "constraints": {"pattern": "[a-c]+"}},
    {"type": "string", "constraints": {"pattern": "[a-d]+"}},
    {"type": "date"},
    {"type": "boolean", "trueValues": ["7"]},
    {"type": "string", "constraints": {"enum": ["7", "2020-01-01"]}},
    {"type": "number", "missingValues": ["x"]},
]
CELLS = ["7", "4", "abc", "abd", "x", "2020-01-01", "", "07", "2020-1-1"]
ALWAYS = Limits(errors=100_000, fast_from=0)


@pytest.mark.parametrize(("order", "fields_match"), [(1, "exact"), (4, "subset")])
def test_every_cell_in_every_one_of_many_alike_columns(tmp_path: Path, order: int, fields_match: str) -> None:
    """Each cell of the list comes in each column; for every kind there are three columns, apart or side by side."""
    count = 3 * len(KINDS)
    fields = [{"name": f"c{index}", **KINDS[index * order % len(KINDS)]} for index in range(count)]
    rows = [[CELLS[(row + column // 2) % len(CELLS)] for column in range(count)] for row in range(len(CELLS))]
    lines = [[field["name"] for field in fields], *rows, *([cell] * count for cell in CELLS)]
    path = tmp_path / "t.csv"
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    schema = {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fieldsMatch": fields_match}
    made = compare_file(path, {"schema": {**schema, "fields": fields}}, ALWAYS)
    assert (made.path, made.same) == ("fast", True), made.why
    assert len({error["fieldName"] for error in made.ours["tasks"][0]["errors"]}) == count


def test_a_key_among_columns_that_are_alike_is_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{row % 7},{row % 50},{row % 3}\n" for row in range(60)))
    schema = {"fields": [{"name": name, "type": "integer"} for name in "abc"], "primaryKey": ["b"]}
    made = compare_file(path, {"schema": schema}, ALWAYS)
    assert (made.path, made.same) == ("fast", True), made.why
    assert [error["rowNumber"] for error in made.ours["tasks"][0]["errors"]] == list(range(52, 62))
    with loose_resource(tmp_path, {"path": path.name, "schema": schema}) as resource:
        table = table_of(resource, dialect_of(resource))
    assert table.plan.columns[:, KEYED].tolist() == [0, UNIQUE, 0]
    assert table.rules[0] is table.rules[2]
