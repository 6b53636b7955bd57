from __future__ import annotations

import codecs
import encodings.aliases
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabular.fast.layout import PADDING, UNDEFINED
from tabular.fast.native import kernel
from tabular.fast.recoding import PIECE, utf8_table
from tabular.limits import Limits
from tests.unit.tabular.fast.differential import compare_file

NAMES = sorted(set(encodings.aliases.aliases.values()) - {"mbcs", "oem"})  # those are of Windows
SINGLE = [name for name in NAMES if utf8_table(name) is not None]


def by_table(text: bytes, table: Any) -> bytes | None:
    """The text in UTF-8; None where it has a byte that is no character."""
    given, out = np.full(len(text) + PADDING, 0xE9, np.uint8), np.zeros(3 * len(text) + PADDING, np.uint8)
    given[: len(text)] = np.frombuffer(text, np.uint8)
    written = kernel().write_utf8(given, table, out, len(text))
    return None if written == UNDEFINED else bytes(out[:written])


def by_python(text: bytes, encoding: str) -> bytes | None:
    try:
        return text.decode(encoding).encode()
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("encoding", SINGLE)
def test_a_text_is_what_python_makes_of_it(encoding: str) -> None:
    chance = random.Random(encoding)
    table = utf8_table(encoding)
    texts = [bytes([byte]) for byte in range(256)]
    defined = bytes(byte for byte in range(256) if by_python(texts[byte], encoding) is not None)
    for number in range(200):
        pool = [b"abc,\n1", defined, defined[120:], bytes(range(256))][number % 4]
        texts.append(bytes(chance.choices(b"ab,\n" + pool, k=chance.randrange(300))))
    for text in texts:
        assert by_table(text, table) == by_python(text, encoding), text


def test_encodings_of_more_bytes_or_other_ascii_have_no_table() -> None:
    others = {"utf_8", "utf_7", "utf_16", "gbk", "big5", "shift_jis", "hz", "iso2022_jp", "cp037", "cp864", "ascii"}
    assert not others & set(SINGLE)
    assert {"latin_1", "cp1252", "cp1251", "koi8_r", "mac_roman", "iso8859_15", "cp437"} <= set(SINGLE)
    assert all(codecs.lookup(name) for name in SINGLE)


@pytest.mark.parametrize(("encoding", "letter"), [("iso-8859-1", "é"), ("cp1251", "ж"), ("cp1252", "€")])
def test_a_file_of_several_pieces_has_the_librarys_report(tmp_path: Path, encoding: str, letter: str) -> None:
    text = "id,name\n" + "".join(f"{row},{letter * (row % 5)}x\n" for row in range(PIECE // 5)) + f"{letter},y\n1,2,3\n"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "constraints": {"maxLength": 5}}]}
    made = compare_file(tmp_path / "t.csv", {"schema": schema, "encoding": encoding}, Limits(fast_from=0))
    assert (made.path, made.same) == ("fast", True), made.why
    assert [error["type"] for error in made.ours["tasks"][0]["errors"]] == ["type-error", "extra-cell"]
