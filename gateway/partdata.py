"""The requests about an upload in parts: which file, which parts, and what each of them is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.filedata import SHA256, md5_of
from gateway.problems import Fault, Problem
from gateway.uploadid import OpenUpload
from messages.multipart import LARGEST, MOST_PARTS, SMALLEST, Part
from tabular.paths import path_problem

LARGEST_FILE = 5 * 1024**4
"""Bytes of one object, however it comes (Amazon S3)."""
MOST_URLS = 100
"""Parts that are signed for in one answer."""
MOST_FAULTS = 100
_KEYS = frozenset(("path", "length", "sha256", "part_size", "parts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedUpload:
    """A file that somebody wants to send in parts, and all of these."""

    path: str
    length: int
    sha256: str
    part_size: int
    parts: tuple[Part, ...]


def read_upload(body: dict[str, Any]) -> WantedUpload:
    """`file` of a body: `{path, length, sha256, part_size, parts: [{md5, sha256}]}`; raises Problem 422 that names
    everything wrong with it."""
    file = body.get("file")
    if not isinstance(file, dict):
        raise _refused([Fault(detail="`file` must be an object.", rule="not-an-object", pointer="#/file")])
    faults = list(_faults(file))
    if faults:
        raise _refused(faults)
    length, part_size = file["length"], file["part_size"]
    sizes = [min(part_size, length - start) for start in range(0, length, part_size)]
    parts = _parts(file["parts"], sizes, "#/file/parts")
    return WantedUpload(
        path=file["path"], length=length, sha256=file["sha256"], part_size=part_size, parts=tuple(parts)
    )


def read_parts(body: dict[str, Any], upload: OpenUpload) -> list[Part]:
    """`parts` of a body, all of the upload's in order; raises Problem 422."""
    return _parts(body.get("parts"), [upload.size_of(number) for number in range(1, upload.count + 1)], "#/parts")


def read_some_parts(body: dict[str, Any], upload: OpenUpload) -> list[Part]:
    """`parts` of a body, some of the upload's with their `number`s; raises Problem 422."""
    entries = body.get("parts")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_URLS:
        text = f"`parts` must be a list of 1 to {MOST_URLS} parts."
        raise _refused([Fault(detail=text, rule="bad-parts", pointer="#/parts")])
    faults: list[Fault] = []
    parts = []
    for index, entry in enumerate(entries):
        number = entry.get("number") if isinstance(entry, dict) else None
        if type(number) is not int or not 1 <= number <= upload.count:
            text = f"`number` must be a whole number from 1 to {upload.count:,}."
            faults.append(Fault(detail=text, rule="bad-number", pointer=f"#/parts/{index}/number"))
            continue
        parts += _hashed([(number, upload.size_of(number), f"#/parts/{index}", entry)], faults)
    if faults:
        raise _refused(faults)
    return parts


def _faults(file: dict[str, Any]) -> Iterator[Fault]:
    for name in sorted(file.keys() - _KEYS)[:20]:
        yield Fault(detail=f"{name[:80]!r} is nothing that is said of a file.", rule="unknown-field", pointer="#/file")
    path, length, part_size = file.get("path"), file.get("length"), file.get("part_size")
    if not isinstance(path, str):
        yield Fault(detail="`path` must be the file's path in the package.", rule="bad-path", pointer="#/file/path")
    elif problem := path_problem(path):
        yield Fault(detail=problem.message, rule=problem.rule, pointer="#/file/path")
    if type(length) is not int or not 1 <= length <= LARGEST_FILE:
        text = f"`length` must be the file's size in bytes, a whole number from 1 to {LARGEST_FILE:,}."
        yield Fault(detail=text, rule="bad-length", pointer="#/file/length")
        length = LARGEST_FILE
    if not (isinstance(sha256 := file.get("sha256"), str) and SHA256.fullmatch(sha256)):
        text = "`sha256` must be 64 lower-case hexadecimal digits: the file's key is made of it."
        yield Fault(detail=text, rule="bad-sha256", pointer="#/file/sha256")
    smallest = max(SMALLEST, -(-length // MOST_PARTS))
    if type(part_size) is not int or not SMALLEST <= part_size <= LARGEST:
        text = f"`part_size` must be a whole number of bytes from {SMALLEST:,} to {LARGEST:,}."
        yield Fault(detail=text, rule="bad-part-size", pointer="#/file/part_size")
    elif part_size < smallest and length < LARGEST_FILE:
        text = f"a file of {length:,} bytes needs parts of at least {smallest:,}: {MOST_PARTS:,} are the most."
        yield Fault(detail=text, rule="bad-part-size", pointer="#/file/part_size")


def _parts(entries: object, sizes: list[int], pointer: str) -> list[Part]:
    if not isinstance(entries, list) or len(entries) != len(sizes):
        text = f"`parts` must have the hashes of all {len(sizes):,} parts, in order."
        raise _refused([Fault(detail=text, rule="bad-parts", pointer=pointer)])
    faults: list[Fault] = []
    numbered = [
        (number, size, f"{pointer}/{number - 1}", entry)
        for number, (size, entry) in enumerate(zip(sizes, entries, strict=True), 1)
    ]
    parts = _hashed(numbered, faults)
    if faults:
        raise _refused(faults)
    return parts


def _hashed(numbered: list[tuple[int, int, str, Any]], faults: list[Fault]) -> list[Part]:
    """The parts whose entry has both hashes; `faults` gets what is wrong with others."""
    parts = []
    for number, size, pointer, entry in numbered:
        md5, sha256 = (entry.get("md5"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
        digest = md5_of(md5)
        if digest is None:
            text = f"part {number:,}: `md5` must be the base64 of the 16 bytes of the MD5."
            faults.append(Fault(detail=text, rule="bad-md5", pointer=f"{pointer}/md5"))
        elif not (isinstance(sha256, str) and SHA256.fullmatch(sha256)):
            text = f"part {number:,}: `sha256` must be 64 lower-case hexadecimal digits."
            faults.append(Fault(detail=text, rule="bad-sha256", pointer=f"{pointer}/sha256"))
        else:
            parts.append(Part(number, size, digest, sha256))
    return parts


def _refused(faults: list[Fault]) -> Problem:
    return Problem(422, "invalid-upload", "The file cannot be uploaded like this.", faults=faults[:MOST_FAULTS])
