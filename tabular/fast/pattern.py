"""A `pattern` as a deterministic automaton, so that cells can be proven to match it in one step a byte."""

from __future__ import annotations

from dataclasses import dataclass

from tabular.expression import ALPHABET, Expression, TooMuch, expression

MOST_STATES = 400


@dataclass(frozen=True, slots=True)
class Automaton:
    """`steps[state * 128 + byte]` is the next state or -1; it begins in state 0; `ends[state]` says if it may stop."""

    steps: list[int]
    ends: list[bool]


def automaton(pattern: str) -> Automaton | None:
    """The automaton of a pattern, or None when it is not of the kind that can be proven here. A text that it takes is
    one that `re` matches."""
    known = expression(pattern)
    try:
        return None if known is None else _determined(known)
    except TooMuch:
        return None


def _determined(known: Expression) -> Automaton:
    """The deterministic automaton, by sets of nodes; states that behave alike are one."""
    states = [known.closed([0])]
    numbers = {states[0]: 0}
    steps: list[int] = []
    kinds = _kinds(known)
    for state in states:  # grows while it is gone through
        row = [-1] * ALPHABET
        for bytes_alike in kinds:
            reached = known.after(state, bytes_alike[0])
            if not reached:
                continue
            if reached not in numbers:
                if len(states) >= MOST_STATES:
                    raise TooMuch
                numbers[reached] = len(states)
                states.append(reached)
            for byte in bytes_alike:
                row[byte] = numbers[reached]
        steps += row
    return _merged(steps, [known.last in state for state in states])


def _kinds(known: Expression) -> list[list[int]]:
    """The alphabet, in parts that no move tells apart."""
    sets = {allowed for moves in known.moves for allowed, _ in moves}
    kinds: dict[tuple[bool, ...], list[int]] = {}
    for byte in range(ALPHABET):
        kinds.setdefault(tuple(byte in allowed for allowed in sets), []).append(byte)
    return list(kinds.values())


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
        raise TooMuch  # it takes no text of ASCII
    firsts: dict[int, int] = {}
    for state, kind in enumerate(kinds):
        if kind != dead:
            firsts.setdefault(kind, state)
    numbers = {dead: -1} | {kind: number for number, kind in enumerate(firsts)}
    kinds.append(dead)
    made = [numbers[kinds[step]] for state in firsts.values() for step in rows[state]]
    return Automaton(made, [ends[state] for state in firsts.values()])
