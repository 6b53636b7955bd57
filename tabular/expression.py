"""A `pattern` as a nondeterministic automaton over ASCII: what it takes is what `re` matches, and nothing else.

frictionless asks `re.compile("^{pattern}$").match(cell)`. Here only what is regular in the strict sense is taken:
characters, sets, groups, alternatives, repetitions, anchors where they say nothing new. All else (look-around,
references, flags, anchors inside, text beyond ASCII) is left to `re`.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_NODES = 4_000
MOST_REPEATS = 200
ALPHABET = 128
EVERYTHING = frozenset(range(ALPHABET))
REPEATS = ("MAX_REPEAT", "MIN_REPEAT")
MOST_TIMES = 1_000
"""Of a repetition, as RE2 has it."""
IRREGULAR = {
    "ASSERT": "looks ahead or behind",
    "ASSERT_NOT": "looks ahead or behind",
    "ATOMIC_GROUP": "has an atomic group",
    "GROUPREF": "refers to what a group took",
    "GROUPREF_EXISTS": "depends on what a group took",
    "POSSESSIVE_REPEAT": "has a possessive repetition",
}


class TooMuch(Exception):
    """A pattern is not regular, or too large to be put so. Stays inside the modules of patterns."""


def irregular(pattern: str) -> str | None:
    """What of a pattern that `re` takes nobody can follow in bounded time, in words, or None. RE2 does not have it; nor
    has XML Schema, but for long repetitions, whose patterns the Table Schema standard means. Raises re.error."""
    parser = importlib.import_module("re._parser")
    return next(_irregularities(parser.parse(f"^{pattern}$")), None)


def _irregularities(items: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for operation, argument in items:
        name = str(operation)
        if name in IRREGULAR:
            yield IRREGULAR[name]
        if name in REPEATS:
            least, most, _ = argument
            if max(least, 0 if str(most) == "MAXREPEAT" else most) > MOST_TIMES:
                yield f"repeats something more than {MOST_TIMES:,} times"
        inner = argument[1] if name == "BRANCH" else [argument[-1]] if name in ("SUBPATTERN", *REPEATS) else []
        for each in inner:
            yield from _irregularities(each)


def expression(pattern: str) -> Expression | None:
    """The automaton of `^{pattern}$`, or None when the pattern is not of this kind."""
    parser = importlib.import_module("re._parser")
    made = Expression()
    try:
        parsed = parser.parse(f"^{pattern}$")
        if parsed.state.flags & ~re.UNICODE:
            return None
        made.outermost(parsed)
    except (TooMuch, re.error, RecursionError, OverflowError):
        return None
    return made


@dataclass(slots=True)
class Expression:
    """For each node its moves on bytes, and its moves on nothing. It begins in node 0 and may stop in `last`.

    A text of ASCII matches if it is taken, or if it is but for a newline at its end, before which `$` matches too.
    """

    moves: list[list[tuple[frozenset[int], int]]] = field(default_factory=lambda: [[], []])
    jumps: list[list[int]] = field(default_factory=lambda: [[], []])
    last: int = 1

    def closed(self, nodes: Iterable[int]) -> frozenset[int]:
        """The nodes, and those that moves on nothing lead to."""
        return frozenset(self._reached(nodes))

    def after(self, nodes: Iterable[int], byte: int) -> frozenset[int]:
        """The nodes that a byte leads to, and those that moves on nothing lead to from there."""
        return self.closed({after for node in nodes for allowed, after in self.moves[node] if byte in allowed})

    def is_direct(self) -> bool:
        """Whether each byte of a text leaves one way at most, so that `re` never has two to try one after the other:
        such a pattern takes it steps in proportion to the text, all others may take it for ever."""
        starts = {0, *(after for moves in self.moves for _, after in moves)}
        return all(self._leaves_one_way(start) for start in starts)

    def _leaves_one_way(self, start: int) -> bool:
        reached = self._reached([start])
        ways = Counter(byte for node in reached for allowed, _ in self.moves[node] for byte in allowed)
        return max(reached.values()) == 1 and max(ways.values(), default=0) <= 1

    def _reached(self, nodes: Iterable[int]) -> Counter[int]:
        """How many moves on nothing lead to each node."""
        seen = Counter(nodes)
        waiting = list(seen)
        while waiting:
            for follower in self.jumps[waiting.pop()]:
                if follower not in seen:
                    waiting.append(follower)
                seen[follower] += 1
        return seen

    def outermost(self, items: Sequence[tuple[Any, Any]], node: int = 0, begins: bool = True) -> None:
        """Adds all of a pattern after a node, which may be where the text `begins`. Alternatives that are in no group
        have `^` and `$` one of them each; after what ends without `$` any text may follow."""
        inner = list(items)
        while begins and inner and _is(inner[0], "AT_BEGINNING"):
            del inner[0]
        is_open = True
        while inner and _is(inner[-1], "AT_END"):
            del inner[-1]
            is_open = False
        if is_open and inner and str(inner[-1][0]) == "BRANCH":
            *before, (_, (_, alternatives)) = inner
            node = self._sequence(before, node)
            for alternative in alternatives:
                start = self._new()
                self.jumps[node].append(start)
                self.outermost(alternative, start, begins and not before)
            return
        end = self._sequence(inner, node)
        if is_open:
            rest = self._new()
            self.moves[rest].append((EVERYTHING, rest))
            self.jumps[end].append(rest)
            end = rest
        self.jumps[end].append(self.last)

    def _new(self) -> int:
        if len(self.moves) >= MOST_NODES:
            raise TooMuch
        self.moves.append([])
        self.jumps.append([])
        return len(self.moves) - 1

    def _sequence(self, items: Iterable[tuple[Any, Any]], node: int) -> int:
        """Adds the items after `node`; the node after them."""
        for operation, argument in items:
            node = self._item(str(operation), argument, node)
        return node

    def _item(self, operation: str, argument: Any, node: int) -> int:
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            after = self._new()
            self.moves[node].append((_bytes(operation, argument), after))
            return after
        if operation == "SUBPATTERN":
            _group, added, removed, items = argument
            if added or removed:
                raise TooMuch
            return self._sequence(items, node)
        if operation == "BRANCH":
            after = self._new()
            for items in argument[1]:
                start = self._new()
                self.jumps[node].append(start)
                self.jumps[self._sequence(items, start)].append(after)
            return after
        if operation in REPEATS:
            least, most, items = argument
            return self._repeat(least, most, items, node)
        raise TooMuch

    def _repeat(self, least: int, most: Any, items: Any, node: int) -> int:
        endless = str(most) == "MAXREPEAT"
        if least > MOST_REPEATS or (not endless and most > MOST_REPEATS):
            raise TooMuch
        for _ in range(least):
            node = self._sequence(items, node)
        if endless:
            start, after = self._new(), self._new()
            self.jumps[node].append(start)
            self.jumps[self._sequence(items, start)].append(start)
            self.jumps[start].append(after)
            return after
        after = self._new()
        self.jumps[node].append(after)
        for _ in range(most - least):
            node = self._sequence(items, node)
            self.jumps[node].append(after)
        return after


def _is(item: tuple[Any, Any], anchor: str) -> bool:
    return str(item[0]) == "AT" and str(item[1]) == anchor


def _bytes(operation: str, argument: Any) -> frozenset[int]:
    if operation == "ANY":
        return EVERYTHING - {ord("\n")}
    if operation == "LITERAL":
        return EVERYTHING & {argument}
    if operation == "NOT_LITERAL":
        return EVERYTHING - {argument}
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
            raise TooMuch
    return EVERYTHING - found if negated else EVERYTHING & found


def _category(name: str) -> set[int]:
    letters = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}
    _, _, kind = name.partition("CATEGORY_")
    letter = letters.get(kind.removeprefix("NOT_"))
    if letter is None:
        raise TooMuch
    test = re.compile(f"\\{letter.upper() if kind.startswith('NOT_') else letter}")
    return {byte for byte in range(ALPHABET) if test.match(chr(byte))}
