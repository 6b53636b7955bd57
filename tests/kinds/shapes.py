"""Shapes of tables as programs write them: delimiters, quotes, escapes, sizes."""

from __future__ import annotations

from dataclasses import replace

from tests.kinds.tables import Maker, Table, Truth, Writing

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~")
USUAL = (",", ",", ";", "\t", "|")


def written(table: Table, writing: Writing, above: str = "", skipped: int = 0, below: str = "") -> tuple[str, Truth]:
    """The table's text after and before some other; `skipped` counts the records of what is above."""
    records = [*table.header, *table.rows]
    body = "".join(map(writing.line, records))
    is_quoted = writing.quote is not None and writing.quote in body
    header_rows = tuple(range(skipped + 1, skipped + 1 + len(table.header)))
    truth = Truth(
        writing.delimiter,
        writing.quote if is_quoted else None,
        writing.escape,
        header_rows,
        skipped,
        None,
        table.joined,
        tuple(map(tuple, table.rows)),
    )
    return above + body + below, truth


def some(make: Maker, least: int = 3, most: int = 40, columns: int = 8) -> Table:
    return make.table(make.kinds(make.chance.randrange(2, columns)), make.chance.randrange(least, most))


def usual(make: Maker) -> Writing:
    return Writing(make.chance.choice(USUAL), end=make.chance.choice(("\n", "\r\n")))


def plain(make: Maker) -> tuple[str, Truth]:
    return written(some(make), Writing(make.chance.choice(DELIMITERS)))


def all_quoted(make: Maker) -> tuple[str, Truth]:
    return written(some(make), replace(usual(make), always=True))


def single_quoted(make: Maker) -> tuple[str, Truth]:
    return written(some(make, least=5), replace(usual(make), quote="'", always=True))


def never_quoted(make: Maker) -> tuple[str, Truth]:
    """Tab separated as databases dump it: quotes are text, at the start of a cell too."""
    table = make.table(["text", *make.kinds(3)], make.chance.randrange(8, 30))
    for row in table.rows:
        if make.chance.random() < 0.4:
            row[0] = f'"{row[0]}" etc.'
    text, truth = written(table, Writing("\t", quote=None))
    return text, truth


def escaped(make: Maker) -> tuple[str, Truth]:
    """Quotes inside of quotes behind a backslash."""
    table = make.table(["json", *make.kinds(3)], make.chance.randrange(5, 30))
    return written(table, replace(usual(make), escape="\\"))


def doubled(make: Maker) -> tuple[str, Truth]:
    return written(make.table([*make.kinds(3), "json"], make.chance.randrange(3, 30)), usual(make))


def decimal_comma(make: Maker) -> tuple[str, Truth]:
    kinds = make.kinds(make.chance.randrange(1, 5)) + ["decimal comma"] * make.chance.randrange(1, 4)
    return written(make.table(kinds, make.chance.randrange(3, 30)), Writing(make.chance.choice(";;\t|")))


def one_column(make: Maker) -> tuple[str, Truth]:
    """One value a line: words, numbers, dates, sentences that are not quoted."""
    kind = make.chance.choice(("text", "integer", "decimal", "date", "code", "address", "decimal comma", "time"))
    return written(make.table([kind], make.chance.randrange(4, 60)), Writing("", quote=None))


def tiny(make: Maker) -> tuple[str, Truth]:
    """A header and one or two rows, the last line's end missing sometimes."""
    text, truth = written(some(make, 1, 3), usual(make))
    return (text.rstrip("\r\n") if make.chance.random() < 0.5 and truth.rows[-1][-1] else text), truth


def header_only(make: Maker) -> tuple[str, Truth]:
    return written(Table(some(make).header), usual(make))


def sparse(make: Maker) -> tuple[str, Truth]:
    table = some(make, 8)
    table.rows = [[cell if make.chance.random() < 0.5 else "" for cell in row] for row in table.rows]
    table.rows = [row if any(row) else ["x", *row[1:]] for row in table.rows]
    return written(table, usual(make))


def wide(make: Maker) -> tuple[str, Truth]:
    columns = make.chance.choice((300, 1_000, 2_500))
    table = make.table(make.kinds(columns), make.chance.randrange(2, 5))
    return written(table, usual(make))


def ragged(make: Maker) -> tuple[str, Truth]:
    """One row of five is short or long."""
    table = some(make, 10, columns=7)
    for index, row in enumerate(table.rows[2:], start=2):
        if make.chance.random() < 0.2:
            table.rows[index] = row[:-1] if make.chance.random() < 0.6 else [*row, "extra"]
    table.rows = [row if any(row) else ["0", *row[1:]] for row in table.rows]
    return written(table, usual(make))
