"""Tables as programs wrote them before UTF-8, in many languages and encodings, of several kinds and lengths.

Names, places, firms and trades come from Faker, sentences from sentences.tsv. Both are halved by a hash: what a `tune`
table says, no `held-out` table says, and their seeds differ.
"""

from __future__ import annotations

import csv
import io
import itertools
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faker import Faker

SENTENCES = Path(__file__).parent / "sentences.tsv"
# Faker's locale ("" where it has none), and what was written in the language: Windows, Unix, Macintosh, DOS.
WESTERN = "cp1252 iso8859-15 mac-roman cp850"
CENTRAL = "cp1250 iso8859-2 mac-latin2 cp852"
BALTIC = "cp1257 iso8859-13 iso8859-4 cp775"
CYRILLIC = "cp1251 iso8859-5 mac-cyrillic"
LANGUAGES = {
    "de": ("de_DE", f"{WESTERN} cp437"),
    "fr": ("fr_FR", f"{WESTERN} cp863"),
    "es": ("es_ES", f"{WESTERN} cp437"),
    "pt": ("pt_PT", f"{WESTERN} cp860"),
    "it": ("it_IT", WESTERN),
    "nl": ("nl_NL", WESTERN),
    "da": ("da_DK", f"{WESTERN} cp865"),
    "sv": ("sv_SE", WESTERN),
    "no": ("no_NO", f"{WESTERN} cp865"),
    "fi": ("fi_FI", WESTERN),
    "is": ("is_IS", "cp1252 iso8859-1 mac-iceland cp861"),
    "et": ("et_EE", f"cp1252 {BALTIC}"),
    "lv": ("lv_LV", BALTIC),
    "lt": ("lt_LT", BALTIC),
    "pl": ("pl_PL", CENTRAL),
    "cs": ("cs_CZ", CENTRAL),
    "sk": ("sk_SK", CENTRAL),
    "hu": ("hu_HU", CENTRAL),
    "ro": ("ro_RO", "cp1250 iso8859-2 cp852 iso8859-16"),
    "hr": ("hr_HR", "cp1250 iso8859-2 cp852 mac-croatian"),
    "sl": ("sl_SI", "cp1250 iso8859-2 cp852"),
    "sr-latn": ("", "cp1250 iso8859-2 cp852"),
    "tr": ("tr_TR", "cp1254 iso8859-9 mac-turkish cp857"),
    "vi": ("vi_VN", "cp1258"),
    "ru": ("ru_RU", f"{CYRILLIC} koi8-r cp866 cp855"),
    "uk": ("uk_UA", f"{CYRILLIC} koi8-u cp1125"),
    "be": ("", CYRILLIC),
    "bg": ("bg_BG", f"{CYRILLIC} cp855"),
    "sr": ("", f"{CYRILLIC} cp855"),
    "mk": ("mk_MK", CYRILLIC),
    "el": ("el_GR", "cp1253 iso8859-7 mac-greek cp737 cp869"),
    "he": ("he_IL", "cp1255 iso8859-8 cp862"),
    "ar": ("ar_SA", "cp1256 iso8859-6 cp720"),
    "fa": ("fa_IR", "cp1256"),
    "th": ("th_TH", "cp874 tis-620"),
    "ja": ("ja_JP", "cp932 euc_jp iso2022_jp utf-16-le"),
    "zh-hans": ("zh_CN", "gb18030 gbk gb2312 utf-16-le"),
    "zh-hant": ("zh_TW", "big5 cp950 utf-16-be"),
    "ko": ("ko_KR", "cp949 euc_kr johab utf-16-le"),
}
# As a keyboard of the time typed it: Persian's yeh and kaf, Romanian's commas, Vietnam's tones (in `typed`).
BEFORE_UNICODE = str.maketrans({"ی": "ي", "ک": "ک", "ș": "ş", "ț": "ţ", "Ș": "Ş", "Ț": "Ţ"})
SIZES = (200, 2_000, 20_000, 1_000_000)
BIG = 1_000_000  # of these one kind for each language and encoding
POOL = 240
Words = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Legacy:
    """A table: its bytes in an encoding, and the text that they are. `accents` says where they stand."""

    language: str
    encoding: str
    kind: str
    accents: str
    size: int
    content: bytes
    text: str

    @property
    def name(self) -> str:
        return f"{self.language} {self.encoding} {self.kind} {self.accents} {self.size:,}"


def tables(half: str, seed: int, sizes: tuple[int, ...] = SIZES) -> Iterator[Legacy]:
    """Every language in every of its encodings: each kind of table in each size, the accents everywhere or late."""
    for language, (_, encodings) in LANGUAGES.items():
        for encoding, kind, size in itertools.product(encodings.split(), KINDS, sizes):
            if size >= BIG and zlib.crc32(f"{language} {encoding}".encode()) % len(KINDS) != list(KINDS).index(kind):
                continue
            source = random.Random(f"{seed} {language} {encoding} {kind} {size}")
            accents = source.choice(("all over", "late", "rare")) if size >= 20_000 else "all over"
            made = table(half, language, encoding, kind, accents, size, source)
            if made is not None:
                yield made


def table(
    half: str, language: str, encoding: str, kind: str, accents: str, size: int, source: random.Random
) -> Legacy | None:
    """One table; None where the words chosen happen to be plain ASCII, or none can be written in the encoding."""
    known = _writable(language, half, encoding)
    if not all(known.values()):
        return None
    plain = words("en", half)
    text, rows = io.StringIO(), KINDS[kind]
    out = csv.writer(text, delimiter=source.choice(",,;;\t"), lineterminator=source.choice(("\n", "\r\n")))
    out.writerow(["id", *(f"column_{number}" for number in range(len(rows(1, known, source)) - 1))])
    number, quiet = 0, {"all over": 0.0, "late": size * 0.9, "rare": size * 0.97}[accents]
    while text.tell() < size:
        number += 1
        loud = text.tell() >= quiet or (accents == "rare" and number % 400 == 0)
        out.writerow(rows(number, known if loud else plain, source))
    written = text.getvalue()
    if written.isascii():
        return None
    return Legacy(language, encoding, kind, accents, size, written.encode(encoding), written)


@cache
def words(language: str, half: str) -> Words:
    """What a language's tables say: names, places, firms, trades, sentences of one half."""
    sentences = [
        line.split("\t")[1] for line in SENTENCES.read_text("utf-8").splitlines() if line.startswith(f"{language}\t")
    ]
    kept = sentences[half == "tune" :: 2]
    locale = "en_US" if language == "en" else LANGUAGES[language][0]
    if not locale:
        own = [word.strip(".,;") for word in " ".join(kept).split() if len(word) > 3]
        return {"name": own, "place": own, "firm": own, "trade": own, "sentence": kept}
    fake = Faker(locale)
    fake.seed_instance(4711)
    makers = {"name": fake.name, "place": fake.city, "firm": fake.company, "trade": fake.job}
    made = {name: [typed(language, word) for word in _half(maker, half)] for name, maker in makers.items()}
    return made | {"sentence": [typed(language, sentence) for sentence in kept] or ["A plain sentence of no matter."]}


def _half(maker: Callable[[], str], half: str) -> list[str]:
    unique = dict.fromkeys(maker() for _ in range(POOL))
    return [word for word in unique if (zlib.crc32(word.encode()) % 2 == 0) == (half == "tune")] or list(unique)


def typed(language: str, text: str) -> str:
    """The text as it could be written at all before Unicode."""
    from bench.letters import vietnamese

    return vietnamese(text) if language == "vi" else text.translate(BEFORE_UNICODE)


@cache
def _writable(language: str, half: str, encoding: str) -> Words:
    return {
        name: [word for word in listed if word.encode(encoding, "ignore").decode(encoding) == word]
        for name, listed in words(language, half).items()
    }


def _numbers(number: int, known: Words, source: random.Random) -> list[str]:
    place = source.choice(known["place"]) if number % 3 == 1 else "x" * source.randint(2, 6)
    return [
        str(number),
        f"{source.random() * 1000:.2f}",
        str(source.randint(0, 10**6)),
        place,
        f"{source.random():.4f}",
    ]


def _people(number: int, known: Words, source: random.Random) -> list[str]:
    return [str(number), *(source.choice(known[name]) for name in ("name", "place", "trade"))]


def _remarks(number: int, known: Words, source: random.Random) -> list[str]:
    return [str(number), source.choice(known["firm"]), source.choice(known["sentence"])]


KINDS: dict[str, Callable[[int, Words, random.Random], list[str]]] = {
    "numbers": _numbers,
    "people": _people,
    "remarks": _remarks,
}
