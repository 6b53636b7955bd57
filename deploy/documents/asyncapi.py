"""AsyncAPI 3.0 of every job and event: what a downstream service may rely on (https://www.asyncapi.com, 3.0.0)."""

from __future__ import annotations

import re
from typing import Any

from deploy.documents.schema import schema_of
from messages.envelope import MEDIA_TYPE, VERSION
from messages.events import EVENTS, Event
from messages.jobs import STAGES, StageJob
from messages.stageevents import StagePassed, StageProgressed
from messages.topology import EVENTS as EVENT_EXCHANGE
from messages.topology import JOBS, STAGE_QUEUES

CloudEvent = dict[str, Any]


def document() -> dict[str, Any]:
    """The whole document, as JSON values."""
    schemas: dict[str, Any] = {}
    messages = {event.__name__: _message(_kind(event), event, schemas) for event in EVENTS}
    messages["StageJob"] = _message("job.{stage}", StageJob, schemas)
    channels = {event.__name__: _event_channel(event) for event in EVENTS}
    channels |= {f"job-{stage}": _job_channel(stage) for stage in STAGES}
    operations = {f"announce-{name}": _operation(name) for name in channels if not name.startswith("job-")}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Publishing events",
            "version": f"{VERSION}.0.0",
            "description": (
                "Every fact of the publishing flow on a topic exchange, as CloudEvents 1.0 in structured JSON mode. "
                "Delivery is at least once and in no promised order: keep the ids you have handled. "
                "Those of packages and of visibility are sent to webhooks, too (docs/messages.md)."
            ),
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _message(kind: str, record: type, schemas: dict[str, Any]) -> dict[str, Any]:
    data = schema_of(record, schemas)
    if record is StageJob:  # the stage is in the kind, not in the data
        data["properties"].pop("stage")
        data["required"].remove("stage")
    schemas[record.__name__] = data
    return {
        "name": kind,
        "title": record.__name__,
        "summary": data["description"],
        "contentType": MEDIA_TYPE,
        "payload": _cloud_event(kind, record.__name__),
    }


def _cloud_event(kind: str, name: str) -> CloudEvent:
    before, stage, _ = kind.partition("{stage}")
    pattern = f"^{re.escape(before)}({'|'.join(STAGES)})$"
    kind_schema = {"type": "string", "pattern": pattern} if stage else {"const": kind}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "dataversion", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid", "description": "the same whenever the same fact is told again"},
            "source": {"type": "string"},
            "type": kind_schema,
            "subject": {"type": "string", "description": "flow id: {ownerid}/{dataset}/{revision}"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataversion": {"const": VERSION},
            "cause": {"type": "string", "description": "id of the message that led to this one"},
            "data": {"$ref": f"#/components/schemas/{name}"},
        },
    }


def _kind(event: type[Event]) -> str:
    return f"{event.KIND}.{{stage}}" if event is StagePassed else event.KIND


def _event_channel(event: type[Event]) -> dict[str, Any]:
    kept = "never stored, only for whoever is connected" if event is StageProgressed else "kept for durable queues"
    exchange = {"name": EVENT_EXCHANGE, "type": "topic", "durable": True}
    stages = {"stage": {"description": "the stage that is done", "enum": list(STAGES)}}
    return {
        "address": _kind(event),
        "description": f"Routing key `{_kind(event)}`; {kept}.",
        **({"parameters": stages} if event is StagePassed else {}),
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
    }


def _job_channel(stage: str) -> dict[str, Any]:
    queue = {"name": STAGE_QUEUES[stage].name, "durable": True}
    return {
        "address": f"job.{stage}",
        "description": (
            f"Internal: jobs of the stage `{stage}`, on exchange `{JOBS}`; exactly one worker takes each. "
            "The event that the stage before has passed a resource is a job in the same queue."
        ),
        "messages": {"StageJob": {"$ref": "#/components/messages/StageJob"}},
        "bindings": {"amqp": {"is": "queue", "queue": queue}},
    }


def _operation(name: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": f"We announce {name}.",
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }
