"""JSON as RFC 8259 and PostgreSQL's jsonb both understand it; everything else is refused by name.

Python's parser takes `NaN`, keeps the last of two equal keys, passes lone surrogates on and ends deep nesting with a
RecursionError. None of that may come through the door.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_BYTES = 10_000_000
# A string that never ends reaches to the end: the parser will not get past it either.
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class StrictJSONError(ValueError):
    """The bytes are not acceptable JSON. `code` is a stable kebab-case name, the message a plain sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parse(data: bytes, max_depth: int = MAX_DEPTH, max_bytes: int = MAX_BYTES) -> Any:
    """The value of a JSON text in UTF-8.

    Raises StrictJSONError with the code `too-large`, `bom`, `invalid-utf8`, `too-deep`, `syntax`, `not-a-number`
    (NaN, Infinity), `number-out-of-range` (1e400), `number-too-long`, `duplicate-key`, `lone-surrogate` or
    `nul-character`.
    """
    if len(data) > max_bytes:
        raise StrictJSONError("too-large", f"The JSON text has {len(data):,} bytes; the limit is {max_bytes:,}.")
    text = _decode(data)
    # Before parsing: the parser recurses, and a hundred thousand brackets would cost its whole stack.
    if _depth(data) > max_depth:
        raise StrictJSONError("too-deep", f"The JSON text is nested deeper than {max_depth} levels.")
    value = _load(text)
    if SUSPECT_ESCAPE.search(data):
        _check_characters(value)
    return value


def _decode(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise StrictJSONError("bom", "The JSON text starts with a byte order mark; RFC 8259 forbids it.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJSONError("invalid-utf8", f"The JSON text is not UTF-8 at byte {error.start}.") from None


def _depth(data: bytes) -> int:
    brackets = STRING.sub(b"", data).translate(None, NOT_BRACKETS)
    return max(accumulate(map(STEP.__getitem__, brackets)), default=0)


def _load(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise StrictJSONError("syntax", f"The text is not JSON: {error.msg} at {place}.") from None
    except RecursionError:
        raise StrictJSONError("too-deep", "The JSON text is nested too deep.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictJSONError("duplicate-key", f"The key {key[:100]!r} comes twice in one object.")
            seen.add(key)
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise StrictJSONError("not-a-number", f"{name} is not a JSON value.")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise StrictJSONError("number-out-of-range", f"The number {text[:50]} is too large.")
    return value


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise StrictJSONError("number-too-long", f"A number has {len(text):,} digits.") from None


def _check_characters(value: Any) -> None:
    """Walks without recursion; called only when the text has an escape that could be one of the two."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            _check_string(item)


def _check_string(text: str) -> None:
    if "\x00" in text:
        raise StrictJSONError("nul-character", "A string has the character U+0000, which cannot be stored.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise StrictJSONError("lone-surrogate", "A string has half a surrogate pair, which is no character.") from None
