"""A descriptor read from disk: `datapackage.json`, `.yaml` or `.yml`, as the one JSON value that is posted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.client.failures import RequestFailure
from tabular.strictjson import MAX_BYTES, StrictJSONError, parse

NAMES = ("datapackage.json", "datapackage.yaml", "datapackage.yml")


def find_descriptor(folder: Path) -> Path:
    """The descriptor of a folder; raises RequestFailure where there is none, or more than one."""
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if not found:
        raise RequestFailure(
            f"{folder} has no datapackage.json, datapackage.yaml or datapackage.yml; a lone table is named by its file"
        )
    if len(found) > 1:
        raise RequestFailure(
            f"{folder} has {' and '.join(path.name for path in found)}: say which one by its file name"
        )
    return found[0]


def is_descriptor(path: Path) -> bool:
    """Whether the name says that a file is a descriptor and no data."""
    return path.suffix.lower() in {".json", ".yaml", ".yml"}


def read_descriptor(path: Path) -> dict[str, Any]:
    """The descriptor, `readme` filled from README.md beside it; raises RequestFailure with file and place."""
    return _with_readme(read_object(path), path.parent)


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON or YAML file; raises RequestFailure with file and place."""
    data = _read(path, MAX_BYTES)
    value = _parse(path, data if path.suffix.lower() not in {".yaml", ".yml"} else _json_of_yaml(path, data))
    if not isinstance(value, dict):
        raise RequestFailure(f"{path}: an object (names and values) is expected")
    return value


def _parse(path: Path, data: bytes) -> Any:
    try:
        return parse(data)
    except StrictJSONError as error:
        raise RequestFailure(f"{path}: {error.message}", rule=error.code) from None


def _json_of_yaml(path: Path, data: bytes) -> bytes:
    # Only who has a YAML descriptor pays for the import.
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe, and without timestamps: `2024-01-01` stays the text that it is in JSON."""

        yaml_implicit_resolvers = {  # noqa: RUF012 the parent's attribute, narrowed
            first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        value = yaml.load(data, Loader)  # noqa: S506 a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RequestFailure(f"{path}: the text is not YAML: {error.problem}{place}.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise RequestFailure(f"{path}: the text is not YAML that a descriptor can be made of.") from None
    return _encode(path, value)


def _encode(path: Path, value: Any) -> bytes:
    """JSON of what YAML said. In pieces: a few nested aliases grow into gigabytes ("billion laughs")."""
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in json.JSONEncoder(allow_nan=False).iterencode(value):
            pieces.append(piece.encode())
            size += len(pieces[-1])
            if size > MAX_BYTES:
                raise RequestFailure(f"{path}: the descriptor grows beyond {MAX_BYTES:,} bytes")
    except (TypeError, ValueError, RecursionError):
        raise RequestFailure(f"{path}: something in it cannot be said in JSON (a set, bytes, NaN, a loop)") from None
    return b"".join(pieces)


def _with_readme(descriptor: dict[str, Any], folder: Path) -> dict[str, Any]:
    readme = folder / "README.md"
    if "readme" in descriptor or not readme.is_file():
        return descriptor
    if not readme.resolve().is_relative_to(folder.resolve()):
        raise RequestFailure(f"{readme} is a link out of the package: copy the file")
    try:
        return {**descriptor, "readme": _read(readme, MAX_BYTES).decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise RequestFailure(f"{readme} is not UTF-8 at byte {error.start}") from None


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise RequestFailure(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise RequestFailure(f"{path} is larger than {limit:,} bytes")
    return data
