"""Names of encodings."""

from __future__ import annotations

import codecs

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


def canonical_name(declared: str) -> str | None:
    """Python's name of a text encoding called `declared`, or None when there is no such encoding for files."""
    name = declared.strip().lower()
    try:
        info = codecs.lookup(OTHER_NAMES.get(name, name))
        "a".encode(info.name)  # codecs such as rot13 and hex are refused here with a LookupError
    except (LookupError, ValueError):
        return None
    return None if info.name in NOT_FOR_FILES else info.name
