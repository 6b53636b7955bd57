"""D: descriptors and other JSON. Not JSON is 400, JSON that cannot be published is refused by rule and place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tabular import strictjson
from tabular.profile import DATASET_NAME, check_descriptor
from tests.gateway.canary import Canary
from tests.gateway.conftest import CSV, Publisher, descriptor_of, spec_of

HERE = Path(__file__).parent
UNPRINTABLE = [
    b"", b" ", b"\n", b"[1\n,\n1\n,1", b'["\ta"]', b'["\n"]', b'["new\nline"]', b"[\x0c]", b"[\xe2\x81\xa0]",
    b"\xef\xbb\xbf", b"[1 000.0]", b"[- 1]", b"[1 e1]", b'{"a": true} "x"', b'{"a":"b"}#{}', b"[1] [2]", b'"\x1f"',
    b'["a\x00a"]', b"[\x00]", b"\xe5", b"\xef\xbb{}", b"\xc3\x28", b'{"\x00":1}', b"\x00", b"{\x00",
    b'["\xed\xa0\x80"]',
    b'["\xff"]', b'["\xc0\xaf"]', b'["\xf4\xbf\xbf\xbf"]', b'["\xe6\x97\xa5\xd1\x88\xfa"]', b"[" * 100_000,
    b'[{"":' * 50_000, b'{"a":' * 100_000,
]  # fmt: skip


def lines(name: str) -> list[bytes]:
    return (HERE / name).read_bytes().splitlines()


def code_of(text: bytes) -> str | None:
    try:
        strictjson.parse(text)
    except strictjson.StrictJSONError as error:
        return error.code
    return None


def test_what_is_no_json_is_refused_by_name() -> None:
    """D01: the forms of JSONTestSuite's `n_*`."""
    forms = [*lines("broken-json.txt"), *UNPRINTABLE]
    assert len(forms) > 170
    assert [form[:60] for form in forms if code_of(form) is None] == []


def test_what_is_json_is_taken() -> None:
    """D02: the forms of its `y_*`."""
    forms = lines("good-json.txt")
    assert len(forms) > 60
    assert [(form, code_of(form)) for form in forms if code_of(form) is not None] == []
    for raw in ("€𝄞", "\uffff", "\U0010ffff", "π", "\u2028", "\x7f", "⍂㈴⍂"):
        assert strictjson.parse(f'["{raw}"]'.encode()) == [raw]
    assert strictjson.parse(b'  ["\\u0041" , -0 ]\r\n\t') == ["A", 0]


ODD: list[tuple[str, bytes, str]] = [
    ("D03", b'{"a":NaN}', "not-a-number"),
    ("D03", b'{"a":Infinity}', "not-a-number"),
    ("D03", b'{"a":-Infinity}', "not-a-number"),
    ("D03", b'{"a":1e400}', "number-out-of-range"),
    ("D03", b'{"a":-1e400}', "number-out-of-range"),
    ("D03", b'{"a":' + b"9" * 5_000 + b"}", "number-too-long"),
    ("D04", b'{"a":"\\ud800"}', "lone-surrogate"),
    ("D04", b'{"\\udfff":1}', "lone-surrogate"),
    ("D04", b'{"a":"\\u0000"}', "nul-character"),
    ("D04", b'{"a":"\xff"}', "invalid-utf8"),
    ("D04", '{"a":1}'.encode("utf-16"), "bom"),
    ("D04", '{"a":1}'.encode("utf-16-le"), "syntax"),
    ("D04", b'\xef\xbb\xbf{"a":1}', "bom"),
    ("D05", b'{"a":1,"a":2}', "duplicate-key"),
    ("D05", b'{"resources":[{"name":"a","name":"b"}]}', "duplicate-key"),
    ("D05", b'{"r":[{"schema":{"fields":[{"name":"a","name":"a"}]}}]}', "duplicate-key"),
    ("D05", b'{"a":1,"\\u0061":2}', "duplicate-key"),
    *[
        ("D06", opening * depth + b"1" + closing * depth, "too-deep")
        for depth in (65, 1_001, 100_000)
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]"))
    ],
]


@pytest.mark.parametrize("case", ["D03", "D04", "D05", "D06"])
async def test_what_no_two_parsers_read_alike_is_refused_by_name(ada: Publisher, case: str) -> None:
    headers = {"Content-Type": "application/json", "Auth-Token": await ada.permission("source")}
    for name, body, kind in ODD:
        if name == case:
            answer = await ada.gateway.post("/source/upload", data=body, headers=headers)
            assert (answer.status, answer.json()["type"]) == (400, f"urn:datahub:problem:{kind}"), body[:60]


async def test_json_that_is_no_object_is_not_published(ada: Publisher) -> None:
    """D08."""
    headers = {"Content-Type": "application/json", "Auth-Token": await ada.permission("source")}
    for body in (b"[]", b'"x"', b"7", b"null", b"true", b"false"):
        assert (await ada.gateway.post("/source/upload", data=body, headers=headers)).status == 422
    assert (await ada.gateway.post("/source/upload", data=b"", headers=headers)).status == 400
    assert (await ada.gateway.post("/source/upload", data=b"{}", headers=headers)).json()["problems"][0][
        "rule"
    ] == "empty"
    assert (await ada.authorize({})).status == 422


def field(**members: Any) -> dict[str, Any]:
    return {"schema": {"fields": [{"name": "a", "type": "string", **members}]}}


def pattern(text: str) -> dict[str, Any]:
    return field(constraints={"pattern": text})


def schema(**members: Any) -> dict[str, Any]:
    return {"schema": {"fields": [{"name": "a", "type": "string"}], **members}}


FOREIGN_KEY = {"fields": "a", "reference": {"resource": "", "fields": "a"}}
PATHS = (
    "/etc/passwd",
    "..",
    "a/../../b",
    "a\\b",
    "file:x",
    "ftp://x/y",
    "data:,x",
    "//h/x",
    "~/x",
    "$HOME/x",
    "%2e%2e/x",
)
REFUSED: list[tuple[str, Mapping[str, Any], str]] = [
    *[("D10", {"path": path}, "remote-reference" if path.startswith("ftp:") else "unsafe-path") for path in PATHS],
    *[
        ("D10", {"path": path}, "unsafe-path")
        for path in ("a\0b", "", "x" * 1_025, ".", "./a", "C:\\a", "%252e%252e/a")
    ],
    *[
        ("D12", {key: "x"}, "unknown-property")
        for key in ("scheme", "innerpath", "extrapaths", "basepath", "checklist")
    ],
    *[("D12", {key: {}}, "unknown-property") for key in ("pipeline", "control", "detector", "jsonschema")],
    ("D12", {"format": "sql"}, "unknown-property"),
    ("D12", {"dialect": {"sql": {"table": "x"}}}, "unknown-property"),
    *[
        ("D14", pattern(text), "pattern-not-supported")
        for text in ("(", "[", "*", "a(?i)b", "(?P<a", "x" * 10_000, "\\1")
    ],
    *[
        ("D14", pattern(text), "pattern-not-supported")
        for text in ("(?=a)a", "(?!a)b", "(?<=a)b", "(?<!a)b", "(a)\\1", "(a)(?(1)b|c)", "x{1,100000}", "(?>a)", "a++")
    ],
    ("D14", pattern("(b|((?:x(?=y))+|c)*)"), "pattern-not-supported"),
    ("D15", field(constraints={"enum": [str(number) for number in range(100_001)]}), "too-many-values"),
    ("D15", schema(foreignKeys=[FOREIGN_KEY] * 1_001), "too-many-keys"),
    ("D15", {"schema": {"fields": [{"name": f"f{number}"} for number in range(10_001)]}}, "too-many-fields"),
    ("D15", schema(foreignKeys=[{"fields": "a", "reference": {"resource": "no", "fields": "a"}}]), "unknown-resource"),
    ("D16", {"name": "a/b"}, "resource-name"),
    ("D16", {"schema": {"fields": []}}, "descriptor-invalid"),
    ("D16", field(constraints={"minLength": 3, "maxLength": 2}), "constraint-conflict"),
    ("D16", field(type="klingon"), "descriptor-invalid"),
    ("D16", field(constraints="all"), "descriptor-invalid"),
    ("D16", schema(primaryKey=["b"]), "unknown-field"),
]


@pytest.mark.parametrize("case", sorted({case for case, _, _ in REFUSED}))
def test_descriptors_that_cannot_be_published_are_refused_with_their_place(case: str) -> None:
    for name, resource, rule in REFUSED:
        if name == case:
            findings = check_descriptor(descriptor_of("prices", **resource))
            assert rule in [finding.rule for finding in findings], resource
            assert all(finding.where is not None and len(finding.message) < 500 for finding in findings)


def test_resources_are_counted_and_told_apart() -> None:
    """D15, D16."""
    many = [{"name": f"r{number}", "path": "a.csv"} for number in range(10_001)]
    assert [each.rule for each in check_descriptor({"name": "d", "resources": many})] == ["too-many-resources"]
    for first, second in (("a", "a"), ("a", "A"), ("é", "e\u0301")):
        pair = [{"name": first, "path": "a.csv"}, {"name": second, "path": "b.csv"}]
        (finding,) = check_descriptor({"name": "d", "resources": pair})
        assert (finding.rule, finding.where) == ("duplicate-resource-name", "/resources/1/name")


def test_tables_may_refer_to_themselves_and_in_circles() -> None:
    """D15: what is allowed."""

    def key(resource: str) -> dict[str, Any]:
        return {"foreignKeys": [{"fields": "a", "reference": {"resource": resource, "fields": "a"}}]}

    tables = [("x", "y"), ("y", "x"), ("z", "")]
    made = [{"name": name, "path": f"{name}.csv", **schema(**key(other))} for name, other in tables]
    assert check_descriptor({"name": "d", "resources": made}) == []


async def test_naughty_strings_are_kept_as_they_are(ada: Publisher) -> None:
    """D18, D19: in title, description, keywords, and in keys of their own."""
    mapping = {"data.csv": await ada.upload(CSV)}
    strings = [re.sub(r"\\u(....)", lambda code: chr(int(code[1], 16)), each.decode()) for each in lines("naughty.txt")]
    assert len(strings) > 60
    whole = {
        **descriptor_of("naughty", title=strings[7], description="\n".join(strings)),
        "title": " ".join(strings), "description": "\n".join(strings), "keywords": strings,
        "custom": dict.fromkeys(strings, 1),
    }  # fmt: skip
    answer = (await ada.post_spec(spec_of(ada.id, "naughty", mapping, whole))).json()
    assert answer["success"] is True, answer["errors"]
    status = await ada.gateway.get(f"/source/{ada.id}/naughty/1")
    assert status.json()["spec_contents"]["inputs"][0]["parameters"]["descriptor"] == whole
    for text in strings:
        named = spec_of(ada.id, text, mapping, {**descriptor_of("x"), "name": text})
        refused = await ada.post_spec(named)
        plain = DATASET_NAME.fullmatch(text) is not None
        assert (refused.status, refused.json()["success"]) == (200, plain), text


CSVW: list[Any] = [
    "http://www.w3.org/ns/csvw", ["http://www.w3.org/ns/csvw", {"@language": "de"}],
    None, 7, [], {}, {"@id": 1}, [[]], [None], True,
]  # fmt: skip
MEMBERS = (
    "@context", "@type", "url", "tables", "tableSchema", "columns", "notes", "transformations", "dialect", "resources",
    "schema", "name", "title", "licenses", "sources", "contributors", "keywords", "profile", "version", "created",
)  # fmt: skip


async def test_metadata_of_another_standard_never_ends_in_our_error(ada: Publisher, canary: Canary) -> None:
    """D20: members of CSVW and of ours with values of every wrong kind."""
    token = await ada.permission("source")
    for member in MEMBERS:
        for value in (*CSVW, canary.url):
            for descriptor in (
                {**descriptor_of("metadata"), member: value},
                descriptor_of("metadata", **{member: value}),
                descriptor_of("metadata", schema={"fields": [{"name": "a"}], member: value}),
            ):
                check_descriptor(descriptor)
        spec = spec_of(ada.id, "metadata", {}, {**descriptor_of("metadata"), member: CSVW[4]})
        answer = await ada.gateway.post("/source/upload", json=spec, headers={"Auth-Token": token})
        assert (answer.status, answer.json()["success"]) == (200, False)
    assert canary.hits == []
