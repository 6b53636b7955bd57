from __future__ import annotations

from pathlib import Path

from gateway.pages.evidence import of_table
from tabular.encoding import detect_encoding
from tabular.encodingfound import EncodingFound


def shown(path: Path, declared: str | None = None) -> list[tuple[str, str]]:
    found = detect_encoding(path, declared)
    assert isinstance(found, EncodingFound)
    return of_table({"encoding": found.to_dict()})


def test_a_guess_in_doubt_shows_every_reading_with_its_judges(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes("id,name\n1,Melissa Donà\n".encode("cp850"))
    lines = dict(shown(path))
    assert lines["Encoding"].startswith("cp1252: guessed from the bytes, 9")
    assert lines["Encoding"].endswith("% sure, in doubt")
    assert lines["A cell in cp850"] == "Melissa Donà"
    assert "the letters of its language, chardet" in lines["A cell in cp1252"]
    assert 'declare "encoding": "cp1252"' in lines["Note"]


def test_a_declaration_that_the_letters_doubt_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "towns.csv"
    path.write_bytes("id,miasto\n1,Łódź\n2,Świętokrzyskie\n3,Żywiec\n4,Gdańsk\n".encode("cp1250"))
    lines = dict(shown(path, "cp1252"))
    assert lines["Encoding"] == "cp1252: as declared, and every byte agrees"
    assert "in cp1250 it would read “Łódź”" in lines["Note"]
