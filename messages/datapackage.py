"""The records that travel: which flow, which resource, which bytes. References only, never contents (claim check)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from messages.errors import DecodeError

T = TypeVar("T")

FINDABILITIES = ("published", "unlisted", "private")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRef:
    """One run publishing one revision: `id` is `{ownerid}/{dataset}/{revision}`; `owner` is the user name of today."""

    ownerid: str
    owner: str
    dataset: str
    revision: int
    findability: str

    @property
    def id(self) -> str:
        return f"{self.ownerid}/{self.dataset}/{self.revision}"

    @property
    def dataset_id(self) -> str:
        return f"{self.ownerid}/{self.dataset}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "ownerid": self.ownerid,
            "owner": self.owner,
            "dataset": self.dataset,
            "revision": self.revision,
            "findability": self.findability,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FlowRef:
        return cls(
            ownerid=str_of(data, "ownerid"),
            owner=str_of(data, "owner"),
            dataset=str_of(data, "dataset"),
            revision=int_of(data, "revision"),
            findability=str_of(data, "findability"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """Bytes in the object store. `size` in bytes; hashes in lower-case hex; `sha256` None until `load` knows it."""

    bucket: str
    key: str
    size: int
    sha256: str | None = None
    md5: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "bucket": self.bucket,
            "key": self.key,
            "size": self.size,
            "sha256": self.sha256,
            "md5": self.md5,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BlobRef:
        return cls(
            bucket=str_of(data, "bucket"),
            key=str_of(data, "key"),
            size=int_of(data, "size"),
            sha256=maybe(str_of, data, "sha256"),
            md5=maybe(str_of, data, "md5"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file of a published revision.

    `role`: `data` (canonical CSV or the file itself), `source` (as uploaded, when it differs), `preview`, `report`;
    of an invalid table `summary`, `errors` and `annotated`.
    """

    role: str
    filename: str
    mediatype: str
    blob: BlobRef

    def to_dict(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "filename": self.filename,
            "mediatype": self.mediatype,
            "blob": self.blob.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PublishedFile:
        return cls(
            role=str_of(data, "role"),
            filename=str_of(data, "filename"),
            mediatype=str_of(data, "mediatype"),
            blob=BlobRef.from_dict(dict_of(data, "blob")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedResource:
    """Another resource of the package, as far as foreign keys are looked up in it; `descriptor` says how to read it."""

    name: str
    descriptor: Mapping[str, Any]
    source: BlobRef

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "descriptor": dict(self.descriptor), "source": self.source.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ReferencedResource:
        return cls(
            name=str_of(data, "name"),
            descriptor=dict_of(data, "descriptor"),
            source=BlobRef.from_dict(dict_of(data, "source")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource on its way through the pipeline; each stage returns a grown copy.

    descriptor  the publisher's (checked, inline only); stages add `encoding`, `dialect`, `schema`, `bytes`, `hash`
    source      the bytes as uploaded
    content     the table's bytes where they differ from `source` (decompressed, transcoded to UTF-8)
    tabular     False: carried unchanged through encoding, csvkind and validate
    facts       what each stage found out, by stage name: evidence shown to the publisher
    files       what `dump` wrote to the package store (and the report that `validate` wrote)
    references  the resources that its foreign keys lead to
    languages   codes of the languages that the package says it is in
    """

    index: int
    name: str
    path: str
    descriptor: Mapping[str, Any]
    source: BlobRef
    tabular: bool
    content: BlobRef | None = None
    rows: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[PublishedFile, ...] = ()
    references: tuple[ReferencedResource, ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def table(self) -> BlobRef:
        """The bytes that the table stages read."""
        return self.content or self.source

    def learned(self, stage: str, facts: Mapping[str, Any], **changes: Any) -> Resource:
        """A copy with the stage's facts added, and any other field changed."""
        return replace(self, facts={**self.facts, stage: dict(facts)}, **changes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "name": self.name,
            "path": self.path,
            "descriptor": dict(self.descriptor),
            "source": self.source.to_dict(),
            "tabular": self.tabular,
            "content": self.content.to_dict() if self.content else None,
            "rows": self.rows,
            "facts": dict(self.facts),
            "files": [file.to_dict() for file in self.files],
            "references": [reference.to_dict() for reference in self.references],
            "languages": list(self.languages),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Resource:
        content = maybe(dict_of, data, "content")
        return cls(
            index=int_of(data, "index"),
            name=str_of(data, "name"),
            path=str_of(data, "path"),
            descriptor=dict_of(data, "descriptor"),
            source=BlobRef.from_dict(dict_of(data, "source")),
            tabular=bool(data.get("tabular")),
            content=BlobRef.from_dict(content) if content else None,
            rows=maybe(int_of, data, "rows"),
            facts=dict_of(data, "facts"),
            files=tuple(PublishedFile.from_dict(file) for file in dicts_of(data, "files")),
            references=tuple(ReferencedResource.from_dict(each) for each in dicts_of(data, "references")),
            languages=texts_of(data, "languages"),
        )


def str_of(data: Mapping[str, Any], name: str) -> str:
    """The text in a field; raises DecodeError where it is missing or no text."""
    value = data.get(name)
    if not isinstance(value, str):
        raise DecodeError(f"field {name!r} is not a text")
    return value


def int_of(data: Mapping[str, Any], name: str) -> int:
    """The whole number in a field; raises DecodeError where it is missing or something else."""
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DecodeError(f"field {name!r} is not a whole number")
    return value


def dict_of(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object in a field; raises DecodeError where it is missing or something else."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise DecodeError(f"field {name!r} is not an object")
    return value


def texts_of(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The texts in a field, none where it is missing; raises DecodeError where it is something else."""
    values = data.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DecodeError(f"field {name!r} is not a list of texts")
    return tuple(values)


def dicts_of(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a field, none where it is missing; raises DecodeError where it is something else."""
    values = data.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise DecodeError(f"field {name!r} is not a list of objects")
    return values


def maybe(read: Callable[[Mapping[str, Any], str], T], data: Mapping[str, Any], name: str) -> T | None:
    """What `read` finds in a field; None where it is missing or null."""
    return None if data.get(name) is None else read(data, name)
