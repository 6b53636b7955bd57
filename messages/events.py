"""Events: facts in the past tense, any number of listeners. `docs/messages.md` is their contract with other services.

Every event's data has `flow` (a FlowRef). Ids are derived from what happened, so that a repeated announcement is
recognised by whoever keeps the ids (the inbox; a subscriber of yours).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from messages.datapackage import (
    BlobRef,
    FlowRef,
    PublishedFile,
    Resource,
    dict_of,
    dicts_of,
    int_of,
    maybe,
    str_of,
    texts_of,
)
from messages.envelope import Message, derived_id
from messages.errors import DecodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAccepted:
    """A push was accepted: its revision exists, its jobs will run."""

    KIND: ClassVar[str] = "event.flow.accepted"
    flow: FlowRef
    title: str
    resources: tuple[str, ...]

    def to_message(self, cause: str | None = None) -> Message:
        data = {"flow": self.flow.to_dict(), "title": self.title, "resources": list(self.resources)}
        return message_of(self.KIND, self.flow, data, cause)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        return cls(
            flow=flow_of(message, cls.KIND),
            title=str_of(message.data, "title"),
            resources=texts_of(message.data, "resources"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRestarted:
    """A failed flow runs again, from the bytes that were uploaded for it: the `run`-th time that somebody wanted so.

    `resources` are those that run again; the others had passed before.
    """

    KIND: ClassVar[str] = "event.flow.restarted"
    flow: FlowRef
    run: int
    resources: tuple[str, ...]

    def to_message(self, cause: str | None = None) -> Message:
        data = {"flow": self.flow.to_dict(), "run": self.run, "resources": list(self.resources)}
        return message_of(self.KIND, self.flow, data, cause, self.run)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        return cls(
            flow=flow_of(message, cls.KIND),
            run=int_of(message.data, "run"),
            resources=texts_of(message.data, "resources"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePassed:
    """A stage is done with a resource, which has grown by what was learned. It is the next stage's job, too.

    The kind ends with the stage (`event.stage.passed.load`): `messages.topology` says which stage's queue it fills.
    """

    KIND: ClassVar[str] = "event.stage.passed"
    flow: FlowRef
    stage: str
    resource: Resource
    round: int = 0

    @property
    def name(self) -> str:
        """The resource's."""
        return self.resource.name

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the stage has learned."""
        facts: Mapping[str, Any] = self.resource.facts.get(self.stage, {})
        return facts

    def to_message(self, cause: str | None = None) -> Message:
        data = {
            "flow": self.flow.to_dict(),
            "stage": self.stage,
            "resource": self.resource.to_dict(),
            "round": self.round,
        }
        return message_of(f"{self.KIND}.{self.stage}", self.flow, data, cause, self.resource.index, self.round)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        stage = str_of(message.data, "stage")
        return cls(
            flow=flow_of(message, f"{cls.KIND}.{stage}"),
            stage=stage,
            resource=Resource.from_dict(dict_of(message.data, "resource")),
            round=int_of(message.data, "round"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRejected:
    """The publisher's data did not pass a stage.

    `reason` is a sentence for them, `findings` the first problems, `report` all that is listed; `files` are the summary
    of all errors and the lists of them.
    `abandoned`: not the data but we failed (a dead letter); nothing is wrong with the publisher's file.
    """

    KIND: ClassVar[str] = "event.stage.rejected"
    flow: FlowRef
    index: int
    name: str
    stage: str
    reason: str
    round: int = 0
    rule: str = "rejected"
    errors: int = 1
    findings: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    report: BlobRef | None = None
    files: tuple[PublishedFile, ...] = ()
    abandoned: bool = False

    def to_message(self, cause: str | None = None) -> Message:
        data = {
            "flow": self.flow.to_dict(),
            "index": self.index,
            "name": self.name,
            "stage": self.stage,
            "reason": self.reason,
            "round": self.round,
            "rule": self.rule,
            "errors": self.errors,
            "findings": [dict(finding) for finding in self.findings],
            "facts": dict(self.facts),
            "report": self.report.to_dict() if self.report else None,
            "files": [file.to_dict() for file in self.files],
            "abandoned": self.abandoned,
        }
        return message_of(self.KIND, self.flow, data, cause, self.index, self.stage, self.round, self.abandoned)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        data, report = message.data, maybe(dict_of, message.data, "report")
        return cls(
            flow=flow_of(message, cls.KIND),
            index=int_of(data, "index"),
            name=str_of(data, "name"),
            stage=str_of(data, "stage"),
            reason=str_of(data, "reason"),
            round=int_of(data, "round"),
            rule=str_of(data, "rule"),
            errors=int_of(data, "errors"),
            findings=tuple(dicts_of(data, "findings")),
            facts=dict_of(data, "facts"),
            report=BlobRef.from_dict(report) if report else None,
            files=tuple(PublishedFile.from_dict(file) for file in dicts_of(data, "files")),
            abandoned=bool(data.get("abandoned")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgressed:
    """How far a running stage is: `done` of `total` in `unit` (`bytes` or `rows`). Transient: for whoever watches."""

    KIND: ClassVar[str] = "event.stage.progressed"
    flow: FlowRef
    index: int
    name: str
    stage: str
    done: int
    total: int | None
    unit: str

    def to_message(self, cause: str | None = None) -> Message:
        data = {
            "flow": self.flow.to_dict(),
            "index": self.index,
            "name": self.name,
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
        }
        return message_of(self.KIND, self.flow, data, cause, self.index, self.stage, self.done)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        data = message.data
        return cls(
            flow=flow_of(message, cls.KIND),
            index=int_of(data, "index"),
            name=str_of(data, "name"),
            stage=str_of(data, "stage"),
            done=int_of(data, "done"),
            total=maybe(int_of, data, "total"),
            unit=str_of(data, "unit"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagePublished:
    """A revision is whole and readable. `descriptor` is where its datapackage.json is; once per revision."""

    KIND: ClassVar[str] = "event.package.published"
    flow: FlowRef
    title: str
    descriptor: BlobRef
    rows: int
    size: int
    files: int

    def to_message(self, cause: str | None = None) -> Message:
        data = {
            "flow": self.flow.to_dict(),
            "title": self.title,
            "descriptor": self.descriptor.to_dict(),
            "rows": self.rows,
            "size": self.size,
            "files": self.files,
        }
        return message_of(self.KIND, self.flow, data, cause)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        data = message.data
        return cls(
            flow=flow_of(message, cls.KIND),
            title=str_of(data, "title"),
            descriptor=BlobRef.from_dict(dict_of(data, "descriptor")),
            rows=int_of(data, "rows"),
            size=int_of(data, "size"),
            files=int_of(data, "files"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFailed:
    """A flow ended without a revision that readers see; `reason` is a sentence for the publisher.

    `run` is 0, or which restart of the flow has ended; `cancelled`: its publisher wanted so.
    """

    KIND: ClassVar[str] = "event.package.failed"
    flow: FlowRef
    reason: str
    resources: tuple[str, ...] = ()
    run: int = 0
    cancelled: bool = False

    def to_message(self, cause: str | None = None) -> Message:
        data = {
            "flow": self.flow.to_dict(),
            "reason": self.reason,
            "resources": list(self.resources),
            "run": self.run,
            "cancelled": self.cancelled,
        }
        return message_of(self.KIND, self.flow, data, cause, *([self.run] if self.run else []))

    @classmethod
    def from_message(cls, message: Message) -> Self:
        return cls(
            flow=flow_of(message, cls.KIND),
            reason=str_of(message.data, "reason"),
            resources=texts_of(message.data, "resources"),
            run=maybe(int_of, message.data, "run") or 0,
            cancelled=bool(message.data.get("cancelled")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataIndexed:
    """The MetaStore finds the revision."""

    KIND: ClassVar[str] = "event.metadata.indexed"
    flow: FlowRef

    def to_message(self, cause: str | None = None) -> Message:
        return message_of(self.KIND, self.flow, {"flow": self.flow.to_dict()}, cause)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        return cls(flow=flow_of(message, cls.KIND))


Event = (
    FlowAccepted
    | FlowRestarted
    | StagePassed
    | StageRejected
    | StageProgressed
    | PackagePublished
    | PackageFailed
    | MetadataIndexed
)
EVENTS: tuple[type[Event], ...] = (
    FlowAccepted,
    FlowRestarted,
    StagePassed,
    StageRejected,
    StageProgressed,
    PackagePublished,
    PackageFailed,
    MetadataIndexed,
)


def message_of(kind: str, flow: FlowRef, data: Mapping[str, Any], cause: str | None, *parts: object) -> Message:
    """An event's message: its id is derived from the flow, the kind and the distinguishing parts."""
    return Message(id=derived_id(kind, flow.id, *parts), kind=kind, flow=flow.id, data=data, cause=cause)


def flow_in(message: Message) -> FlowRef:
    """The flow that a message is about; raises DecodeError where inside and outside do not name the same one."""
    flow = FlowRef.from_dict(dict_of(message.data, "flow"))
    if flow.id != message.flow:
        raise DecodeError("the message is about another flow than it says")
    return flow


def flow_of(message: Message, kind: str) -> FlowRef:
    """The flow an event speaks of; raises DecodeError where the message is of another kind."""
    if message.kind != kind:
        raise DecodeError(f"expected {kind}, got {message.kind}")
    return flow_in(message)
