"""What can be proven of a field's cells: a rule for the kernel from frictionless' own field object."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tabular.fast.accept import mixed, signed
from tabular.fast.exact import exact_text
from tabular.fast.layout import CALENDAR, DECIMAL, FOREIGN, LISTED_ONLY, LONGEST_LISTED, NO_KEY, SCALES, TEXT
from tabular.fast.pairs import TAGS
from tabular.fast.pattern import Automaton, automaton
from tabular.fast.template import Template, template

LEAST, MOST = -(2**63), 2**63 - 1
DEFAULTS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S", "time": "%H:%M:%S", "year": "%Y", "yearmonth": "%Y-%m"}
NEEDED = {"date": {"year", "month", "day"}, "datetime": {"year", "month", "day"}}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class _Unproven(Exception):
    """Inside this module only: no rule covers the field; its cells are proven by the accept-set alone."""


@dataclass(slots=True)
class Rule:
    """One column's rule. `low` and `high` are bounds by digits after the point (decimals); of moments, the first."""

    kind: int = LISTED_ONLY
    required: bool = False
    missing: tuple[str, ...] = ()
    keyed: int = 0
    shortest: int = -1
    longest: int = -1
    automaton: Automaton | None = None
    point: int = -1
    template: Template | None = None
    tag: int = 0
    tail: bool = False
    unpadded: bool = False
    zone: int = -1
    bounded: bool = False
    low: list[int] = field(default_factory=lambda: [LEAST] * SCALES)
    high: list[int] = field(default_factory=lambda: [MOST] * SCALES)
    known: tuple[str, ...] = ()
    """Texts to begin the accept-set with, if the cell reader accepts them."""


def rule_of(given: Any, keyed: int) -> Rule:
    """The rule of a frictionless field; `keyed` says what its values are parts of. Never raises: what is not understood
    is left to the accept-set."""
    missing = given.missing_values
    if not given.has_defined("missing_values") and given.schema:
        missing = given.schema.missing_values  # as frictionless' own cell reader does
    rule = Rule(required=bool(given.required), missing=tuple(missing), keyed=keyed)
    constraints = {
        name: given.constraints[name]
        for name in given.supported_constraints
        if given.constraints.get(name) is not None and name != "required"
    }
    try:
        if "enum" in constraints:
            rule.known = tuple(str(value) for value in constraints["enum"])
        elif any(len(text.encode("utf-8", "surrogatepass")) > LONGEST_LISTED for text in missing):
            return rule
        else:
            _RULES.get(given.type, _listed)(rule, given, constraints)
    except (_Unproven, ArithmeticError, ValueError, TypeError, AttributeError):
        rule.kind = LISTED_ONLY
    return rule


def part_of(rule: Rule, value: Any, text_number: Any) -> int:
    """The number of a value that frictionless read, as the kernel would give it: equal values have equal numbers.
    Raises TypeError where a value cannot be compared at all."""
    if value is None:
        return NO_KEY
    if isinstance(value, Decimal) and value.is_qnan():
        return NO_KEY  # equal to nothing, itself included
    number: int | None = None
    if rule.kind == TEXT and isinstance(value, str):
        number = text_number(value.encode("utf-8", "surrogatepass"))
    elif rule.kind == DECIMAL:
        number = _decimal_number(value)
    elif rule.kind == CALENDAR:
        number = _moment_number(value)
    if number is None:
        written = exact_text(value)
        number = hash(value) if written is None else text_number(written.encode())
    return 0 if number == NO_KEY else number


def _listed(_rule: Rule, given: Any, _constraints: dict[str, Any]) -> None:
    _rule.known = (*given.true_values, *given.false_values) if given.type == "boolean" else ()
    raise _Unproven


def _text(rule: Rule, given: Any, constraints: dict[str, Any]) -> None:
    if given.type == "string" and given.format != "default":
        raise _Unproven
    rule.shortest, rule.longest = constraints.get("minLength", -1), constraints.get("maxLength", -1)
    if not all(type(bound) is int and bound < MOST for bound in (rule.shortest, rule.longest)):
        raise _Unproven
    if rule.longest < -1 or (rule.longest == -1 and "maxLength" in constraints):
        raise _Unproven
    if "pattern" in constraints:
        rule.automaton = automaton(constraints["pattern"])
        if rule.automaton is None:
            raise _Unproven
    rule.kind = TEXT


def _decimal(rule: Rule, given: Any, constraints: dict[str, Any]) -> None:
    if given.type == "number":
        point, group = given.decimal_char, given.group_char
        if given.float_number or len(point) != 1 or not 32 < ord(point) < 127 or point.isdigit() or point == "-":
            raise _Unproven
        if any(character.isdigit() or character in (point, "-") for character in group):
            raise _Unproven
        rule.point = ord(point)
    read = given.create_value_reader()
    for name in BOUNDS:
        if name in constraints:
            bound = Fraction(read(constraints[name]))
            for scale in range(SCALES):
                _narrow(rule, scale, name, bound * 10**scale)
    rule.kind = DECIMAL


def _narrow(rule: Rule, scale: int, name: str, bound: Fraction) -> None:
    if name in ("minimum", "exclusiveMinimum"):
        least = math.ceil(bound) if name == "minimum" else math.floor(bound) + 1
        rule.low[scale] = min(max(rule.low[scale], least), MOST)
    else:
        most = math.floor(bound) if name == "maximum" else math.ceil(bound) - 1
        rule.high[scale] = max(min(rule.high[scale], most), LEAST)


def _calendar(rule: Rule, given: Any, constraints: dict[str, Any]) -> None:
    if given.type == "year" and rule.keyed == FOREIGN:
        raise _Unproven  # a year is an integer, and may be compared with one
    rule.tag = TAGS.get(given.type, 0)
    format = DEFAULTS[given.type] if given.format == "default" or given.type.startswith("year") else given.format
    rule.template = template(format)
    if rule.template is None or not NEEDED.get(given.type, set()) <= set(rule.template.parts):
        raise _Unproven
    if given.type == "date" and set(rule.template.parts) != NEEDED["date"]:
        raise _Unproven  # the rest would be read and dropped
    if given.type == "time" and set(rule.template.parts) & NEEDED["date"]:
        raise _Unproven
    is_iso = given.format == "default" and given.type in ("datetime", "time")
    rule.tail = is_iso and given.type == "datetime"
    rule.unpadded = not is_iso and rule.template.ends_are_told  # the others are read by `strptime`, or part by part
    read = given.create_value_reader()
    zones = set()
    for name in BOUNDS:
        if name in constraints:
            moment, zone = _exact_moment(read(constraints[name]))
            zones.add(zone)
            _narrow(rule, 0, name, moment)
    if len(zones) > 1 or (zones == {1} and not rule.tail):
        raise _Unproven
    if zones:
        rule.bounded, rule.zone = True, zones.pop()
    rule.kind = CALENDAR


def _exact_moment(value: Any) -> tuple[Fraction, int]:
    """A bound as the kernel's number for it, and 1 when it is in UTC."""
    if isinstance(value, datetime):
        zone = value.tzinfo is not None
        value = value.astimezone(UTC) if zone else value
        parts = (value.year, value.month, value.day, value.hour, value.minute, value.second)
        return Fraction(_moment(*parts)) + Fraction(value.microsecond, 10**6), int(zone)
    if isinstance(value, date):
        return Fraction(_moment(value.year, value.month, value.day)), 0
    if isinstance(value, time) and value.tzinfo is None:
        return Fraction(_moment(1, 1, 1, value.hour, value.minute, value.second)) + Fraction(
            value.microsecond, 10**6
        ), 0
    if isinstance(value, int):
        return Fraction(_moment(value)), 0
    if isinstance(value, tuple) and len(value) == 2:
        return Fraction(_moment(*value)), 0
    raise _Unproven


def _moment(year: int, month: int = 1, day: int = 1, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return ((((year * 13 + month) * 32 + day) * 24 + hour) * 60 + minute) * 60 + second


def _moment_number(value: Any) -> int | None:
    moment, zone = _exact_moment(value) if not _is_odd(value) else (Fraction(1, 2), 0)
    return None if moment.denominator != 1 or abs(moment) > 2**60 else int(moment) * 2 + zone


def _is_odd(value: Any) -> bool:
    """Times with a zone compare by a rule of their own."""
    return isinstance(value, time) and value.tzinfo is not None


def _decimal_number(value: Any) -> int | None:
    """The kernel's number of a decimal or integer of at most 18 digits, whatever zeros it was written with."""
    sign, digits, exponent = (value if isinstance(value, Decimal) else Decimal(value)).as_tuple()
    if not isinstance(exponent, int):
        return None
    written = "".join(map(str, digits)).lstrip("0")
    bare = written.rstrip("0")
    exponent += len(written) - len(bare)
    if not bare:
        return 0
    scale = max(-exponent, 0)
    if len(bare) + max(exponent, 0) > 18 or scale >= SCALES:
        return None
    number = int(bare) * 10 ** max(exponent, 0)
    number = -number if sign else number
    return number if scale == 0 else signed(mixed(mixed(0, scale), number))


_RULES = {
    "string": _text,
    "any": _text,
    "integer": _decimal,
    "number": _decimal,
    **dict.fromkeys(DEFAULTS, _calendar),
}
