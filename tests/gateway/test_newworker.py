"""What the page "New dataset" finds in the browser is what the server finds: the very scripts, run by Node.js."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.pages import site
from tabular.dialect import Dialect
from tabular.inference import infer_schema
from tests.conftest import missing

pytestmark = pytest.mark.node

SCRIPT = Path(__file__).with_name("newworker.js")
CELLS = (
    *(
        "",
        "1",
        "-2",
        "0",
        "007",
        "00.5",
        "2.50",
        "-0.1",
        "1e5",
        "1E-05",
        "1e123",
        "+1",
        "1,5",
        "NaN",
        "12345678901234567890",
    ),
    *(
        "123456789012345678",
        "1234567890123456789",
        "1999",
        "2000",
        "0999",
        "true",
        "False",
        "TRUE",
        "tRUE",
        "t",
        "x",
        " 1",
        "١٢٣",
    ),
    *("2020-02-29", "2021-02-29", "1900-02-29", "2000-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "2020-13-01"),
    *(
        "2020-04-31",
        "2020-1-5",
        "2020-01-01T10:00:00",
        "2020-01-01T10:00:00Z",
        "2020-01-01T24:00:00",
        "2020-01-01T10:00:60",
    ),
    *("2020-01-01T10:00:00.5", "2020-01-01T10:00:00.1234567", "2020-01-01T10:00:00+02:00", "2020-01-01T10:00:00-23:59"),
    *("2020-01-01T10:00:00+24:00", "2020-01-01T10:00:00+10:60", "2020-01-01 10:00:00", "2020-02-30 10:00:00"),
    *("10:15:00", "23:59:59", "24:00:00", "10:15", "10:15:60", "-", "5 km", "f", "Tuesday"),
)
NAMES = ("value", "year", "Jahr", "years", "model_year", "yearly", "año")


def ask(files: Sequence[bytes]) -> list[dict[str, Any]]:
    """What the scripts say of each file."""
    node = shutil.which("node")
    if node is None:
        missing("Node.js")
    static = site.FOLDER / "static"
    words = [str(node), str(SCRIPT), str(static / "newhash.js"), str(static / "newworker.js")]
    sent = json.dumps([base64.b64encode(content).decode() for content in files])
    done = subprocess.run(words, input=sent, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def tables() -> list[bytes]:
    """Every cell alone, and beside others at random."""
    draw = random.Random(7)
    columns = [[cell] for cell in CELLS]
    columns += [[draw.choice(CELLS) for _ in range(draw.randint(1, 4))] for _ in range(400)]
    columns += [[draw.choice(CELLS[1:3]), draw.choice(CELLS[15:20]), ""] for _ in range(40)]
    rows = ["\n".join(f'{number},"{cell}"' for number, cell in enumerate(column)) for column in columns]
    return [f"n,{draw.choice(NAMES)}\n{row}\n".encode() for row in rows]


def test_types_are_those_that_the_server_infers(tmp_path: Path) -> None:
    files, path = tables(), tmp_path / "table.csv"
    for content, answer in zip(files, ask(files), strict=True):
        path.write_bytes(content)
        wanted = infer_schema(path, Dialect()).schema["fields"]
        found = [
            {name: field[name] for name in ("name", "type", "format") if name in field}
            for field in answer["table"]["fields"]
        ]
        assert found == wanted, content


def test_records_are_those_of_the_bytes_wherever_a_piece_ends() -> None:
    quoted = b'a,b\r\n"x,""y""","line\r\nbreak"\r\n1,\r\n"",2\n3,4'
    long = b"name,text\n" + b"".join(b'%d,"caf\xc3\xa9 ""%d"", \xf0\x9f\x98\x80"\r\n' % (n, n) for n in range(9_000))
    answers = ask([quoted, long])
    assert answers[0]["table"]["sample"] == [['x,"y"', "line\r\nbreak"], ["1", ""], ["", "2"], ["3", "4"]]
    assert (answers[0]["table"]["rows"], answers[0]["table"]["findings"]) == (4, [])
    assert answers[1]["table"] == answers[1]["pieces"]
    assert (answers[1]["table"]["rows"], answers[1]["table"]["sample"][1][1]) == (9_000, 'café "1", 😀')


def test_hashes_are_md5_and_sha256() -> None:
    files = [random.Random(size).randbytes(size) for size in (1, 55, 56, 63, 64, 65, 119, 120, 128, 5_000)]
    for content, answer in zip(files, ask(files), strict=True):
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert answer["hashes"] == [[md5, hashlib.sha256(content).hexdigest()]] * 4


def test_what_is_wrong_is_named_with_its_row() -> None:
    files = {
        "missing-cell": (b"a,b\n1,2\n3\n", 3),
        "extra-cell": (b"a,b\n1,2,3\n", 2),
        "blank-row": (b"a,b\n1,2\n\n3,4\n", 3),
        "duplicate-label": (b"a,a\n1,2\n", 1),
        "blank-label": (b"a,\n1,2\n", 1),
        "nul-byte": (b"a,b\n1,\0\n", 1),
        "unterminated-quote": (b'a,b\n1,2\n3,"4\n5,6\n', 3),
        "encoding-error": (b"a,b\n1,2\n3,caf\xe9\n", 3),
    }
    for (rule, (_, row)), answer in zip(files.items(), ask([content for content, _ in files.values()]), strict=True):
        [finding] = [each for each in answer["table"]["findings"] if each["rule"] == rule]
        assert finding["examples"][0]["row"] == row, rule
    [clean] = ask([b"a;b\n1;2,5\n"])
    assert (clean["table"]["delimiter"], clean["table"]["findings"]) == (";", [])
