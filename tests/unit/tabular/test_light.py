"""Light objects answer as the library's own do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from frictionless import Dialect, Error, Field, FrictionlessException, Resource, Schema, errors, fields
from frictionless.metadata.metadata import Metadata
from frictionless.table.header import Header

from tabular import validate
from tabular.library import loose_resource
from tabular.light import exported, report_dict
from tabular.lightfield import LightField, alike
from tabular.lightheader import Labels, LightHeader
from tabular.lightrow import LightErrors
from tabular.lightschema import LightSchema

V2 = "https://datapackage.org/profiles/2.0/tableschema.json"
TYPES = sorted(kind.type for kind in vars(fields).values() if isinstance(kind, type) and issubclass(kind, Field))
FIELDS: list[dict[str, Any]] = [
    {"name": "a", "type": "number", "groupChar": ",", "decimalChar": ".", "bareNumber": False, "floatNumber": True},
    {"name": "a", "type": "number", "groupChar": ""},
    {"name": "a", "type": "boolean", "trueValues": ["ja"], "falseValues": []},
    {"name": "a", "type": "string", "format": "email", "missingValues": [], "constraints": {"enum": ["x", "y"]}},
    {
        "name": "a",
        "type": "string",
        "title": "T",
        "description": "D",
        "rdfType": "R",
        "example": "e",
        "more": {"b": [1]},
    },
    {"name": "a", "type": "list", "delimiter": ";", "itemType": "integer"},
    {"name": "a", "type": "array", "arrayItem": {"type": "integer"}},
    {"name": "a", "type": "date", "format": "fmt:%d.%m.%Y", "constraints": {"minimum": "01.01.2020", "required": True}},
    {"name": "a", "type": "integer", "missingValues": [{"value": "-", "label": "none"}, {"value": ""}]},
    *({"name": "a", "type": name} for name in TYPES),
]
CELLS = ["", "-", "1", "1,000.5", "ja", "x", "a@b.org", "[1]", '["x"]', "01.02.2020", "2020-02-01", "12:00:00", "none"]
KINDS: Any = (LightSchema, Schema)
ODD: list[Any] = [
    {"name": "a", "type": "any", "constraints": {"enum": json.loads("[" * 300 + "]" * 300)}},
    {"name": "a", "type": "any", "constraints": {"enum": [object, float("nan"), float("inf")]}},
]
"""Not wrong, and nothing whose text can be read again."""
WRONG: list[Any] = [
    {"type": "integer"},
    {"name": 3, "type": "integer"},
    {"name": "a", "type": "integer", "constraints": {"minLength": 3}},
    {"name": "a", "type": "integer", "constraints": {"required": "yes"}},
    {"name": "a", "type": "integer", "constraints": {"exclusiveMinimum": 3}},
    {"name": "a", "type": "integer", "missingValues": [{"value": "-", "label": "none"}]},
    {"name": "a", "type": "integer", "missingValues": ("-",)},
    {"name": "a", "type": "integer", "example": "x"},
    {"name": "a", "type": "integer", "required": True},
    {"name": "a", "type": "nothing"},
    {"name": "a", "type": "integer", "title": 3},
]


@pytest.mark.parametrize("given", FIELDS, ids=str)
def test_a_light_field_is_written_out_as_the_librarys(given: dict[str, Any]) -> None:
    own = LightSchema.from_descriptor({"fields": [given], "$schema": V2})
    reference = Schema.from_descriptor({"fields": [given], "$schema": V2})
    assert isinstance(own.fields[0], LightField)
    assert own.to_descriptor() == reference.to_descriptor()
    assert list(own.fields[0].to_descriptor()) == list(reference.fields[0].to_descriptor())
    assert own.fields[0].to_copy().to_descriptor() == reference.fields[0].to_copy().to_descriptor()


@pytest.mark.parametrize("more", ["", "fghi"], ids=["few", "most"])
@pytest.mark.parametrize("given", FIELDS, ids=str)
def test_fields_that_say_the_same_are_what_the_librarys_are(given: dict[str, Any], more: str) -> None:
    other = {**given, "constraints": {"required": True}}
    items = [given, {**given, "name": "b"}, {**other, "name": "c"}, {**given, "name": "d"}, {"name": "e"}]
    items += [{**given, "name": name} for name in more]
    made: list[Any] = [
        kind.from_descriptor({"fields": items, "missingValues": ["", "-"], "$schema": V2}) for kind in KINDS
    ]
    assert made[0].to_descriptor() == made[1].to_descriptor() == made[0].to_descriptor()
    are_alike = [alike(field) is alike(made[0].fields[0]) for field in made[0].fields]
    assert are_alike == [True, True, False, True, False, *(True for _ in more)]
    for own, reference in zip(made[0].fields, made[1].fields, strict=True):
        assert isinstance(own, type(reference))
        assert (own.to_descriptor(), own.name) == (reference.to_descriptor(), reference.name)
        assert sorted(own.list_defined()) == sorted(reference.list_defined())
        assert own.schema is made[0]
        for cell in CELLS:
            assert own.create_cell_reader()(cell) == reference.create_cell_reader()(cell)
            assert _written(own, cell) == _written(reference, cell)


def _written(field: Any, cell: str) -> Any:
    value, _ = field.read_cell(cell)
    return field.create_cell_writer()(value)


def test_what_is_written_out_of_a_field_is_not_another_fields() -> None:
    item = {"name": "a", "type": "string", "constraints": {"enum": ["x"]}, "missingValues": ["-"]}
    made = LightSchema.from_descriptor({"fields": [item, {**item, "name": "b"}]})
    one = made.fields[0].to_descriptor()
    one["constraints"]["enum"].append("y")
    one["missingValues"].append("y")
    assert [field.to_descriptor() for field in made.fields] == [item, {**item, "name": "b"}]


@pytest.mark.parametrize("version", [None, V2])
@pytest.mark.parametrize("given", [*WRONG, *ODD, *FIELDS], ids=lambda given: str(given)[:100])
def test_a_light_schema_is_refused_for_the_librarys_reasons_every_time(given: Any, version: str | None) -> None:
    descriptor = {"fields": [given, {"name": "b", "type": "any"}]} | ({"$schema": version} if version else {})
    reference = _refusal(Schema, descriptor)
    assert [_refusal(LightSchema, descriptor) for _ in range(3)] == [reference] * 3


@pytest.mark.parametrize("version", [None, V2])
@pytest.mark.parametrize("given", [*WRONG, *ODD, *FIELDS], ids=lambda given: str(given)[:100])
def test_fields_that_all_say_the_same_are_refused_for_the_librarys_reasons(given: Any, version: str | None) -> None:
    descriptor: dict[str, Any] = {"$schema": version} if version else {}
    descriptor["fields"] = [given, *({**given, "name": name} for name in "bcde")]
    assert _refusal(LightSchema, descriptor) == _refusal(Schema, descriptor)


ALIKE = [{"name": name, "type": "integer"} for name in "abcdef"]


@pytest.mark.parametrize(
    "more",
    [
        {"fields": [*ALIKE, {"name": "c", "type": "integer"}]},
        {"fields": [*ALIKE, {"type": "integer"}]},
        {"fields": [*ALIKE, "g"]},
        {"fields": [*ALIKE, {"name": "g", "type": "integer", "constraints": {"minLength": 1}}]},
        {"primaryKey": "e"},
        {"primaryKey": ["a", "g"]},
        {"primaryKey": ["a", 3]},
        {"primaryKey": {"e": "g"}},
        {"foreignKeys": [{"fields": "d", "reference": {"resource": "", "fields": ["e"]}}]},
        {"foreignKeys": [{"fields": ["d", "g"], "reference": {"resource": "", "fields": ["e", "f"]}}]},
        {"foreignKeys": [{"fields": ["d"], "reference": {"resource": "other", "fields": ["e", "f"]}}]},
        {"missingValues": [{"value": "-", "label": "none"}]},
        {"title": 3},
    ],
    ids=str,
)
def test_what_a_schema_says_of_fields_that_are_alike_is_looked_at(more: dict[str, Any]) -> None:
    descriptor = {"fields": ALIKE} | more
    given = json.dumps(descriptor)
    assert _refusal(LightSchema, descriptor) == _refusal(Schema, descriptor)
    assert json.dumps(descriptor) == given
    if not _refusal(Schema, descriptor):
        made: list[Any] = [kind.from_descriptor(descriptor) for kind in KINDS]
        assert made[0].to_descriptor() == made[1].to_descriptor()
        assert made[0].to_descriptor(validate=True) == made[1].to_descriptor()


def test_fields_that_were_renamed_alike_are_refused_by_the_schema_they_are_of() -> None:
    made: list[Any] = [kind.from_descriptor({"fields": ALIKE}) for kind in KINDS]
    for each in made:
        each.fields[4].name = "a"
    assert [_problems(each) for each in made] == [["names of the fields are not unique"]] * 2


def _problems(schema: Any) -> list[str]:
    with pytest.raises(FrictionlessException) as refused:
        schema.to_descriptor(validate=True)
    return [reason.note for reason in refused.value.reasons]


def test_a_field_like_a_valid_one_is_valid_only_by_the_same_version_of_the_standard() -> None:
    field = {"name": "a", "type": "integer", "constraints": {"exclusiveMinimum": 3}}
    assert _refusal(LightSchema, {"fields": [field], "$schema": V2}) == []
    assert "requires datapackage v2" in str(_refusal(LightSchema, {"fields": [{**field, "name": "b"}]}))


def _refusal(kind: Any, descriptor: dict[str, Any]) -> list[str]:
    try:
        kind.from_descriptor(descriptor)
    except FrictionlessException as error:
        return [str(error), *(reason.message for reason in error.reasons)]
    return []


@pytest.mark.parametrize("kind", Error.list_children(root=True), ids=lambda kind: kind.type)
def test_an_error_says_what_the_librarys_says(kind: Any) -> None:
    properties = {
        "note": "n", "cells": ["a", ""], "row_number": 3, "cell": "a", "field_name": "f", "field_number": 1,
        "labels": ["x"], "row_numbers": [1], "label": "x", "field_names": ["f"], "field_cells": ["a"],
        "reference_name": "", "reference_field_names": ["g"],
    }  # fmt: skip
    given = {name: value for name, value in properties.items() if name in _attributes(kind)}
    own, reference = getattr(LightErrors(), kind.__name__)(**given), kind(**given)
    for made in (own, reference):
        made.custom = {"more": {"deep": [1]}}
        made.message += "…"
    expected = Metadata.metadata_export(reference)
    assert isinstance(own, kind)
    assert [own.to_descriptor(), exported(own), exported(reference)] == [expected] * 3
    assert list(exported(own)) == list(expected)


def _attributes(kind: Any) -> set[str]:
    return {each.name for each in kind.__attrs_attrs__}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"], ids=["bad rows", "cannot be opened"])
def test_a_report_is_written_out_as_by_the_library(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_text("id,x\n1,a\nb,c,d\n\n1\n")
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "y"}], "primaryKey": ["id"]}
    made = loose_resource(tmp_path, {"path": "t.csv", "encoding": encoding, "schema": schema}).validate()
    assert made.tasks[0].errors
    assert report_dict(made) == made.to_dict()


def expected_of(header: Header) -> list[tuple[str, str]] | str:
    """The fields that a header's data has, or why it has none."""
    try:
        return [(field.name, field.type) for field in header.get_expected_fields()]
    except FrictionlessException as refusal:
        return str(refusal)


LABELS = [
    "a b c",
    "a b c d",
    "a b",
    "b a c",
    "a a a",
    "a b a",
    "a b b a c b",
    "a _ c",
    "_ _ _",
    "A a b",
    "a A",
    "a B A c c",
    "a a",
]


@pytest.mark.parametrize("fields_match", ["exact", "equal", "subset", "superset", "partial"])
@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize("labels", [*LABELS, ""])
@pytest.mark.parametrize("names", ["abc", "aA", "aa"])
def test_a_header_finds_what_the_librarys_finds(names: str, labels: str, ignore_case: bool, fields_match: Any) -> None:
    """`_` stands for a column without a name."""
    given = [label.strip("_") for label in labels.split()]
    schema = Schema(fields=[fields.IntegerField(name=name) for name in names])
    told: dict[str, Any] = {"row_numbers": [1], "ignore_case": ignore_case, "fields_match": fields_match}
    own, reference = (kind(given, fields=schema.fields, **told) for kind in (LightHeader, Header))
    assert [error.to_descriptor() for error in own.errors] == [error.to_descriptor() for error in reference.errors]
    assert own == reference
    assert own.labels == reference.labels == given
    assert expected_of(own) == expected_of(reference)


def test_a_label_is_compared_with_those_before_it_only_where_one_is_the_same() -> None:
    labels = Labels("abcbd")
    assert [labels[0:n] for n in range(5)] == [[], [], [], ["a", "b", "c"], []]
    assert [labels[0:], labels[0:5], labels[1:4], labels[:2], labels[0:3:2], labels[-1]] == [
        list("abcbd"), list("abcbd"), list("bcb"), list("ab"), list("ac"), "d",
    ]  # fmt: skip


def test_what_an_error_is_written_out_to_is_not_the_error() -> None:
    error = errors.BlankRowError(note="", cells=["a"], row_number=1)
    exported(error)["cells"].append("b")
    assert error.cells == ["a"]


def test_the_librarys_own_objects_stay_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,x\n1,a\nb,c,d\n")
    validate(path)
    validate(path, schema={"fields": [{"name": "id", "type": "integer"}, {"name": "x"}]}, dialect={"delimiter": ","})
    schema = Schema.from_descriptor({"fields": [{"name": "id", "type": "integer"}, {"name": "x", "type": "string"}]})
    resource = Resource(path="t.csv", basepath=str(tmp_path), dialect=Dialect(), schema=schema)
    made = [type(error) for error in resource.validate().tasks[0].errors]
    assert made == [errors.TypeError, errors.ExtraCellError]
    for field in (*resource.schema.fields, Field.from_descriptor({"name": "a", "type": "integer"})):
        assert not isinstance(field, LightField)
        assert field.to_copy() is not field
