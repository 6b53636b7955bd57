"""What a server's answer that is no success means, as a sentence for the publisher."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from gateway.client.failures import Failure, RequestFailure, ServerFailure

_SHOWN = 2000


def failure_of(server: str, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure for a status of 300 or more: 4xx is the request's fault, the rest the server's."""
    if 300 <= status < 400:
        return ServerFailure(
            f"{server} sends us on to {headers.get('Location', '?')}: is that the address for --server?"
        )
    problem = _object(body)
    message = _message(problem) or _text(headers, body) or _phrase(status)
    if status == HTTPStatus.UNAUTHORIZED and "credentials" not in str((problem or {}).get("type")):
        message += " (run `dh login`)"
    details = {"status": status, **({"problem": problem} if problem else {})}
    if 400 <= status < 500 and status not in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
        return RequestFailure(message, **details)
    return ServerFailure(f"{server} answered {status}: {message}", **details)


def object_of(server: str, body: bytes) -> dict[str, Any]:
    """The JSON object that a successful answer is; raises ServerFailure where it is anything else."""
    document = _object(body)
    if document is None:
        raise ServerFailure(f"{server} does not speak our language: is it a server of this kind?")
    return document


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _message(problem: Mapping[str, Any] | None) -> str:
    """RFC 9457 says detail or title, RFC 6749 error_description; services of the original error.message, or errors."""
    if problem is None:
        return ""
    error = problem.get("error")
    of_error = error.get("message") if isinstance(error, dict) else error
    message = str(problem.get("detail") or problem.get("error_description") or of_error or problem.get("title") or "")
    errors = problem.get("errors")
    if isinstance(errors, list):
        message = "\n".join([message, *(f"  - {_one(item)}" for item in errors)]).strip()
    return message


def _one(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    return str(item.get("detail") or item.get("message") or json.dumps(item))


def _text(headers: Mapping[str, str], body: bytes) -> str:
    """A short plain text is meant for people; a page of HTML is not."""
    if "html" in headers.get("Content-Type", "") or body.lstrip().startswith(b"<"):
        return ""
    return body[:_SHOWN].decode("utf-8", "replace").strip()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
