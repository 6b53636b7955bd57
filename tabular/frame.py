"""Where the table is among the records of a file: what comes before its header, the header, comments between.

Exports put titles, dates and notes above the header, and pad them to the table's width or not. A record above the
first of the table's width is only left out when what follows looks like a header; a doubtful one stays data, for
data that is left out is worse than a finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tabular.celltype import cell_kind
from tabular.header import Judgement, judge_header, kinds_of

Row = Sequence[str]
SEARCHED = 60
"""Records among which the header is looked for."""
COMMENTS = ("#", "//", "%")
FOOTER = 6
LONG_NAME = 30
"""Characters from which a cell is rather a title than a name."""
RAGGED = 0.5


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of `width` columns. Numbers are those of records, from 1: of the header's (none: no header) and of the
    first that is data. `agreement` is the share of its records that have the width, `coverage` the share of all;
    `is_headed`: its first record has the width, too."""

    width: int
    header_rows: tuple[int, ...]
    first_data: int
    comment: str | None
    agreement: float
    coverage: float
    why: str
    is_headed: bool = True
    footer: tuple[int, ...] = ()


def frame_of(rows: Sequence[Row], names: Sequence[str] = ()) -> Frame:
    """The frame of a table whose first records are `rows`, blank ones included as empty lists."""
    comment, marked = _comment(rows)
    full = [
        index
        for index, row in enumerate(rows)
        if any(cell.strip() for cell in row) and not (comment and row[0].startswith(comment))
    ]
    if not full:
        return Frame(1, (1,), 2, None, 1.0, 1.0, "there is no row to compare with")
    width = _width(rows, [index for index in full if marked is None or index >= marked])
    first, judgement, joined = _start(rows, full, width, names, marked)
    body, footer = _body(rows, [index for index in full if index >= first], width)
    agreement = sum(len(rows[index]) == width for index in body) / len(body)
    coverage = (len(body) + len(footer)) / len(full)
    header = tuple(index + 1 for index in joined) if judgement.is_header else ()
    first_data = header[-1] + 1 if header else first + 1
    return Frame(
        width, header, first_data, comment, agreement, coverage, judgement.why, _is_wide(rows[first], width), footer
    )


def _comment(rows: Sequence[Row]) -> tuple[str | None, int | None]:
    """What comments begin with, and the header that begins so as well; None where records that begin so have the
    table's width, as values do."""
    for mark in COMMENTS:
        marked = [index for index, row in enumerate(rows) if row and row[0].startswith(mark)]
        others = [len(row) for row in rows if row and not row[0].startswith(mark)]
        if not marked or not others:
            continue
        width = Counter(others).most_common(1)[0][0]
        header = _marked_header(rows, marked, width)
        if header is not None:
            return None, header
        odd = [index for index in marked if len(rows[index]) != width or _is_remark(rows[index], mark)]
        if 2 * len(odd) > len(marked):
            return mark, None
    return None, None


def _is_remark(row: Row, mark: str) -> bool:
    return width_of(row) == 1 and row[0].removeprefix(mark)[:1] in (" ", mark[0], "")


def _marked_header(rows: Sequence[Row], marked: list[int], width: int) -> int | None:
    """The record such as `#name,size` that heads the table, the last one of the marked ones above the first data."""
    after = next((index for index, row in enumerate(rows) if row and index not in set(marked)), None)
    if after is None or width < 2:
        return None
    above = [index for index in marked if index < after]
    if not above or len(rows[above[-1]]) != width or width_of(rows[above[-1]]) < width:
        return None
    below = [row for index, row in enumerate(rows) if index >= after and index not in set(marked)]
    if judge_header(below).score > judge_header([rows[above[-1]], *below]).score:
        return None
    return above[-1]


def width_of(row: Row) -> int:
    """How many cells of the record have a value."""
    return sum(bool(cell.strip()) for cell in row)


def _width(rows: Sequence[Row], full: list[int]) -> int:
    """The commonest width of at least two; the first record's where no width is common."""
    widths = Counter(len(rows[index]) for index in full)
    wide = [(times, width) for width, times in widths.items() if width > 1]
    first = len(rows[full[0]])
    if not wide:
        return 1
    times, width = max(wide)
    if times == widths[first] and first > 1:
        return first
    if times < RAGGED * len(full) and not _is_block(rows, full, width):
        return first if first > 1 or widths[1] > times else width
    return width


def _is_block(rows: Sequence[Row], full: list[int], width: int) -> bool:
    """Whether all records of the width stand together at the end, after a blank one."""
    block = [index for index in full if len(rows[index]) == width]
    return len(block) > 1 and width > 2 and block == full[-len(block) :] and block[0] - 1 not in full


def _start(
    rows: Sequence[Row], full: list[int], width: int, names: Sequence[str], marked: int | None
) -> tuple[int, Judgement, tuple[int, ...]]:
    """(the table's first record, whether it is a header, the records that make up the header), from 0."""
    searched = [index for index in full if index < SEARCHED]
    named = _named(rows, searched, names)
    if named is not None:
        return named, judge_header([rows[named]], names), (named,)
    if marked is not None:
        return marked, Judgement(1.0, "the row above the data begins with a comment's mark"), (marked,)
    first = next((index for index in searched if len(rows[index]) == width and _is_filled(rows[index])), full[0])
    first = _later(rows, full, first, width)
    below = [rows[index] for index in full if index >= first]
    judgement = judge_header(below)
    above = [index for index in full if index < first]
    if above and not _may_be_left_out(rows, above, first, judgement, full, width):
        first = above[-1] if _is_short_header(rows[above[-1]], width) else full[0]
        judgement = judge_header([rows[index] for index in full if index >= first])
    joined = _joined(rows, full, first, width) if judgement.is_header else (first,)
    return first, judgement, joined


def _named(rows: Sequence[Row], searched: list[int], names: Sequence[str]) -> int | None:
    """The record that has most of the schema's names, when it has half of them."""
    wanted = {name.strip() for name in names}
    shared = [(len(wanted & {cell.strip() for cell in rows[index]}), -index) for index in searched]
    most, index = max(shared, default=(0, 0))
    return -index if wanted and 2 * most >= len(wanted) else None


def _is_filled(row: Row) -> bool:
    return width_of(row) >= (2 if len(row) > 2 else 1)


def _later(rows: Sequence[Row], full: list[int], first: int, width: int) -> int:
    """A later record that is the header, where those before it are of the table's width by chance: titles with
    commas, then often a blank record, then a header above numbers or dates."""
    fits = [index for index in full if index >= first and len(rows[index]) == width]
    kinds = kinds_of([rows[index] for index in fits[len(fits) // 3 :]])
    if not kinds or len(fits) < 3:
        return first
    for position, index in enumerate(fits[:SEARCHED]):
        if _is_data(rows[index], kinds):
            header = fits[position - 1] if position else first
            return header if position and _is_apart(rows, first, header) else first
    return first


def _is_data(row: Row, kinds: dict[int, str]) -> bool:
    """Whether the record has values where its columns have them, or none there and others elsewhere."""
    found = [cell_kind(row[index]) for index in kinds if index < len(row)]
    if all(kind == "blank" for kind in found):
        return width_of(row) > 1
    return any(kind not in ("text", "blank") for kind in found)


def _is_apart(rows: Sequence[Row], first: int, header: int) -> bool:
    """Whether the records from `first` to before `header` are no part of the header."""
    between = rows[first:header]
    if any(not any(cell.strip() for cell in row) or len(row) != len(rows[header]) for row in between):
        return True
    return all(width_of(row) < 2 or len(max(row, key=len)) > LONG_NAME for row in between)


def _may_be_left_out(
    rows: Sequence[Row], above: list[int], first: int, judgement: Judgement, full: list[int], width: int
) -> bool:
    """Whether the records above the table are titles and notes: enough must speak for it."""
    if not judgement.is_header and _is_short_header(rows[above[-1]], width):
        return False
    if any(2 * len(rows[index]) > width + 2 and width_of(rows[index]) > 1 for index in above) and judgement.score < 1:
        return False
    body = [index for index in full if index >= first]
    agreeing = sum(len(rows[index]) == width for index in body)
    texts = [cell.strip() for index in above for cell in rows[index] if cell.strip()]
    points = 2 * (first - above[-1] > 1 or any(not any(rows[index]) for index in range(above[0], first)))
    points += 2 * (judgement.score > 0.5)
    points += 2 * (width > 2 and all(len(rows[index]) == width and width_of(rows[index]) == 1 for index in above))
    points += any(" " in text for text in texts) + any(":" in text for text in texts) + (len(above) > 1)
    points += len(body) >= 5 and agreeing >= 0.95 * len(body)
    is_told = any(not text.isalnum() for text in texts)
    return points >= (2 if judgement.is_header and is_told else 4)


def _is_short_header(row: Row, width: int) -> bool:
    """Whether the record may head a table of more columns: R leaves out the name of the row names, others forget
    the last."""
    kinds = [cell_kind(cell) for cell in row]
    is_near = len(row) > 1 and abs(len(row) - width) <= max(1, width // 4)
    return is_near and all(kind == "text" for kind in kinds)


def _is_wide(row: Row, width: int) -> bool:
    return len(row) == width or (width > 2 and abs(len(row) - width) == 1)


def _joined(rows: Sequence[Row], full: list[int], first: int, width: int) -> tuple[int, ...]:
    """The records that make up the header: `first`, and the next ones when they are units, kinds or a second line of
    names above columns of numbers."""
    fits = [index for index in full if index >= first and len(rows[index]) == width]
    if len(fits) < 5 or fits[0] != first:
        return (first,)
    kinds = kinds_of([rows[index] for index in fits[len(fits) // 3 :]])
    joined = [first]
    for index in fits[1:4]:
        above = rows[joined[-1]]
        if index != joined[-1] + 1 or not (_is_second_header(rows[index], kinds) or _is_below(rows[index], above)):
            break
        joined.append(index)
    return tuple(joined) if len(joined) < 4 else (first,)


def _is_second_header(row: Row, kinds: dict[int, str]) -> bool:
    found = [cell_kind(row[index]) for index in kinds if index < len(row)]
    if not found or any(kind != "text" for kind in found):
        return False
    cells = [row[index].strip() for index in kinds]
    return len(cells) > 1 or all(cell[0] + cell[-1] in ("()", "[]") for cell in cells)


def _is_below(row: Row, above: Row) -> bool:
    """Whether the record names the parts of what merged cells above it name: blank at first, texts below blanks."""
    if row[0].strip() or width_of(row) < 2 or width_of(above) == len(above):
        return False
    return all(not cell.strip() or cell_kind(cell) == "text" for cell in row)


def _body(rows: Sequence[Row], indexes: list[int], width: int) -> tuple[list[int], tuple[int, ...]]:
    """The table's records, and those at the end that look like notes below it."""
    end = len(indexes)
    while end > 2 and width_of(rows[indexes[end - 1]]) == 1 and width > 1 and len(indexes) - end < FOOTER:
        end -= 1
    notes = indexes[end:]
    if end < 4 or all(len(rows[index]) == width for index in notes):
        return indexes, ()
    return indexes[:end], tuple(index + 1 for index in notes)
