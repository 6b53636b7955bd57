"""Writes tabular/letters.json: which letters follow which in 41 languages, for the guess of an encoding.

    pip install django wagtail babel mimesis; python -m bench.letters

Counted from what four packages carry for their users: the translations of Django and Wagtail (BSD), the names of
countries, languages, currencies and cities of Unicode's CLDR in Babel (Unicode licence, BSD), the names, places and
sentences of Mimesis (MIT). None is needed afterwards: the counts are the model, the texts are not kept.
"""

from __future__ import annotations

import gettext
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "tabular" / "letters.json"
# Our name of a language, and where the packages differ from it.
ALPHABETIC = {
    "LATIN": "en de fr es pt it nl ca da sv no fi et lv lt is pl cs sk hu ro hr sl sr-latn tr vi",
    "CYRILLIC": "ru uk be bg mk sr",
    "GREEK": "el",
    "HEBREW": "he",
    "ARABIC": "ar fa",
    "THAI": "th",
}
IDEOGRAPHIC = ("zh-hans", "zh-hant", "ja", "ko")
OTHER_NAMES = {
    "no": ("nb", "no"),
    "sr-latn": ("sr_Latn",),
    "zh-hans": ("zh_Hans", "zh"),
    "zh-hant": ("zh_Hant",),
    "pt": ("pt", "pt_BR", "pt_PT", "pt-br"),
    "he": ("he", "he_IL"),
    "hr": ("hr", "hr_HR"),
    "is": ("is", "is_IS"),
    "sk": ("sk", "sk_SK"),
    "tr": ("tr", "tr_TR"),
}
MARKUP = re.compile(r"%\(\w+\)\w|%\w|\{[^}]*\}|<[^>]*>|https?://\S+|&\w+;")
# As the encodings of the time could write it: Persian's yeh and kaf, Romanian's comma below.
BEFORE_UNICODE = str.maketrans({"ی": "ي", "ș": "ş", "ț": "ţ", "Ș": "Ş", "Ț": "Ţ", "İ": "i"})
RARE = 3e-5  # a letter's share from which it belongs to a language, names of foreign places included
RAREST = 15


def main() -> None:
    """Counts and writes."""
    model = {
        "about": "Written by bench/letters.py from the translations of Django, Wagtail, CLDR and Mimesis. `bits`: a row"
        " for each letter, and in it a hexadecimal digit for each letter that may follow: -log2 of its share, 15 at the"
        " most; the blank is the edge of a word. `characters`: -log2 of the character's share of a text.",
        "alphabets": {
            language: alphabet(words(texts(language)), script)
            for script, languages in ALPHABETIC.items()
            for language in languages.split()
        },
        "characters": {language: characters(texts(language)) for language in IDEOGRAPHIC},
    }
    TARGET.write_text(json.dumps(model, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def alphabet(counts: Counter[str], script: str) -> dict[str, Any]:
    """The letters of a language, and how many bits it costs that one follows another."""
    single: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for word, count in counts.items():
        weight = 1 + math.log2(count)
        for first, second in zip(f" {word}", f"{word} ", strict=True):
            pairs[first, second] += weight  # type: ignore[assignment]
            single[second] += weight  # type: ignore[assignment]
    own = {letter: count for letter, count in single.items() if letter != " " and of_script(letter, script)}
    enough = RARE * sum(own.values())
    letters = " " + "".join(sorted(letter for letter, count in own.items() if count > enough))
    shares = {letter: (single[letter] + 0.1) / single.total() for letter in letters}
    return {"letters": letters, "bits": [_row(first, letters, pairs, shares) for first in letters]}


def of_script(letter: str, script: str) -> bool:
    """Whether a letter, or the mark of a tone, belongs to a script."""
    name = unicodedata.name(letter, "")
    return name.startswith(script) or (name.startswith("COMBINING") and script == "LATIN")


def _row(first: str, letters: str, pairs: Counter[tuple[str, str]], shares: dict[str, float]) -> str:
    """Shares as counted, mixed with the second letter's own share as far as the first is rare."""
    total = sum(pairs[first, second] for second in letters)
    return "".join(f"{_bits((pairs[first, second] + 5 * shares[second]) / (total + 5)):x}" for second in letters)


def characters(lines: Iterable[str]) -> dict[str, str]:
    """Characters of a language by the bits that each costs; the rare ones are left out."""
    counts = Counter(letter for line in lines for letter in line if ord(letter) > 0x2E80 and letter.isalpha())
    groups: dict[str, str] = {}
    for letter, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count > 1:
            bits = str(_bits(count / counts.total()))
            groups[bits] = groups.get(bits, "") + letter
    return groups


def _bits(share: float) -> int:
    return min(RAREST, round(-math.log2(share)))


def words(lines: Iterable[str]) -> Counter[str]:
    """Words in small letters."""
    return Counter(
        word for line in lines for word in re.findall(r"(?:[^\W\d_]|[\u0300-\u036f\u0e30-\u0e4e])+", line.lower())
    )


def texts(language: str) -> Iterator[str]:
    """Everything that the packages have in a language, a phrase at a time."""
    names = OTHER_NAMES.get(language, (language,))
    for name in names:
        for package in ("django", "wagtail"):
            for path in sorted(_folder(package).glob(f"**/locale/{name}/LC_MESSAGES/*.mo")):
                with path.open("rb") as file:
                    catalog: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
                yield from (
                    _plain(phrase, language) for source, phrase in catalog.items() if source and phrase != source
                )
        for path in sorted((_folder("mimesis") / "datasets" / name).glob("*.json")):
            yield from (_plain(phrase, language) for phrase in _strings(json.loads(path.read_text(encoding="utf-8"))))
    yield from (_plain(phrase, language) for phrase in _strings(_cldr(names[0])))


def _cldr(name: str) -> Any:
    locale = import_module("babel").Locale.parse(name.replace("-", "_"))
    parts = ("territories", "languages", "scripts", "currencies", "months", "days", "time_zones", "variants")
    return [json.loads(json.dumps(getattr(locale, part), default=dict)) for part in parts]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _plain(phrase: str, language: str) -> str:
    text = unicodedata.normalize("NFC", MARKUP.sub(" ", phrase)).translate(BEFORE_UNICODE)
    return vietnamese(text) if language == "vi" else text


def vietnamese(text: str) -> str:
    """As Windows-1258 writes it: the tone as a mark of its own, except on the letters that French has too."""
    return "".join(letter if _in_1258(letter) else _tone_apart(letter) for letter in text)


def _in_1258(letter: str) -> bool:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True


def _tone_apart(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    tones = "".join(mark for mark in parts[1:] if mark in "\u0300\u0301\u0303\u0309\u0323")
    return unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in tones)) + tones


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is needed: pip install django wagtail babel mimesis")
    return Path(spec.origin).parent


if __name__ == "__main__":
    main()
