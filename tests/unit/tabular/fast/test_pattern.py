from __future__ import annotations

import random
import re

import pytest

from tabular.expression import ALPHABET
from tabular.fast.pattern import Automaton, automaton

PROVABLE = [
    "", "a", "abc", "[a-z]+", "(a|b)*c", "a{2,4}", "a{3}", "a?b+?", ".", ".*", "[^ab]", r"\d\w\s", r"[\d.]+", r"\D\W\S",
    "(?:x|yz)+", "(a|b)(c|d)", "[a-c-]", r"\.", "(?P<n>a)b", "x{0}", "(a*)*", "(a+)+b", "é|a", "[é-ü]|b",
    "^a", "a$", "^^(a|b)$$", "a|b", "a|b$|c", "^a+|^b$", "xa|xb", "|a", "a||b", "(?:ab|ac)|^x$",
]  # fmt: skip
LEFT_TO_RE = [
    "(?=a)a",
    r"(a)\1",
    r"\ba",
    "b^a",
    "a$b",
    r"a\Z",
    "(^a)+",
    "(?i:a)",
    "(?<!x)a",
    "a{300}",
    "(a|b){199}{50}",
    "(?>a)",
    "a$b|c",
    "(",
]


def takes(made: Automaton, text: str) -> bool:
    state = 0
    for character in text:
        if ord(character) >= ALPHABET:
            return False
        state = made.steps[state * ALPHABET + ord(character)]
        if state < 0:
            return False
    return made.ends[state]


@pytest.mark.parametrize("pattern", PROVABLE)
def test_what_the_automaton_takes_is_what_re_matches(pattern: str) -> None:
    made = automaton(pattern)
    assert made is not None
    chance = random.Random(pattern)
    compiled = re.compile(f"^{pattern}$")
    for _ in range(3_000):
        text = "".join(chance.choices("aabbccxyz.d1 \n-é_", k=chance.randrange(6)))
        if takes(made, text):
            assert compiled.match(text), repr(text)
        elif text.isascii() and not text.endswith("\n"):
            assert not compiled.match(text), repr(text)


@pytest.mark.parametrize("pattern", LEFT_TO_RE)
def test_what_is_not_regular_or_too_large_is_left_to_re(pattern: str) -> None:
    assert automaton(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "states"), [("[a-z]+@[a-z]+", 4), ("a|b", 3), ("(a|b)+(a|b)", 3), ("é", 0), ("", 1)]
)
def test_states_that_behave_alike_are_one(pattern: str, states: int) -> None:
    made = automaton(pattern)
    assert (len(made.ends) if made else 0) == states
