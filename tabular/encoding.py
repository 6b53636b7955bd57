"""Which encoding a text has, by evidence of all its bytes; and its UTF-8 copy.

The order: a byte order mark; what the publisher declared; strict UTF-8 over every byte; a guess, marked as one, and
refused where another reading is nearly as likely or where it reads as no language at all (docs/encoding.md).
A declaration is a hint, not the truth, in two cases only, both recorded in the evidence. Old clients declare what a
guesser told them about pure ASCII ("ISO-8859-2"): every byte reads the same in UTF-8, which is then the answer. And
bytes beyond ASCII that are all well-formed UTF-8 are UTF-8 whatever single-byte name was declared: real text in such an
encoding is not valid UTF-8 but by freak chance, while reading UTF-8 as ISO-8859-2 never fails and garbles every letter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular.charsets import canonical_name
from tabular.decoding import BadByte, Decoded, decode_all, has_any
from tabular.encodingfound import EncodingFound, EncodingRefused, refused
from tabular.finding import Finding
from tabular.hashing import Digest, Hasher
from tabular.magic import HEAD, binary_kind
from tabular.progress import Progress, Throttle
from tabular.samples import SEPARATORS

PIECE = 65_536  # decoding 4 MB pieces was measured four times slower on text beyond ASCII
MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
STATEFUL = ("iso2022", "hz")
# ISO-2022 is ASCII to the eye of any other test: it switches to another alphabet by escapes.
ESCAPES = (("iso2022_jp", re.compile(rb"\x1b\$[@B]")), ("iso2022_kr", re.compile(rb"\x1b\$\)C")))
C1_CONTROLS = re.compile(rb"[\x80-\x9f]")
FEW = 4
LATIN_1 = ("iso8859-1", "latin-1", "latin_1")


def detect_encoding(
    path: Path,
    declared: str | None = None,
    progress: Progress | None = None,
    resource: Mapping[str, Any] | None = None,
) -> EncodingFound | EncodingRefused:
    """The encoding of the whole file; every byte was decoded before it is called found. `progress` is told bytes.

    `resource` is the descriptor's, whose languages help to guess. A file of a known binary kind
    is refused with the rule `not-csv`; all else with `encoding-error`. Raises OSError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = binary_kind(head)
    if kind is not None:
        return EncodingRefused(Finding("not-csv", f"The file is {kind}, not a CSV."), {"binary": kind})
    evidence: dict[str, Any] = {"declared": declared} if declared else {}
    mark = next((name for start, name in MARKS if head.startswith(start)), None)
    if mark is not None:
        return _with_mark(path, mark, evidence, progress)
    utf8 = decode_all(path, "utf-8", progress)
    wide = _wide_pattern(head, valid_utf8=not isinstance(utf8, BadByte))
    if declared:
        found = _with_declaration(path, declared, utf8, wide, evidence, progress)
        if isinstance(found, EncodingFound) and _may_doubt(found):
            return _doubted(path, found, resource or {})
        return found
    if wide is not None and not isinstance(decode_all(path, wide, progress), BadByte):
        return EncodingFound(
            wide, "pattern", True, evidence | {"why": "every second byte or more is NUL, as in wide text"}
        )
    if isinstance(utf8, BadByte):
        return _guessed(path, head, utf8, evidence, resource or {})
    if utf8.escapes and (escaped := _by_escapes(path)):
        return EncodingFound(escaped, "pattern", True, evidence | {"why": "it switches alphabets by escapes"})
    return _utf8(utf8.surplus, evidence)


def _guessed(
    path: Path, head: bytes, bad: BadByte, evidence: dict[str, Any], resource: Mapping[str, Any]
) -> EncodingFound | EncodingRefused:
    # Imported here, as below: what it counts with takes a tenth of a second, and nearly all files are UTF-8.
    from tabular.undeclared import by_guess

    return by_guess(path, head, bad, evidence, resource)


def _doubted(path: Path, found: EncodingFound, resource: Mapping[str, Any]) -> EncodingFound:
    from tabular.undeclared import doubt

    return found.with_evidence(doubt(path, found.encoding, resource))


def _may_doubt(found: EncodingFound) -> bool:
    """Whether another encoding that keeps ASCII might be meant."""
    return found.source == "declared" and found.encoding not in WIDE and not found.encoding.startswith(STATEFUL)


def transcode(path: Path, encoding: str, destination: Path, progress: Progress | None = None) -> Digest:
    """Writes the text as UTF-8 without a byte order mark; returns the digest of what was written.

    Strict: no character is ever replaced. `progress` is told bytes written. Raises UnicodeDecodeError when `encoding`
    is not the one `detect_encoding` found, and OSError; a half-written destination is removed then.
    """
    hasher = Hasher()
    told = Throttle(progress)
    try:
        with path.open(encoding=encoding, newline="") as source, destination.open("wb") as out:
            while text := source.read(PIECE):
                piece = text.encode("utf-8")
                out.write(piece)
                hasher.update(piece)
                told(hasher.size)
    except (UnicodeError, OSError):
        destination.unlink(missing_ok=True)
        raise
    told.finish(hasher.size)
    return hasher.digest()


def _utf8(beyond_ascii: int, evidence: dict[str, Any]) -> EncodingFound:
    source = "utf-8" if beyond_ascii else "ascii"
    return EncodingFound("utf-8", source, True, evidence | {"continuation_bytes": beyond_ascii})


def _with_mark(
    path: Path, mark: str, evidence: dict[str, Any], progress: Progress | None
) -> EncodingFound | EncodingRefused:
    decoded = decode_all(path, mark, progress)
    if isinstance(decoded, BadByte):
        return refused(decoded, f"The file starts with the byte order mark of {mark.upper()}, but", evidence)
    return EncodingFound(mark, "mark", True, evidence | {"byte_order_mark": True})


def _with_declaration(
    path: Path,
    declared: str,
    utf8: Decoded | BadByte,
    wide: str | None,
    evidence: dict[str, Any],
    progress: Progress | None,
) -> EncodingFound | EncodingRefused:
    name = canonical_name(declared)
    if name in ("utf-8", "utf-8-sig", "ascii") and isinstance(utf8, BadByte):
        return refused(utf8, f"The file was declared to be {declared}, but", evidence)
    if not isinstance(utf8, BadByte) and not _needs_declaration(path, name, wide):
        return _overruled(name, utf8.surplus, evidence)
    if name is None:
        finding = Finding("encoding-error", f"The declared encoding {declared[:50]!r} is unknown.")
        return EncodingRefused(finding, evidence)
    if name in ("utf-16", "utf-32"):
        # Without a mark the declaration leaves the byte order open; Windows writes the little end first.
        name = wide if wide is not None and wide.startswith(name) else f"{name}-le"
    decoded = decode_all(path, name, progress)
    if isinstance(decoded, BadByte):
        return refused(decoded, f"The file was declared to be {declared}, but", evidence)
    return _declared(path, name, evidence, progress)


def _needs_declaration(path: Path, name: str | None, wide: str | None) -> bool:
    """Whether bytes that are valid UTF-8 must be read as declared all the same: wide text, and escape sequences."""
    if name is None:
        return False
    if name in WIDE:
        return wide is not None
    if name.startswith(STATEFUL):
        with path.open("rb") as file:
            head = file.read(HEAD)
        return b"\x1b" in head or b"~{" in head
    return False


def _overruled(name: str | None, beyond_ascii: int, evidence: dict[str, Any]) -> EncodingFound:
    found = _utf8(beyond_ascii, evidence)
    if name in ("utf-8", "utf-8-sig"):
        return found
    if not beyond_ascii:
        why = "the file is pure ASCII, which reads the same in UTF-8"
        return EncodingFound("utf-8", "ascii", True, found.evidence | {"overruled": why})
    why = "every byte beyond ASCII belongs to well-formed UTF-8, which other encodings do not produce"
    return EncodingFound("utf-8", "utf-8", beyond_ascii >= FEW, found.evidence | {"overruled": why})


def _declared(path: Path, name: str, evidence: dict[str, Any], progress: Progress | None) -> EncodingFound:
    """ISO-8859-1 with bytes 80..9F means Windows-1252, as every browser reads it: they are no letters in the first."""
    is_latin1 = name in LATIN_1 and has_any(path, C1_CONTROLS)
    if is_latin1 and not isinstance(decode_all(path, "cp1252", progress), BadByte):
        why = "bytes 80 to 9F are control characters in ISO-8859-1 and letters or quotes in Windows-1252"
        return EncodingFound("cp1252", "declared", True, evidence | {"overruled": why})
    return EncodingFound(name, "declared", True, evidence)


def _by_escapes(path: Path) -> str | None:
    for name, pattern in ESCAPES:
        if has_any(path, pattern) and not isinstance(decode_all(path, name), BadByte):
            return name
    return None


def _wide_pattern(head: bytes, valid_utf8: bool) -> str | None:
    """UTF-16 or UTF-32 without a mark: NUL bytes at regular places. A few stray NULs in a text are no such pattern."""
    nuls = head.count(b"\x00")
    if nuls * (5 if valid_utf8 else 50) < len(head) or len(head) < 4:
        return None
    at = [head[start::4].count(b"\x00") * 4 / len(head) for start in range(4)]
    if min(at[2], at[3]) > 0.9 and at[0] < 0.5:
        return "utf-32-le"
    if min(at[0], at[1]) > 0.9 and at[3] < 0.5:
        return "utf-32-be"
    # The side of the NULs alone does not tell: U+AC00 is a common syllable in Korean, U+4E00 is one in Chinese.
    pairs = list(zip(head[::2], head[1::2], strict=False))
    little = sum(low in SEPARATORS and not high for low, high in pairs)
    big = sum(low in SEPARATORS and not high for high, low in pairs)
    if max(little, big) <= 8 * min(little, big):
        return None
    return "utf-16-be" if big > little else "utf-16-le"
