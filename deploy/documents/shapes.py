"""JSON Schemas of which those of bodies are made."""

from __future__ import annotations

from typing import Any


def record(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": required.split()} if required else {})}


def closed(required: str = "", **properties: Any) -> dict[str, Any]:
    """What a client sends, and nothing besides."""
    return {**record(required, **properties), "additionalProperties": False}


NO_NUL = r"^[^\u0000]*$"
TEXT: dict[str, Any] = {"type": "string"}
SENT: dict[str, Any] = {"type": "string", "pattern": NO_NUL}
"""A text in a body: U+0000 is no character that can be kept."""
NUMBER: dict[str, Any] = {"type": "integer"}
FLAG: dict[str, Any] = {"type": "boolean"}
ANY: dict[str, Any] = {"type": "object"}
STATE = {"enum": ["QUEUED", "INPROGRESS", "SUCCEEDED", "FAILED"]}
NULLABLE = {"type": ["string", "null"]}
FINDABILITY = {"enum": ["published", "unlisted", "private"]}
ROLE = {"enum": ["reader", "publisher", "maintainer", "owner"]}
ACCESS = {"enum": ["read", "publish", "manage"], "description": "each includes those before it"}


def list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def map_of(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


FILE = closed("length md5", length=NUMBER, md5={**SENT, "description": "base64"}, sha256=SENT, name=SENT, type=SENT)
FORM = record("upload_url upload_query exists", upload_url=TEXT, upload_query=map_of(TEXT), exists=FLAG, type=TEXT)
PART = closed("md5 sha256", md5={**SENT, "description": "base64"}, sha256={**SENT, "description": "hex"})
NUMBERED_PART = closed("number md5 sha256", **PART["properties"], number=NUMBER)
PART_URL = record("number url headers", number=NUMBER, url=TEXT, headers=map_of(TEXT))
UPLOAD = closed(
    "path length sha256 part_size parts", path=SENT, length=NUMBER, sha256=SENT, part_size=NUMBER, parts=list_of(PART)
)
TRUST = {
    "id": TEXT,
    "provider": {"enum": ["github", "gitlab"]},
    "issuer": TEXT,
    "repository": TEXT,
    "repository_id": {**NULLABLE, "description": "of the first job that came: no other is trusted"},
    "workflow": NULLABLE,
    "ref": NULLABLE,
    "environment": NULLABLE,
    "created": TEXT,
    "last_used": NULLABLE,
    "last_run": NULLABLE,
}
WEBHOOK = {
    "id": TEXT,
    "url": TEXT,
    "dataset": {**NULLABLE, "description": "owner/name; null: all datasets of the subscriber's own"},
    "maker": TEXT,
    "created": TEXT,
    "disabled": {**NULLABLE, "description": "when its receiver said that it was gone (410)"},
    "old_secret_until": {**NULLABLE, "description": "until then the secret before the newest signs, too"},
    "waiting": NUMBER,
    "parked": NUMBER,
}
WEBHOOK_DELIVERY = {
    "id": TEXT,
    "event": {**TEXT, "description": "the event's id, `webhook-id`"},
    "kind": TEXT,
    "subject": {**NULLABLE, "description": "ownerid/dataset/revision"},
    "state": {"enum": ["waiting", "delivered", "parked"]},
    "attempts": NUMBER,
    "created": TEXT,
    "next": {**NULLABLE, "description": "when it is tried (again)"},
    "attempted": NULLABLE,
    "ended": NULLABLE,
    "status": {"type": ["integer", "null"], "description": "of the last answer"},
    "error": {**NULLABLE, "description": "why the last attempt failed"},
}
API_TOKEN = {
    "id": TEXT,
    "name": TEXT,
    "access": ACCESS,
    "scope": {**TEXT, "description": "owner or owner/dataset"},
    "created": TEXT,
    "expires": TEXT,
    "last_used": {**NULLABLE, "description": "to the minute"},
    "last_address": NULLABLE,
    "ended": {"enum": ["revoked", "expired", None]},
}
FAULT = record("detail rule pointer", detail=TEXT, rule=TEXT, pointer=TEXT, resource=TEXT)
COUNT = {"type": ["integer", "null"]}
PROGRESS = {
    **record(
        "done total unit words",
        done=NUMBER,
        total=COUNT,
        unit={"enum": ["bytes", "rows"]},
        bytes=COUNT,
        bytes_total=COUNT,
        rate={**COUNT, "description": "units a second, smoothed"},
        eta={**COUNT, "description": "seconds until this reading is done, where that can be known"},
        reading={**NUMBER, "description": "a stage may read its file more than once; 0: it has begun"},
        attempt=NUMBER,
        words=TEXT,
    ),
    "type": ["object", "null"],
}
WAITING = {
    **record(
        "for words",
        **{"for": {"enum": ["turn", "worker"]}},
        place={
            **COUNT,
            "description": "among its owner's that wait; null: behind the first 1,000, or not yours",
        },
        line={**COUNT, "description": "how many of its owner wait, counted up to 1,000"},
        jobs={**COUNT, "description": "in the queue of its stage, a moment ago"},
        words=TEXT,
    ),
    "type": ["object", "null"],
}
RESOURCE = record(
    name=TEXT,
    index=NUMBER,
    state=STATE,
    stage=TEXT,
    round={**NUMBER, "description": "how often it was started again"},
    progress=PROGRESS,
    waiting=WAITING,
    rows={"type": ["integer", "null"]},
    reason=NULLABLE,
    rule=NULLABLE,
    errors={"type": ["integer", "null"]},
    findings={"type": ["array", "null"]},
    left_out={
        **list_of(TEXT),
        "description": "what was skipped, capped or is missing: sentences with limit and setting",
    },
    facts=ANY,
    report_url=NULLABLE,
)
