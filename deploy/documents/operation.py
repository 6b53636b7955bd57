"""What a router cannot know of an operation: who may call it, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.idempotencykey import HEADER, LONGEST

JSON = "application/json"
HTML = "text/html"
FORM_TYPE = "application/x-www-form-urlencoded"
EVENT_STREAM = "text/event-stream"
ANYBODY = ("",)
USER = ("", "userToken", "session")
"""Anybody is answered; who shows a token also sees their own."""
LOGGED_IN = ("userToken",)
"""Only people who are logged in: no API token will do."""
SESSION = ("", "session")
PERMISSION = ("permissionToken",)
IN_BAND = ("", "permissionToken")
"""Whoever shows no good token is answered, too: told inside, or given back an address that is none of ours."""

Statuses = tuple[tuple[int, str], ...]
OK: Statuses = ((200, "done"),)
FOUND: Statuses = ((200, "found"), (404, "no such thing, or not yours to know of"))
NOT_SO: Statuses = (
    (401, "no good token"),
    (404, "no such run, or not yours"),
    (409, "it is not in the state for that"),
)
NO_UPLOAD: Statuses = ((401, "no good token"), (404, "no such upload (any more), or not yours"))
NOBODY = (404, "nobody of this name")
NO_MANAGER: Statuses = (
    (401, "no good token"),
    (403, "you may read it, and not say who sees it"),
    (404, "no such dataset, or not yours to know of"),
)
NO_OWNER: Statuses = (
    (401, "no good token"),
    (403, "you are no owner of it"),
    NOBODY,
    (409, "the last owner, or too many"),
)
SENDER: Statuses = (
    (401, "not logged in"),
    (403, "a form of another site, or not yours to do"),
    (404, "no such thing, or not yours to know of"),
    (409, "it cannot be done now"),
    (415, "no form"),
    (422, "something in it is not so"),
)
ROOM: Statuses = (
    (200, "found"),
    (303, "to the log-in page, or to your own"),
    (404, "no such thing, or not yours to know of"),
)
MOVED: Statuses = ((302, "where it is, by a signed address"), (404, "no such thing, or not yours to know of"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`query`, `headers`: (name, meaning) of each parameter, `patterns` what some of them must look like; `body`,
    `answer`: names in SCHEMAS; `security`: any one suffices, an empty one is none."""

    tag: str
    security: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    body_type: str = JSON
    answer: str | None = None
    answer_type: str | None = JSON
    statuses: Statuses = OK


def page(*query: tuple[str, str], security: tuple[str, ...] = (), statuses: Statuses = FOUND) -> Operation:
    return Operation(tag="pages", answer_type=HTML, query=query, security=security, statuses=statuses)


def download(*query: tuple[str, str]) -> Operation:
    return Operation(tag="downloads", answer_type=None, query=query, security=USER, statuses=MOVED)


def mine(answer: str, *more: tuple[int, str]) -> Operation:
    statuses = ((200, "found"), (401, "no good token"), *more)
    return Operation(tag="organisations", security=("userToken",), answer=answer, statuses=statuses)


def form(body: str) -> Operation:
    """A form on a page of ours."""
    return Operation(
        tag="pages",
        security=SESSION,
        body=body,
        body_type=FORM_TYPE,
        answer_type=None,
        statuses=((303, "done"), *SENDER),
    )


BUTTON = Operation(
    tag="pages",
    security=("session",),
    answer_type=None,
    statuses=((303, "back to the run's page"), *NOT_SO, (403, "a form of another site")),
)
KEY = rf"^[!#-\[\]-~]{{1,{LONGEST}}}$"
OWNER_AND_DATASET = {"path": r"^/*[^/]+/[\s\S]*[^/][\s\S]*$"}
REVISION = ("v", "a revision; without it the highest that is published")
NEXT = ("next", "where to go after: loopback or this site")
JWT = ("jwt", "the user token, where a header cannot be sent")
SIZE, FROM = ("size", "results on a page, at most 100"), ("from", "results to skip")
CONSENT = (
    ("response_type", "`code`"),
    ("client_id", "`dh`"),
    ("redirect_uri", "`http://127.0.0.1:{port}/logged-in`"),
    ("state", "the program's own"),
    ("code_challenge", "of PKCE"),
    ("code_challenge_method", "`S256`"),
    ("device", "what the program calls its machine"),
)
UPLOADS = Operation(
    tag="rawstore",
    security=PERMISSION,
    body="AuthorizeRequest",
    answer="AuthorizeAnswer",
    statuses=((200, "a form for every file"), (401, "no token for this owner"), (422, "a file is not described well")),
)
SPEC_POSTED = Operation(
    tag="source",
    security=IN_BAND,
    body="Spec",
    answer="Accepted",
    statuses=((200, "accepted, or what is wrong with it"), (400, "not JSON"), (413, "too large"), (503, "come back")),
)
PUSH = replace(
    SPEC_POSTED,
    headers=(
        (HEADER, f"a text of yours, at most {LONGEST} characters: the request is done once, however often it comes"),
    ),
    patterns={HEADER: KEY},
    statuses=(*SPEC_POSTED.statuses, (409, "the same request is being done"), (422, "the key came with another body")),
)
PUBLISHED_DESCRIPTOR = Operation(tag="downloads", answer="Descriptor", query=(REVISION,), security=USER, statuses=FOUND)
RECEIPT = Operation(tag="downloads", answer_type="application/jwt", query=(REVISION,), security=USER, statuses=FOUND)
README = Operation(tag="downloads", answer_type="text/markdown", security=USER, statuses=FOUND)
