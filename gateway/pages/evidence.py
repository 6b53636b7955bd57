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
}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "space", ":": "colon"}
ENDINGS = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A text, and where it leads if that is a safe address."""

    text: str
    url: str | None = None


def of_table(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How a table was read: encoding, kind of CSV, check; only what is known."""
    return [
        *_encoding(_mapping(facts, "encoding")),
        *_kind(_mapping(facts, "csvkind")),
        *_check(_mapping(facts, "validate")),
    ]


def _encoding(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = facts.get("encoding")
    if not isinstance(name, str):
        return []
    found = _mapping(facts, "evidence")
    why = SOURCES.get(str(facts.get("source")), "")
    lines = [("Encoding", f"{name}, {why}" if why else name)]
    if overruled := found.get("overruled"):
        lines.append(("Declared encoding", f"{found.get('declared', '')}: not used, {overruled}"))
    confidence = found.get("confidence")
    if isinstance(confidence, int | float) and not facts.get("certain"):
        lines.append(("Confidence", f"{confidence:.0%}"))
    if sample := found.get("sample"):
        lines.append(("Sample", str(sample)))
    return lines


def _kind(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    dialect = _mapping(facts, "dialect")
    if not dialect:
        return []
    delimiter = str(dialect.get("delimiter", ","))
    lines = [("Delimiter", DELIMITERS.get(delimiter, delimiter))]
    if quote := dialect.get("quoteChar"):
        lines.append(("Quote", str(quote)))
    if ending := ENDINGS.get(str(dialect.get("lineTerminator"))):
        lines.append(("Lines end with", ending))
    header = dialect.get("header", True)
    why = _mapping(facts, "evidence").get("header")
    words = "in the first row" if header else "none"
    lines.append(("Header", f"{words}: {_sentence(why)}" if why else words))
    candidates = _mapping(facts, "evidence").get("candidates")
    if isinstance(candidates, list) and len(candidates) > 1:
        lines.append(("Also considered", ", ".join(_candidate(one) for one in candidates[1:4])))
    return lines


def _candidate(candidate: Any) -> str:
    if not isinstance(candidate, dict):
        return str(candidate)
    delimiter = str(candidate.get("delimiter") or _mapping(candidate, "dialect").get("delimiter") or "?")
    score = candidate.get("score")
    name = DELIMITERS.get(delimiter, delimiter)
    return f"{name} ({score:.2f})" if isinstance(score, int | float) else name


def _check(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if isinstance(facts.get("rows"), int):
        lines.append(("Rows checked", f"{facts['rows']:,}, all of them"))
    if "inferred" in facts:
        lines.append(("Schema", "inferred from all rows" if facts["inferred"] else "the publisher's"))
    lines += [("Note", str(note)) for note in _list(facts, "notes")[:5]]
    return lines


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


def _sentence(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("why") or value.get("note") or ", ".join(f"{key} {value[key]}" for key in list(value)[:4]))
    return str(value)


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else [found] if isinstance(found, dict | str) and found else []
