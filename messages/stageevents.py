"""What stages say of a resource: that it passed, that it did not, how far it is."""

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
)
from messages.envelope import Message
from messages.eventmessage import flow_of, message_of


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
    """How far a running stage is: `done` of `total` in `unit` (`bytes` or `rows`). Transient: for whoever watches.

    A stage may read its file more than once: `reading` counts from 1, and is 0 while the stage has begun and nothing is
    known yet. `rate` is in units a second, smoothed. `size`: bytes of what is read. `began`: when this run of the stage
    did, in milliseconds since 1970. What is told late is known by its `order`: the newest has the highest.
    """

    KIND: ClassVar[str] = "event.stage.progressed"
    flow: FlowRef
    index: int
    name: str
    stage: str
    done: int
    total: int | None
    unit: str
    round: int = 0
    attempt: int = 1
    began: int = 0
    reading: int = 1
    rate: int | None = None
    size: int | None = None

    @property
    def order(self) -> tuple[int, ...]:
        """Of two events about one stage of a resource the later one has more: a restart counts before what is done."""
        return (self.round, self.attempt, self.began, self.reading, self.done)

    def to_message(self, cause: str | None = None) -> Message:
        data = {
            "flow": self.flow.to_dict(),
            "index": self.index,
            "name": self.name,
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "round": self.round,
            "attempt": self.attempt,
            "began": self.began,
            "reading": self.reading,
            "rate": self.rate,
            "size": self.size,
        }
        return message_of(self.KIND, self.flow, data, cause, self.index, self.stage, *self.order)

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
            round=maybe(int_of, data, "round") or 0,
            attempt=maybe(int_of, data, "attempt") or 1,
            began=maybe(int_of, data, "began") or 0,
            reading=maybe(int_of, data, "reading") or 0,
            rate=maybe(int_of, data, "rate"),
            size=maybe(int_of, data, "size"),
        )
