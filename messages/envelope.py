"""What every message looks like on the wire: a CloudEvents 1.0 event in structured JSON mode.

`type` is the kind (`job.validate`, `event.package.published`) and doubles as the routing key. `dataversion` counts
breaking changes of `data` for that kind; a reader accepts its own version and refuses others as undecodable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from messages.errors import DecodeError

SOURCE = "/datahub"
MEDIA_TYPE = "application/cloudevents+json"
VERSION = 1
MAX_BODY = 16 * 1024 * 1024
"""Bytes: RabbitMQ 4 refuses larger messages (`max_message_size`)."""

# `json.dumps` makes an encoder for each call unless all its options are the defaults.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One job or event.

    `flow` is the correlation id (`{ownerid}/{dataset}/{revision}`), `cause` the id of the message that led to it.
    """

    id: str
    kind: str
    flow: str
    data: Mapping[str, Any]
    cause: str | None = None
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    @property
    def is_job(self) -> bool:
        """Exactly one taker, and somebody must take it: published `mandatory`."""
        return self.kind.startswith("job.")

    def encode(self) -> bytes:
        """UTF-8 JSON of the CloudEvents structured mode."""
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.kind,
            "subject": self.flow,
            "time": self.time,
            "datacontenttype": "application/json",
            "dataversion": VERSION,
            "data": self.data,
        }
        if self.cause is not None:
            event["cause"] = self.cause
        return _encode(event).encode()

    @classmethod
    def decode(cls, body: bytes) -> Message:
        """The message in `body`; raises DecodeError (which keeps the bytes) for anything that is not one of ours."""
        if len(body) > MAX_BODY:
            raise DecodeError(f"message of {len(body)} bytes is over the limit of {MAX_BODY}", body)
        try:
            event = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"message is not JSON: {error}", body) from None
        if not isinstance(event, dict) or event.get("specversion") != "1.0":
            raise DecodeError("message is not a CloudEvents 1.0 event", body)
        if event.get("dataversion") != VERSION:
            raise DecodeError(f"message has version {event.get('dataversion')!r}, this program reads {VERSION}", body)
        texts = {name: event.get(name) for name in ("id", "type", "subject", "time")}
        wrong = [name for name, value in texts.items() if not isinstance(value, str) or not value]
        if wrong or not isinstance(event.get("data"), dict):
            raise DecodeError(f"message lacks {', '.join(wrong) or 'data'}", body)
        return cls(
            id=event["id"],
            kind=event["type"],
            flow=event["subject"],
            data=event["data"],
            cause=event.get("cause"),
            time=event["time"],
        )


def derived_id(*parts: object) -> str:
    """A message id that is the same whenever the same thing is said again: the inbox collapses repetitions."""
    return str(uuid5(NAMESPACE_URL, "datahub:" + "\x1f".join(str(part) for part in parts)))
