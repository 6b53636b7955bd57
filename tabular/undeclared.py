"""Files that are not UTF-8 and whose encoding nobody declared, or not rightly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular.decoding import BadByte, decode_all
from tabular.encodingfound import EncodingFound, EncodingRefused, refused
from tabular.finding import Finding, shorten
from tabular.guess import Guess, guess
from tabular.languages import languages_of
from tabular.magic import looks_binary
from tabular.readings import decode
from tabular.samples import Sample, sample_of

SHOWN = 80
MIXED = 5  # one cell in so many that is UTF-8 by itself is no chance: the most that was seen is one in eleven


def by_guess(
    path: Path, head: bytes, bad: BadByte, evidence: dict[str, Any], resource: Mapping[str, Any]
) -> EncodingFound | EncodingRefused:
    """A guess that is likely enough, or the refusal with the first byte that is not UTF-8. `head` starts the file."""
    evidence = evidence | {"not_utf8_at": bad.to_dict()}
    if looks_binary(head) or head.count(b"\x00") > len(head) // 10:
        return EncodingRefused(Finding("not-csv", "The file is binary data, not text.", byte_offset=0), evidence)
    sample = sample_of(path)
    if sample.utf8 * MIXED >= len(sample.loud):
        advice = "The rest is UTF-8, so it mixes encodings or was cut off. Save the whole file as UTF-8."
        return refused(bad, "One encoding does not read all of the file:", evidence, advice)
    encoding, made = _guess_for_all(path, sample, languages_of(resource))
    if made is None:
        return refused(bad, "The encoding of the file could not be told:", evidence, _advice("cp1252"))
    evidence |= made.to_dict()
    if made.told:
        return EncodingFound(encoding, "guess", False, evidence | {"note": made.note()})
    if made.plausible:
        opening = f"The encoding of the file could not be told: a cell reads {made.words()}, and"
    else:
        opening = "The encoding of the file could not be told, in none that we know does it read as a language:"
    return refused(bad, opening, evidence, _advice(encoding))


def _advice(example: str) -> str:
    return f'Declare its encoding in the resource, as "encoding": "{example}", or save it as UTF-8.'


def _guess_for_all(path: Path, sample: Sample, languages: Mapping[str, float]) -> tuple[str, Guess | None]:
    """The guess for the sample whose encoding decodes every byte of the file, and that encoding."""
    excluded: frozenset[str] = frozenset()
    while made := guess(sample, languages, excluded):
        for name in made.encodings:
            if not isinstance(decode_all(path, name), BadByte):
                return name, made
        excluded |= set(made.encodings)
    return "", None


def doubt(path: Path, declared: str, resource: Mapping[str, Any]) -> dict[str, str]:
    """Evidence where the file decodes as declared and yet reads much better otherwise; the declaration holds."""
    sample = sample_of(path)
    read = decode(b"\n".join(sample.loud), declared)
    made = guess(sample, languages_of(resource))
    if made is None or not made.sure or made.text == read or read is None:
        return {}
    pairs = zip(read.split("\n"), made.text.split("\n"), strict=False)
    here, there = next(((mine, theirs) for mine, theirs in pairs if mine != theirs), ("", ""))
    words = (
        f"The file was read as declared, in {declared}, where a cell reads “{shorten(here, SHOWN)}”;"
        f" in {made.candidates[0].encoding} it would read “{shorten(there, SHOWN)}”, as its language is written."
    )
    return {"doubt": words}
