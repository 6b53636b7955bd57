"""What was found out about a table, and what its publisher says of the dataset, as words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.pages.text import safe_url

SOURCES = {
    "mark": "told by the file's byte order mark",
    "declared": "as declared, and every byte agrees",
    "ascii": "every byte is plain ASCII",
    "utf-8": "every byte is well-formed UTF-8",
    "pattern": "told by its pattern of bytes",
    "guess": "guessed from the bytes",
    "workbook": "the texts of a workbook are Unicode",
}
SHEETS = 8
MOST_KEYS = 10
DELIMITERS = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "vertical bar",
    " ": "space",
    ":": "colon",
    "^": "caret",
    "~": "tilde",
}
JUDGES = {"letters": "the letters of its language"}
READINGS = 6
UTF8, UTF8_MARKED = "utf-8", "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Entry:
    """A text, and where it leads if that is a safe address."""

    text: str
    url: str | None = None


def of_table(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How a table was read: sheet, encoding, kind of CSV, check, form; only what is known. `facts` by stage."""
    return [
        *_sheet(_mapping(_mapping(facts, "load"), "sheet")),
        *_encoding(_mapping(facts, "encoding")),
        *_kind(_mapping(facts, "csvkind")),
        *_check(_mapping(facts, "validate")),
        *_form(_mapping(facts, "dump"), _mapping(facts, "load"), _mapping(facts, "encoding")),
    ]


def of_sheet(facts: Mapping[str, Any]) -> str:
    """Which sheet of a workbook the table is, and which others there are; nothing for another file."""
    sheet = _mapping(_mapping(facts, "load"), "sheet")
    if not sheet:
        return ""
    others = [f"“{name}”" for name in _list(sheet, "others")]
    named = ", ".join(others[:SHEETS]) + (f" and {len(others) - SHEETS} more" if len(others) > SHEETS else "")
    words = f"The sheet “{sheet.get('sheet')}” of a workbook."
    return words + (f" Not shown: {named}; download the original to see them." if others else "")


def of_doubt(facts: Mapping[str, Any]) -> str:
    """What to know of a table before its letters are trusted; nothing where its encoding is beyond doubt."""
    encoding = _mapping(facts, "encoding")
    found = _mapping(encoding, "evidence")
    if encoding.get("source") == "guess" and not found.get("sure"):
        return "The encoding of this file was guessed and is in doubt: letters beyond A to Z may be others."
    if "doubt" in found:
        return "The encoding of this file is as declared, though its letters look like another's."
    return ""


def _sheet(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not facts:
        return []
    others = ", ".join(str(name) for name in _list(facts, "others"))
    return [
        ("Sheet", f"{facts.get('sheet')}, cells {facts.get('area')}"),
        ("Other sheets", others or "none"),
        *(("Note", str(note)) for note in _list(facts, "notes")),
    ]


def _encoding(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = facts.get("encoding")
    if not isinstance(name, str):
        return []
    found = _mapping(facts, "evidence")
    why = SOURCES.get(str(facts.get("source")), "")
    confidence = found.get("confidence")
    if isinstance(confidence, int | float) and not facts.get("certain"):
        why += f", {min(confidence, 0.99):.0%} sure{'' if found.get('sure') else ', in doubt'}"
    lines = [("Encoding", f"{name}: {why}" if why else name)]
    if overruled := found.get("overruled"):
        lines.append(("Declared encoding", f"{found.get('declared', '')}: not used, {overruled}"))
    candidates = [one for one in _list(found, "candidates") if isinstance(one, dict)]
    lines += [(f"A cell in {one.get('encoding')}", _reading(one)) for one in candidates[:READINGS]]
    lines += [("Note", str(found[key])) for key in ("note", "doubt") if key in found]
    return lines


def _reading(candidate: Mapping[str, Any]) -> str:
    """How a cell reads, and who would read it so."""
    judges = [JUDGES.get(str(judge), str(judge)) for judge in _list(candidate, "by")]
    sample = str(candidate.get("sample", ""))
    return f"{sample} ({', '.join(judges)})" if judges else sample


def _kind(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = _mapping(facts, "evidence")
    candidates = [one for one in _list(found, "candidates") if isinstance(one, dict)]
    lines = []
    if candidates:
        delimiter, *others = [_delimiter(one) for one in candidates]
        declared = " (declared)" if "delimiter" in _list(found, "declared") else ""
        better = f", fits better than {', '.join(others[:3])}" if others and not declared else ""
        lines.append(("Cells apart by", f"{delimiter}{declared}{better}"))
    if "header_rows" in facts:
        why = _mapping(found, "header").get("why")
        rows = facts["header_rows"]
        words = "none" if not rows else "yes" if rows == [1] else f"row {' and '.join(map(str, rows))}"
        lines.append(("Header", f"{words}: {why}" if why else words))
    return lines + [("Reading", str(note)) for note in _list(found, "notes")[:8]]


def _delimiter(candidate: Mapping[str, Any]) -> str:
    delimiter = str(candidate.get("delimiter") or "?")
    return DELIMITERS.get(delimiter, delimiter)


def _check(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if isinstance(facts.get("rows"), int):
        lines.append(("Rows checked", f"{facts['rows']:,}" + ("" if facts.get("truncated") else ", all of them")))
    if "inferred" in facts:
        lines.append(("Schema", "inferred from all rows" if facts["inferred"] else "the publisher's"))
    found = _mapping(facts, "evidence")
    keys = [key for key in _list(found, "foreign_keys") if isinstance(key, dict)]
    lines += [("Foreign key", f"{_ends(key)}, looked up for every row") for key in keys[:MOST_KEYS]]
    unique = [", ".join(map(str, key)) for key in _list(found, "unique_keys") if isinstance(key, list)]
    lines += [("Unique key", f"{key}, compared over all rows") for key in unique[:MOST_KEYS]]
    lines += [("Taken as text", str(reason)) for reason in _list(facts, "reasons")[:20]]
    return lines + [("Note", str(note)) for note in _list(facts, "notes")[:5]]


def _ends(key: Mapping[str, Any]) -> str:
    reference = _mapping(key, "reference")
    here, there = (", ".join(map(str, _list(side, "fields"))) for side in (key, reference))
    return f"{here} → {reference.get('resource') or 'this table'}: {there}"


def _form(facts: Mapping[str, Any], load: Mapping[str, Any], encoding: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "unchanged" not in facts:
        return []
    if not facts["unchanged"] or "sheet" in load:
        return [("Published", "as UTF-8 with commas; the original file is kept beside it")]
    changes = ["unpacked"] if load.get("compression") else []
    if (name := encoding.get("encoding", UTF8)) != UTF8:
        changes.append("without its byte order mark" if name == UTF8_MARKED else "turned into UTF-8")
    if not changes:
        return [("Published", "byte for byte as it was uploaded")]
    form = f"{' and '.join(changes)}, else byte for byte as it was uploaded; the original file is kept beside it"
    return [("Published", form)]


def about(package: Mapping[str, Any]) -> list[tuple[str, list[Entry]]]:
    """Licence, sources, keywords and the like; each entry with its link where that is safe."""
    lists = {
        "Licence": [_entry(item) for item in _list(package, "licenses") or _list(package, "license")],
        "Sources": [_entry(item) for item in _list(package, "sources")],
        "Contributors": [_entry(item) for item in _list(package, "contributors")],
        "Homepage": [Entry(url, url)] if (url := safe_url(package.get("homepage"))) else [],
        "Keywords": [Entry(str(word)) for word in _list(package, "keywords") if isinstance(word, str)],
        "Version": [Entry(str(package["version"]))] if isinstance(package.get("version"), str | int | float) else [],
    }
    return [(name, entries[:20]) for name, entries in lists.items() if entries]


def _entry(item: Any) -> Entry:
    if not isinstance(item, dict):
        return Entry(str(item), safe_url(item))
    words = item.get("title") or item.get("name") or item.get("path") or item.get("web") or "unnamed"
    return Entry(str(words), safe_url(item.get("path") or item.get("web")))


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else [found] if isinstance(found, dict | str) and found else []
