"""Names of encodings, and the guess of one for text that is not UTF-8."""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass
from typing import Any

# Codecs of Python that are no character encodings of files, or that depend on the machine.
NOT_FOR_FILES = {
    "idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs", "oem", "palmos",
}  # fmt: skip
# What chardet and browsers call encodings that Python knows by another name.
OTHER_NAMES = {
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-gbk": "gbk",
    "windows-31j": "cp932",
    "ks_c_5601-1987": "cp949",
    "windows-874": "cp874",
    "x-sjis": "cp932",
    "utf8mb4": "utf-8",
    "ansi": "cp1252",
}
# In the order of preference when the evidence is even: what spreadsheets write comes first.
CANDIDATES = (
    "cp1252", "cp1250", "cp1251", "cp932", "gb18030", "big5", "cp949", "euc_jp", "koi8_r", "cp1253", "cp1254",
    "cp1255", "cp1256", "cp1257", "iso8859_2", "mac_roman", "cp866", "cp850", "cp437", "cp874", "koi8_u", "iso8859_7",
)  # fmt: skip
EVEN = 0.02
# Kinds of signs that do not stand beside a letter. Quotes and dashes do.
ODD = {"Sc", "Sm", "Sk", "So", "No", "Nl", "Po"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoding the text may have: `confidence` from 0 to 1, and how the first other letters would read."""

    encoding: str
    confidence: float
    sample: str

    def to_dict(self) -> dict[str, Any]:
        """JSON object of the three."""
        return {"encoding": self.encoding, "confidence": self.confidence, "sample": self.sample}


def canonical_name(declared: str) -> str | None:
    """Python's name of a text encoding called `declared`, or None when there is no such encoding for files."""
    name = declared.strip().lower()
    try:
        info = codecs.lookup(OTHER_NAMES.get(name, name))
        "a".encode(info.name)  # codecs such as rot13 and hex are refused here with a LookupError
    except (LookupError, ValueError):
        return None
    return None if info.name in NOT_FOR_FILES else info.name


def guess(sample: bytes, limit: int = 5) -> list[Candidate]:
    """The likeliest encodings of `sample`, best first: whole lines that hold bytes beyond ASCII.

    charset-normalizer judges; on even evidence the commoner encoding is preferred, because its order among equals
    changes with the length of the sample (cp775 was seen for 64 KB of Latin-1).
    """
    from charset_normalizer import from_bytes

    matches = from_bytes(
        sample,
        cp_isolation=list(CANDIDATES),
        threshold=0.5,
        enable_fallback=False,
        preemptive_behaviour=False,
    )
    found: dict[str, Candidate] = {}
    for match in matches:
        shown = _sample(str(match))
        for name in [match.encoding, *match.could_be_from_charset]:
            if name in CANDIDATES and name not in found:
                score = max(0.0, 1 - match.chaos) * (0.5 + 0.5 * match.coherence) * (1 - 0.5 * _oddness(str(match)))
                found[name] = Candidate(name, round(score, 3), shown)
    return sorted(found.values(), key=_rank)[:limit]


def _oddness(text: str) -> float:
    """The share of signs beyond ASCII that stand in the middle of words, as in "£ukasz": there belong letters."""
    odd = total = 0
    for index, sign in enumerate(text):
        if ord(sign) > 127:
            total += 1
            beside = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
            odd += not sign.isalpha() and unicodedata.category(sign) in ODD and any(map(str.isalpha, beside))
    return odd / total if total else 0.0


def _rank(candidate: Candidate) -> tuple[float, int]:
    return (-round(candidate.confidence / EVEN), CANDIDATES.index(candidate.encoding))


def _sample(text: str) -> str:
    line = next((line for line in text.splitlines() if not line.isascii()), text)
    at = next((index for index, letter in enumerate(line) if ord(letter) > 127), 0)
    return line[max(0, at - 40) : at + 60]
