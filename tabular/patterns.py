"""Patterns that answer as `re` does, in steps proportional to the text where it could take for ever.

`re` tries one way through a text after the other, and some patterns leave it 2ⁿ of them. Such a pattern, if it is
regular, is followed along all ways at once, as RE2 and grep do it (Thompson, 1968). What is not regular, and text that
is beyond ASCII, stays with `re`, whose process can be killed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tabular.expression import Expression, expression

MOST_KNOWN = 20
"""Patterns that are not made ready a second time for the same table."""
MOST_REMEMBERED = 200_000
STATE = 128
"""Nodes of a pattern's states, some 10 MB of them; a state counts for so many more, for where its bytes lead."""


class Patterns:
    """In place of the module `re`, for a reader of cells."""

    @staticmethod
    @lru_cache(MOST_KNOWN)
    def compile(wrapped: str) -> Any:
        """What `re.compile` gives, or what answers its `match` with a truth. Takes `^{pattern}$`, raises re.error."""
        compiled = re.compile(wrapped)
        known = expression(wrapped[1:-1])
        return compiled if known is None or known.is_direct() else Ways(compiled, known)


class Ways:
    """All ways of a pattern through a text at once."""

    def __init__(self, compiled: re.Pattern[str], pattern: Expression) -> None:
        self._compiled = compiled
        self._pattern = pattern
        self._states: dict[frozenset[int], _State] = {}
        self._remembered = 0
        self._first = self._state(pattern.closed([0]))

    def match(self, text: Any) -> Any:
        """Something true where `re` matches. Raises TypeError for what is no text, as `re` does."""
        if not isinstance(text, str) or not text.isascii():
            return self._compiled.match(text)
        body, newline = text.removesuffix("\n"), text.endswith("\n")
        state = self._first
        for byte in body.encode("ascii"):
            state = state[byte]
        return state.is_end or (newline and state[ord("\n")].is_end)

    def after(self, state: _State, byte: int) -> _State:
        """The state that a byte leads to. Of a pattern of many states those that were met last are remembered."""
        if self._remembered >= MOST_REMEMBERED:
            for known in self._states.values():
                known.clear()
            self._states = {self._first.nodes: self._first}  # or what it leads to would never be forgotten again
            self._remembered = STATE + len(self._first.nodes)
        return self._state(self._pattern.after(state.nodes, byte))

    def _state(self, nodes: frozenset[int]) -> _State:
        if nodes not in self._states:
            self._states[nodes] = _State(self, nodes, self._pattern.last in nodes)
            self._remembered += STATE + len(nodes)
        return self._states[nodes]


class _State(dict[int, "_State"]):
    """The nodes that a text may have led to; by byte, what it leads to next, worked out when it is asked for."""

    __slots__ = ("_ways", "is_end", "nodes")

    def __init__(self, ways: Ways, nodes: frozenset[int], is_end: bool) -> None:
        super().__init__()
        self._ways, self.nodes, self.is_end = ways, nodes, is_end

    def __missing__(self, byte: int) -> _State:
        self[byte] = self._ways.after(self, byte)
        return self[byte]
