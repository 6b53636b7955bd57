"""A published descriptor turned into a package on this machine: which files there are, and under which local names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from gateway.client.download import Wanted
from gateway.client.failures import ServerFailure

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
FOLDER = "data"


class FetchedPackage:
    """The published descriptor; its paths are addresses."""

    def __init__(self, descriptor: Mapping[str, Any]) -> None:
        self._descriptor = descriptor
        self.files = list(_wanted(descriptor))

    def write(self, folder: Path) -> None:
        """datapackage.json with local paths, and README.md, beside the files."""
        package = dict(self._descriptor)
        paths = iter(self.files)
        package["resources"] = [{**resource, "path": next(paths).path} for resource in package["resources"]]
        # As a file it can be edited, and `dh push` takes it in again.
        readme = package.pop("readme", None)
        if isinstance(readme, str):
            (folder / "README.md").write_text(readme, encoding="utf-8", newline="")
        text = json.dumps(package, ensure_ascii=False, indent=2)
        (folder / "datapackage.json").write_text(text + "\n", encoding="utf-8")


def _wanted(descriptor: Mapping[str, Any]) -> Iterator[Wanted]:
    resources = descriptor.get("resources")
    if not isinstance(resources, list):
        raise ServerFailure("the published descriptor has no resources")
    taken: set[str] = set()
    for index, resource in enumerate(resources):
        try:
            parts = urlsplit(str(resource["path"]))
            size = int(resource["bytes"])
            sha256 = _SHA256.fullmatch(resource["hash"])
        except (KeyError, TypeError, ValueError):
            sha256 = None
        # Without its slash a path would continue the server's name: `@elsewhere.example`.
        if sha256 is None or not parts.path.startswith("/"):
            raise ServerFailure(f"the published descriptor says no address, size or SHA-256 of resource {index}")
        # Only the path of the address counts: the file comes from the server that was asked, whatever its own name.
        address = parts.path + (f"?{parts.query}" if parts.query else "")
        yield Wanted(address, f"{FOLDER}/{_local_name(parts.path, index, taken)}", size, sha256[1])


def _local_name(path: str, index: int, taken: set[str]) -> str:
    """A plain file name that no other has, whatever the file system's case; nothing in it leads elsewhere."""
    name = _UNSAFE.sub("_", unquote(PurePosixPath(path).name)).strip(". ")[:150] or "file"
    if name.lower() in taken:
        name = f"{index}-{name}"
    taken.add(name.lower())
    return name
