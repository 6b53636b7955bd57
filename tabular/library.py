"""frictionless, made to read a CSV as it was told to and in bounded memory.

Imported only when a table is validated: the library takes about a second to load.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from frictionless import Detector, Plugin, Schema, system
from frictionless import Dialect as TableDialect
from frictionless.formats import CsvControl
from frictionless.formats.csv.parser import CsvParser
from frictionless.resources import TableResource
from typing_extensions import override

from tabular.dialect import Dialect
from tabular.rows import reader


class ToldParser(CsvParser):
    """Reads in the dialect it was given, without sniffing.

    frictionless asks `csv.Sniffer` first, whatever the dialect says. Its regular expressions take time by the square of
    the text: 100 KB of `"a "a "a` were measured at 36 s, and a sample of 100 rows may hold far more.
    """

    @override
    def read_cell_stream_create(self) -> Iterator[list[str]]:
        """The records; the dialect's Python form is the library's own."""
        control = CsvControl.from_dialect(self.resource.dialect)
        python = control.to_python()
        # Python takes None, not the empty text that the library has for "no quotes".
        python.quotechar = python.quotechar or None
        yield from reader(self.loader.text_stream, python)


class ToldPlugin(Plugin):
    """Puts the parser before the library's own."""

    @override
    def create_parser(self, resource: Any) -> ToldParser | None:
        """Hook of the library: a parser for the formats we know."""
        return ToldParser(resource) if resource.format == "csv" else None


@cache
def _use_told_parser() -> None:
    system.register("told", ToldPlugin())


def table_resource(
    folder: Path,
    file: str,
    schema: dict[str, Any],
    encoding: str,
    dialect: Dialect,
    dialect_type: type[TableDialect] = TableDialect,
) -> Any:
    """A resource that can be validated: nothing about the file is left to be guessed. Raises FrictionlessException."""
    _use_told_parser()
    control = CsvControl(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote_char,
        double_quote=dialect.double_quote,
        escape_char=dialect.escape_char,
        skip_initial_space=dialect.skip_initial_space,
        line_terminator=dialect.line_terminator,
    )
    return TableResource(
        name="table",
        path=file,
        basepath=str(folder),
        scheme="file",
        format="csv",
        encoding=encoding,
        dialect=dialect_type(
            header=bool(dialect.header_rows),
            header_rows=list(dialect.header_rows),
            header_join=dialect.header_join,
            comment_char=dialect.comment_char,
            comment_rows=list(dialect.comment_rows),
            controls=[control],
        ),
        schema=Schema.from_descriptor(schema),
        # The sample is held in memory; all it is needed for is the header. A hundred rows may be a gigabyte.
        detector=Detector(sample_size=max(dialect.header_rows, default=1)),
    )
