"""The library's own row logic, making errors of classes that are written out by names found once.

An error writes itself out to make its message. The classes of errors are chosen by no hook; so the library's two
functions that make them are bound here a second time, word for word, to other classes under the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from frictionless import Checklist, errors
from frictionless.resources import TableResource
from frictionless.table.row import Row, _CellHandler
from typing_extensions import override

from tabular.light import Light
from tabular.lightfield import readers_and_writers
from tabular.lightheader import LightHeader
from tabular.rebound import rebound


class LightError(Light):
    """For the start of a class's bases: what is set of an error is not noted, as all that it says was given."""

    __setattr__: Any = object.__setattr__


class LightErrors:
    """In place of the library's module of errors."""

    def __getattr__(self, name: str) -> Any:
        made = type(name, (LightError, getattr(errors, name)), {})
        setattr(self, name, made)
        return made


class LightChecklist(Checklist):
    """Works out once which errors count."""

    @cached_property
    @override
    def scope(self) -> Any:
        """Hook of the library."""
        return super().scope


class Handlers:
    """What rows need of the fields, which nobody changes here: each with its cell reader and writer."""

    def __init__(self, fields: Sequence[Any]) -> None:
        self._both = list(zip(fields, readers_and_writers(fields), strict=True))

    @cached_property
    def by_name(self) -> dict[str, Any]:
        """The library's own; not made before there is a row, for of a table of clean rows none may be told."""
        return {each.name: _CellHandler(each, number, *both) for number, (each, both) in enumerate(self._both, start=1)}


class LightRow(Row):
    """A row whose errors are light."""

    def __init__(self, cells: list[Any], *, handlers: Handlers, row_number: int) -> None:
        super().__init__(cells, handlers=handlers.by_name, row_number=row_number)

    _Row__process: Callable[..., Any] = rebound(vars(Row)["_Row__process"], errors=LightErrors())


class LightTable(TableResource):
    """A table whose header and rows are light, and so are the errors that it adds to them."""

    _TableResource__open_header: Callable[..., Any] = rebound(
        vars(TableResource)["_TableResource__open_header"], Header=LightHeader
    )
    _TableResource__open_row_stream: Callable[..., Any] = rebound(
        vars(TableResource)["_TableResource__open_row_stream"],
        errors=LightErrors(),
        Row=LightRow,
        create_cell_handlers=Handlers,
    )
