from __future__ import annotations

import pytest

from tabular.dialect import Dialect
from tabular.inference import field_names, infer_schema
from tabular.validation import validate_table
from tests.unit.tabular.conftest import Write


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "0"], {"type": "integer"}),
        (["1", "2.50", "-0.1"], {"type": "number"}),
        (["1", "1e5"], {"type": "number"}),
        (["1", "", "3"], {"type": "integer"}),
        (["007", "1"], {"type": "string"}),
        (["1", "00.5"], {"type": "string"}),
        (["12345678901234567890"], {"type": "string"}),
        (["+1", "2"], {"type": "string"}),
        (["1,5", "2,5"], {"type": "string"}),
        (["NaN", "1"], {"type": "string"}),
        (["true", "False"], {"type": "boolean"}),
        (["0", "1"], {"type": "integer"}),
        (["2020-02-29", "1999-12-31"], {"type": "date"}),
        (["2021-02-29"], {"type": "string"}),
        (["2020-1-5"], {"type": "string"}),
        (["2020-01-01T10:00:00", "2020-01-01T10:00:00Z"], {"type": "datetime"}),
        (["2020-01-01 10:00:00"], {"type": "datetime", "format": "%Y-%m-%d %H:%M:%S"}),
        (["10:15:00", "23:59:59"], {"type": "time"}),
        (["24:00:00"], {"type": "string"}),
        (["1", "x"], {"type": "string"}),
        ([" 1", "2"], {"type": "string"}),
        (["١٢٣"], {"type": "string"}),
        (["", ""], {"type": "string"}),
    ],
)
def test_a_type_is_given_when_every_value_has_it(write: Write, cells: list[str], expected: dict[str, str]) -> None:
    path = write("n,value\n" + "".join(f'{number},"{cell}"\n' for number, cell in enumerate(cells)))
    fields = infer_schema(path, Dialect()).schema["fields"]
    assert fields[1] == {"name": "value"} | expected


def test_the_last_of_many_rows_counts_and_is_told(write: Write) -> None:
    result = infer_schema(write("n\n" + "1\n" * 5_000 + "x\n"), Dialect())
    assert result.schema == {"fields": [{"name": "n", "type": "string"}]}
    assert result.evidence["n"]["integer"] == {"row": 5_002, "cell": "x"}
    assert result.rows == 5_001


def test_years_are_years_under_such_a_name_only(write: Write) -> None:
    fields = infer_schema(write("Year,count\n1999,2000\n2000,2001\n"), Dialect()).schema["fields"]
    assert [field["type"] for field in fields] == ["year", "integer"]


def test_names_are_never_blank_nor_twice() -> None:
    assert field_names(["a", "", "a", "a2", "a", " b "]) == ["a", "field2", "a2", "a22", "a3", "b"]


def test_without_a_header_fields_are_numbered(write: Write) -> None:
    schema = infer_schema(write("1,x\n2,y\n"), Dialect(header_rows=())).schema
    assert schema == {"fields": [{"name": "field1", "type": "integer"}, {"name": "field2", "type": "string"}]}


def test_whatever_is_inferred_the_library_accepts(write: Write) -> None:
    columns = {
        "integer": ["-999999999999999999", "0"],
        "number": ["1e-99", "-0.0"],
        "boolean": ["TRUE", "false"],
        "date": ["0001-01-01", "9999-12-31"],
        "datetime": ["2020-01-01T23:59:59.123456+05:30", "2020-01-01T00:00:00"],
        "spaced": ["2020-01-01 00:00:00", "1999-12-31 23:59:59"],
        "time": ["00:00:00", "23:59:59"],
        "year": ["1000", "2999"],
    }
    rows = zip(*columns.values(), strict=True)
    text = ",".join(columns) + "\n" + "".join(",".join(row) + "\n" for row in rows)
    result = validate_table(write(text), resource={"name": "x"})
    assert result.report["tasks"][0]["errors"] == []
    types = [field["type"] for field in result.schema["fields"]]
    assert types == ["integer", "number", "boolean", "date", "datetime", "datetime", "time", "year"]
