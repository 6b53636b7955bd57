"""Random input for the four doors: descriptors, CSV, tokens, paths. Each answers in its own words, whatever comes."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.auth.tokens import BadToken, read_header
from tabular import strictjson
from tabular.csvkind import detect_kind
from tabular.paths import path_problem
from tabular.profile import check_descriptor

SHORT = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = st.sampled_from(
    [
        "name",
        "path",
        "resources",
        "schema",
        "fields",
        "type",
        "format",
        "dialect",
        "delimiter",
        "constraints",
        "pattern",
        "enum",
        "foreignKeys",
        "reference",
        "resource",
        "primaryKey",
        "data",
        "title",
        "keywords",
        "licenses",
        "sources",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
RESOURCES = st.fixed_dictionaries(
    {"name": SCALARS, "path": SCALARS}, optional={"schema": VALUES, "dialect": VALUES, "data": VALUES}
)
DESCRIPTORS = st.fixed_dictionaries(
    {"name": SCALARS, "resources": st.lists(RESOURCES | VALUES, max_size=3)},
    optional={"keywords": VALUES, "licenses": VALUES},
)


@SHORT
@given(DESCRIPTORS | VALUES)
def test_whatever_is_said_to_be_a_descriptor_is_told_in_findings(descriptor: Any) -> None:
    findings = check_descriptor(descriptor)
    assert all(each.rule and 0 < len(each.message) < 500 for each in findings)
    json.dumps([each.to_dict() for each in findings]).encode()


@SHORT
@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_said_to_be_json_is_a_value_or_a_name(text: bytes) -> None:
    try:
        value = strictjson.parse(text)
    except strictjson.StrictJSONError:
        return
    assert strictjson.parse(json.dumps(value, ensure_ascii=False).encode()) == value


PIECES = st.sampled_from(
    [
        b"a",
        b",",
        b";",
        b"\t",
        b'"',
        b'""',
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xef\xbb\xbf",
        b"#",
        b"sep=",
        b"1",
        b" ",
        b"'",
    ]
)


@SHORT
@given(content=st.lists(PIECES | st.binary(max_size=3), max_size=60).map(b"".join))
@example(content=b'"' * 101)
def test_whatever_is_said_to_be_csv_has_a_kind_or_a_reason(content: bytes, tmp_path: Path) -> None:
    text = content.decode("utf-8", "replace")
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    kind = detect_kind(path, None)
    json.dumps(kind.to_dict()).encode()


ALPHABET = st.sampled_from("eyJAbc0_-.=+/ ")
SEGMENTS = st.lists(st.text(ALPHABET, max_size=30) | st.text(max_size=10), max_size=6).map(".".join)


@SHORT
@given(SEGMENTS | st.text(max_size=50))
def test_whatever_is_said_to_be_a_token_is_none(text: str) -> None:
    with pytest.raises(BadToken):
        read_header(text)


STEPS = st.sampled_from(
    ["a", "..", ".", "", "~", "%2e%2e", "%252e%252e", "C:", "\\", "a.csv", "-x", "CON", "$x", "%2f", "%5c", " ", "é"]
)


@SHORT
@given(st.lists(STEPS | st.text(max_size=4), min_size=1, max_size=6).map("/".join) | st.text(max_size=30))
@example("a/%252e%252e/%252e%252e/b")
def test_whatever_is_let_through_stays_inside(path: str) -> None:
    if path_problem(path) is not None:
        return
    for _ in range(4):
        for reading in (PurePosixPath(path), PureWindowsPath(path)):
            assert not reading.is_absolute(), path
            assert not reading.drive, path
            assert ".." not in reading.parts, path
        path = unquote(path)
