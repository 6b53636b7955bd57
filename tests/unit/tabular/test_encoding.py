# ruff: noqa: RUF001 - letters of other alphabets are the point here
from __future__ import annotations

from pathlib import Path

import pytest

from tabular.encoding import detect_encoding, transcode
from tabular.encodingfound import EncodingFound, EncodingRefused
from tests.unit.tabular.conftest import Write

FRENCH = "id,ville\n1,Besançon\n2,Orléans\n"
MANY = "word\nñandú\nΑθήνα\nМосква\n日本\n한국\nשלום\nالقاهرة\nไทย\n👩🏽‍🚀\n"


def found(path: Path, declared: str | None = None) -> EncodingFound:
    result = detect_encoding(path, declared)
    assert isinstance(result, EncodingFound), result
    return result


def refused(path: Path, declared: str | None = None) -> EncodingRefused:
    result = detect_encoding(path, declared)
    assert isinstance(result, EncodingRefused), result
    return result


def test_utf8_in_many_languages_is_certain(write: Write) -> None:
    result = found(write(MANY))
    assert (result.encoding, result.source, result.certain) == ("utf-8", "utf-8", True)
    assert result.is_plain_utf8


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_wins_over_a_declaration(write: Write, mark: str) -> None:
    result = found(write(FRENCH.encode(mark)), "iso-8859-1")
    assert (result.encoding, result.source, result.certain) == (mark, "mark", True)
    assert not result.is_plain_utf8


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_is_told_by_its_nul_bytes(write: Write, encoding: str) -> None:
    for text in (FRENCH, "名前,都市\n田中,東京\n" * 20, "이름,도시\n김가은,부산 해운대구\n이서준,서울 강남구\n" * 9):
        result = found(write(text.encode(encoding)))
        assert (result.encoding, result.source) == (encoding, "pattern")
        assert found(write(text.encode(encoding)), encoding).source == "declared"
        assert found(write(text.encode(encoding)), encoding[:6]).encoding == encoding


def test_japanese_by_escapes_is_not_taken_for_ascii(write: Write) -> None:
    path = write("名前,都市\n田中,東京\n".encode("iso2022_jp"))
    assert found(path).encoding == "iso2022_jp"
    assert (found(path, "ISO-2022-JP").encoding, found(path, "ISO-2022-JP").source) == ("iso2022_jp", "declared")


def test_a_few_stray_nul_bytes_are_no_wide_text(write: Write) -> None:
    assert found(write(b"a,b\n1,x\0\n" + b"2,y\n" * 50)).encoding == "utf-8"


@pytest.mark.parametrize("hint", ["ISO-8859-2", "ISO-8859-9", "windows-1252", "Shift_JIS", "IBM424_rtl", "UTF-16"])
def test_a_hint_on_pure_ascii_is_utf8(write: Write, hint: str) -> None:
    result = found(write(b"id,name\n1,one\n"), hint)
    assert (result.encoding, result.source, result.certain) == ("utf-8", "ascii", True)
    assert result.evidence["declared"] == hint
    assert "overruled" in result.evidence


def test_utf8_declared_as_a_single_byte_encoding_is_not_garbled(write: Write) -> None:
    result = found(write(MANY), "ISO-8859-2")
    assert (result.encoding, result.certain) == ("utf-8", True)
    assert "overruled" in result.evidence
    assert not found(write("id\né\n"), "ISO-8859-2").certain, "one letter may be chance"


def test_declared_latin1_wins_over_guessing(write: Write) -> None:
    result = found(write(FRENCH.encode("latin-1")), "ISO-8859-1")
    assert (result.encoding, result.source, result.certain) == ("iso8859-1", "declared", True)


def test_latin1_with_curly_quotes_is_windows_1252(write: Write) -> None:
    result = found(write("id,name\n1,“l’été”\n".encode("cp1252")), "ISO-8859-1")
    assert (result.encoding, result.source) == ("cp1252", "declared")
    assert "overruled" in result.evidence


def test_undeclared_latin1_is_a_guess_that_says_so(write: Write) -> None:
    result = found(write(FRENCH.encode("latin-1")))
    assert (result.encoding, result.source, result.certain) == ("cp1252", "guess", False)
    assert result.evidence["not_utf8_at"] == {"encoding": "utf-8", "offset": 16, "line": 2, "column": 8, "byte": 0xE7}
    assert "Besançon" in result.evidence["sample"]
    assert result.evidence["candidates"][0]["encoding"] == "cp1252"


def test_the_guess_looks_at_the_lines_that_matter_however_late(write: Write) -> None:
    late = b"plain ascii line\n" * 10_000 + "Zürich,donnée,été\nBesançon,Orléans\n".encode("latin-1")
    result = found(write(late))
    assert result.encoding == "cp1252"
    assert result.evidence["not_utf8_at"]["line"] == 10_001


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("nazwa,miasto\nŁukasz,Łódź\nŚwięty,Gdańsk\nżółw,Białystok\n", "cp1250"),
        ("имя,город\nИван,Москва\nОльга,Санкт-Петербург\n", "cp1251"),
        ("имя,город\nИван,Москва\nОльга,Санкт-Петербург\n", "koi8-r"),
        ("名前,都市\n田中,東京\n鈴木,大阪\nスズキ,名古屋\n", "cp932"),
        ("姓名,城市\n张伟,北京\n王芳,上海\n李娜,广州\n", "gb18030"),
        ("이름,도시\n김철수,서울\n이영희,부산\n", "cp949"),
    ],
)
def test_other_alphabets_are_guessed_right(write: Write, text: str, encoding: str) -> None:
    result = found(write((text * 3).encode(encoding)))
    assert (result.encoding, result.certain) == (encoding, False)


@pytest.mark.parametrize(
    ("content", "offset", "line", "column"),
    [
        ("a,b\n1,é\n".encode("cp1252"), 6, 2, 3),
        (b"\xff\nx\n" * 2, 0, 1, 1),
        (b"x\n" * 500_000 + b"ab\xc0\xaf\n", 1_000_002, 500_001, 3),
        (b"ok\n\xed\xa0\x81\xed\xb0\x80", 3, 2, 1),
        ("aé".encode()[:-1], 1, 1, 2),
        ("a,é\r\n".encode() + b"\xe9\r\n", 6, 2, 1),
    ],
)
def test_declared_utf8_that_is_not_says_where(
    write: Write, content: bytes, offset: int, line: int, column: int
) -> None:
    result = refused(write(content), "utf-8")
    assert (result.finding.rule, result.finding.byte_offset, result.finding.line) == ("encoding-error", offset, line)
    assert result.evidence["first_bad_byte"]["column"] == column


@pytest.mark.parametrize("shift", range(4))
def test_characters_across_pieces_are_whole(write: Write, shift: int) -> None:
    assert found(write("a" * (65_533 + shift) + "\U0001f680\n" + "é" * 40_000)).certain


def test_a_declared_encoding_that_does_not_decode_is_an_error(write: Write) -> None:
    result = refused(write(FRENCH.encode("latin-1")), "euc_kr")
    assert result.finding.rule == "encoding-error"
    assert refused(write(FRENCH.encode("latin-1")), "klingon").finding.rule == "encoding-error"
    assert refused(write(FRENCH.encode("latin-1")), "rot13").finding.rule == "encoding-error"


def test_wide_declared_but_truncated_is_an_error(write: Write) -> None:
    assert refused(write(FRENCH.encode("utf-16-le")[:-1]), "utf-16-le").finding.byte_offset == 2 * len(FRENCH) - 2


def test_a_picture_and_noise_are_no_csv(write: Write) -> None:
    assert refused(write(b"\x89PNG\r\n\x1a\n" + bytes(100))).finding.rule == "not-csv"
    noise = bytes(number * 7919 % 256 for number in range(5_000))
    assert refused(write(noise)).finding.rule == "not-csv"


def test_transcoding_gives_utf8_without_a_mark(write: Write, tmp_path: Path) -> None:
    text = MANY * 5_000
    digest = transcode(write(text.encode("utf-16")), "utf-16", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == text.encode()
    assert digest.size == len(text.encode())


def test_transcoding_keeps_line_ends_and_never_replaces(write: Write, tmp_path: Path) -> None:
    transcode(write("a\r\nb\rc\né".encode("cp1252")), "cp1252", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == "a\r\nb\rc\né".encode()
    with pytest.raises(UnicodeDecodeError):
        transcode(write(b"a\xff"), "utf-8", tmp_path / "bad")
    assert not (tmp_path / "bad").exists()
