"""frictionless, made to read a CSV by a parser of ours: told how, or asking as the library does, in bounded time.

Imported only when a table is validated: the library takes about a second to load.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from frictionless import Detector, Plugin, system
from frictionless import Dialect as TableDialect
from frictionless.formats import CsvControl
from frictionless.formats.csv.parser import CsvParser
from typing_extensions import override

from tabular.countedrecord import CountedRecord, counted
from tabular.dialect import Dialect
from tabular.light import Light
from tabular.lightfield import lighten
from tabular.lightloader import LightLoader
from tabular.lightrow import LightTable
from tabular.lightschema import LightSchema
from tabular.linearsniffer import LinearSniffer
from tabular.longrecords import any_length

V2: Literal["v2"] = "v2"
SNIFFED_LINES = 100
SAMPLE_CHARACTERS = 1 << 24
"""Text after which the library's samples end, though they have fewer than a hundred lines and rows."""
LONGEST_LINE = 1 << 20
"""Characters after which a line is sniffed at both of its ends only."""
Content = Iterator[tuple[int, list[str]]]


class OwnDetector(Detector):
    """Marks a resource as one for our parser; a copy of the resource has it too. `told`: nothing is left to guess."""

    told: bool = False

    @override
    def detect_schema(self, *given: Any, **options: Any) -> Any:
        """Hook of the library: the schema, inferred where none is given."""
        return lighten(super().detect_schema(*given, **options))


class FedDialect(TableDialect, Light):
    """A dialect whose content stream is `feed`'s, if there is one; the sample's, a list, is read as ever."""

    feed: Callable[[], Content] | None = None

    @override
    def read_enumerated_content_stream(self, cell_stream: Iterable[list[Any]]) -> Content:
        """Hook of the library: (record number, cells)."""
        if self.feed is None or isinstance(cell_stream, list):
            content: Content = super().read_enumerated_content_stream(cell_stream)
            return content
        return self.feed()


class OwnParser(CsvParser):
    """The library's parser, but for what takes time by the square of the text or memory without bound.

    A dialect that is told is not sniffed: the library asks `csv.Sniffer` whatever the dialect says.
    """

    @override
    def read_cell_stream_create(self) -> Iterator[list[str]]:
        """The records; the dialect's Python form is the library's own."""
        detector: Any = self.resource.detector
        control = CsvControl.from_dialect(self.resource.dialect)
        lines = deque[str]() if detector.told else _sample(self.loader.text_stream)
        if not detector.told:
            self._sniff(control, "".join(map(_ends_of, lines)))
        python = control.to_python()
        if detector.told:
            # Python takes None, not the empty text that the library has for "no quotes".
            python.quotechar = python.quotechar or None
        held = 0
        is_fed = getattr(self.resource.dialect, "feed", None) is not None  # only the header's cells are asked for then
        records = chain(counted(lines, python) if is_fed else (), any_length(self._lines(lines), python))
        for number, cells in enumerate(records, start=1):
            if number <= detector.sample_size:
                held += cells.characters if isinstance(cells, CountedRecord) else sum(map(len, cells))
                if held >= SAMPLE_CHARACTERS:
                    detector.sample_size = number
            yield cells

    def _lines(self, sample: deque[str]) -> Iterator[str]:
        """All lines; the sample's are let go of."""
        while sample:
            yield sample.popleft()
        yield from self.loader.text_stream

    def _sniff(self, control: CsvControl, text: str) -> None:
        """What the library does, word for word; only the sniffer is another."""
        if self.resource.format == "tsv":
            control.set_not_defined("delimiter", "\t")
        delimiter = control.get_defined("delimiter", default=",\t;|")
        try:
            config: Any = LinearSniffer().sniff(text, delimiter)
        except csv.Error:
            config = csv.excel()
        if config.quotechar == "'":
            config.quotechar = '"'
        for name, value in (
            ("delimiter", config.delimiter),
            ("line_terminator", config.lineterminator),
            ("escape_char", config.escapechar),
            ("quote_char", config.quotechar),
            ("skip_initial_space", config.skipinitialspace),
        ):
            control.set_not_defined(name, value, distinct=True)


def _ends_of(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE // 2] + line[-LONGEST_LINE // 2 :]


def _sample(lines: Iterator[str]) -> deque[str]:
    taken = deque[str]()
    held = 0
    while len(taken) < SNIFFED_LINES and held < SAMPLE_CHARACTERS:
        line = next(lines, None)
        if line is None:
            break
        taken.append(line)
        held += len(line)
    return taken


class OwnPlugin(Plugin):
    """Puts parser and loader before the library's own, for resources that are marked."""

    @override
    def create_loader(self, resource: Any) -> LightLoader | None:
        """Hook of the library: a loader for tables that are fed by others, unless the library unpacks them first."""
        is_fed = getattr(resource.dialect, "feed", None) is not None
        return LightLoader(resource) if is_fed and resource.scheme == "file" and not resource.compression else None

    @override
    def create_parser(self, resource: Any) -> OwnParser | None:
        """Hook of the library: a parser for the formats we know."""
        is_ours = isinstance(resource.detector, OwnDetector) and resource.format in ("csv", "tsv")
        return OwnParser(resource) if is_ours else None


@cache
def _use_own_parser() -> None:
    system.register("own", OwnPlugin())


class OwnTable(LightTable, Light):
    """A table whose parts are of our kinds."""

    type = "table"

    @classmethod
    @override
    def metadata_select_class(cls, type: str | None) -> Any:
        """Hook of the library."""
        return cls

    @classmethod
    @override
    def metadata_select_property_class(cls, name: str) -> Any:
        """Hook of the library."""
        return {"schema": LightSchema, "dialect": FedDialect}.get(name)


class ReferringTable(OwnTable):
    """A table that finds itself, too, among the siblings that stand for its package."""

    @override
    def to_copy(self, **options: Any) -> Any:
        """Asked for by the library where a key refers to its own table, and nowhere else in a validation."""
        return super().to_copy(**options) if self.package is None else self.package.get_resource("").to_copy()


def table_resource(
    folder: Path, file: str, schema: dict[str, Any], encoding: str, dialect: Dialect, siblings: Any = None
) -> Any:
    """A resource that can be validated: nothing about the file is left to be guessed. Raises FrictionlessException.

    Its foreign keys are looked up in `siblings`, a `tabular.siblings.Siblings`; without it there must be none.
    The schema is read by the second version of the standard, which takes all that the first does.
    """
    _use_own_parser()
    control = CsvControl(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote_char,
        double_quote=dialect.double_quote,
        escape_char=dialect.escape_char,
        skip_initial_space=dialect.skip_initial_space,
        line_terminator=dialect.line_terminator,
    )
    # The sample is held in memory; all it is needed for is the header. A hundred rows may be a gigabyte.
    detector = OwnDetector(sample_size=max(dialect.header_rows, default=1))
    detector.told = True
    made = ReferringTable(
        name=siblings.name if siblings is not None else "table",
        path=file,
        basepath=str(folder),
        scheme="file",
        format="csv",
        encoding=encoding,
        dialect=FedDialect(
            header=bool(dialect.header_rows),
            header_rows=list(dialect.header_rows),
            header_join=dialect.header_join,
            comment_char=dialect.comment_char,
            comment_rows=list(dialect.comment_rows),
            skip_blank_rows=dialect.skip_blank_rows,
            controls=[control],
        ),
        schema=LightSchema.from_descriptor(schema, datapackage_version=V2),
        datapackage_version=V2,
        detector=detector,
    )
    made.package = siblings
    return made


def described_resource(folder: Path, descriptor: Mapping[str, Any]) -> Any:
    """The library's resource of a whole descriptor that refers to nothing, `path` in `folder` apart; what it does not
    tell is left to the library's own guesses. Raises FrictionlessException."""
    _use_own_parser()
    table = OwnTable.from_descriptor(dict(descriptor), basepath=str(folder), detector=OwnDetector())
    if not descriptor.get("dialect"):
        table.dialect = FedDialect()
    return table


def loose_resource(folder: Path, descriptor: Mapping[str, Any]) -> Any:
    """The same of `path` and `format`, and some of `schema`, `dialect` and `encoding`: the library makes up a name.
    Where the schema says by its `$schema` which version of the standard it is of, the resource is of that too."""
    _use_own_parser()
    given = {key: descriptor[key] for key in ("path", "format", "encoding") if key in descriptor}
    schema = descriptor.get("schema", {})
    version = {"schema_profile": schema["$schema"]} if "$schema" in schema else {}
    made = {"schema": LightSchema.from_descriptor(dict(schema))} if "schema" in descriptor else {}
    return OwnTable(
        basepath=str(folder),
        dialect=FedDialect.from_descriptor(dict(descriptor.get("dialect") or {})),
        detector=OwnDetector(),
        **(given | made | version),
    )


def compression_of(descriptor: Mapping[str, Any]) -> str | None:
    """How the file of a resource is compressed, for the library: what is told, or what the file's name ends in."""
    told = descriptor.get("compression")
    return OwnTable(path=descriptor["path"]).compression if told in (None, "", "no") else told


def dialect_of(resource: Any) -> Dialect:
    """The dialect in which the library reads a resource that it has opened. Raises ValueError where it is not ours."""
    given, control = resource.dialect, CsvControl.from_dialect(resource.dialect)
    rows = tuple(given.header_rows) if given.header else ()
    if not all(type(number) is int for number in (*rows, *given.comment_rows)):
        raise ValueError("the dialect's rows are no numbers")
    return Dialect(
        delimiter=control.delimiter,
        quote_char=control.quote_char,
        double_quote=control.double_quote,
        escape_char=control.escape_char or None,
        skip_initial_space=control.skip_initial_space,
        header_rows=rows,
        comment_char=given.comment_char or None,
        comment_rows=tuple(sorted(set(given.comment_rows))),
        skip_blank_rows=given.skip_blank_rows,
    )
