"""A `pattern` as an automaton over ASCII, so that cells can be proven to match it in one step a byte.

frictionless asks `re.compile("^{pattern}$").match(cell)`. Here only what is regular in the strict sense is taken:
characters, sets, groups, alternatives, repetitions. A text that the automaton takes is one that `re` matches; all else
(look-around, references, flags, anchors inside, text beyond ASCII) is left to `re`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_STATES = 400
MOST_NODES = 4_000
MOST_REPEATS = 200
ALPHABET = 128


class _TooMuch(Exception):
    """Inside this module only: not regular, or too large."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """`steps[state * 128 + byte]` is the next state or -1; it begins in state 0; `ends[state]` says if it may stop."""

    steps: list[int]
    ends: list[bool]


def automaton(pattern: str) -> Automaton | None:
    """The automaton of a pattern, or None when it is not of the kind that can be proven here."""
    parser = importlib.import_module("re._parser")
    try:
        parsed = parser.parse(f"^{pattern}$")
        if parsed.state.flags & ~re.UNICODE:
            return None
        nodes = _Nodes()
        last = nodes.sequence(_inner(list(parsed)), nodes.new())
        return nodes.automaton(last)
    except (_TooMuch, re.error, RecursionError, OverflowError):
        return None


def _inner(items: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """What is between `^` and `$`, which an alternative on the outermost level would tear apart."""
    if len(items) < 2 or [str(items[0][1]), str(items[-1][1])] != ["AT_BEGINNING", "AT_END"]:
        raise _TooMuch
    return items[1:-1]


@dataclass(slots=True)
class _Nodes:
    """A nondeterministic automaton: for each node its moves on bytes, and its moves on nothing."""

    moves: list[list[tuple[frozenset[int], int]]] = field(default_factory=list)
    jumps: list[list[int]] = field(default_factory=list)

    def new(self) -> int:
        if len(self.moves) >= MOST_NODES:
            raise _TooMuch
        self.moves.append([])
        self.jumps.append([])
        return len(self.moves) - 1

    def sequence(self, items: Iterable[tuple[Any, Any]], node: int) -> int:
        """Adds the items after `node`; the node after them."""
        for operation, argument in items:
            node = self._item(str(operation), argument, node)
        return node

    def _item(self, operation: str, argument: Any, node: int) -> int:
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            after = self.new()
            self.moves[node].append((_bytes(operation, argument), after))
            return after
        if operation == "SUBPATTERN":
            _group, added, removed, items = argument
            if added or removed:
                raise _TooMuch
            return self.sequence(items, node)
        if operation == "BRANCH":
            after = self.new()
            for items in argument[1]:
                start = self.new()
                self.jumps[node].append(start)
                self.jumps[self.sequence(items, start)].append(after)
            return after
        if operation in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, items = argument
            return self._repeat(least, most, items, node)
        raise _TooMuch

    def _repeat(self, least: int, most: Any, items: Any, node: int) -> int:
        endless = str(most) == "MAXREPEAT"
        if least > MOST_REPEATS or (not endless and most > MOST_REPEATS):
            raise _TooMuch
        for _ in range(least):
            node = self.sequence(items, node)
        if endless:
            start, after = self.new(), self.new()
            self.jumps[node].append(start)
            self.jumps[self.sequence(items, start)].append(start)
            self.jumps[start].append(after)
            return after
        after = self.new()
        self.jumps[node].append(after)
        for _ in range(most - least):
            node = self.sequence(items, node)
            self.jumps[node].append(after)
        return after

    def _closed(self, nodes: Iterable[int]) -> frozenset[int]:
        seen = set(nodes)
        waiting = list(seen)
        while waiting:
            for follower in self.jumps[waiting.pop()]:
                if follower not in seen:
                    seen.add(follower)
                    waiting.append(follower)
        return frozenset(seen)

    def _kinds(self) -> list[list[int]]:
        """The alphabet, in parts that no move tells apart."""
        sets = {allowed for moves in self.moves for allowed, _ in moves}
        kinds: dict[tuple[bool, ...], list[int]] = {}
        for byte in range(ALPHABET):
            kinds.setdefault(tuple(byte in allowed for allowed in sets), []).append(byte)
        return list(kinds.values())

    def automaton(self, last: int) -> Automaton:
        """The deterministic automaton, by sets of nodes; states that behave alike are one."""
        states = [self._closed([0])]
        numbers = {states[0]: 0}
        steps: list[int] = []
        kinds = self._kinds()
        for state in states:  # grows while it is gone through
            row = [-1] * ALPHABET
            for bytes_alike in kinds:
                reached = {after for node in state for allowed, after in self.moves[node] if bytes_alike[0] in allowed}
                if not reached:
                    continue
                closed = self._closed(reached)
                if closed not in numbers:
                    if len(states) >= MOST_STATES:
                        raise _TooMuch
                    numbers[closed] = len(states)
                    states.append(closed)
                for byte in bytes_alike:
                    row[byte] = numbers[closed]
            steps += row
        return _merged(steps, [last in state for state in states])


def _merged(steps: list[int], ends: list[bool]) -> Automaton:
    """Moore's algorithm: states are alike until an end or a byte tells them apart."""
    rows = [steps[begin : begin + ALPHABET] for begin in range(0, len(steps), ALPHABET)]
    columns = list({(*column, -1): None for column in zip(*rows, strict=True)})
    kinds = [*map(int, ends), 0]  # the last is that of -1, from which no way leads out
    count = 0
    while count < len(set(kinds)):
        count = len(set(kinds))
        told: dict[tuple[int, ...], int] = {}
        kinds = [
            told.setdefault((kind, *(kinds[column[state]] for column in columns)), len(told))
            for state, kind in enumerate(kinds)
        ]
    *kinds, dead = kinds
    if kinds[0] == dead:
        raise _TooMuch  # it takes no text of ASCII
    firsts: dict[int, int] = {}
    for state, kind in enumerate(kinds):
        if kind != dead:
            firsts.setdefault(kind, state)
    numbers = {dead: -1} | {kind: number for number, kind in enumerate(firsts)}
    kinds.append(dead)
    made = [numbers[kinds[step]] for state in firsts.values() for step in rows[state]]
    return Automaton(made, [ends[state] for state in firsts.values()])


def _bytes(operation: str, argument: Any) -> frozenset[int]:
    everything = frozenset(range(ALPHABET))
    if operation == "ANY":
        return everything - {ord("\n")}
    if operation == "LITERAL":
        return everything & {argument}
    if operation == "NOT_LITERAL":
        return everything - {argument}
    return _set(argument)


def _set(items: Sequence[tuple[Any, Any]]) -> frozenset[int]:
    found: set[int] = set()
    negated = False
    for operation, argument in items:
        name = str(operation)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found.add(argument)
        elif name == "RANGE":
            found.update(range(argument[0], min(argument[1], ALPHABET) + 1))
        elif name == "CATEGORY":
            found |= _category(str(argument))
        else:
            raise _TooMuch
    everything = frozenset(range(ALPHABET))
    return everything - found if negated else everything & found


def _category(name: str) -> set[int]:
    letters = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}
    _, _, kind = name.partition("CATEGORY_")
    letter = letters.get(kind.removeprefix("NOT_"))
    if letter is None:
        raise _TooMuch
    test = re.compile(f"\\{letter.upper() if kind.startswith('NOT_') else letter}")
    return {byte for byte in range(ALPHABET) if test.match(chr(byte))}
