"""The whole of what the kernel needs for one table, from frictionless' opened resource."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular.dialect import Dialect
from tabular.expression import ALPHABET
from tabular.fast.accept import AcceptSet
from tabular.fast.layout import (
    ANYTHING,
    BELOW_ZERO,
    BOUNDED,
    BY_RULE,
    CLEAN,
    DAY,
    DECIMAL,
    DIGITS,
    EMPTY_IS_NULL,
    ENDS,
    FOREIGN,
    HOUR,
    KEYED,
    KIND,
    LANES,
    LENGTH,
    LISTED_FIRST,
    LONGEST,
    LONGEST_MISSING,
    MEMBER,
    MEMBER_ALONE,
    MEMBER_CHECK,
    MINUTE,
    MONTH,
    NO_KEY,
    NULL,
    PATTERN,
    POINT,
    REQUIRED,
    SCALES,
    SECOND,
    SHAPE,
    SHIFTS,
    SHORTCUT,
    SHORTEST,
    STEP,
    TAG,
    TAIL,
    TEXT,
    UNIQUE,
    UNPADDED,
    WHOLE,
    WIDTH,
    WITHIN,
    YEAR,
    ZONE,
    Plan,
)
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.pairs import COMPARED, Pair, Secrets
from tabular.fast.pattern import Automaton
from tabular.fast.rules import Rule, part_of, rule_of
from tabular.fast.template import Template
from tabular.lightfield import alike, readers_and_writers

Reader = Callable[[str | None], tuple[Any, Any]]
PARTS = {"year": YEAR, "month": MONTH, "day": DAY, "hour": HOUR, "minute": MINUTE, "second": SECOND}
MOST_STATES = 30_000


@dataclass(frozen=True, slots=True)
class Key:
    """Columns whose values together may come only once; of the primary key, a null part is a value unless all are."""

    columns: tuple[int, ...]
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the pass sees it: its rules and frictionless' cell readers, column by column, and its keys. The pairs
    of numbers of the `watched` columns are parts of foreign keys, here or in another table."""

    rules: list[Rule]
    readers: list[Reader]
    keys: list[Key]
    plan: Plan
    accepts: AcceptSet
    watched: tuple[int, ...] = ()
    secrets: Secrets | None = None

    def pair(self, column: int, value: Any) -> Pair:
        """The numbers of a value of a keyed column that frictionless read. Raises TypeError where it has none."""
        if self.rules[column].keyed == FOREIGN:
            assert self.secrets is not None
            return self.secrets.of(value)
        return part_of(self.rules[column], value, _numbers(self.accepts)), 0


def table_of(resource: Any, dialect: Dialect, watched: Sequence[str] = (), secrets: Secrets | None = None) -> Table:
    """The table of a resource that frictionless has opened; of `watched` fields those that are there. Raises
    OutsideEnvelope."""
    fields = resource.header.get_expected_fields()
    names = [field.name for field in fields]
    if not fields:
        raise OutsideEnvelope("no columns")
    if len(set(names)) != len(names):
        raise OutsideEnvelope("columns of one name")
    if resource.schema.foreign_keys and secrets is None:
        raise OutsideEnvelope("foreign keys")
    places = tuple(names.index(name) for name in watched if name in names)
    if any(fields[place].type not in COMPARED for place in places):
        raise OutsideEnvelope("foreign keys of a type that is not hashed")
    keys = [Key((index,), False) for index, field in enumerate(fields) if field.constraints.get("unique")]
    primary = _primary_names(resource, names)
    if primary and set(primary) <= set(names):
        keys.append(Key(tuple(sorted({names.index(name) for name in primary})), True))
    keyed = {column for key in keys for column in key.columns}
    use = [FOREIGN if index in places else UNIQUE if index in keyed else 0 for index in range(len(fields))]
    rules = _rules_of(fields, use)
    readers = [cell_reader for cell_reader, _ in readers_and_writers(fields)]
    plan = build_plan(rules, keys, dialect, places)
    accepts = AcceptSet(secrets.words if secrets else ())
    table = Table(rules, readers, keys, plan, accepts, places, secrets)
    for column, rule in enumerate(rules):
        if rule.known or any(rule.missing):
            preload(table, column)
    return table


def _rules_of(fields: Sequence[Any], use: Sequence[int]) -> list[Rule]:
    """The rule of each field, one for all that are alike and used alike."""
    kinds = [(id(alike(field)), keyed) for field, keyed in zip(fields, use, strict=True)]
    firsts = dict(zip(reversed(kinds), reversed(fields), strict=True))
    rules = {kind: rule_of(field, kind[1]) for kind, field in firsts.items()}
    return [rules[kind] for kind in kinds]


def _primary_names(resource: Any, names: list[str]) -> list[str]:
    """As the library's `primary_key_labels`. Raises OutsideEnvelope where that finds none."""
    given = resource.schema.primary_key
    if not given or resource.dialect.header_case:
        return list(given)
    lower = {name.lower() for name in given}
    found = [name for name in names if name.lower() in lower]
    if not found:
        raise OutsideEnvelope("a primary key without columns")
    return found


def preload(table: Table, column: int) -> None:
    """Begins the accept-set of a column with its missing values and the values that its schema lists."""
    rule, reader, accepts = table.rules[column], table.readers[column], table.accepts
    missing = {text for text in rule.missing if text}
    for text in missing:
        accepts.add(column, _utf8(text), NULL, NO_KEY)
    for text in dict.fromkeys(rule.known):
        if text not in rule.missing and len(text) < 64:
            value, notes = reader(text)
            if value is not None and not notes:
                accepts.add(column, _utf8(text), CLEAN, *(table.pair(column, value) if rule.keyed else (0, 0)))


def _numbers(accepts: AcceptSet) -> Callable[[bytes], int]:
    return lambda text: accepts.number(text, accepts.seed)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def build_plan(rules: Sequence[Rule], keys: Sequence[Key], dialect: Dialect, watched: Sequence[int] = ()) -> Plan:
    """The kernel's arrays; a rule may be that of many columns. Raises OutsideEnvelope."""
    kinds = list({id(rule): rule for rule in rules}.values())
    places = {id(rule): place for place, rule in enumerate(kinds)}
    kind_of = [places[id(rule)] for rule in rules]
    columns = np.full((len(kinds), WIDTH), -1, np.int64)
    shapes: list[Any] = []
    shifts: list[Any] = []
    steps: list[int] = []
    ends: list[bool] = []
    for row, rule in zip(columns, kinds, strict=True):
        row[PATTERN] = len(ends) if rule.automaton else -1
        _fill(row, rule)
        if rule.template:
            row[SHAPE] = 2 * LANES * len(shapes)
            shapes.append(_shape(rule.template))
        if rule.automaton:
            if len(rule.automaton.ends) < 64 // STEP:
                row[SHIFTS], row[ENDS] = 256 * len(shifts), _ends(rule.automaton)
                shifts.append(_shifts(rule.automaton))
            steps += [step if step < 0 else step + len(ends) for step in rule.automaton.steps]
            ends += rule.automaton.ends
    if len(ends) > MOST_STATES:
        raise OutsideEnvelope("patterns")
    members = np.zeros((2 * len(watched) + len(keys), len(rules)), np.int64)
    for index, column in enumerate(watched):
        members[2 * index, column], members[2 * index + 1, column] = MEMBER_ALONE, MEMBER_CHECK
    for index, key in enumerate(keys, 2 * len(watched)):
        members[index, list(key.columns)] = MEMBER_ALONE if len(key.columns) == 1 else MEMBER
    return Plan(
        marks=_marks(dialect, any(key.is_primary for key in keys)),
        columns=columns[kind_of],
        low=np.array([rule.low for rule in kinds], np.int64)[kind_of],
        high=np.array([rule.high for rule in kinds], np.int64)[kind_of],
        shapes=np.array(shapes, np.uint8).reshape(-1),
        shifts=np.array(shifts, np.uint64).reshape(-1),
        steps=np.array(steps, np.int16),
        ends=np.array(ends, np.uint8),
        members=members,
        comments=np.array(sorted(dialect.comment_rows), np.int64),
        comment=np.frombuffer(_utf8(dialect.comment_char or ""), np.uint8).copy(),
    )


def _fill(row: Any, rule: Rule) -> None:
    row[KIND], row[REQUIRED], row[KEYED] = rule.kind, rule.required, rule.keyed
    row[EMPTY_IS_NULL], row[LISTED_FIRST] = "" in rule.missing, _lengths(rule.missing)
    row[SHORTEST], row[LONGEST], row[POINT] = rule.shortest, rule.longest, rule.point
    row[TAG], row[TAIL], row[ZONE], row[BOUNDED] = rule.tag, rule.tail, rule.zone, rule.bounded
    row[WHOLE], row[UNPADDED] = rule.bounded or bool(rule.keyed), rule.unpadded
    row[SHORTCUT], row[WITHIN], row[BELOW_ZERO] = _shortcut(rule), _digits_within(rule, 1), _digits_within(rule, -1)
    if rule.template:
        row[LENGTH] = rule.template.length
        for name, position in rule.template.parts.items():
            row[PARTS[name]] = position


def _shortcut(rule: Rule) -> int:
    """Nothing is left out that the column asks for: no part of a key, no text that means null, no bound of a length."""
    if rule.keyed:
        return BY_RULE
    missing = "".join(rule.missing)
    is_bounded = rule.shortest >= 0 or rule.longest >= 0 or rule.automaton is not None
    if rule.kind == TEXT and not is_bounded and not missing:
        return ANYTHING
    return DIGITS if rule.kind == DECIMAL and not any(character.isdigit() for character in missing) else BY_RULE


def _digits_within(rule: Rule, sign: int) -> int:
    """How many digits before the point are always within the bounds, whatever they are and whatever follows."""
    for digits in range(1, SCALES):
        for scale in range(SCALES - digits if rule.point >= 0 else 1):
            farthest = sign * (10 ** (digits + scale) - 1)
            if not rule.low[scale] <= min(0, farthest) <= max(0, farthest) <= rule.high[scale]:
                return digits - 1
    return SCALES - 1


def _lengths(missing: Sequence[str]) -> int:
    lengths = {min(len(_utf8(text)), LONGEST_MISSING) for text in missing if text}
    return sum(1 << length for length in lengths)


def _shape(template: Template) -> Any:
    """The least value of each byte and how much more it may be: digits, the literals, then anything."""
    shape = np.zeros((2, LANES), np.uint8)
    shape[0, : template.length], shape[1] = ord("0"), 255
    shape[1, : template.length] = 9
    for position, byte in template.literals:
        shape[:, position] = byte, 0
    return shape


def _shifts(automaton: Automaton) -> Any:
    """A word for each byte with the state that follows on each state; there is no way out of the last one."""
    count = len(automaton.ends)
    after = np.full((256, count + 1), count, np.uint64)
    after[:ALPHABET, :count] = np.array(automaton.steps, np.int64).reshape(count, ALPHABET).T % (count + 1)
    places = np.arange(count + 1, dtype=np.uint64) * np.uint64(STEP)
    return np.bitwise_or.reduce((after * np.uint64(STEP)) << places, axis=1)


def _ends(automaton: Automaton) -> int:
    return sum(1 << STEP * state for state, is_end in enumerate(automaton.ends) if is_end)


def _marks(dialect: Dialect, has_primary: bool) -> Any:
    marks = dialect.delimiter + dialect.quote_char + (dialect.escape_char or "")
    if not marks.isascii():
        raise OutsideEnvelope("a delimiter or quote beyond ASCII")
    if len(set(marks)) < len(marks) or (dialect.skip_initial_space and " " in marks) or set(marks) & set("\r\n"):
        raise OutsideEnvelope("a delimiter that is also something else")
    return np.array(
        [
            ord(dialect.delimiter),
            ord(dialect.quote_char or "\0"),
            bool(dialect.quote_char),
            dialect.skip_initial_space,
            has_primary,
            ord(dialect.escape_char or "\0"),
            dialect.double_quote,
            dialect.skip_blank_rows,
        ],
        np.uint8,
    )
