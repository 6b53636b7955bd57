# ruff: noqa: RUF001 - letters of other alphabets are the point here
from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.encodings import Verdict, judge
from bench.legacy import KINDS, LANGUAGES, table
from tabular.encoding import detect_encoding
from tabular.encodingfound import EncodingFound, EncodingRefused
from tabular.languages import languages_of
from tabular.samples import sample_of
from tabular.spoken import said_languages, with_languages
from tests.unit.tabular.conftest import Write

POLISH = "id,miasto\n1,Łódź\n2,Świętokrzyskie\n3,Żywiec\n4,Gdańsk\n"
RUSSIAN = "имя,город\nИван Петров,Москва\nОльга Иванова,Санкт-Петербург\nПётр Ильин,Казань\n"


def verdicts(folder: Path) -> Iterator[Verdict]:
    """Two tables of the held-out words for every language: in what Windows wrote, and in another of its encodings."""
    for place, (language, (_, listed)) in enumerate(LANGUAGES.items()):
        first, *others = listed.split()
        for encoding in (first, *others[place % 4 : place % 4 + 1]):
            kind = list(KINDS)[(place + len(encoding)) % len(KINDS)]
            source = random.Random(f"test {language} {encoding}")
            made = table("held-out", language, encoding, kind, "all over", 800, source)
            if made is not None:
                yield judge(made, folder / "table.csv")


@pytest.mark.timeout(400)
def test_of_the_corpus_95_in_100_are_exact_and_no_wrong_one_is_sure(tmp_path: Path) -> None:
    """bench/encodings.py has the whole of it."""
    found = list(verdicts(tmp_path))
    exact = sum(verdict.outcome == "exact" for verdict in found)
    wrong = [verdict for verdict in found if verdict.outcome == "wrong"]
    assert len(found) > 60
    assert exact >= 0.95 * len(found), [verdict.table.name for verdict in wrong]
    assert not [verdict.table.name for verdict in wrong if verdict.sure]
    assert sum(verdict.outcome == "exact" and verdict.sure for verdict in found) > 0.7 * len(found)


def found(path: Path, declared: str | None = None, **resource: object) -> EncodingFound:
    result = detect_encoding(path, declared, resource=resource)
    assert isinstance(result, EncodingFound), result
    return result


def refused(path: Path, **resource: object) -> EncodingRefused:
    result = detect_encoding(path, resource=resource)
    assert isinstance(result, EncodingRefused), result
    return result


def test_a_sure_guess_is_a_guess_and_names_the_way_to_settle_it(write: Write) -> None:
    result = found(write(RUSSIAN.encode("koi8_r")))
    assert (result.encoding, result.certain, result.evidence["sure"]) == ("koi8-r", False, True)
    assert result.evidence["agreement"]
    assert result.evidence["language"] in ("ru", "bg", "mk", "sr", "be", "uk")
    assert result.evidence["candidates"][0]["by"] == ["letters", "chardet", "charset-normalizer"]
    (note,) = result.notes
    assert note.startswith("The encoding was guessed: koi8-r, 99% sure.")
    assert '"encoding": "koi8-r"' in note
    assert "doubt" not in note


def test_a_guess_in_doubt_shows_the_readings_side_by_side(write: Write) -> None:
    result = found(write("id,name\n1,Melissa Donà\n".encode("cp850")))
    assert not result.evidence["sure"]
    assert "in doubt" in result.notes[0]
    assert "“Melissa Donà” in cp850" in result.notes[0]


def test_a_toss_up_is_refused_with_both_readings_and_the_place(write: Write) -> None:
    result = refused(write(b"id,name\n1,ab\n2,\xdeor\n"))
    assert (result.finding.rule, result.finding.line, result.finding.byte_offset) == ("encoding-error", 3, 15)
    for part in ("“Þor” in cp1252", "“Žor” in cp1257", "0xDE, line 3, column 3", '"encoding": "'):
        assert part in result.finding.message


def test_the_language_that_the_descriptor_names_settles_a_toss_up(write: Write) -> None:
    path = write(b"id,name\n1,ab\n2,K\xf6\xfe\n")
    assert "“Köž” in cp1257" in refused(path).finding.message
    assert found(path, languages=["tr", "en"]).encoding == "cp1254"


def test_languages_are_declared_or_read_from_titles() -> None:
    assert languages_of({}) == {}
    assert languages_of({"languages": ["zh-TW", "nb"]}) == {"zh-hant": 1.0, "no": 0.5}
    assert languages_of({"lang": "pl-PL", "schema": {"languages": ["xx", 1]}}) == {"pl": 1.0}
    read = languages_of({"title": "Przystanki", "schema": {"fields": [{"title": {"": "Nazwa przystanku z ulicą"}}]}})
    assert max(read, key=read.__getitem__) == "pl"


def test_a_resource_that_says_no_language_has_those_of_its_package() -> None:
    languages = said_languages({"languages": ["tr", 7], "lang": "en"})
    assert languages == ["tr", "en"]
    assert with_languages({"name": "a"}, languages) == {"name": "a", "languages": ["tr", "en"]}
    for own in ({"lang": "pl"}, {"schema": {"languages": ["pl"]}}):
        assert with_languages(own, languages) == own


def test_utf8_with_one_wrong_byte_is_never_read_as_something_else(write: Write) -> None:
    rows = "".join(f"{number},Besançon Orléans Nîmes\n" for number in range(5_000)).encode()
    result = refused(write(rows + "x,Zürich\n".encode("cp1252")))
    assert (result.finding.rule, result.finding.line, result.finding.byte_offset) == (
        "encoding-error",
        5_001,
        len(rows) + 3,
    )
    assert "mixes encodings" in result.finding.message
    assert refused(write("a,é\n".encode() + "b,è".encode()[:-1])).finding.line == 2


@pytest.mark.parametrize("seed", range(5))
def test_what_reads_as_no_language_is_refused(write: Write, seed: int) -> None:
    source = random.Random(seed)
    beyond = list(range(128, 256))
    source.shuffle(beyond)
    cipher = bytes(range(128)) + bytes(beyond)
    result = refused(write((RUSSIAN * 3).encode("cp1251").translate(cipher)))
    assert result.finding.rule == "encoding-error"
    assert "no" in result.finding.message


def test_text_of_a_mainframe_is_refused(write: Write) -> None:
    assert (
        refused(write("Zürich;Köln;Besançon\nMünchen;Orléans\n".encode("cp500") * 3)).finding.rule == "encoding-error"
    )


def test_a_declaration_holds_and_a_better_reading_is_shown(write: Write) -> None:
    path = write(POLISH.encode("cp1250"))
    assert found(path, "cp1250").notes == ()
    result = found(path, "cp1252")
    assert (result.encoding, result.source) == ("cp1252", "declared")
    assert "“£ódŸ”; in cp1250 it would read “Łódź”" in result.notes[0]


@pytest.mark.parametrize("encoding", ["iso2022_jp", "iso2022_kr"])
def test_escapes_are_seen_however_late(write: Write, encoding: str) -> None:
    late = "田中,東京\n" if encoding == "iso2022_jp" else "김철수,서울\n"
    result = found(write(b"name,town\n" * 20_000 + late.encode(encoding)))
    assert (result.encoding, result.source) == (encoding, "pattern")


def test_a_rare_byte_at_the_end_is_part_of_the_evidence(write: Write) -> None:
    many = "".join(f"{number},Besançon {number},été\n" for number in range(30_000))
    result = found(write((many + "x,Œuvre\n").encode("cp1252")))
    assert result.encoding == "cp1252"
    assert (many + "x,½uvre\n").encode("iso8859-1") != (many + "x,Œuvre\n").encode("iso8859-15")
    late = found(write((many + "x,Œuvre\ny,cœur\nz,5 €\n").encode("iso8859-15")))
    assert late.encoding == "iso8859-15"


def test_signs_of_prices_and_degrees_are_no_letters(write: Write) -> None:
    assert found(write("item;price;temp\napple;5 €;20 °C\npear;12 €;25 °C\n".encode("cp1252"))).encoding == "cp1252"


def test_a_sample_has_distinct_cells_cut_at_blanks(write: Write) -> None:
    rows = "né,né,plain\n" * 1_000 + "x," + "très long " * 1_000 + "\n"
    sample = sample_of(write(rows.encode("cp1252")))
    assert [len(cell) <= 4_096 for cell in sample.loud] == [True, True]
    assert sample.loud[0] == "né".encode("cp1252")
    assert not sample.loud[1].endswith((b"tr\xe8", b"tr"))
    assert "plain" in sample.quiet
