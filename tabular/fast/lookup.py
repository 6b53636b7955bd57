"""Keys of two tables, as pairs of numbers: which of the one's are not among the other's. Compiled by numba.

A key's pair is that of its value; of several values, polynomials over their pairs at two secret points. The referenced
table's pairs are in a hash table, whose free slots hold the pair of a null: no null is ever looked up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.hashes import horner, mixed
from tabular.fast.layout import ADMIT_FRAME, COMBINE_FRAME, MISSING_FRAME, NEVER_CHECK, NO_KEY, NULL_CHECK
from tabular.fast.machine import inlined
from tabular.fast.vector import bytes_at, high_product, numbers_at, table_at, words_at

HALF = np.uint64(32)
LOWER = np.uint64(2**32 - 1)


@inlined
def is_of(pair: Any, check: Any) -> Any:
    """Whether the pair is that of a null, or of what equals nothing."""
    return pair[0] == NO_KEY and pair[1] == check


@inlined
def halves(value: Any, point: Any, word: Any) -> Any:
    """Two steps of a polynomial, for 64 bits."""
    return horner(horner(value, point, np.uint64(word) >> HALF), point, np.uint64(word) & LOWER)


@inlined
def combined(keys: Any, columns: Any, row: Any, seed: Any, pair: Any) -> None:
    """Writes the pair of the key that the columns make in a row; -1 is a column that is not there. All null is null,
    and one value that equals nothing makes a key that equals nothing."""
    one, other = np.uint64(1), np.uint64(1)
    nulls, nevers = 0, 0
    for column in columns:
        part: Any = np.int64(NO_KEY)
        check: Any = np.int64(NULL_CHECK)
        if column >= 0:
            part, check = keys[2 * column, row], keys[2 * column + 1, row]
        if part == NO_KEY and check == NULL_CHECK:
            nulls += 1
        elif part == NO_KEY and check == NEVER_CHECK:
            nevers += 1
        one = halves(halves(one, seed[1], part), seed[1], check)
        other = halves(halves(other, seed[2], part), seed[2], check)
    if nulls == len(columns) or nevers > 0:
        pair[0], pair[1] = NO_KEY, (NEVER_CHECK if nevers > 0 else NULL_CHECK)
    elif len(columns) == 1:
        pair[0], pair[1] = keys[2 * columns[0], row], keys[2 * columns[0] + 1, row]
    else:
        pair[0], pair[1] = np.int64(one), np.int64(other)


@inlined
def slot_of(pair: Any, slots: Any, seed: Any) -> Any:
    """The slot that holds the pair, or the free one where it belongs."""
    hashed = mixed(mixed(seed[0], pair[0]), pair[1])
    slot: Any = np.int64(high_product(hashed, np.uint64(len(slots))))
    while not is_of(slots[slot], NULL_CHECK) and (slots[slot, 0] != pair[0] or slots[slot, 1] != pair[1]):
        slot = slot + 1 if slot + 1 < len(slots) else 0
    return slot


def combine(frame: Any) -> Any:
    """Writes the pairs of the first `count` rows. The frame: keys (part and check of every column by turns), columns,
    seed, pairs; count."""
    at = numbers_at(frame, COMBINE_FRAME, 1)
    keys, columns, seed = table_at(at[0], at[1], at[2]), numbers_at(at[3], at[4], 1), words_at(at[6], at[7], 1)
    pairs = table_at(at[9], at[10], at[11])
    for row in range(at[12]):
        combined(keys, columns, row, seed, pairs[row])
    return at[12]


def admit(frame: Any) -> Any:
    """Adds pairs from `start` to `end` until `most` are in the table; how far it came. The frame: slots, pairs, seed,
    the count of pairs in the table; start, end, most."""
    at = numbers_at(frame, ADMIT_FRAME, 1)
    slots, pairs, seed = table_at(at[0], at[1], at[2]), table_at(at[3], at[4], at[5]), words_at(at[6], at[7], 1)
    count = numbers_at(at[9], at[10], 1)
    for row in range(at[12], at[13]):
        pair = pairs[row]
        if is_of(pair, NULL_CHECK) or is_of(pair, NEVER_CHECK):
            continue
        slot = slot_of(pair, slots, seed)
        if is_of(slots[slot], NULL_CHECK):
            if count[0] >= at[14]:
                return row
            slots[slot, 0], slots[slot, 1] = pair[0], pair[1]
            count[0] += 1
    return at[13]


def missing(frame: Any) -> Any:
    """Marks the pairs that are not in the table, nulls apart; how many. The frame: slots, pairs, seed, marks; count."""
    at = numbers_at(frame, MISSING_FRAME, 1)
    slots, pairs, seed = table_at(at[0], at[1], at[2]), table_at(at[3], at[4], at[5]), words_at(at[6], at[7], 1)
    marks = bytes_at(at[9], at[10], 1)
    found: Any = 0
    for row in range(at[12]):
        pair = pairs[row]
        marks[row] = 0
        if not is_of(pair, NULL_CHECK) and is_of(slots[slot_of(pair, slots, seed)], NULL_CHECK):
            marks[row] = 1
            found += 1
    return found
