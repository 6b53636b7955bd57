"""What the compiled functions and the code around them agree on: positions in arrays, and verdicts."""

from __future__ import annotations

from typing import Any, NamedTuple

# The verdict on a cell.
SUSPECT, CLEAN, NULL = 0, 1, 2

# The kinds of columns: what can be proven of a cell without frictionless.
LISTED_ONLY, TEXT, DECIMAL, CALENDAR = 0, 1, 2, 3

# A column's row in `Plan.columns`. A position or character that does not apply is -1.
(
    KIND,
    REQUIRED,
    EMPTY_IS_NULL,
    LISTED_FIRST,  # bit by bit, how long the missing values are: of these cells the accept-set is asked first
    KEYED,
    SHORTEST,
    LONGEST,
    PATTERN,  # the first state of its automaton
    SHIFTS,  # where its row in `Plan.shifts` is
    ENDS,  # the bits of the shifts after which a match may end
    POINT,  # the byte that separates the fraction; -1: no fraction
    LENGTH,  # of a calendar value without fraction of a second and zone
    YEAR,
    MONTH,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    TAIL,  # whether a fraction of a second and a zone may follow
    ZONE,  # the zones that bounds can be compared with: 0 none, 1 UTC, -1 any
    WHOLE,  # whether fractions and zones other than UTC are left to frictionless
    BOUNDED,
    SHAPE,  # where what its bytes may be is in `Plan.shapes`
    TAG,  # of a calendar value: its check, which tells dates from moments and both from times
    SHORTCUT,  # how a cell may be proven without what its column does not ask for
    WITHIN,  # at most so many digits before the point are within the bounds whatever they are
    BELOW_ZERO,  # the same of what has a minus
    UNPADDED,  # whether parts of two digits may have one
) = range(28)
WIDTH = 32

BY_RULE, ANYTHING, DIGITS = 0, 1, 2
"""What a column's `SHORTCUT` may say: there is none, every text is right, or the look of a decimal is enough."""

UNIQUE, FOREIGN = 1, 2
"""What a column's `KEYED` may say: its values are parts of keys here, or also of another table's."""

MEMBER_ALONE, MEMBER, MEMBER_CHECK = 1, 2, 3
"""What of a column goes into a row of `Results.keys`: its number, its number among others', its check."""

SCALES = 19
"""Digits that a decimal may have after its point, and one more; bounds are kept scaled for each."""

# A row of the accept-set.
HASH, COLUMN, AT, SIZE, VERDICT, PART, CHECK = range(7)
SLOT = 8

# The state that one call of the kernel hands to the next.
(
    RECORDS,  # finished so far, header and comments too
    ROWS,  # of them data
    FIRST,  # the number of the first record that may be data
    COMMENT,  # how many of the numbered comment rows are behind us
    UNTIL,  # stop after this record
    BASE,  # the file's offset of the buffer's first byte
    FOUND,  # suspects in `suspects`
    KEPT,  # rows in `keys`
    NULLS,  # of the record at hand
    PROVEN,  # rows without a suspect
    STATE,
) = range(11)

# A row of `suspects`: record and row number, the record's bytes in the file, the column (-1: the whole row), the cell's
# bytes in the buffer (-1: it is not written as it reads).
RECORD, ROW, START, END, SUSPECT_COLUMN, CELL, CELL_END, ENTRY = range(8)

LONGEST_LISTED = 256
"""Bytes; longer cells are never in the accept-set."""
MOST_PER_ROW = 32
"""Suspect cells in one record, after which the whole row is."""
MARK_EVERY = 128
"""Rows between two whose places are remembered, to find any row again."""
NO_KEY = -(2**63)
"""In place of a key that is not compared: null."""
NULL_CHECK, NEVER_CHECK = 0, 1
"""The checks beside `NO_KEY` of what is null, and of what equals nothing, itself included."""
LONGEST_MISSING = 62
"""The last bit of `LISTED_FIRST`, for this length and all greater ones."""
LANES, WINDOW = 32, 64
"""Bytes that are looked at together; those whose delimiters and line ends are found together."""
STEP = 6
"""Bits of a state in `Plan.shifts`: each of its words has the state that follows on state n at bit n, n = 0, 6, ..."""
PADDING = 64
"""Bytes past the end of a buffer that the kernel may read; the first is a line feed."""

FRAME, UTF8_FRAME = 63, 5
COMBINE_FRAME, ADMIT_FRAME, MISSING_FRAME = 13, 15, 13
"""Words of the arguments of the compiled functions."""


# The state of the pass that counts records.
(
    COUNTED,  # records that are whole and harmless
    SLIPS,  # of them with text after a closing quote
    FIRST_SLIP,  # the number of the first of those, 0 for none
    LARGEST_CELL,  # limits, in bytes but for the columns
    LARGEST_ROW,
    MOST_COLUMNS,
    HALTED,  # whether it stopped before a record that may be harmful
    COUNTED_STATE,
) = range(8)

# The state of the passes that tell types and that write records anew.
(
    READ,  # records read
    READ_ROWS,  # of them data
    READ_FIRST,  # the number of the first record that may be data
    READ_COMMENT,  # how many of the numbered comment rows are behind us
    READ_BASE,  # the file's offset of the buffer's first byte
    READ_HALTED,  # whether a quote stays open at the end
    READ_WRITTEN,  # bytes in the output
    READ_STATE,
) = range(8)

# A column of that pass: types that a cell passed for, and that a cell did not, as bits.
PASSED, FAILED, GUESS = 0, 1, 2
KIND_COUNT, ANY_KIND = 8, 255
AGAINST = 2
"""Of the first cell that a type fails for: the record's number, and its offset in the file."""
GROWTH = 3
"""Times that a record may be as long when it is written anew, and once more for what each adds."""
SCAN_FRAME, GUESS_FRAME, WRITE_FRAME, TRANSCODE_FRAME = 12, 27, 24, 10

UNDEFINED, SIZE_BITS = -1, 24
"""In place of a character that a byte is not; above which bits of a character its length is."""


class Plan(NamedTuple):
    """Everything the kernel needs to know of a table; arrays only, so that it can be handed to compiled code."""

    marks: Any  # uint8: delimiter, quote, whether there are quotes, whether blanks at the start of a cell are dropped,
    # whether the last key is primary, escape (0: none), whether quotes may be doubled, whether blank rows are skipped
    columns: Any  # int64[columns, WIDTH]
    low: Any  # int64[columns, SCALES]
    high: Any
    shapes: Any  # uint8[n * 2 * LANES]: the least that a byte may be, and how much more at most
    shifts: Any  # uint64[n * 256]: the automata of patterns that have few states
    steps: Any  # int16[states * 128]: the automata of patterns, -1 for no way
    ends: Any  # uint8[states]: whether a match may end here
    members: Any  # int64[members, columns]: which columns make up which row of `Results.keys`, the primary key last
    comments: Any  # int64[n]: records that are no data
    comment: Any  # uint8[n]: what a comment begins with


class Accepts(NamedTuple):
    """The accept-set's arrays: a hash table of cells by column, and their bytes."""

    slots: Any  # int64[2**n, SLOT]
    arena: Any  # uint8
    seed: Any  # uint64[3]: for hashes; two points for polynomials


class Results(NamedTuple):
    """What the kernel writes."""

    state: Any  # int64[STATE]
    suspects: Any  # int64[n, ENTRY]
    keys: Any  # int64[members, n]
    places: Any  # int64[n, 2]: offset and record number of every MARK_EVERYth row
