"""Random tables with their descriptors: everything that a reader may stumble over, made from a number."""

from __future__ import annotations

import gzip
import hashlib
import random
from dataclasses import dataclass
from typing import Any

CELLS: dict[str, list[str]] = {
    "integer": [
        "0", "1", "-1", "7", "42", "007", "+3", " 4 ", "1_000", "12345678901234567890", "1.0", "-0", "--1",
        "\u0663", "999999999999999999", "9999999999999999999", "1e3", "$5", "-5%", "x", "\xa05", "1 2",
        "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
        "18446744073709551621", "1000000000000000000", "100000000000000000000000",
    ],
    "number": [
        "0", "0.0", "1", "1.5", "1.50", "-2.25", ".5", "5.", "1e5", "1E-3", "NaN", "inf", "-inf", "1_0.5", "1,5",
        "1 000", "1,000.5", "0.1", "99999999999999999.9", "123456789012345678", "-0.00", "1.000000000000000000000",
        "1.5000000000000000000000000", "sNaN", "\u0663.5", "x", "5%", "$1.5", "1..2", "-",
    ],
    "boolean": [
        "true", "false", "True", "FALSE", "1", "0", "yes", "no", " true", "t",
    ],
    "string": [
        "a", "b", "abc", "d\xe9j\xe0", "\u65e5\u672c\u8a9e", "x y", "", "null", "a,b", 'say "hi"', "line\nbreak",
        "cr\rhere", "\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9", "a@b.example", "A-12", "http://example.org/x",
        "\U0001f600", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
    "any": [
        "1", "a", "", "\xfc", "x,y", "NA",
    ],
    "date": [
        "2020-01-05", "2020-1-5", "2020-02-29", "2019-02-29", "0001-01-01", "0000-01-01", "9999-12-31",
        "2020-13-01", "2020-12-32", "05/01/2020", "20200105", "\uff12\uff10\uff12\uff10-01-05", " 2020-01-05",
        "2020-01-05 ", "2020-01-05T00:00:00",
    ],
    "datetime": [
        "2020-01-05T10:11:12", "2020-01-05T10:11:12Z", "2020-01-05 10:11:12", "2020-01-05T10:11:12.5",
        "2020-01-05T10:11:12.123456Z", "2020-01-05T10:11:12+02:00", "2020-01-05T12:11:12+02:00",
        "2020-01-05T10:11", "2020-01-05T24:00:00", "2020-01-05T25:00:00", "2020-01-05T10:11:60", "x",
        "2020-01-05T10:11:12.1234567", "2020-01-05T10:11:12+2:00", "2020-01-05T10:11:12-24:00", "05/01/2020 10:11",
        "2020-01-05T10:11:12,5",
    ],
    "time": [
        "10:11:12", "10:11", "24:00:00", "23:59:59", "10:11:12Z", "10:11:12.5", "10:11:60", "1:11:12", "101112",
        "x",
    ],
    "year": [
        "2020", "0000", "1999", "+202", " 202", "20200", "\u0662\u0660\u0662\u0660", "-001", "202x",
    ],
    "yearmonth": [
        "2020-01", "2020-1", "2020-13", "2020-00", "1-1", "-2020-01", "99999999999999999999-01", "2020/01",
    ],
    "duration": [
        "P1Y", "PT1H", "P1D", "x", "P1Y2M3DT4H5M6S",
    ],
    "geopoint": [
        "1,2", "180,90", "181,0", "x", "1.5, 2.5",
    ],
    "object": [
        "{}", '{"a":1}', "[]", "x", '{"a": {"b": [1, 2]}}', '{"lon": 1, "lat": 2}', "null",
    ],
    "array": [
        "[]", "[1,2]", "{}", "x", '["a", "b", "c"]', "[1, null]", "[[1]]",
    ],
    "list": [
        "a,b", "1", "1,2,3", "", "a", "true,false", "2020-01-05,2020-02-29", "1;2", ",",
    ],
    "geojson": [
        '{"type": "Point", "coordinates": [1, 2]}', '{"type": "Feature"}', "{}", "x", "[]",
        '{"type": "Point", "coordinates": ["a"]}',
        '{"type": "Topology", "objects": {}, "arcs": []}',
    ],
}  # fmt: skip
UNHASHABLE = ("array", "object", "list", "geojson")
STRINGS = {
    "email": ["a@b.example", "me@there.org", "a@b", "@", "a b@c.de"],
    "uri": ["http://example.org/x", "https://a.b/c?d=e#f", "urn:isbn:1", "//x", "http://["],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000", "x"],
    "binary": ["YWJj", "YWI=", "a", "===", "YW Jj"],
    "wkt": ["POINT (1 2)", "POINT EMPTY", "POINT", "LINESTRING (1 2, 3 4)", "x"],
}
FORMATS = {
    "string": ["default", *STRINGS],
    "geojson": ["default", "topojson"],
    "geopoint": ["default", "array", "object"],
    "date": ["default", "default", "any", "%d/%m/%Y", "%Y%m%d", "%y-%m-%d", "%d %B %Y"],
    "datetime": ["default", "default", "any", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"],
    "time": ["default", "default", "any", "%H:%M"],
}
BOUNDS: dict[str, list[Any]] = {
    "integer": ["0", 1, 5, -1, 100, "x"], "number": [0, 1.5, "1.50", "-2", 0.1, "NaN"],
    "date": ["2020-01-01", "2020-02-29", "x"], "datetime": ["2020-01-05T10:11:12", "2020-01-05T10:11:12Z"],
    "time": ["10:11:12", "12:00:00"], "year": ["2000", 2020], "yearmonth": ["2020-01"],
}  # fmt: skip
PATTERNS = ["[a-z]+", "a|b", r"\w+@\w+\.\w+", ".*", "[A-Z]-\\d{1,3}", "(ab)?c", "[^x]*",
            "(?:a|b)+", "a{2,}", r"\S+", "(a)\\1",
            "é+", "a$|b", "(?=a).*", "^[a-z]*$", "^a|b$", "(a|ab)+c?", r"(\w+\s?)+", "(a*)*|[^a]"]  # fmt: skip
BOUNDED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


V2 = "https://datapackage.org/profiles/2.0/dataresource.json"
ENCODINGS = ("latin-1", "cp1252", "utf-16", "utf-16-le", "gb18030", "cp1251", "shift_jis", "utf-32", "ascii", "cp437")


DEAR_ROWS = 20
"""Of a table with cells that the library reads by a parser or a JSON Schema, a millisecond each."""


@dataclass(frozen=True, slots=True)
class Case:
    """A file's bytes, its name, and everything it is checked with. `is_told`: as the pipeline checks it, in UTF-8 and
    with all of its dialect told."""

    data: bytes
    name: str
    descriptor: dict[str, Any]
    is_told: bool
    errors: int
    piece: int


def case(seed: int) -> Case:
    """The case of a number; the same one always."""
    return _Maker(random.Random(seed)).case()


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def _one_in(self, count: int) -> bool:
        return self._chance.randrange(count) == 0

    def case(self) -> Case:
        chance = self._chance
        is_told = self._one_in(5)
        fields = [self._field(number) for number in range(chance.choice([1, 2, 3, 5, 8]))]
        schema = self._schema(fields)
        dialect = self._dialect()
        if not is_told:
            dialect |= self._rare()
        name = "table.csv" if is_told else chance.choice(["table.csv", "table.csv", "table.csv", "blob", "table.tsv"])
        text = self._text(fields, {"delimiter": "\t" if name == "table.tsv" else ",", **dialect})
        descriptor: dict[str, Any] = {"name": "table", "schema": schema, "dialect": dialect}
        data = text.encode()
        if not is_told:
            data = self._encoded(text, descriptor)
            self._left_out(descriptor, name)
        if self._one_in(60):
            at = chance.randrange(len(data) + 1)
            data = data[:at] + chance.choice([b"\xff", b"\xc3", b"\x00", b"\xed\xa0\x80"]) + data[at:]
        if not is_told and self._one_in(12):
            data = gzip.compress(data, mtime=0)[: chance.choice([None, None, None, -1, 20])]
            name = chance.choice([name + ".gz", name + ".gz", "table.gz"])
        if not is_told and "name" in descriptor:
            self._expect(descriptor, data)
        errors = chance.choice([1000, 1000, 1000, 100, 10, 3, 1])
        pieces = [64, 100, 1000, 4096, 65536, 1_000_000]
        return Case(data, name, descriptor, is_told, errors, chance.choice(pieces))

    def _schema(self, fields: list[dict[str, Any]]) -> dict[str, Any]:
        chance = self._chance
        schema: dict[str, Any] = {"fields": fields}
        if self._one_in(3):
            schema["missingValues"] = chance.choice([["", "NA"], ["NA"], ["", "-", "0"], ["", "abc", "1"], ["x"], []])
        elif self._one_in(15):
            schema["missingValues"] = [{"value": ""}, {"value": "NA", "label": "not asked"}]
        hashable = [field["name"] for field in fields if field["type"] not in UNHASHABLE]
        if hashable and self._one_in(3):
            schema["primaryKey"] = chance.sample(hashable, min(len(hashable), chance.choice([1, 1, 2, 3])))
        if self._one_in(30):
            schema["fieldsMatch"] = chance.choice(["exact", "subset", "superset", "equal", "partial"])
        if self._one_in(40) and len(hashable) > 1:
            schema["foreignKeys"] = [{"fields": hashable[0], "reference": {"resource": "", "fields": hashable[1]}}]
        return schema

    def _rare(self) -> dict[str, Any]:
        """What the pipeline has no use for, or tells in another way."""
        chance = self._chance
        made: dict[str, Any] = {}
        if self._one_in(20):
            made["headerCase"] = False
        if self._one_in(30):
            made["nullSequence"] = "NA"
        if self._one_in(30):
            made["lineTerminator"] = chance.choice(["\n", "\r"])
        return made

    def _encoded(self, text: str, descriptor: dict[str, Any]) -> bytes:
        """The text's bytes; what encoding they are in is told, or not, or wrongly."""
        chance = self._chance
        if not self._one_in(6):
            descriptor.update(chance.choice([{}, {}, {"encoding": "utf-8"}, {"encoding": "utf8"}]))
            return text.encode()
        encoding = chance.choice(ENCODINGS)
        descriptor.update(chance.choice([{"encoding": encoding}] * 4 + [{}, {"encoding": "nonsense"}]))
        return text.encode(encoding, "replace")

    def _left_out(self, descriptor: dict[str, Any], name: str) -> None:
        """Descriptors that say less, or what the second version of the standard says."""
        chance = self._chance
        if self._one_in(3):
            del descriptor["dialect"]
        if self._one_in(8):
            del descriptor["schema"]
        if self._one_in(5):  # no descriptor, but its parts
            for key in {*descriptor} - {"schema", "dialect", "encoding"}:
                del descriptor[key]
            if self._one_in(2) and "schema" in descriptor:
                descriptor["schema"]["$schema"] = V2
            return
        if name != "blob":
            descriptor.update(chance.choice([{}, {}, {}, {"format": name[-3:]}, {"mediatype": "text/csv"}]))
        if not self._one_in(8):
            descriptor["$schema"] = V2
        if self._one_in(20):
            descriptor["profile"] = chance.choice(["tabular-data-resource", "data-resource"])

    def _expect(self, descriptor: dict[str, Any], data: bytes) -> None:
        """What the file should be, rightly or not."""
        if self._one_in(15):
            descriptor["bytes"] = len(data) + self._chance.randrange(2)
        if self._one_in(15):
            descriptor["hash"] = "sha256:" + hashlib.sha256(data + b"x" * self._chance.randrange(2)).hexdigest()
        if self._one_in(30):
            descriptor |= self._chance.choice([{"rows": 100}, {"fields": 2}])

    def _field(self, number: int) -> dict[str, Any]:
        chance = self._chance
        kind = chance.choice([*CELLS, "integer", "number", "string", "date", "datetime", "string", "integer"])
        field: dict[str, Any] = {"name": f"f{number}", "type": kind}
        if kind in FORMATS and self._one_in(3):
            field["format"] = chance.choice(FORMATS[kind])
        if kind == "number" and self._one_in(4):
            field |= chance.choice([{"decimalChar": ","}, {"groupChar": ","}, {"groupChar": " "}, {"bareNumber": False},
                                    {"decimalChar": ",", "groupChar": "."}])  # fmt: skip
        if kind == "integer" and self._one_in(6):
            field["bareNumber"] = False
        if kind == "number" and self._one_in(10):
            field["floatNumber"] = True
        if kind == "list" and self._one_in(2):
            field |= chance.choice([{"itemType": "integer"}, {"itemType": "date"}, {"delimiter": ";"}])
        if kind == "array" and self._one_in(3):
            field["arrayItem"] = chance.choice(
                [{"type": "integer"}, {"type": "string", "constraints": {"maxLength": 1}}]
            )
        if kind == "boolean" and self._one_in(4):
            field |= {"trueValues": ["yes", "1"], "falseValues": ["no", ""]}
        if self._one_in(10):
            field["missingValues"] = chance.choice([["n/a", ""], ["0"], ["a"]])
        constraints = self._constraints(kind)
        return field | ({"constraints": constraints} if constraints else {})

    def _constraints(self, kind: str) -> dict[str, Any]:
        chance = self._chance
        made: dict[str, Any] = {}
        if self._one_in(5):
            made["required"] = True
        if self._one_in(6) and kind not in UNHASHABLE:
            made["unique"] = True
        if kind in BOUNDS and self._one_in(3):
            # The library takes exclusive bounds only where a schema says that it is of the standard's second version.
            for name in chance.sample(BOUNDED[:2] if chance.randrange(3) else BOUNDED, chance.choice([1, 1, 2])):
                made[name] = chance.choice(BOUNDS[kind])
        if kind in ("string", "array", "object", "list") and self._one_in(3):
            made[chance.choice(["minLength", "maxLength"])] = chance.choice([0, 1, 2, 3, 5])
        if kind == "string" and self._one_in(4):
            made["pattern"] = chance.choice(PATTERNS)
        if kind not in UNHASHABLE and self._one_in(6):
            made["enum"] = chance.sample(CELLS[kind], 3)
        if self._one_in(400):
            made["jsonSchema"] = {"minItems": 1}
        return made

    def _dialect(self) -> dict[str, Any]:
        chance = self._chance
        made: dict[str, Any] = {}
        if self._one_in(4):
            made["delimiter"] = chance.choice([";", "\t", "|", " ", ":"])
        if self._one_in(8):
            made["quoteChar"] = chance.choice(["'", None])
        if self._one_in(8):
            made["skipInitialSpace"] = True
        if self._one_in(10):
            made["header"] = False
        elif self._one_in(10):
            made["headerRows"] = chance.choice([[2], [1, 2], [3]])
        if self._one_in(15):
            made["skipBlankRows"] = True
        if self._one_in(12):
            made["commentChar"] = chance.choice(["#", "//"])
        if self._one_in(15):
            made["commentRows"] = chance.choice([[2], [3, 5], [1]])
        if self._one_in(20):
            made |= chance.choice(
                [{"escapeChar": "\\"}, {"escapeChar": "\\", "doubleQuote": False}, {"doubleQuote": False}]
            )
        return made

    def _text(self, fields: list[dict[str, Any]], dialect: dict[str, Any]) -> str:
        chance = self._chance
        names = [field["name"] for field in fields]
        rows = chance.choice([0, 1, 3, 10, 30, 60, 60, 100, 300])
        if any(field["type"] == "geojson" or field.get("format") == "wkt" for field in fields):
            rows = min(rows, DEAR_ROWS)
        dirty = chance.choice([0.0, 0.0, 0.001, 0.02, 0.3])
        sane = [self._sane(field, dirty) for field in fields]
        end = chance.choice(["\n", "\n", "\r\n", "\r"])
        lines = [self._line(["junk"] * chance.choice([1, len(names)]), dialect) + end
                 for _ in range(max(dialect.get("headerRows", [1])) - 1)]  # fmt: skip
        if dialect.get("header", True):
            lines.append(self._line(self._header(names), dialect) + end)
        for number in range(rows):
            cells = [self._cell(field, cells, dirty, number) for field, cells in zip(fields, sane, strict=True)]
            if chance.random() < dirty / 4:
                cells = chance.choice([cells[:-1], [*cells, "extra"], [""] * len(cells), []])
            if "commentChar" in dialect and self._one_in(20):
                cells = [dialect["commentChar"] + " remark", *cells]
            odd = chance.choice(["\r", "\n\r", "\n\n", '"x"y' + end]) if chance.random() < dirty / 8 else end
            lines.append(self._line(cells, dialect) + odd)
        text = "".join(lines)
        if self._one_in(5):
            text = text.removesuffix(end)
        if self._one_in(25):
            text += chance.choice(['"', "'", '"open', ",", '""', " ", "\r", '"a""', "x,"])
        return ("\ufeff" if self._one_in(15) else "") + text

    def _header(self, names: list[str]) -> list[str]:
        if not self._one_in(12):
            return names
        return self._chance.choice(
            [names[:-1], [*names, "more"], [*names[:-1], ""], names[::-1], [name.upper() for name in names]]
        )

    def _sane(self, field: dict[str, Any], dirty: float) -> list[str]:
        """Cells that fit the field, for the most part; the first few of each type do."""
        allowed = (field.get("constraints") or {}).get("enum")
        cells = allowed or STRINGS.get(field.get("format", "")) or CELLS[field["type"]]
        return cells if dirty >= 0.02 and self._one_in(3) else cells[: max(2, len(cells) // 3)]

    def _cell(self, field: dict[str, Any], sane: list[str], dirty: float, number: int) -> str:
        chance = self._chance
        kind = field["type"]
        constraints = field.get("constraints") or {}
        if chance.random() < dirty / 3:
            return chance.choice([*CELLS[kind], *CELLS["string"], "NA", "", " "])
        is_countable = kind in ("integer", "number", "string") and not constraints.get("enum")
        if is_countable and (constraints.get("unique") or self._one_in(2)):
            return str(number + 1) if kind != "number" or self._one_in(2) else f"{number + 1}.{number % 100:02}"
        if kind == "date" and "format" not in field and not self._one_in(4):
            return f"20{number % 90 + 10:02}-{number % 12 + 1:02}-{number % 28 + 1:02}"
        if not constraints.get("required") and self._one_in(20):
            return chance.choice(["", "", "NA"])
        return chance.choice(sane)

    def _line(self, cells: list[str], dialect: dict[str, Any]) -> str:
        delimiter: str = dialect.get("delimiter", ",")
        written = [self._written(cell, delimiter, dialect.get("quoteChar", '"')) for cell in cells]
        if "escapeChar" in dialect:
            written = [self._escaped(cell, dialect["escapeChar"]) if self._one_in(4) else cell for cell in written]
        if dialect.get("skipInitialSpace"):
            written = [" " + cell if self._one_in(4) else cell for cell in written]
        return delimiter.join(written)

    def _escaped(self, cell: str, escape: str) -> str:
        """Escapes where they belong, and where they do not."""
        places = [index for index, character in enumerate(cell) if not character.isalnum()]
        at = self._chance.choice(places) if places and self._one_in(2) else self._chance.randrange(len(cell) + 1)
        return cell[:at] + escape * self._chance.choice([1, 1, 2]) + cell[at:]

    def _written(self, cell: str, delimiter: str, quote: str | None) -> str:
        if quote is None:
            return "".join(character for character in cell if character not in (delimiter, "\n", "\r"))
        needs = any(character in cell for character in (delimiter, quote, "\n", "\r"))
        if (needs and not self._one_in(30)) or self._one_in(15):
            return quote + cell.replace(quote, quote + quote) + quote + ("tail" if self._one_in(60) else "")
        return cell
