"""Jobs: exactly one taker. One job = one stage of one resource of one flow.

A stage takes two kinds of message for its job: `job.{stage}`, which the gateway says for the first stage, and the event
that the stage before it has passed the resource.
"""

from __future__ import annotations

from dataclasses import dataclass

from messages.datapackage import FlowRef, Resource, dict_of, int_of, maybe
from messages.envelope import Message, derived_id
from messages.errors import DecodeError
from messages.eventmessage import flow_in
from messages.stageevents import StagePassed

STAGES = ("load", "encoding", "csvkind", "validate", "dump")
"""The identity pipeline, in order. Names on the wire: queues, job kinds and the HTTP status use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageJob:
    """Request that `stage` be done to `resource`.

    `round` counts the re-enqueuings by rescue, so that a new round has new message ids.
    """

    flow: FlowRef
    stage: str
    resource: Resource
    round: int = 0

    def to_message(self, cause: str | None = None) -> Message:
        """The id is derived: the same job said twice is the same message."""
        return Message(
            id=derived_id("job", self.flow.id, self.resource.index, self.stage, self.round),
            kind=f"job.{self.stage}",
            flow=self.flow.id,
            cause=cause,
            data={"flow": self.flow.to_dict(), "resource": self.resource.to_dict(), "round": self.round},
        )

    @classmethod
    def from_message(cls, message: Message) -> StageJob:
        """Raises DecodeError where the message is not a job of a stage we know."""
        if message.kind.startswith(StagePassed.KIND):
            return cls._after(StagePassed.from_message(message))
        stage = message.kind.removeprefix("job.")
        if not message.is_job or stage not in STAGES:
            raise DecodeError(f"{message.kind!r} is not a stage's job")
        return cls(
            flow=flow_in(message),
            stage=stage,
            resource=Resource.from_dict(dict_of(message.data, "resource")),
            round=maybe(int_of, message.data, "round") or 0,
        )

    @classmethod
    def _after(cls, passed: StagePassed) -> StageJob:
        following = next_stage(passed.stage) if passed.stage in STAGES else None
        if following is None:
            raise DecodeError(f"no stage follows {passed.stage!r}")
        return cls(flow=passed.flow, stage=following, resource=passed.resource, round=passed.round)


def next_stage(stage: str) -> str | None:
    """The name of the stage after `stage`; None after the last."""
    position = STAGES.index(stage) + 1
    return STAGES[position] if position < len(STAGES) else None
