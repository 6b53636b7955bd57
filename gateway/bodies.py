"""Request bodies: one strict way to read them, for every handler."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.edge import TIME_LIMIT, set_deadline
from gateway.parts import PARTS
from gateway.problems import Fault, Problem
from tabular import strictjson

PATIENCE = 30.0
"""Seconds for a small body; a large one gets a second more for every SLOWEST bytes announced."""
SLOWEST = 50_000
MAX_DEPTH = 64
FORM_LIMIT = 16_384
INLINE = 100_000
"""Bytes that are parsed sooner than a thread is worth its while."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body; raises Problem 400, 408, 413, 415 or 422 (JSON, but no object)."""
    _require_type(request, JSON)
    limit = request.app[PARTS].settings.gateway.max_body
    body = await _read(request, limit)
    try:
        value = await _parse(body, limit)
    except strictjson.StrictJSONError as error:
        fault = Fault(detail=error.message, rule=error.code)
        raise Problem(400, error.code, error.message, faults=[fault]) from None
    if not isinstance(value, dict):
        raise Problem(422, "not-an-object", "The body must be a JSON object.")
    return value


def whole_number(value: object) -> int | None:
    """The whole number that a member of a body is, None for anything else: 20.0 is one, as JSON Schema has it (Core,
    section 4.2.3), true is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


async def _parse(body: bytes, limit: int) -> Any:
    # 10 MB take 0.4 s: others get their turns meanwhile.
    if len(body) > INLINE:
        return await asyncio.to_thread(strictjson.parse, body, MAX_DEPTH, limit)
    return strictjson.parse(body, MAX_DEPTH, limit)


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a small HTML form; raises Problem 400, 408, 413 or 415."""
    _require_type(request, FORM)
    body = await _read(request, FORM_LIMIT)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20, errors="strict"))
    except ValueError:
        raise Problem(400, "syntax", "The form cannot be read.") from None


def _require_type(request: web.Request, wanted: str) -> None:
    charset = (request.charset or "utf-8").lower()
    if request.content_type != wanted or charset not in ("utf-8", "utf8"):
        raise Problem(415, "unsupported-media-type", f"The body must be {wanted} in UTF-8.")


async def _read(request: web.Request, limit: int) -> bytes:
    announced = request.content_length or 0
    too_large = Problem(413, "too-large", f"The body is larger than {limit:,} bytes.", headers={"Connection": "close"})
    if announced > limit:
        raise too_large
    body = bytearray()
    set_deadline(request, None)
    try:
        async with asyncio.timeout(PATIENCE + announced / SLOWEST):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise Problem(408, "too-slow", "The body did not arrive in time.", headers={"Connection": "close"}) from None
    except ConnectionError:
        raise Problem(400, "cut-off", "The connection ended before the body did.") from None
    finally:
        set_deadline(request, TIME_LIMIT)
    return bytes(body)
