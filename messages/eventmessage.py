"""What all events have in common: a message about a flow, with an id of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messages.datapackage import (
    FlowRef,
    dict_of,
)
from messages.envelope import Message, derived_id
from messages.errors import DecodeError


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
