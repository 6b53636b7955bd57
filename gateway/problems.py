"""Errors as clients see them: RFC 9457 problem details, never a traceback.

Besides the members of the RFC every problem carries `error.message`, which the original clients print.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from aiohttp import web

from gateway.edge import REQUEST_ID, STARTED
from messages.database import TRANSIENT
from messages.errors import TransientError

MEDIA_TYPE = "application/problem+json"
MOST_SAID = 20
"""Faults that are spelled out in one message."""
RETRY_AFTER = 3
"""Seconds after which a client may come back when a server part was down."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request.

    `pointer` is a JSON pointer into the body (RFC 6901, as a fragment), `rule` a stable kebab-case name.
    """

    detail: str
    rule: str
    pointer: str = "#"
    resource: str | None = None

    def to_dict(self) -> dict[str, str]:
        members = {"detail": self.detail, "rule": self.rule, "pointer": self.pointer}
        return members | ({"resource": self.resource} if self.resource is not None else {})


def bad_member(name: str, detail: str) -> Fault:
    """What is wrong with a member of the body that is at its top."""
    return Fault(detail=detail, rule=f"bad-{name}", pointer=f"#/{name}")


class Problem(Exception):
    """Ends a request with this status; `kind` is the stable kebab-case end of the problem's type, `more` are members of
    its own (RFC 9457, 3.2)."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.more = dict(more or {})
        self.status = status
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def response(self, request_id: str) -> web.Response:
        """The problem as an HTTP answer."""
        members = {
            **self.more,
            "type": f"urn:datahub:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:datahub:request:{request_id}",
            "errors": [fault.to_dict() for fault in self.faults],
            "error": {"message": "\n".join([self.detail, *(fault.detail for fault in self.faults[:MOST_SAID])])},
        }
        text = json.dumps(members, ensure_ascii=False)
        return web.Response(status=self.status, text=text, content_type=MEDIA_TYPE, headers=self.headers)


def unavailable(detail: str = "A part of the service does not answer right now. Try again in a moment.") -> Problem:
    """503 with Retry-After."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER)})


def not_found(detail: str = "There is nothing at this address.") -> Problem:
    """404; the same words whether a thing is absent or hidden from whoever asks."""
    return Problem(404, "not-found", detail)


ErrorPage = Callable[[web.Request, Problem], Awaitable[web.Response | None]]
"""Draws a problem for people, or None where JSON is the right answer (no page wanted, an address for programs)."""

ERROR_PAGE: web.AppKey[ErrorPage] = web.AppKey("error_page")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every exception into a problem; an answer that has begun cannot be turned and is cut off instead."""
    try:
        return await handler(request)
    except Exception as error:
        if request.get(STARTED):
            _log.warning("response_cut_off", error=repr(error), path=request.path)
            raise
        if isinstance(error, web.HTTPException) and error.status < 400:
            raise
        return await _answer(request, problem_of(error))


def problem_of(error: Exception) -> Problem:
    """What a client is told of an exception; logs what it is not told."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    if isinstance(error, (TransientError, *TRANSIENT)):
        _log.warning("dependency_failed", error=repr(error))
        return unavailable()
    _log.error("request_failed", exc_info=error)
    return Problem(500, "internal", "Something went wrong on our side. Quote the number in `instance` when you ask.")


def _of_http(error: web.HTTPException) -> Problem:
    kinds = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
        413: "The body is larger than this address takes.",
    }
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Problem(
        error.status, kinds.get(error.status, "http"), details.get(error.status, error.reason), headers=headers
    )


async def _answer(request: web.Request, problem: Problem) -> web.Response:
    page = request.app.get(ERROR_PAGE)
    drawn = await page(request, problem) if page else None
    if drawn is None:
        return problem.response(request[REQUEST_ID])
    drawn.headers.update(problem.headers)
    return drawn
