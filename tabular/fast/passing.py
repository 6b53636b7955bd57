"""Which records the passes that read data pass over. Compiled as a part of them."""

from __future__ import annotations

from typing import Any

from tabular.fast.layout import READ, READ_COMMENT, READ_FIRST
from tabular.fast.machine import inlined


@inlined
def is_passed_over(comments: Any, state: Any) -> Any:
    """Whether the record at hand comes before the data or is a comment by its number."""
    number = state[READ] + 1
    while state[READ_COMMENT] < len(comments) and comments[state[READ_COMMENT]] < number:
        state[READ_COMMENT] += 1
    is_comment = state[READ_COMMENT] < len(comments) and comments[state[READ_COMMENT]] == number
    return is_comment or number < state[READ_FIRST]
