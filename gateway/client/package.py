"""A data package on this machine: its descriptor, and where the file of every resource is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.client.descriptor import find_descriptor, is_descriptor, read_descriptor, read_object
from gateway.client.failures import RequestFailure
from tabular.paths import path_problem
from tabular.resource import is_workbook
from tabular.spoken import said_languages, with_languages
from tabular.workbook import sheet_names


@dataclass(frozen=True, slots=True)
class LocalFile:
    """The file of a resource: `path` is the descriptor's word for it, `location` where it is."""

    path: str
    location: Path
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LocalPackage:
    """A package in a folder. `lone`: a table without a descriptor, which is made up here."""

    folder: Path
    descriptor: dict[str, Any]
    lone: bool = False

    @property
    def name(self) -> str:
        return str(self.descriptor.get("name", ""))

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        """The descriptors of the resources, as far as they are any."""
        resources = self.descriptor.get("resources")
        return [item for item in resources if isinstance(item, dict)] if isinstance(resources, list) else []

    def renamed(self, name: str | None) -> LocalPackage:
        """The package under another name; unchanged for None."""
        return replace(self, descriptor={**self.descriptor, "name": name}) if name else self

    def completed(self, found: Sequence[Mapping[str, Any]]) -> LocalPackage:
        """A lone table with what was found about it; a publisher's own descriptor is left as it is."""
        if not self.lone:
            return self
        resources = [{**resource, **more} for resource, more in zip(self.resources, found, strict=True)]
        return replace(self, descriptor={**self.descriptor, "resources": resources})

    def with_sheet(self, sheet: str | None) -> LocalPackage:
        """The package with another sheet of its one workbook: a name, else a number from 1; unchanged for None.

        Raises RequestFailure where it has no workbook, or several.
        """
        if sheet is None:
            return self
        books = [resource for resource in self.resources if is_workbook(resource)]
        if len(books) != 1:
            count = "several workbooks" if books else "no workbook"
            raise RequestFailure(
                f"--sheet is for a package with one workbook, and this one has {count}: say it in the descriptor"
                " (sheetName in the resource's dialect)"
            )
        location = inside(self.folder, resource_path(books[0]))
        names = sheet_names(location) if isinstance(location, Path) else []
        is_number = sheet.isascii() and sheet.isdigit() and (not isinstance(names, list) or sheet not in names)
        chosen: dict[str, Any] = {"sheetNumber": int(sheet)} if is_number else {"sheetName": sheet}
        dialect = books[0].get("dialect")
        said = dialect.items() if isinstance(dialect, dict) else ()
        kept = {key: value for key, value in said if key not in ("sheetName", "sheetNumber")}
        resources = [
            {**each, "dialect": kept | chosen} if each is books[0] else each for each in self.descriptor["resources"]
        ]
        return replace(self, descriptor={**self.descriptor, "resources": resources})

    def files(self) -> list[LocalFile]:
        """The file of every resource; raises RequestFailure that names all that are missing or outside."""
        located = list(self._locate())
        problems = [problem for problem in located if isinstance(problem, str)]
        if problems:
            raise RequestFailure("\n".join(problems), problems=problems)
        return [file for file in located if isinstance(file, LocalFile)]

    def _locate(self) -> Iterator[LocalFile | str]:
        languages = said_languages(self.descriptor)
        for index, resource in enumerate(self.resources):
            path = resource_path(resource)
            location = inside(self.folder, path)
            if isinstance(location, Path):
                yield LocalFile(path, location, with_languages(resource, languages))
            else:
                yield f"resource {resource.get('name') or index}: {location}"


def open_package(source: Path) -> LocalPackage:
    """The package of a folder, a descriptor file, or one table without a descriptor; nothing of the data is read.

    Raises RequestFailure where the descriptor is missing or makes no sense.
    """
    if not source.exists():
        raise RequestFailure(f"{source} does not exist")
    if source.is_file() and not is_descriptor(source):
        return _lone_table(source)
    path = source if source.is_file() else find_descriptor(source)
    return LocalPackage(path.parent, _whole(read_descriptor(path), path.parent))


def resource_path(resource: Mapping[str, Any]) -> str:
    """The path of a resource's one file; empty where it says none. A list of one is as good."""
    path = resource.get("path")
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    return path if isinstance(path, str) else ""


def inside(folder: Path, path: str) -> Path | str:
    """The plain file inside the folder that a path means, or what is wrong with it."""
    problem = path_problem(path)
    if problem is not None:
        return problem.message
    location = (folder / path).resolve()
    if not location.is_relative_to(folder.resolve()):
        return f"{path!r} is a link out of the package: copy the file into it"
    if not location.is_file():
        return f"{path!r} is not a file" if location.exists() else f"the file {path!r} does not exist in {folder}"
    return location


def slug(text: str) -> str:
    """A name of lower-case letters, digits, dots, dashes and underscores, made from any text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:100] or "table"


def _lone_table(table: Path) -> LocalPackage:
    """One resource named after the file, `.gz` and the like left out."""
    name = slug(table.name.partition(".")[0] or table.name)
    resource = {"name": name, "path": table.name, "profile": "tabular-data-resource"}
    return LocalPackage(table.parent, {"name": name, "resources": [resource]}, lone=True)


def _whole(descriptor: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The descriptor with schemas and dialects written in that it keeps in files beside it."""
    resources = descriptor.get("resources")
    if not isinstance(resources, list):
        return descriptor
    return {**descriptor, "resources": [_inlined(resource, folder) for resource in resources]}


def _inlined(resource: Any, folder: Path) -> Any:
    if not isinstance(resource, dict):
        return resource
    # The server takes one file as a text only; of several it says what is wrong with them.
    inlined = {**resource, **({"path": path} if (path := resource_path(resource)) else {})}
    for key in ("schema", "dialect"):
        value = inlined.get(key)
        # An address is left for the check to complain about: nothing is fetched.
        if isinstance(value, str) and path_problem(value) is None:
            location = inside(folder, value)
            if isinstance(location, str):
                raise RequestFailure(f"resource {resource.get('name')}: {key}: {location}")
            inlined[key] = read_object(location)
    return inlined
