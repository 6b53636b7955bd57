"""The secret of an API token: a word that scanners know by its beginning, and that tells a typing error by its end.

`dhp_`, 36 random characters, 6 that are the CRC-32 of those before. So a token in a repository is found by its shape
(as GitHub's are), and one that was cut or changed on its way is refused without asking the database. The checksum is
no protection: what a guesser lacks are 214 random bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "dhp_"
_ALPHABET = string.digits + string.ascii_letters
_RANDOM, _CHECK = 36, 6
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")


def new_secret() -> str:
    """A secret that nobody has."""
    word = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return word + _checksum(word)


def is_secret(text: str) -> bool:
    """Whether this is a secret of ours, whole and unchanged; not whether anybody has it."""
    return _FORM.fullmatch(text) is not None and _checksum(text[:-_CHECK]) == text[-_CHECK:]


def digest_of(secret: str) -> bytes:
    """What is kept of it: its SHA-256. Random secrets need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def _checksum(word: str) -> str:
    number, digits = zlib.crc32(word.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
