"""The text of a cell's value: the one way of writing it that every reader of a Table Schema takes for that value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

KINDS: dict[type, str] = {
    str: "text",
    float: "number",
    int: "number",
    bool: "boolean",
    date: "date",
    datetime: "datetime",
    time: "time",
    timedelta: "duration",
}
WRITTEN_OUT = 30
"""Numbers up to 10 to this power, and down to its inverse, are written without an exponent."""


def column_texts(values: Sequence[Any], timed: bool) -> Sequence[str]:
    """The texts of a column's next values; `timed`: its dates are midnights among other times, and say so."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return values
    if kinds == {float}:
        return _number_texts(values)
    return [value if type(value) is str else text_of(value, timed) for value in values]


def _number_texts(values: Sequence[float]) -> list[str]:
    texts = list(map(repr, values))
    seen = "".join(texts)
    if "e" in seen or "n" in seen or "-0.0" in seen:  # an exponent, infinity, no number, or zero below zero
        return [number_text(value) for value in values]
    return [text[:-2] if text[-2:] == ".0" else text for text in texts]


def text_of(value: Any, timed: bool = False) -> str:
    """`true`; `12`; `2024-02-29`; `2024-02-29T13:05:00`; `13:05:00`; `PT36H`. A text is what it is."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() | int():
            return number_text(float(value)) if isinstance(value, float) else str(value)
        case datetime() | time():
            return value.isoformat()
        case date():
            return f"{value.isoformat()}T00:00:00" if timed else value.isoformat()
        case timedelta():
            return duration_text(value)
        case _:
            raise TypeError(f"a cell is a {type(value).__name__}")


def number_text(value: float) -> str:
    """The shortest digits that read as the same number, an integer without `.0`, the exponent written out."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2] if value else "0"
    if "e" in text:
        number = Decimal(text)
        return format(number, "f") if abs(number.adjusted()) <= WRITTEN_OUT else text.upper()
    return text if text[-1].isdigit() else text.upper().replace("NAN", "NaN")


def duration_text(value: timedelta) -> str:
    """ISO 8601 in hours, minutes and seconds, as spreadsheets count them: `PT36H0M5S` is `PT36H5S`."""
    sign = "-" if value < timedelta() else ""
    milliseconds = abs(value) // timedelta(milliseconds=1)
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{thousandths:03}".rstrip("0") if thousandths else ""
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else ""]
    if seconds or fraction:
        parts.append(f"{seconds}{fraction}S")
    return f"{sign}PT{''.join(parts) or '0S'}"
