"""Patterns answer as `re` does, and those that `re` would take for ever over are followed in proportion to the cell."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tabular import validate
from tabular.expression import expression
from tabular.lightschema import LightSchema
from tabular.limits import Limits
from tabular.patterns import MOST_REMEMBERED, STATE, Patterns, Ways

TEXTS = ["".join(text) for length in range(5) for text in itertools.product("ab\n", repeat=length)]
LONG = ["a" * 2_000 + "!", "ab" * 1_000 + "!", "b" * 2_000]
PIECES = ["a", "b", ".", "[ab]", "[^a]", r"\w", r"\s", r"\n", "a", "b", "", "^", "$", "é"]
REPEATS = ["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "*?", "+?", "??", "{1,2}?"]
SLOW = ["(a+)+", "(a|a)*", "(.*a){25}", "(([a-z])+.)+[A-Z]([a-z])+", "(a?){60}a{60}", "(a*)*b|c", "^(a|aa)+$"]
"""Python takes longer than the universe is old for the first at 100 characters (catalogue, D13)."""
DIRECT = ["[a-z]+@[a-z]+", r"\d{4}-\d\d", "(a|b)*c", "x?", "", "[^,]*,[^,]*", "a|b"]


def random_pattern(chance: random.Random, depth: int) -> str:
    if not depth:
        return chance.choice(PIECES)
    first, second = random_pattern(chance, depth - 1), random_pattern(chance, depth - chance.choice([1, depth]))
    repeated = f"(?:{first}){chance.choice(REPEATS)}"
    return chance.choice([first + second, f"({first}|{second})", f"{first}|{second}", repeated])


@pytest.mark.timeout(30)
@pytest.mark.parametrize("seed", range(4))
def test_all_ways_at_once_find_what_re_finds(seed: int) -> None:
    chance = random.Random(seed)
    followed = 0
    for _ in range(400):
        pattern = random_pattern(chance, 3)
        try:
            compiled = re.compile(f"^{pattern}$")
        except re.error:
            continue
        known = Patterns.compile(f"^{pattern}$")
        if isinstance(known, Ways):
            followed += 1
            for text in TEXTS:
                assert bool(known.match(text)) == bool(compiled.match(text)), (pattern, text)
        elif known_to_be_direct(pattern):
            for text in LONG:
                compiled.match(text)  # ends
    assert followed > 50


def known_to_be_direct(pattern: str) -> bool:
    known = expression(pattern)
    return known is not None and known.is_direct()


@pytest.mark.parametrize("pattern", DIRECT)
def test_what_leaves_one_way_is_asked_of_re_itself(pattern: str) -> None:
    assert isinstance(Patterns.compile(f"^{pattern}$"), re.Pattern)


@pytest.mark.parametrize("pattern", [r"(a+)+\1", "(?=(a+)+)b", "(?i:a+)+", "((a|b){199}){50}"])
def test_what_is_not_regular_or_too_large_is_left_to_re(pattern: str) -> None:
    assert isinstance(Patterns.compile(f"^{pattern}$"), re.Pattern)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("path_taken", ["fast", "slow"])
@pytest.mark.parametrize("pattern", SLOW)
def test_no_pattern_that_is_regular_takes_for_ever(tmp_path: Path, pattern: str, path_taken: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["x", *("a" * length + "!" for length in range(30, 101)), ""]))
    schema = {"fields": [{"name": "x", "type": "string", "constraints": {"pattern": pattern}}]}
    dialect = {"delimiter": ","} if path_taken == "fast" else {"delimiter": "§"}
    report = validate(path, schema=schema, dialect=dialect, limits=Limits(fast_from=0))
    (task,) = report.to_dict()["tasks"]
    assert [error["rowNumber"] for error in task["errors"]] == list(range(2, 73))
    assert {error["type"] for error in task["errors"]} == {"constraint-error"}
    assert report.statistics["path"] == path_taken


@pytest.mark.timeout(30)
def test_the_items_of_an_array_are_no_exception() -> None:
    item = {"type": "string", "constraints": {"pattern": "(a+)+"}}
    schema = LightSchema.from_descriptor({"fields": [{"name": "x", "type": "array", "arrayItem": item}]})
    read = schema.fields[0].create_cell_reader()
    assert read('["aa"]') == (["aa"], None)
    _, notes = read(f'["{"a" * 60}!"]')
    assert notes == {"pattern": 'array item constraint "pattern" is "(a+)+"'}


def test_a_pattern_of_very_many_states_is_followed_in_little_memory() -> None:
    pattern = "^(a|b)*a(a|b){12}$"
    ways, compiled = Patterns.compile(pattern), re.compile(pattern)
    chance = random.Random(3)
    forgotten, before = 0, 0
    for _ in range(120):
        text = "".join(chance.choices("ab", k=200))
        assert bool(ways.match(text)) == bool(compiled.match(text))
        assert sum(STATE + len(state.nodes) for state in reachable(ways)) < MOST_REMEMBERED + 2 * STATE
        forgotten += len(ways._states) < before
        before = len(ways._states)
    assert forgotten > 1


def reachable(ways: Ways) -> list[Any]:
    found = {id(ways._first): ways._first}
    waiting = [ways._first]
    while waiting:
        for state in waiting.pop().values():
            if id(state) not in found:
                found[id(state)] = state
                waiting.append(state)
    return list(found.values())


def test_what_is_beyond_ascii_or_no_text_is_asked_of_re() -> None:
    ways = Patterns.compile("^(\\w+)+$")
    assert isinstance(ways, Ways)
    assert ways.match("größe")
    assert not ways.match("größe!")
    with pytest.raises(TypeError):
        ways.match(3)
