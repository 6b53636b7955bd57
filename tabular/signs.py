"""What it costs that signs stand where they stand: the part of a text that is the same in every language.

The unit is the bit: a sign of n bits is met once in 2^n. The numbers are judgements, checked by bench/encodings.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from tabular.letters import Bits, Places, script_of

SWITCH = 8.0  # scripts meet within a word
RAISED = 6.0  # a capital after a small letter
SUNK = 4.0  # a small letter after two capitals
PLAIN = 4.0  # a digit, a blank, an ASCII sign
CONTROL = 24.0
# Signs of typography by the neighbours that they stand between: "a" is a letter, "0" a digit, " " all else.
OPENING = "“„«‘‚‹¿¡"  # noqa: RUF001
CLOSING = "”»’›"  # noqa: RUF001
AFTER_DIGITS = "°²³¹½¼¾ºª‰"
BESIDE_DIGITS = "±×€£¥§№÷"  # noqa: RUF001
DASHES = "–—\u00a0−"  # noqa: RUF001
AFTER_WORDS = "®™©…"
BULLETS = "•·→†"
FITS = {
    **{sign: {(left, right) for left in " 0" for right in "a0 "} for sign in OPENING},
    **{sign: {(left, right) for left in "a0 " for right in " 0"} for sign in CLOSING},
    **{sign: {("0", right) for right in " 0a"} for sign in AFTER_DIGITS},
    **{sign: {(left, right) for left in " 0" for right in " 0"} for sign in BESIDE_DIGITS},
    **{sign: {(left, right) for left in "a0 " for right in "a0 "} for sign in DASHES},
    **{sign: {(left, right) for left in "a0 " for right in " 0"} for sign in AFTER_WORDS},
    **{sign: {(" ", right) for right in "a0 "} for sign in BULLETS},
}
FITS["’"] |= {("a", "a")}  # noqa: RUF001
FITS["µ"] = {("0", "a"), (" ", "a")}
EASY = {
    ("²", "a", " "),
    ("³", "a", " "),
    ("º", "a", " "),
    ("°", " ", "a"),
    ("º", " ", " "),
    ("ª", " ", " "),
}  # m², nº, 2.º
FITTING = 8.0
OTHERWISE = {**dict.fromkeys("€£°²³", 5.0), **dict.fromkeys(AFTER_WORDS + BULLETS, 11.0)}  # often in tables; seldom
MISFIT = 17.0
BETWEEN_LETTERS = 4.0
OF_KIND = {"So": 18.0, "Sm": 16.0, "Sk": 16.0, "Sc": 14.0, "Po": 14.0, "Pd": 13.0, "Zs": 14.0, "No": 14.0, "Cf": 18.0}
RARE_SIGN = 20.0
FULL_WIDTH = 9.0


def bits_of_signs(text: str, signs: Sequence[str], places: Places) -> Bits:
    """What costs the same in every language, for each character: signs, capitals within words, scripts that meet.

    `signs` are the distinct characters of the text, `places` says which of them stands where.
    """
    scripts = [script_of(sign) for sign in signs]
    is_letter = np.array([script != "none" for script in scripts])[places]
    plain = np.array([sign < "\x80" and (sign >= " " or sign in "\t\n\r") for sign in signs])[places]
    bits = np.where(plain & ~is_letter, np.float32(PLAIN), np.float32(0))
    for at in np.flatnonzero(~is_letter & ~plain):
        bits[at] = sign_bits(text[at - 1 : at], text[at], text[at + 1 : at + 2])
    beyond = np.array([not sign.isascii() for sign in signs])[places]
    upper = np.array([sign.isupper() for sign in signs])[places]
    lower = np.array([sign.islower() for sign in signs])[places]
    either = beyond[1:] | beyond[:-1]
    bits[1:] += SWITCH * _meet(scripts, places) + RAISED * (upper[1:] & lower[:-1] & either)
    bits[2:] += SUNK * (lower[2:] & upper[1:-1] & upper[:-2] & (either[1:] | either[:-1]))
    return bits


def _meet(scripts: Sequence[str], places: Places) -> Bits:
    """Where a letter follows one of another script; Japanese mixes its own, accents that combine go with all."""
    kinds = {"none": 0, "mark": 0, "kana": 1, "han": 1}
    kinds |= {script: 2 + number for number, script in enumerate(dict.fromkeys(scripts)) if script not in kinds}
    kind = np.array([kinds[script] for script in scripts])[places]
    met: Bits = (kind[1:] != kind[:-1]) & (kind[1:] > 0) & (kind[:-1] > 0)
    return met


def sign_bits(left: str, sign: str, right: str) -> float:
    """Bits of a sign that is neither a letter nor plain ASCII, between two characters ("" at the edges)."""
    if sign < "\x80":
        return CONTROL
    before, after = _neighbour(left), _neighbour(right)
    between = BETWEEN_LETTERS if (before, after) == ("a", "a") else 0.0
    if sign in FITS:
        fits = (before, after) in FITS[sign] or (sign, before, after) in EASY
        return OTHERWISE.get(sign, FITTING) if fits else MISFIT + between
    if "\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uff9f" or sign == "・":
        wide = any("\u2e80" <= beside <= "\uffef" for beside in (left, right))
        return FULL_WIDTH if wide else MISFIT
    kind = unicodedata.category(sign)
    return (CONTROL if kind in ("Cc", "Co", "Cn") else OF_KIND.get(kind, RARE_SIGN)) + between


def _neighbour(sign: str) -> str:
    if sign.isalpha():
        return "a"
    return "0" if sign.isdigit() else " "
