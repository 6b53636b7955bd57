"""Logs: one JSON line per event (or coloured lines on a console), identifiers as keys, no secret ever."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any

import structlog

SECRET_KEY = re.compile(r"token|secret|password|authorization|cookie|signature|private_key|jwt", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"dh[pr]_[\w-]{6,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=Signature=)[0-9a-fA-F%]+|(?<=Credential=)[^&\s]+|(?<=://)[^:/@\s]+:[^@/\s]+(?=@)"
)
SHORTEST_SECRET = 7
"""Characters: `://a:b@` is the shortest text with a secret in it."""
LONGEST = 8_000
"""Characters of one value."""


def configure(log_format: str, level: str, **bound: object) -> None:
    """Sets up structlog and the standard library's logging; `bound` is on every line of this process."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(  # straight to the file: the way through the standard library costs twice as much a line
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    foreign = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(foreign)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for chatty in ("botocore", "aiobotocore", "asyncio", "frictionless"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for repeating in ("aiormq", "aio_pika", "asyncpg"):  # a traceback a lost connection, which we report ourselves
        logging.getLogger(repeating).setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(**bound)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes secrets out by name and by shape, and cuts what is too long."""
    for key, value in event.items():
        if _is_secret(key):
            event[key] = "[redacted]"
        elif isinstance(value, str) and len(value) >= SHORTEST_SECRET:
            event[key] = SECRET_TEXT.sub("[redacted]", value)[:LONGEST]
    return event


def without_secrets(text: str) -> str:
    """The text without what looks like a token, a signature, or a password in an address."""
    return SECRET_TEXT.sub("[redacted]", text)


def revealed(value: Any) -> Any:
    """JSON values for people's eyes: secrets taken out by name and by shape."""
    if isinstance(value, dict):
        return {key: "[redacted]" if _is_secret(key) else revealed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [revealed(inner) for inner in value]
    return without_secrets(value) if isinstance(value, str) else value


@cache
def _is_secret(key: str) -> bool:
    return SECRET_KEY.search(key) is not None
