"""Files that are no CSV, and CSV files that look like something else."""

from __future__ import annotations

import io
import json
import random
import zipfile
import zlib
from collections.abc import Iterator

from tests.kinds.cases import Case
from tests.kinds.words import Words


def others(words: Words, seed: int) -> Iterator[Case]:
    """Files with the noun that each should be called by."""
    chance = random.Random(f"others {seed}")
    for name, what, content in _binary(chance):
        yield Case(name, "binary", content, what)
    for name, what, text in (*_documents(chance, words), *_programs(words), *_texts(chance, words)):
        yield Case(name, "other text", text.encode(), what)


def _binary(chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    noise = chance.randbytes(600)
    yield "png", "PNG image", b"\x89PNG\r\n\x1a\n" + noise
    yield "jpeg", "JPEG image", b"\xff\xd8\xff\xe0\x00\x10JFIF" + noise
    yield "gif", "GIF image", b"GIF89a" + noise
    yield "pdf", "PDF document", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    yield "xlsx", "Excel workbook", _zip("xl/workbook.xml")
    yield "docx", "Word document", _zip("word/document.xml")
    yield "zip", "zip archive", _zip("readme.txt")
    yield "gzip", "gzip archive", b"\x1f\x8b\x08\x00" + zlib.compress(noise)
    yield "sqlite", "SQLite database", b"SQLite format 3\x00" + noise
    yield "parquet", "Parquet file", b"PAR1\x15\x04\x15" + noise + b"PAR1"
    yield "xls", "old Microsoft Office", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise
    yield "noise", "binary", chance.randbytes(3_000).replace(b"\x00", b"\x01")


def _zip(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "<x/>")
    return packed.getvalue()


def _documents(chance: random.Random, words: Words) -> Iterator[tuple[str, str, str]]:
    records = [{"name": name, "n": chance.randrange(9), "tags": list(words.groups[:2])} for name in words.people]
    yield "json", "JSON", json.dumps(records, indent=1)
    yield "json-flat", "JSON", json.dumps(records)
    yield "json-object", "JSON", json.dumps({"rows": records, "total": 8})
    yield "ndjson", "JSON", "".join(json.dumps(record) + "\n" for record in records)
    cells = "".join(
        f"<tr><td>{name}</td><td>{place}</td></tr>\n" for name, place in zip(words.people, words.places, strict=False)
    )
    yield "html", "HTML page", f"<!DOCTYPE html>\n<html><body><table>\n{cells}</table></body></html>\n"
    yield "html-table", "HTML", f"<table border=1>\n{cells}</table>\n"
    yield "xml", "XML document", '<?xml version="1.0"?>\n<rows>\n' + "<row a='1,2' b='3'/>\n" * 5 + "</rows>\n"
    yield "kml", "XML document", "<kml>\n<Placemark><name>x, y</name></Placemark>\n</kml>\n"
    yield "vcard", "vCard", "BEGIN:VCARD\nVERSION:3.0\nFN:" + words.people[0] + "\nEND:VCARD\n"
    yield "ical", "iCalendar", "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n"
    yield "pem", "PEM", "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"
    yield "rtf", "RTF", "{\\rtf1\\ansi Hello, world; a, b\\par}\n"
    yield "lfs", "Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    yield "yaml", "YAML", "---\nname: x\nrows:\n  - a: 1\n    b: 2\n"
    yield "arff", "ARFF", "% title\n@relation iris\n@attribute a numeric\n@data\n1,2\n"


def _programs(words: Words) -> Iterator[tuple[str, str, str]]:
    rows = "".join(f"({number}, '{name}', '{words.places[0]}'),\n" for number, name in enumerate(words.nouns))
    yield (
        "sql-insert",
        "SQL dump",
        f"-- dump, 2024\nINSERT INTO people (id, name, place) VALUES\n{rows.rstrip(chr(10) + ',')};\n",
    )
    yield (
        "sql-create",
        "SQL dump",
        "/* x */\nCREATE TABLE t (\n  a int,\n  b text\n);\n" + "INSERT INTO t VALUES (1,'x');\n" * 9,
    )
    yield "sql-sqlite", "SQL dump", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a,b);\nCOMMIT;\n"
    yield (
        "python",
        "source code",
        (
            "import csv\nfrom pathlib import Path\n\n\ndef read(path, limit=10):\n    rows = []\n"
            "    for row in csv.reader(path):\n"
            "        rows.append(row)\n    return rows[:limit]\n\n\nprint(read(Path('x'), 5))\n"
        ),
    )
    yield (
        "c",
        "source code",
        (
            '#include <stdio.h>\n#include "table.h"\n\nint main(int argc, char **argv) {\n    int a = 1, b = 2;\n'
            '    printf("%d, %d\\n", a, b);\n    return 0;\n}\n'
        ),
    )
    yield (
        "javascript",
        "source code",
        (
            "import fs from 'fs';\nconst rows = [];\nfunction load(name, size) {\n  if (size > 3) {\n"
            "    return rows;\n  }\n  rows.push([1, 2, 3]);\n}\nfunction save(rows) {\n  load(rows, 3);\n}\n"
        ),
    )
    yield (
        "java",
        "source code",
        (
            "package org.example;\nimport java.util.List;\npublic class Table {\n    private int a, b;\n"
            "    public static void main(String[] args) {\n        run(1, 2);\n    }\n}\n"
        ),
    )
    yield "r", "source code", "library(readr)\nlibrary(dplyr)\nx <- read_csv('a.csv')\ny <- x[1, 2]\nplot(x, y)\n"
    yield "shell", "script", "#!/bin/sh\nset -e\nfor x in a b c; do\n  echo $x, $x\ndone\n"
    yield "patch", "patch", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a,b\n+a,c\n"


def _texts(chance: random.Random, words: Words) -> Iterator[tuple[str, str, str]]:
    yield "prose", "prose", _wrapped(chance, words, 60, 30)
    yield "prose-paragraphs", "prose", "\n\n".join(_wrapped(chance, words, 70, 6).strip() for _ in range(6)) + "\n"
    yield (
        "markdown",
        "Markdown",
        "# Title\n\nSome text, with commas.\n\n## Part\n\n- one\n- two, three\n\n```\nx\n```\n",
    )
    yield "ini", "INI", "[server]\nhost = localhost\nport = 80, 81\n\n[client]\nname = x\npath = /tmp\n"
    for number in range(3):
        rows = [
            [
                chance.choice(words.people),
                chance.choice(words.places),
                str(chance.randrange(1_000)),
                chance.choice(("", "yes")),
            ]
            for _ in range(12)
        ]
        lines = [["Full name", "Place of birth", "No", "Still here"], *rows]
        text = "".join(
            "".join(cell.ljust(width) for cell, width in zip(row, (20, 24, 8, 12), strict=True)) + "\n" for row in lines
        )
        yield f"fixed-width-{number}", "fixed-width", text


def _wrapped(chance: random.Random, words: Words, width: int, lines: int) -> str:
    """Sentences broken into lines of about this width."""
    text: list[str] = []
    while sum(map(len, text)) < width * lines:
        sentence = " ".join(
            chance.choices((*words.nouns, "and", "of", "the", "was", "in", "with"), k=chance.randrange(8, 20))
        )
        text.append(sentence.capitalize() + chance.choice((".", ".", "?", ", it said.")))
    wrapped, line = "", ""
    for word in " ".join(text).split():
        if len(line) + len(word) > width:
            wrapped, line = wrapped + line.rstrip() + "\n", ""
        line += word + " "
    return wrapped + line.rstrip() + "\n"
