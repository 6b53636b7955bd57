"""The pass over the bytes: records as Python's `csv` reads them, suspects and keys out. Compiled by numba.

A call takes a buffer that begins with a record and goes as far as whole records reach; the rest is for the next call.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.cells import is_plainly_right, judged
from tabular.fast.escapes import any_cell_at
from tabular.fast.hashes import mixed
from tabular.fast.layout import (
    BASE,
    CELL,
    CELL_END,
    COMMENT,
    END,
    ENTRY,
    FIRST,
    FOUND,
    FRAME,
    KEPT,
    KEYED,
    MARK_EVERY,
    MEMBER,
    MEMBER_ALONE,
    MEMBER_CHECK,
    MOST_PER_ROW,
    NO_KEY,
    NULL,
    NULLS,
    PROVEN,
    RECORD,
    RECORDS,
    ROW,
    ROWS,
    SCALES,
    SLOT,
    START,
    SUSPECT,
    SUSPECT_COLUMN,
    UNTIL,
    WIDTH,
    Accepts,
    Plan,
    Results,
)
from tabular.fast.machine import inlined
from tabular.fast.text import CR, INCOMPLETE, LF, PLAIN, REWRITTEN, UNCLOSED, begins_with, line_end
from tabular.fast.vector import bytes_at, item, numbers_at, steps_at, stops_in, table_at, words_at


@inlined
def is_skipped(plan: Any, state: Any) -> Any:
    """Whether the record at hand comes before the data or is a comment by its number."""
    number = state[RECORDS] + 1
    while state[COMMENT] < len(plan.comments) and plan.comments[state[COMMENT]] < number:
        state[COMMENT] += 1
    return number < state[FIRST] or (state[COMMENT] < len(plan.comments) and plan.comments[state[COMMENT]] == number)


@inlined
def suspect(results: Any, column: Any, start: Any, end: Any) -> None:
    """Notes a cell; the record's place is filled in at its end."""
    state = results.state
    entry = results.suspects[state[FOUND]]
    entry[SUSPECT_COLUMN], entry[CELL], entry[CELL_END] = column, start, end
    state[FOUND] += 1


@inlined
def add_key(results: Any, plan: Any, column: Any, verdict: Any, part: Any, check: Any) -> None:
    """Works the value's number into the keys that the column belongs to. A null part is one like any other, unless
    all are null; a key of one column is the number itself."""
    kept = np.uint64(results.state[KEPT])
    for index in range(len(plan.members)):
        key = np.uint64(index)
        member = plan.members[key, np.uint64(column)]
        if member == MEMBER_ALONE:
            results.keys[key, kept] = part
        elif member == MEMBER_CHECK:
            results.keys[key, kept] = check
        elif member == MEMBER and verdict != NULL:
            results.keys[key, kept] = np.int64(mixed(mixed(results.keys[key, kept], column), part))


@inlined
def judge(
    text: Any, start: Any, end: Any, column: Any, form: Any, plan: Any, accepts: Any, results: Any, first: Any
) -> None:
    """Has a data cell judged, unless the record has too many suspects, of which the first is `first`."""
    rule = plan.columns[np.uint64(column)]
    if is_plainly_right(text, start, end, rule) or results.state[FOUND] - first >= MOST_PER_ROW:
        return
    verdict, part, check = judged(text, start, end, column, plan, accepts)
    if verdict == NULL:
        results.state[NULLS] += 1
    elif verdict == SUSPECT:
        if form == PLAIN:
            suspect(results, column, start, end)
        else:
            suspect(results, column, -1, -1)
    if rule[KEYED]:
        add_key(results, plan, column, verdict, part, check)


@inlined
def begin_row(results: Any, plan: Any) -> None:
    """Before a record is read."""
    results.state[NULLS] = 0
    kept = np.uint64(results.state[KEPT])
    for key in range(len(plan.members)):
        results.keys[np.uint64(key), kept] = NO_KEY


@inlined
def end_row(results: Any, plan: Any, first: Any, start: Any, end: Any, width: Any) -> None:
    """After a data record: rows that are ragged, blank or full of suspects are suspects as a whole."""
    state = results.state
    expected = len(plan.columns)
    if width != expected or state[NULLS] == expected or state[FOUND] - first >= MOST_PER_ROW:
        state[FOUND] = first
        suspect(results, -1, -1, -1)
    elif len(plan.members) and lacks_primary(results, plan):
        suspect(results, -1, -1, -1)
    state[PROVEN] += state[FOUND] == first
    for index in range(first, state[FOUND]):
        entry = results.suspects[index]
        entry[RECORD], entry[ROW] = state[RECORDS] + 1, state[ROWS]
        entry[START], entry[END] = state[BASE] + start, state[BASE] + end
    if state[ROWS] % MARK_EVERY == 0:
        place = results.places[state[ROWS] // MARK_EVERY % len(results.places)]
        place[0], place[1] = state[BASE] + start, state[RECORDS] + 1
    state[ROWS] += 1
    state[KEPT] += 1


@inlined
def lacks_primary(results: Any, plan: Any) -> Any:
    """Whether all cells of the primary key, which is the last key, are null."""
    last = len(plan.members) - 1
    return plan.marks[4] == 1 and results.keys[last, results.state[KEPT]] == NO_KEY


@inlined
def record_at(
    text: Any, scratch: Any, start: Any, length: Any, final: Any, plan: Any, accepts: Any, results: Any
) -> Any:
    """Reads one record; where the next begins, -1 when this one is not complete."""
    state = results.state
    first_suspect = state[FOUND]
    columns = len(plan.columns)
    skipped = is_skipped(plan, state)
    begin_row(results, plan)
    at, width, unclosed, filled = start, 0, False, False
    if item(text, at) != LF and item(text, at) != CR:
        base, stops = at, stops_in(text, at, plan.marks[0])
        while True:
            form, cell, end, at, base, stops = any_cell_at(text, scratch, at, length, final, plan, width, base, stops)
            if form == INCOMPLETE:
                state[FOUND] = first_suspect
                return -1
            source = scratch if form == REWRITTEN else text
            unclosed = form == UNCLOSED
            filled = filled or end > cell
            if width == 0 and not skipped:
                skipped = begins_with(source, cell, end, plan.comment)
            if not skipped and width < columns:
                judge(source, cell, end, width, form, plan, accepts, results, first_suspect)
            width += 1
            if item(text, at) != plan.marks[0]:  # after the last byte is a line feed
                break
            at += 1
    at = line_end(text, at, length, final)
    if at < 0:
        state[FOUND] = first_suspect
        return -1
    if plan.marks[7] and not filled:
        skipped, state[FOUND] = True, first_suspect
    if not skipped:
        end_row(results, plan, first_suspect, start, at, -1 if unclosed else width)
    state[RECORDS] += 1
    return at


@inlined
def records(text: Any, scratch: Any, start: Any, length: Any, final: Any, plan: Any, accepts: Any, results: Any) -> Any:
    """The loop over records."""
    state = results.state
    at = start
    while at < length and state[RECORDS] < state[UNTIL]:
        if state[FOUND] + MOST_PER_ROW + 1 >= len(results.suspects) or state[KEPT] + 1 >= results.keys.shape[1]:
            break
        following = record_at(text, scratch, at, length, final, plan, accepts, results)
        if following < 0:
            break
        at = following
    return at


def walk(frame: Any) -> Any:
    """Reads records from `start` while they are complete, the results have room and `UNTIL` is not reached; returns
    where the first unread one begins. `final` says that the file ends at `length`.

    `frame` is the address of the arguments, as `native.frame` puts them: three words for each array, then numbers.
    """
    at = numbers_at(frame, FRAME, 1)
    text, scratch = bytes_at(at[0], at[1], 1), bytes_at(at[3], at[4], 1)
    plan = Plan(
        bytes_at(at[6], at[7], 1),
        table_at(at[9], at[10], WIDTH),
        table_at(at[12], at[13], SCALES),
        table_at(at[15], at[16], SCALES),
        bytes_at(at[18], at[19], 1),
        words_at(at[21], at[22], 1),
        steps_at(at[24], at[25], 1),
        bytes_at(at[27], at[28], 1),
        table_at(at[30], at[31], at[32]),
        numbers_at(at[33], at[34], 1),
        bytes_at(at[36], at[37], 1),
    )
    accepts = Accepts(table_at(at[39], at[40], SLOT), bytes_at(at[42], at[43], 1), words_at(at[45], at[46], 1))
    results = Results(
        numbers_at(at[48], at[49], 1),
        table_at(at[51], at[52], ENTRY),
        table_at(at[54], at[55], at[56]),
        table_at(at[57], at[58], 2),
    )
    return records(text, scratch, at[60], at[61], at[62] != 0, plan, accepts, results)
