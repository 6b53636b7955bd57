"""Events: facts in the past tense, any number of listeners. `docs/messages.md` is their contract with other services.

Every event's data has `flow` (a FlowRef). Ids are derived from what happened, so that a repeated announcement is
recognised by whoever keeps the ids (the inbox; a subscriber of yours).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from messages.datapackage import (
    BlobRef,
    FlowRef,
    dict_of,
    int_of,
    maybe,
    str_of,
    texts_of,
)
from messages.envelope import Message
from messages.eventmessage import flow_of, message_of
from messages.stageevents import StagePassed, StageProgressed, StageRejected


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
class VisibilityChanged:
    """Others see a dataset from now on than `before`: `flow` is its newest one, whose `findability` says who does.

    `change` grows from one change to the next. What was public before is no secret: it may have been copied.
    """

    KIND: ClassVar[str] = "event.visibility.changed"
    flow: FlowRef
    before: str
    change: int

    def to_message(self, cause: str | None = None) -> Message:
        data = {"flow": self.flow.to_dict(), "before": self.before, "change": self.change}
        return message_of(self.KIND, self.flow, data, cause, self.change)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        return cls(
            flow=flow_of(message, cls.KIND),
            before=str_of(message.data, "before"),
            change=int_of(message.data, "change"),
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
    | VisibilityChanged
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
    VisibilityChanged,
    MetadataIndexed,
)
