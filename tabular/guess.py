"""The guess of an encoding: three judges, their readings side by side, and how sure the answer is.

The letters of 41 languages decide (`readings`); chardet, which counts bytes, is worth a few bits more or less;
charset-normalizer, which looks for disorder, is heard and shown. docs/encoding.md has the rules in words.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabular.readings import Reading, decode, encodings, readings, shares
from tabular.samples import ASCII, Sample

LETTERS, CHARDET, NORMALIZER = "letters", "chardet", "charset-normalizer"
CHARDET_BITS = 4.0  # what its first choice is worth: it was right nine times in ten
TEMPER = 2.0  # bits by which the letters overrate what they know; measured
REFUSED_BELOW = 0.8
SURE_FROM = 0.99
# A text that is one costs up to 6 bits for a byte beyond ASCII, and 4 or so for a plain one; nonsense from 8 on.
PLAIN_BITS = 4.5
LIKELY, POSSIBLE = (7.0, 20.0), (8.0, 48.0)  # bits for each loud byte, and for the whole sample
SHOWN = 4
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reading: how likely it is (0 to 1), how a cell reads in it, and which judges chose it first."""

    encoding: str
    confidence: float
    sample: str
    by: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON object of all four."""
        return {
            "encoding": self.encoding,
            "confidence": self.confidence,
            "sample": self.sample,
            "by": list(self.by),
        }


@dataclass(frozen=True, slots=True)
class Guess:
    """The candidates, the best first; `language` is the likeliest of the best. `plausible`: it may be some language;
    `likely`: it costs no more bits than languages do. `text` is the sample as it reads.

    `encodings` are names that read the sample as the best candidate does, in the order of preference.
    """

    candidates: tuple[Candidate, ...]
    language: str
    encodings: tuple[str, ...]
    plausible: bool
    likely: bool
    text: str

    @property
    def confidence(self) -> float:
        """That of the best candidate."""
        return self.candidates[0].confidence

    @property
    def agreement(self) -> bool:
        """Whether all judges chose the same reading first."""
        return len(self.candidates[0].by) == len((LETTERS, CHARDET, NORMALIZER))

    @property
    def told(self) -> bool:
        """Whether the answer may be used: it reads as some language, and nothing else is nearly as likely."""
        return self.plausible and self.confidence >= REFUSED_BELOW

    @property
    def sure(self) -> bool:
        """Whether the odds are high and the second detector agrees."""
        return self.likely and self.confidence >= SURE_FROM and CHARDET in self.candidates[0].by

    def words(self) -> str:
        """The readings of one cell side by side, the best first, those of other judges marked with their names."""
        rivals = [one for place, one in enumerate(self.candidates) if one.by or (place == 1 and not self.sure)]
        *most, last = (f"“{one.sample}” in {one.encoding}{_by(one)}" for one in rivals[:SHOWN])
        return f"{', '.join(most)} and {last}" if most else last

    def note(self) -> str:
        """What a publisher is told of a guess that is used: how sure it is, who disagrees, how to settle it."""
        best = self.candidates[0]
        told = f"The encoding was guessed: {best.encoding}, {min(best.confidence, 0.99):.0%} sure."
        if not (self.sure and self.agreement):
            is_high = self.likely and self.confidence >= SURE_FROM
            told += f" {'The judges differ' if is_high else 'It is in doubt'}: a cell reads {self.words()}."
        return f'{told} To settle it, declare "encoding": "{best.encoding}" in the resource, or the right one.'

    def to_dict(self) -> dict[str, Any]:
        """JSON object of what is shown as evidence."""
        return {
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "agreement": self.agreement,
            "sure": self.sure,
            "language": self.language,
            "confidence": self.confidence,
            "sample": self.candidates[0].sample,
        }


def guess(sample: Sample, expected: Mapping[str, float], excluded: frozenset[str] = frozenset()) -> Guess | None:
    """What the loud cells may be; None where no encoding allows them. `expected`: languages that the descriptor names.

    `excluded` are encodings that do not decode the whole file.
    """
    joined = b"\n".join(sample.loud)
    found = readings(joined, _hints(sample, expected), excluded)
    if not found:
        return None
    choices = {CHARDET: _chardet(joined), NORMALIZER: _normalizer(joined)}
    texts = {judge: decode(joined, name) if name else None for judge, name in choices.items()}
    costs = [reading.bits - CHARDET_BITS * (reading.text == texts[CHARDET]) for reading in found]
    order = sorted(range(len(found)), key=costs.__getitem__)
    ranked = [found[index] for index in order]
    odds = [2 ** ((costs[order[0]] - costs[index]) / TEMPER) for index in order]
    judged = texts | {LETTERS: found[0].text}
    line = _telling_line(ranked)
    candidates = [
        Candidate(
            reading.encodings[0],
            round(odd / sum(odds), 4),
            _shown(reading.text, line),
            tuple(judge for judge in (LETTERS, CHARDET, NORMALIZER) if judged[judge] == reading.text),
        )
        for reading, odd in zip(ranked, odds, strict=True)
    ]
    shown = [one for place, one in enumerate(candidates) if place < SHOWN or one.by]
    best = ranked[0]
    plausible, likely = (_within(joined, best.bits, *most) for most in (POSSIBLE, LIKELY))
    return Guess(tuple(shown), best.language, best.encodings, plausible, likely, best.text)


def _within(sample: bytes, bits: float, for_each: float, allowance: float) -> bool:
    loud = len(sample.translate(None, ASCII))
    return bits < allowance + for_each * loud + PLAIN_BITS * (len(sample) - loud)


def _by(candidate: Candidate) -> str:
    names = ["the letters of its language" if judge == LETTERS else judge for judge in candidate.by]
    return f" ({', '.join(names)})" if names else ""


def _hints(sample: Sample, expected: Mapping[str, float]) -> dict[str, float]:
    """Shares of the languages by the file's plain words, and by what the descriptor says, which counts as much."""
    plain = shares(sample.quiet) if sample.quiet else {}
    return {name: plain.get(name, 0.0) + expected.get(name, 0.0) for name in {*plain, *expected}}


def _chardet(sample: bytes) -> str | None:
    from chardet import detect

    return _python_name(detect(sample, compat_names=False, max_bytes=len(sample))["encoding"])


def _normalizer(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(
        sample, cp_isolation=encodings(), threshold=0.5, enable_fallback=False, preemptive_behaviour=False
    ).best()
    return _python_name(best.encoding if best else None)


def _python_name(name: str | None) -> str | None:
    try:
        return codecs.lookup(name).name if name else None
    except LookupError:
        return None


def _telling_line(ranked: list[Reading]) -> int:
    """The first cell that the two best readings read differently."""
    lines = [reading.text.split("\n") for reading in ranked[:2]]
    if len(lines) < 2:
        return 0
    return next((place for place, pair in enumerate(zip(*lines, strict=False)) if pair[0] != pair[1]), 0)


def _shown(text: str, line: int) -> str:
    """A cell, around the first letter beyond ASCII where it is long."""
    lines = text.split("\n")
    cell = lines[min(line, len(lines) - 1)].strip()
    at = next((place for place, letter in enumerate(cell) if not letter.isascii()), 0)
    start = max(0, at - WIDTH // 2) if len(cell) > WIDTH else 0
    return cell[start : start + WIDTH]
