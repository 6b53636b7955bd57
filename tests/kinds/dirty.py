"""Shapes of what real files carry besides a table: titles, comments, notes, units, blank lines, odd line ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.kinds.shapes import some, usual, written
from tests.kinds.tables import Maker, Table, Truth, Writing


def preamble(make: Maker) -> tuple[str, Truth]:
    """A title and notes above the header, with delimiters of any kind in them, often a blank line."""
    writing = usual(make)
    lines = [make.chance.choice(make.words.titles)]
    lines += make.chance.sample(make.words.notes, make.chance.randrange(0, 5))
    lines += [""] * make.chance.randrange(0, 3)
    above = "".join(line + writing.end for line in lines)
    text, truth = written(some(make, 6), writing, above, len(lines))
    return text, truth


def padded_preamble(make: Maker) -> tuple[str, Truth]:
    """The same from a spreadsheet: each line has the table's width."""
    writing, table = usual(make), make.table(make.kinds(make.chance.randrange(3, 8)), make.chance.randrange(4, 30))
    width = len(table.header[0])
    lines = [[make.chance.choice(make.words.titles)]]
    lines += [[note] for note in make.chance.sample(make.words.notes, make.chance.randrange(0, 3))]
    lines += [[""]] * make.chance.randrange(0, 2)
    above = "".join(writing.line(line + [""] * (width - 1)) for line in lines)
    return written(table, writing, above, len(lines))


def comments(make: Maker) -> tuple[str, Truth]:
    """Comment lines above the header, and sometimes among the rows."""
    writing, mark = usual(make), make.chance.choice(("#", "#", "# ", "// "))
    table = some(make, 8)
    notes = make.chance.sample(make.words.notes, make.chance.randrange(1, 4))
    above = "".join(mark + note.replace('"', "") + writing.end for note in notes)
    text, truth = written(table, writing, above, len(notes))
    if make.chance.random() < 0.5:
        cut = len(table.rows) // 2
        head, _ = written(replace(table, rows=table.rows[:cut]), writing, above, len(notes))
        tail = "".join(map(writing.line, table.rows[cut:]))
        text = head + mark + make.chance.choice(make.words.notes) + writing.end + tail
        truth = replace(truth, comment=mark.strip())
    return text, truth


def marked_header(make: Maker) -> tuple[str, Truth]:
    """The header itself begins with `#`, after notes that do or not."""
    writing, table = Writing(make.chance.choice(",\t")), some(make, 6)
    table.header[0][0] = "#" + table.header[0][0]
    notes = make.chance.sample(make.words.notes, make.chance.randrange(0, 3))
    above = "".join(f"## {note}\n" for note in notes)
    return written(table, writing, above, len(notes))


def footer(make: Maker) -> tuple[str, Truth]:
    """Notes below the table: they stay rows, for nobody may drop them."""
    writing = usual(make)
    notes = make.chance.sample([note for note in make.words.notes if writing.delimiter not in note], 2)
    text, truth = written(some(make, 8), writing, below="".join(note + writing.end for note in notes))
    return text, replace(truth, rows=(*truth.rows, *((note,) for note in notes)))


def blank_lines(make: Maker) -> tuple[str, Truth]:
    """Blank lines at the end or after every record; a blank line is a record without cells."""
    writing, table = usual(make), some(make, 4)
    if make.chance.random() < 0.5:
        text, truth = written(table, replace(writing, end=writing.end * 2))
        rows: Sequence[tuple[str, ...]] = [cells for row in truth.rows for cells in ((), row)]
        return text, replace(truth, rows=(*rows, ()))
    count = make.chance.randrange(1, 4)
    text, truth = written(table, writing, below=writing.end * count)
    return text, replace(truth, rows=(*truth.rows, *[()] * count))


def units(make: Maker) -> tuple[str, Truth]:
    """Two records of header: names, then units or a second language."""
    kinds = [*make.kinds(make.chance.randrange(3, 7)), "decimal", "integer"]
    table = make.table(kinds, make.chance.randrange(6, 30))
    unit = {"decimal": "(kg)", "integer": "[n]", "date": "(dd.mm.yyyy)", "time": "(hh:mm)"}
    if make.chance.random() < 0.5:
        table.header.append([unit.get(kind, "(text)") for kind in kinds])
    else:
        table.header.append([make.chance.choice(make.words.names[kind]) + " 2" for kind in kinds])
    return written(table, usual(make))


def headless_numbers(make: Maker) -> tuple[str, Truth]:
    kinds = [make.chance.choice(("decimal", "decimal", "integer")) for _ in range(make.chance.randrange(2, 9))]
    return _headless(make, make.table(kinds, make.chance.randrange(5, 40)))


def headless_mixed(make: Maker) -> tuple[str, Truth]:
    table = make.table([*make.kinds(make.chance.randrange(1, 5)), "date", "decimal"], make.chance.randrange(5, 40))
    return _headless(make, table)


def headless_text(make: Maker) -> tuple[str, Truth]:
    """Only text, yet with columns that tell: groups that come again, codes of one shape."""
    kinds = ["group", "code", *make.chance.choices(("group", "text", "address"), k=2)]
    return _headless(make, make.table(kinds, make.chance.randrange(12, 40)))


def _headless(make: Maker, table: Table) -> tuple[str, Truth]:
    table.header = []
    return written(table, usual(make))


def separator_line(make: Maker) -> tuple[str, Truth]:
    writing = usual(make)
    return written(some(make), writing, f"sep={writing.delimiter}{writing.end}", 1)


def mixed_ends(make: Maker) -> tuple[str, Truth]:
    """CR, LF and CRLF in one file."""
    table, writing = some(make, 6), usual(make)
    ends = [make.chance.choice(("\n", "\r\n", "\r")) for _ in range(len(table.rows) + 1)]
    records = [*table.header, *table.rows]
    _, truth = written(table, writing)
    return "".join(replace(writing, end=end).line(row) for end, row in zip(ends, records, strict=True)), truth


def newlines(make: Maker) -> tuple[str, Truth]:
    """Cells of several lines."""
    table = make.table(["text", *make.kinds(3)], make.chance.randrange(4, 30))
    for row in table.rows:
        if make.chance.random() < 0.5:
            row[0] = row[0] + "\n" + make.chance.choice(make.words.notes) + "\n\n- x"
    return written(table, usual(make))


def addresses(make: Maker) -> tuple[str, Truth]:
    table = make.table(["integer", "address", "address", "path", "text"], make.chance.randrange(4, 30))
    return written(table, usual(make))


def year_names(make: Maker) -> tuple[str, Truth]:
    """A column for each year."""
    years = range(make.chance.randrange(1980, 2005), 2012)
    kind = make.chance.choice(("decimal", "integer"))
    table = make.table(["group", *[kind] * len(years)], make.chance.randrange(4, 30))
    table.header = [["place", *map(str, years)]]
    return written(table, usual(make))


def spaced(make: Maker) -> tuple[str, Truth]:
    """A blank after each delimiter."""
    table = make.table([*make.kinds(4), "integer"], make.chance.randrange(5, 30))
    table.rows = [[cell.replace(",", "").replace('"', "") for cell in row] for row in table.rows]
    text, truth = written(table, Writing(", ", quote=None))
    return text, replace(truth, delimiter=",")


def blanks(make: Maker) -> tuple[str, Truth]:
    """One blank or a run of blanks between cells, in columns that line up."""
    kinds = make.chance.choices(("integer", "decimal", "date", "code", "boolean"), k=make.chance.randrange(3, 8))
    table = make.table([*kinds, "decimal"], make.chance.randrange(6, 40))
    table.header = [[name.replace(" ", "_") for name in table.header[0]]]
    _, truth = written(table, Writing(" ", quote=None))
    records = [*table.header, *table.rows]
    if make.chance.random() < 0.3:
        return "".join(" ".join(row) + "\n" for row in records), truth
    widths = [max(len(row[index]) for row in records) + 2 for index in range(len(table.header[0]))]
    lines = ["".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in records]
    return "".join(line + "\n" for line in lines), truth


def escaped_delimiters(make: Maker) -> tuple[str, Truth]:
    """Never quoted; a delimiter in a cell stands behind a backslash."""
    table = make.table(["text", *make.kinds(3)], make.chance.randrange(10, 30))
    for row in table.rows:
        row[0] = row[0].replace('"', "") + make.chance.choice(("", ", and more"))
    return written(table, Writing(",", quote=None, escape="\\"))
