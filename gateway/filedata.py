"""The request for upload forms: which files, how long, which hashes."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.problems import Fault, Problem
from tabular.paths import path_problem

MOST_FILES = 1_000
LARGEST = 5 * 1024**3
"""Bytes: S3 takes no more in one POST form."""
KEYS = frozenset(("length", "md5", "sha256", "name", "type"))
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file somebody wants to upload; hashes in hex."""

    path: str
    length: int
    md5: str
    sha256: str | None


def read_filedata(filedata: object) -> list[WantedFile]:
    """The files of `{path: {length, md5, sha256?}}`; raises Problem 422 that names everything wrong with them."""
    if not isinstance(filedata, dict) or not filedata:
        raise _refused([Fault(detail="`filedata` must name at least one file.", rule="no-files", pointer="#/filedata")])
    if len(filedata) > MOST_FILES:
        text = f"{len(filedata):,} files are asked for; {MOST_FILES:,} at a time is the limit."
        raise _refused([Fault(detail=text, rule="too-many-files", pointer="#/filedata")])
    faults = [fault for path, entry in filedata.items() for fault in _faults(path, entry)]
    faults += _twins(filedata)
    if faults:
        raise _refused(faults)
    return [
        WantedFile(path=path, length=entry["length"], md5=md5_of(entry["md5"]) or "", sha256=entry.get("sha256"))
        for path, entry in filedata.items()
    ]


def _faults(path: str, entry: object) -> Iterator[Fault]:
    here = f"#/filedata/{_escape(path)}"
    if problem := path_problem(path):
        yield Fault(detail=problem.message, rule=problem.rule, pointer=here)
    if not isinstance(entry, dict):
        yield Fault(detail=f"{path!r} needs an object with `length` and `md5`.", rule="not-an-object", pointer=here)
        return
    for name in sorted(entry.keys() - KEYS)[:20]:
        text = f"{path!r}: {name[:80]!r} is nothing that is said of a file."
        yield Fault(detail=text, rule="unknown-field", pointer=here)
    length = entry.get("length")
    if type(length) is not int or length < 1:
        text = f"{path!r}: `length` must be the file's size in bytes, a whole number from 1 (no empty files)."
        yield Fault(detail=text, rule="bad-length", pointer=f"{here}/length")
    elif length > LARGEST:
        text = f"{path!r} has {length:,} bytes; a file may have {LARGEST:,}."
        yield Fault(detail=text, rule="too-large", pointer=f"{here}/length")
    if md5_of(entry.get("md5")) is None:
        text = f"{path!r}: `md5` must be the base64 of the 16 bytes of the MD5."
        yield Fault(detail=text, rule="bad-md5", pointer=f"{here}/md5")
    sha256 = entry.get("sha256")
    if sha256 is not None and not (isinstance(sha256, str) and SHA256.fullmatch(sha256)):
        text = f"{path!r}: `sha256` must be 64 lower-case hexadecimal digits."
        yield Fault(detail=text, rule="bad-sha256", pointer=f"{here}/sha256")


def md5_of(text: object) -> str | None:
    """The hash in hex, where it is written in the one canonical way."""
    if not isinstance(text, str):
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == 16 and base64.b64encode(digest).decode() == text else None


def _twins(filedata: Mapping[str, Any]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for path in filedata:
        other = seen.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if other != path:
            text = f"{path!r} and {other!r} are one file where case or the form of Unicode does not count."
            yield Fault(detail=text, rule="duplicate-path", pointer=f"#/filedata/{_escape(path)}")


def _escape(path: str) -> str:
    return path[:200].replace("~", "~0").replace("/", "~1")


def _refused(faults: list[Fault]) -> Problem:
    return Problem(422, "invalid-filedata", "The files asked for cannot be uploaded like this.", faults=faults[:100])
