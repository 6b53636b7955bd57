"""How well a text reads in each of 41 languages: the bits that its letters cost, from tables of what follows what.

`letters.json` has the tables; bench/letters.py says how they were counted. A reading in a wrong encoding puts letters
where no language has them, and costs more bits for the same bytes.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Bits = np.ndarray[Any, np.dtype[np.float32]]
Places = np.ndarray[Any, np.dtype[np.intp]]

STRANGE = 15.0  # a letter that other languages of the same script have
UNKNOWN = 18.0  # a letter that none of our languages has
OTHER_SCRIPT = 20.0
LATIN_ELSEWHERE = 5.0  # an ASCII letter in a text of another script: codes, names of firms
COMMON_CHARACTER = 13.5  # in the standard's first half, which is sorted by use
RARE_CHARACTER = 17.0
SCRIPTS = {
    "LATIN": "latin", "CYRILLIC": "cyrillic", "GREEK": "greek", "HEBREW": "hebrew", "ARABIC": "arabic",
    "THAI": "thai", "CJK": "han", "HIRAGANA": "kana", "KATAKANA": "kana", "HALFWIDTH": "kana",
    "KATAKANA-HIRAGANA": "kana", "HANGUL": "hangul", "COMBINING": "mark",
}  # fmt: skip
# An ideographic language's scripts, and the first bytes of the characters in common use in its own standard.
IDEOGRAPHIC = {
    "zh-hans": (("han",), "gb2312", 0xB0, 0xD7),
    "zh-hant": (("han",), "big5", 0xA4, 0xC6),
    "ja": (("han", "kana"), "euc_jp", 0xB0, 0xCF),
    "ko": (("hangul", "han"), "euc_kr", 0xB0, 0xC8),
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language's bits: `pairs` of its letters by their places (0 is the edge of a word), and of what is `alone`:
    a letter that is not its own, or a character of an ideographic language."""

    name: str
    scripts: tuple[str, ...]
    letters: Mapping[str, int]
    pairs: Bits
    characters: Mapping[str, float]

    def place(self, letter: str) -> int:
        """Where the letter is in `pairs`; 0 for every sign that is none of the language's letters."""
        return self.letters.get(letter, 0)

    def alone(self, letter: str) -> float:
        """Bits of a letter that has no place."""
        script = script_of(letter)
        if letter in self.letters or script == "none":
            return 0.0
        if letter.isascii() and "latin" not in self.scripts:
            return LATIN_ELSEWHERE
        if script not in self.scripts:
            return OTHER_SCRIPT
        if self.name in IDEOGRAPHIC:
            wide = unicodedata.normalize("NFKC", letter)  # half-width kana are the same letters
            return self.characters.get(wide) or _in_standard(wide, *IDEOGRAPHIC[self.name][1:])
        return STRANGE if letter in model().letters else UNKNOWN


@dataclass(frozen=True, slots=True)
class Model:
    """All languages, and the letters of all alphabets with each language's places and bits for them as rows."""

    languages: tuple[Language, ...]
    letters: Mapping[str, int]

    def names(self) -> tuple[str, ...]:
        """The languages' names, in their order."""
        return tuple(language.name for language in self.languages)


@cache
def model() -> Model:
    """What letters.json says."""
    read = json.loads((Path(__file__).parent / "letters.json").read_text(encoding="utf-8"))
    languages = (
        *(_alphabetic(name, table["letters"], table["bits"]) for name, table in read["alphabets"].items()),
        *(_ideographic(name, groups) for name, groups in read["characters"].items()),
    )
    letters = sorted({letter for language in languages for letter in language.letters})
    return Model(languages, {letter: place for place, letter in enumerate(letters)})


def bits_in(language: Language, signs: Sequence[str], places: Places) -> Bits:
    """What each character of a text costs in a language, signs aside.

    The text comes as its distinct characters, in small letters, and the place of each in that list.
    """
    known = [_known(language.name, sign) for sign in signs]
    place = np.array([place for place, _ in known])[places]
    alone = np.array([bits for _, bits in known], dtype=np.float32)[places]
    before = np.concatenate(([0], place[:-1]))
    bits: Bits = language.pairs[before, place] + alone
    return bits


def at_home(signs: Sequence[str]) -> list[int]:
    """Places of the languages whose script is that of any letter beyond ASCII; without one, of all in Latin."""
    scripts = {script_of(sign) for sign in signs if not sign.isascii()} - {"none", "mark", "other"} or {"latin"}
    return [place for place, language in enumerate(model().languages) if scripts & set(language.scripts)]


@cache
def script_of(letter: str) -> str:
    """The script of a letter, `mark` for an accent that combines, `other`; `none` for what is no letter."""
    if not letter.isalpha() and unicodedata.category(letter) not in ("Mn", "Mc"):
        return "none"
    return SCRIPTS.get(unicodedata.name(letter, "").split(" ", 1)[0], "other")


@cache
def _known(name: str, sign: str) -> tuple[int, float]:
    language = _by_name()[name]
    return language.place(sign), language.alone(sign)


@cache
def _by_name() -> dict[str, Language]:
    return {language.name: language for language in model().languages}


def _alphabetic(name: str, letters: str, rows: list[str]) -> Language:
    pairs = np.array([[int(digit, 16) for digit in row] for row in rows], dtype=np.float32)
    pairs[0, 0] = 0
    scripts = ("latin", "mark") if name == "vi" else (script_of(letters[1]),)
    places = {letter: place for place, letter in enumerate(letters) if place}
    return Language(name, scripts, places, pairs, {})


def _ideographic(name: str, groups: Mapping[str, str]) -> Language:
    characters = {letter: float(bits) for bits, letters in groups.items() for letter in letters}
    return Language(name, IDEOGRAPHIC[name][0], {}, np.zeros((1, 1), dtype=np.float32), characters)


def _in_standard(letter: str, encoding: str, first: int, last: int) -> float:
    try:
        lead = letter.encode(encoding)[0]
    except UnicodeEncodeError:
        return RARE_CHARACTER + 2
    return COMMON_CHARACTER if first <= lead <= last else RARE_CHARACTER
