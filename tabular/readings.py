"""The readings that a sample of bytes allows: what text it is in every encoding, and how many bits that text costs.

The measure is that of a telegraph clerk who knows 41 languages: the fewer bits a text costs, the likelier it was
written. A cell may be in any language; a table rarely mixes many, so the languages' shares are told from all cells, and
to name the first of them costs bits as well: few, where the file's plain words or its descriptor speak it.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tabular.letters import Bits, at_home, bits_in, model
from tabular.signs import bits_of_signs

# What writes the encodings: programs of Windows and web pages, then other systems of their time, by the bits that it
# takes to believe one. An encoding whose text equals that of an earlier one is not looked at.
WRITTEN_BY = (
    (0.0, "cp1252 cp1250 cp1251 cp932 gb18030 cp950 cp949 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874"),
    (2.0, "iso8859-1 iso8859-2 iso8859-15 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-13"),
    (2.0, "koi8-r koi8-u euc_jp"),
    (6.0, "mac-roman cp850 cp437 cp852 cp866 cp862 cp737 cp857 cp775 mac-latin2 mac-cyrillic mac-greek mac-turkish"),
    (8.0, "iso8859-4 iso8859-16 iso8859-10 iso8859-14 iso8859-3 cp858 cp855 cp860 cp861 cp863 cp865 cp864 cp869"),
    (10.0, "mac-iceland mac-croatian mac-romanian cp720 cp1125 johab big5hkscs euc_jis_2004 iso8859-11"),
)
SETTLED = 3  # rounds after which the shares of the languages hardly move
LEAST_SHARE = 0.002


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that the sample may be: its bits, the likeliest language, the encodings that give this text."""

    text: str
    bits: float
    language: str
    encodings: tuple[str, ...]


def encodings() -> list[str]:
    """All encodings that a reading may be in, under Python's names."""
    return [codecs.lookup(name).name for _, names in WRITTEN_BY for name in names.split()]


def readings(sample: bytes, hints: Mapping[str, float], excluded: frozenset[str] = frozenset()) -> list[Reading]:
    """The readings of lines of bytes, the cheapest first. `hints` are shares of languages, of what else is known;
    `excluded` are encodings not to be tried.

    Readings whose signs alone cost more than another reading altogether are left out.
    """
    start = np.array([hints.get(name, 0.0) + LEAST_SHARE for name in model().names()])
    texts: dict[str, list[str]] = {}
    surprises: dict[str, float] = {}
    for surprise, names in WRITTEN_BY:
        for name in (codecs.lookup(word).name for word in names.split()):
            if name not in excluded and (text := decode(sample, name)) is not None:
                texts.setdefault(text, []).append(name)
                surprises.setdefault(text, surprise)
    parsed = sorted((_Parsed(text) for text in texts), key=lambda one: one.least)
    found: list[Reading] = []
    best = float("inf")
    for one in parsed:
        if one.least <= best:
            weights, bits = settle(one.costs(), start[one.languages] / start.sum())
            language = one.languages[int(np.argmax(weights))]
            bits += surprises[one.text] + float(np.log2(start.sum() / start[language]))
            best = min(best, bits)
            found.append(Reading(one.text, bits, model().names()[language], tuple(texts[one.text])))
    return sorted(found, key=lambda reading: reading.bits)


def shares(lines: Sequence[str]) -> dict[str, float]:
    """The share of each language in texts whose encoding is known, such as those of a descriptor."""
    one = _Parsed("\n".join(lines))
    weights, _ = settle(one.costs(), np.full(len(one.languages), 1 / len(one.languages)))
    return {model().names()[place]: float(weight) for place, weight in zip(one.languages, weights, strict=True)}


def decode(sample: bytes, encoding: str) -> str | None:
    """The text of the sample; None where the encoding does not allow it."""
    try:
        return codecs.decode(sample, encoding)
    except UnicodeDecodeError:
        return None


class _Parsed:
    """A text as numbers; `least` is what it costs in any language, `languages` are the places of those it may be in."""

    def __init__(self, text: str) -> None:
        self.text = text
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        known, self._places = np.unique(codes, return_inverse=True)
        self._signs = [chr(code) for code in known]
        self._starts = np.concatenate(([0], np.flatnonzero(codes == ord("\n")) + 1))
        self._common = bits_of_signs(text, self._signs, self._places)
        self.least = float(self._common.sum())

        self.languages = at_home(self._signs)

    def costs(self) -> Bits:
        """Bits of each line in each of the languages: a row a language."""
        lower = [sign.lower()[:1] for sign in self._signs]
        known = (bits_in(model().languages[place], lower, self._places) for place in self.languages)
        return np.stack([np.add.reduceat(self._common + bits, self._starts) for bits in known])


def settle(costs: Bits, start: Bits) -> tuple[Bits, float]:
    """The shares of the languages by which the lines cost least, and that cost: expectation and maximisation."""
    weights = start
    for _ in range(SETTLED):
        logs = np.log2(weights)[:, None] - costs
        best = logs.max(axis=0)
        likely = np.exp2(logs - best)
        totals = likely.sum(axis=0)
        weights = ((likely / totals).sum(axis=1) + start) / (costs.shape[1] + 1)
    return weights, float(-(best + np.log2(totals)).sum())
