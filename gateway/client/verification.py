"""A receipt held against what there is: a folder on this machine, or the published dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gateway.client.board import Board
from gateway.client.descriptor import NAMES
from gateway.client.digests import digest_of
from gateway.client.download import Downloader, Wanted
from gateway.client.failures import ServerFailure
from gateway.client.fetched import FOLDER
from gateway.client.package import LocalPackage, inside, open_package, resource_path
from gateway.receipt import Proof, Receipt, content_hash, pushed_hash, readme_hash
from tabular.hashing import Digest

Hashed = Callable[[Mapping[str, Any]], str]
"""The hash of a descriptor."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as the receipt says: a file by its path, and how it differs."""

    path: str
    message: str


async def published_differences(receipt: Receipt, text: str, files: Downloader) -> tuple[int, list[Difference]]:
    """How many files of the revision were fetched and hashed, datapackage.json among them, and what differs.

    The server has one receipt of a revision: whoever stole its key cannot have a second one pass here (`text` is the
    receipt as it was signed). Raises ServerFailure where the server or its store cannot be asked.
    """
    kept = f"{text}\n".encode()
    proofs = [
        Proof(path="receipt.jwt", size=len(kept), sha256=hashlib.sha256(kept).hexdigest()),
        receipt.manifest,
        *(proof for each in receipt.resources for proof in each.published.values()),
    ]
    wanted = [
        Wanted(quote(f"{receipt.address}/{proof.path}"), proof.path, proof.size, proof.sha256) for proof in proofs
    ]
    digests = await files.digests(wanted)
    differing = (_difference(proof, digest) for proof, digest in zip(proofs, digests, strict=True))
    return len(proofs), [difference for difference in differing if difference]


class Folder:
    """A package in a folder: as it was pushed, or as `dh get` brought it back (its descriptor says so)."""

    def __init__(self, path: Path, name: str | None = None, sheet: str | None = None) -> None:
        self.path = path
        described = any((path / each).is_file() for each in NAMES)
        self._package = open_package(path).with_sheet(sheet).renamed(name) if described else None

    def differences(self, receipt: Receipt, shown: Board) -> tuple[int, list[Difference]]:
        """How many files were hashed, and what differs; raises RequestFailure where a file cannot be read."""
        package = self._package
        if package is not None and isinstance(package.descriptor.get("datahub"), dict):
            proofs = _fetched(receipt, package)
            described = [*_described(package, receipt, content_hash, receipt.content)]
        else:
            proofs = [resource.pushed for resource in receipt.resources]
            described = [*_described(package, receipt, _pushed_hash(receipt), receipt.descriptor)] if package else []
        differing = (_difference(proof, self._digest(proof, shown)) for proof in proofs)
        return len(proofs), [*described, *(difference for difference in differing if difference)]

    def _digest(self, proof: Proof, shown: Board) -> Digest | None:
        location = inside(self.path, proof.path)
        return digest_of(proof.path, location, shown) if isinstance(location, Path) else None


def _fetched(receipt: Receipt, package: LocalPackage) -> list[Proof]:
    """What `dh get` fetched: the data of each resource, in the receipt's order, where the descriptor has it now."""
    paths = {str(resource.get("name")): resource_path(resource) for resource in package.resources}
    return [
        Proof(path=paths.get(each.name) or f"{FOLDER}/{each.name}", size=data.size, sha256=data.sha256)
        for each in receipt.resources
        if (data := each.published.get("data"))
    ]


def _pushed_hash(receipt: Receipt) -> Hashed:
    """The hash of a descriptor on disk as it is posted: with the sizes and hashes that its files had then."""
    pushed = {each.name: each.pushed for each in receipt.resources}

    def declared(resource: Mapping[str, Any]) -> Mapping[str, Any]:
        proof = pushed.get(str(resource.get("name")))
        return {"bytes": proof.size, "hash": f"sha256:{proof.sha256}", **resource} if proof else resource

    def hashed(descriptor: Mapping[str, Any]) -> str:
        return pushed_hash({**descriptor, "resources": [declared(each) for each in descriptor["resources"]]})

    return hashed


def _described(package: LocalPackage, receipt: Receipt, hashed: Hashed, wanted: str) -> Iterator[Difference]:
    """Whether descriptor and readme are those of the receipt."""
    try:
        same = hashed(package.descriptor) == wanted
    except (KeyError, TypeError, AttributeError, ValueError):
        same = False
    if not same:
        named = package.name
        other = f": its name is {named!r} (was it pushed with --name?)" if named != receipt.dataset else ""
        yield Difference("datapackage.json", f"is not the descriptor of the receipt{other}")
    if readme_hash(package.descriptor.get("readme")) != receipt.readme:
        yield Difference("README.md", "is not the readme of the receipt" if receipt.readme else "had no readme then")


def _difference(proof: Proof, digest: Digest | None) -> Difference | None:
    if digest is None:
        return Difference(proof.path, "is not there")
    if digest.size != proof.size:
        more = "more than " if digest.size > proof.size else ""
        of = f"{more}{proof.size:,}" if more else f"{digest.size:,}"
        return Difference(proof.path, f"has {of} bytes, the receipt says {proof.size:,}")
    if digest.sha256 != proof.sha256:
        return Difference(proof.path, f"has the SHA-256 {digest.sha256}, the receipt says {proof.sha256}")
    return None


def require_pushed(receipt: Receipt, digests: Mapping[str, Digest]) -> None:
    """Raises ServerFailure unless the receipt speaks of these very files, by their paths."""
    for each in receipt.resources:
        digest = digests.get(each.pushed.path)
        if digest is None or _difference(each.pushed, digest) is not None:
            raise ServerFailure(f"the server's receipt speaks of another {each.pushed.path} than was pushed")
