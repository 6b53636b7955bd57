"""What a router cannot know of an operation: who may call it, what goes in, what comes out. One row an operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """`query`: (name, meaning) of each parameter, `patterns` what some of them must look like; `body`, `answer`: names
    in SCHEMAS; `security`: any one suffices, an empty one is none."""

    tag: str
    security: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    body_type: str = JSON
    answer: str | None = None
    answer_type: str | None = JSON
    statuses: Statuses = OK


def _page(*query: tuple[str, str], security: tuple[str, ...] = (), statuses: Statuses = FOUND) -> Operation:
    return Operation(tag="pages", answer_type=HTML, query=query, security=security, statuses=statuses)


def _download(*query: tuple[str, str]) -> Operation:
    return Operation(tag="downloads", answer_type=None, query=query, security=USER, statuses=MOVED)


def _mine(answer: str, *more: tuple[int, str]) -> Operation:
    statuses = ((200, "found"), (401, "no good token"), *more)
    return Operation(tag="organisations", security=("userToken",), answer=answer, statuses=statuses)


def _form(body: str) -> Operation:
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
PUBLISHED_DESCRIPTOR = Operation(tag="downloads", answer="Descriptor", query=(REVISION,), security=USER, statuses=FOUND)
RECEIPT = Operation(tag="downloads", answer_type="application/jwt", query=(REVISION,), security=USER, statuses=FOUND)
README = Operation(tag="downloads", answer_type="text/markdown", security=USER, statuses=FOUND)

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/health/live"): Operation(tag="health"),
    ("GET", "/health/ready"): Operation(tag="health", statuses=((200, "ready"), (503, "which part does not answer"))),
    ("GET", "/auth/check"): Operation(tag="auth", security=USER, query=(JWT, NEXT), answer="Check"),
    ("GET", "/auth/authorize"): Operation(
        tag="auth",
        security=USER,
        query=(JWT, ("service", "rawstore, source, metastore or frontend")),
        answer="Authorization",
    ),
    ("POST", "/auth/update"): Operation(
        tag="auth", security=USER, query=(JWT, ("username", "the wanted name")), answer="Success"
    ),
    ("GET", "/auth/public-key"): Operation(tag="auth", answer_type="text/plain"),
    ("GET", "/auth/resolve"): Operation(tag="auth", query=(("username", "a user name"),), answer="Resolved"),
    ("GET", "/auth/get_profile"): Operation(tag="auth", query=(("username", "a user name"),), answer="FoundProfile"),
    ("GET", "/.well-known/jwks.json"): Operation(tag="auth", answer="KeySet"),
    ("GET", "/.well-known/receipt-keys.json"): Operation(tag="auth", answer="KeySet"),
    ("GET", "/auth/login"): _page(NEXT, statuses=((200, "the form"), (303, "logged in already"))),
    ("POST", "/auth/login"): Operation(
        tag="auth",
        body="LogIn",
        answer="Token",
        statuses=(
            (200, "the token"),
            (303, "the form was right"),
            (401, "wrong name or password"),
            (429, "too many tries"),
        ),
    ),
    ("POST", "/auth/token"): Operation(
        tag="auth",
        body="LogIn",
        answer="Token",
        statuses=((200, "the token"), (401, "wrong name or password"), (429, "too many tries")),
    ),
    ("POST", "/auth/tokens"): Operation(
        tag="auth",
        security=LOGGED_IN,
        body="NewApiToken",
        answer="MadeApiToken",
        statuses=(
            (201, "made: the one answer with its secret"),
            (401, "not logged in"),
            (403, "you may not do that there yourself"),
            (404, "neither you nor an organisation that you are in"),
            (409, "the name is taken, or there are too many"),
            (422, "what is wrong with it"),
        ),
    ),
    ("GET", "/auth/tokens"): Operation(
        tag="auth", security=LOGGED_IN, answer="ApiTokens", statuses=((200, "found"), (401, "not logged in"))
    ),
    ("DELETE", "/auth/tokens/{token}"): Operation(
        tag="auth",
        security=LOGGED_IN,
        answer_type=None,
        statuses=((204, "it is good for nothing"), (401, "not logged in"), (404, "no such token of yours")),
    ),
    ("POST", "/auth/trust/{owner}/{dataset}"): Operation(
        tag="auth",
        security=LOGGED_IN,
        body="NewTrust",
        answer="Trust",
        statuses=(
            (201, "trusted from now on"),
            (401, "not logged in"),
            (403, "you do not manage the dataset"),
            (404, "no such dataset of yours"),
            (409, "trusted already, or too much is"),
            (422, "what is wrong with it"),
        ),
    ),
    ("GET", "/auth/trust/{owner}/{dataset}"): Operation(
        tag="auth",
        security=LOGGED_IN,
        answer="Trusted",
        statuses=(
            (200, "found"),
            (401, "not logged in"),
            (403, "you do not manage it"),
            (404, "no such dataset of yours"),
        ),
    ),
    ("DELETE", "/auth/trust/{owner}/{dataset}/{trust}"): Operation(
        tag="auth",
        security=LOGGED_IN,
        answer_type=None,
        statuses=(
            (204, "trusted no more"),
            (401, "not logged in"),
            (403, "you do not manage it"),
            (404, "no such trust"),
        ),
    ),
    ("POST", "/auth/exchange"): Operation(
        tag="auth",
        body="Exchange",
        body_type=FORM_TYPE,
        answer="Exchanged",
        statuses=(
            (200, "a token for a quarter of an hour"),
            (400, "why not (RFC 6749, 5.2)"),
            (503, "the CI system's keys cannot be had"),
        ),
    ),
    ("GET", "/auth/oauth_callback"): Operation(tag="auth", answer_type=None, statuses=((302, "nobody began: home"),)),
    ("GET", "/auth/oauth_callback/{provider}"): Operation(
        tag="auth",
        query=(
            ("state", "what began in this browser"),
            ("code", "what the provider gives for the visitor"),
            ("iss", "the provider (RFC 9207)"),
            ("error", "why the visitor is not let in"),
        ),
        answer_type=None,
        statuses=(
            (303, "logged in, or to choose a user name"),
            (400, "this proves nothing: the log-in page"),
            (404, "no such provider"),
            (409, "it cannot be linked"),
            (503, "the provider does not answer: the log-in page"),
        ),
    ),
    ("GET", "/auth/sso/{provider}"): Operation(
        tag="auth",
        security=SESSION,
        query=(
            NEXT,
            ("link", "to be linked to the account that is logged in"),
            ("again", "to be proven again, although there is a log-in"),
        ),
        answer_type=None,
        statuses=(
            (303, "to the provider, or to the log-in page"),
            (404, "no such provider"),
            (503, "the provider does not answer: the log-in page"),
        ),
    ),
    ("POST", "/auth/oauth/token"): Operation(
        tag="auth",
        body="TokenRequest",
        body_type=FORM_TYPE,
        answer="ProgramTokens",
        statuses=((200, "tokens"), (400, "none: `error` says why in the words of RFC 6749 and RFC 8628")),
    ),
    ("POST", "/auth/oauth/device"): Operation(
        tag="auth",
        body="DeviceRequest",
        body_type=FORM_TYPE,
        answer="DeviceCodes",
        statuses=((200, "a code to ask with and one to type"), (400, "no such client"), (429, "too many")),
    ),
    ("POST", "/auth/oauth/revoke"): Operation(
        tag="auth",
        body="RevokeRequest",
        body_type=FORM_TYPE,
        answer="Nothing",
        statuses=((200, "it has ended"), (400, "no token")),
    ),
    ("GET", "/auth/oauth/authorize"): _page(
        *CONSENT,
        security=SESSION,
        statuses=((200, "the question"), (303, "to the log-in page"), (400, "what no program of ours asks")),
    ),
    ("POST", "/auth/oauth/authorize"): Operation(
        tag="pages",
        security=SESSION,
        answer_type=None,
        statuses=(
            (303, "to the program that waits"),
            (400, "what no program of ours asks"),
            (401, "not logged in"),
            (403, "a form of another site"),
        ),
    ),
    ("GET", "/auth/device"): _page(
        ("user_code", "what the machine shows"),
        security=SESSION,
        statuses=((200, "the form"), (303, "to the log-in page")),
    ),
    ("POST", "/auth/device"): Operation(
        tag="pages",
        security=SESSION,
        body="DeviceForm",
        body_type=FORM_TYPE,
        answer_type=HTML,
        statuses=(
            (200, "who waits, or what was decided"),
            (303, "to the log-in page"),
            (403, "a form of another site"),
            (422, "nobody waits with this code"),
            (429, "too many wrong codes"),
        ),
    ),
    ("GET", "/auth/welcome"): _page(statuses=((200, "the form for a user name"), (303, "to the log-in page"))),
    ("POST", "/auth/welcome"): Operation(
        tag="pages",
        body="WelcomeForm",
        body_type=FORM_TYPE,
        answer_type=None,
        statuses=(
            (303, "logged in, or to the log-in page"),
            (403, "a form of another site"),
            (422, "the name cannot be had: the form"),
        ),
    ),
    ("GET", "/settings"): _page(security=SESSION, statuses=((200, "the ways to log in"), (303, "to the log-in page"))),
    ("POST", "/settings/end"): Operation(
        tag="pages",
        security=SESSION,
        body="EndForm",
        body_type=FORM_TYPE,
        answer_type=None,
        statuses=((303, "logged out, or to the log-in page"), (403, "a form of another site")),
    ),
    ("GET", "/settings/tokens"): _page(
        security=SESSION, statuses=((200, "your API tokens"), (303, "to the log-in page"))
    ),
    ("POST", "/settings/tokens"): Operation(
        tag="pages",
        security=("session",),
        body="TokenForm",
        body_type=FORM_TYPE,
        answer_type=HTML,
        statuses=(
            (200, "the token, this once"),
            (401, "not logged in"),
            (403, "a form of another site"),
            (422, "the form"),
        ),
    ),
    ("POST", "/settings/tokens/revoke"): Operation(
        tag="pages",
        security=("session",),
        body="RevokeForm",
        body_type=FORM_TYPE,
        answer_type=None,
        statuses=((303, "back to the list"), (401, "not logged in"), (403, "a form of another site"), (404, "none")),
    ),
    ("POST", "/settings/unlink"): Operation(
        tag="pages",
        security=("", "session"),
        body="UnlinkForm",
        body_type=FORM_TYPE,
        answer_type=None,
        statuses=(
            (303, "taken away, or to the log-in page"),
            (403, "a form of another site"),
            (409, "it is the only way to log in"),
        ),
    ),
    ("POST", "/auth/logout"): Operation(
        tag="auth",
        security=USER,
        answer_type=None,
        statuses=((303, "home, logged out"), (403, "a form of another site")),
    ),
    ("GET", "/auth/organisations"): _mine("Organisations"),
    ("POST", "/auth/organisations"): Operation(
        tag="organisations",
        security=("userToken",),
        body="NewOrganisation",
        answer="Organisation",
        statuses=((201, "made"), (401, "no good token"), (409, "the name is taken"), (422, "it cannot be a name")),
    ),
    ("GET", "/auth/organisations/{organisation}/members"): _mine("Members", (403, "you are no member"), NOBODY),
    ("PUT", "/auth/organisations/{organisation}/members/{username}"): Operation(
        tag="organisations",
        security=("userToken",),
        body="NewRole",
        answer="Membership",
        statuses=((200, "done"), *NO_OWNER, (422, "there is no such role")),
    ),
    ("DELETE", "/auth/organisations/{organisation}/members/{username}"): Operation(
        tag="organisations",
        security=("userToken",),
        answer_type=None,
        statuses=((204, "no member any more"), *NO_OWNER),
    ),
    ("GET", "/auth/audit/{owner}"): Operation(
        tag="organisations",
        security=("userToken",),
        query=(("before", "an entry's id: what came before it"),),
        answer="AuditLog",
        statuses=((200, "found"), (401, "no good token"), (403, "not yours"), NOBODY),
    ),
    ("GET", "/auth/quota/{owner}"): Operation(
        tag="organisations",
        security=("userToken", "session"),
        answer="Usage",
        statuses=((200, "found"), (401, "no good token"), (403, "not yours")),
    ),
    ("GET", "/sharing/{owner}/{dataset}"): Operation(
        tag="sharing", security=("userToken",), answer="Sharing", statuses=((200, "found"), *NO_MANAGER)
    ),
    ("PUT", "/sharing/{owner}/{dataset}"): Operation(
        tag="sharing",
        security=("userToken",),
        body="NewVisibility",
        answer="Sharing",
        statuses=((200, "done"), *NO_MANAGER, (422, "there is no such visibility")),
    ),
    ("POST", "/sharing/{owner}/{dataset}/links"): Operation(
        tag="sharing",
        security=("userToken",),
        body="WantedLink",
        answer="NewLink",
        statuses=((201, "made"), *NO_MANAGER, (409, "too many"), (422, "too long, or for too long")),
    ),
    ("DELETE", "/sharing/{owner}/{dataset}/links/{link}"): Operation(
        tag="sharing", security=("userToken",), answer_type=None, statuses=((204, "revoked"), *NO_MANAGER)
    ),
    ("POST", "/rawstore/authorize"): UPLOADS,
    ("POST", "/rawstore/"): UPLOADS,
    ("POST", "/rawstore/uploads"): Operation(
        tag="rawstore",
        security=PERMISSION,
        body="UploadRequest",
        answer="UploadAnswer",
        statuses=(
            (200, "what arrived, and where the next parts go"),
            (401, "no good token"),
            (403, "no token for this owner"),
            (422, "the file is not described well"),
        ),
    ),
    ("POST", "/rawstore/uploads/{uploadid}/parts"): Operation(
        tag="rawstore",
        security=PERMISSION,
        body="SomeParts",
        answer="PartUrls",
        statuses=((200, "where they go"), *NO_UPLOAD, (422, "a part is not described well")),
    ),
    ("POST", "/rawstore/uploads/{uploadid}/complete"): Operation(
        tag="rawstore",
        security=PERMISSION,
        body="AllParts",
        answer="Uploaded",
        statuses=((200, "the file is there"), *NO_UPLOAD, (409, "parts that are not there, or others")),
    ),
    ("DELETE", "/rawstore/uploads/{uploadid}"): Operation(
        tag="rawstore", security=PERMISSION, answer_type=None, statuses=((204, "given up"), *NO_UPLOAD)
    ),
    ("GET", "/rawstore/info"): Operation(
        tag="rawstore", security=PERMISSION, answer="Prefixes", statuses=((200, "where"), (401, "no good token"))
    ),
    ("GET", "/rawstore/presign"): Operation(
        tag="rawstore",
        security=IN_BAND,
        query=(("ownerid", "whose object"), ("url", "the object's address, not encoded")),
        answer="SignedUrl",
        statuses=((200, "the address"), (401, "no owner"), (403, "not yours")),
    ),
    ("POST", "/source/upload"): SPEC_POSTED,
    ("POST", "/source/plan"): SPEC_POSTED,
    ("GET", "/source/{owner}/{dataset}/{revision}"): Operation(
        tag="source", security=USER, answer="Status", statuses=FOUND
    ),
    ("POST", "/source/{owner}/{dataset}/{revision}/cancel"): Operation(
        tag="source", security=PERMISSION, answer="Status", statuses=((200, "cancelled"), *NOT_SO)
    ),
    ("POST", "/source/{owner}/{dataset}/{revision}/rerun"): Operation(
        tag="source", security=PERMISSION, answer="Status", statuses=((202, "it runs again"), *NOT_SO)
    ),
    ("GET", "/source/{owner}/{dataset}/{revision}/events"): Operation(
        tag="source",
        security=USER,
        answer="Status",
        answer_type=EVENT_STREAM,
        statuses=(*FOUND, (204, "`Last-Event-ID` names the end: there is nothing to come back for")),
    ),
    ("GET", "/metastore/search"): Operation(
        tag="metastore", security=USER, query=(("q", "words, as a JSON text"), SIZE, FROM), answer="Found"
    ),
    ("GET", "/metastore/search/events"): Operation(
        tag="metastore", security=USER, query=(("sort", "asc or desc, by time"), SIZE, FROM), answer="Found"
    ),
    ("GET", "/resolver/resolve"): Operation(
        tag="resolver", query=(("path", "owner/dataset"),), patterns=OWNER_AND_DATASET, answer="ResolvedPath"
    ),
    ("GET", "/{owner}/{dataset}/datapackage.json"): PUBLISHED_DESCRIPTOR,
    ("GET", "/{ownerid}/{dataset}/{revision}/datapackage.json"): PUBLISHED_DESCRIPTOR,
    ("GET", "/{owner}/{dataset}/README.md"): README,
    ("GET", "/{ownerid}/{dataset}/{revision}/README.md"): README,
    ("GET", "/{owner}/{dataset}/receipt.jwt"): RECEIPT,
    ("GET", "/{ownerid}/{dataset}/{revision}/receipt.jwt"): RECEIPT,
    ("GET", "/{owner}/{dataset}/r/{file}"): _download(REVISION),
    ("GET", "/{ownerid}/{dataset}/{revision}/r/{file}"): _download(),
    ("GET", "/"): _page(),
    ("GET", "/search"): _page(("q", "words"), FROM),
    ("GET", "/login"): _page(statuses=((303, "to the log-in page"),)),
    ("GET", "/dashboard"): _page(security=SESSION, statuses=((200, "your datasets"), (303, "to the log-in page"))),
    ("GET", "/dashboard/{owner}"): _page(security=SESSION, statuses=ROOM),
    ("GET", "/dashboard/{owner}/audit"): _page(
        ("before", "an entry's id: what came before it"), security=SESSION, statuses=ROOM
    ),
    ("POST", "/dashboard/organisations"): _form("NewOrganisation"),
    ("POST", "/dashboard/{owner}/members"): _form("MemberForm"),
    ("POST", "/dashboard/{owner}/members/remove"): _form("MemberForm"),
    ("GET", "/new"): _page(security=SESSION, statuses=((200, "the page"), (303, "to the log-in page"))),
    ("GET", "/{owner}"): _page(FROM),
    ("GET", "/{owner}/{dataset}"): _page(REVISION, security=SESSION),
    ("GET", "/{owner}/{dataset}/v/{revision}"): _page(security=SESSION),
    ("POST", "/{owner}/{dataset}/visibility"): _form("NewVisibility"),
    ("GET", "/{owner}/{dataset}/trust"): _page(security=SESSION),
    ("POST", "/{owner}/{dataset}/trust"): _form("TrustForm"),
    ("POST", "/{owner}/{dataset}/trust/remove"): _form("RemovedTrust"),
    ("POST", "/{owner}/{dataset}/links"): Operation(
        tag="pages",
        security=SESSION,
        body="LinkForm",
        body_type=FORM_TYPE,
        answer_type=HTML,
        statuses=((200, "the link, this once"), *SENDER),
    ),
    ("POST", "/{owner}/{dataset}/links/revoke"): _form("RevokedLink"),
    ("POST", "/{owner}/{dataset}/v/{revision}/cancel"): BUTTON,
    ("POST", "/{owner}/{dataset}/v/{revision}/rerun"): BUTTON,
    ("GET", "/{owner}/{dataset}/v/{revision}/report/{resource}"): _page(security=SESSION),
    ("GET", "/static/{file}"): _page(),
    ("GET", "/favicon.ico"): _page(statuses=((301, "to the icon"),)),
    ("GET", "/{path}/"): _page(statuses=((301, "the same without the slash"),)),
}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": required.split()} if required else {})}


def _closed(required: str = "", **properties: Any) -> dict[str, Any]:
    """What a client sends, and nothing besides."""
    return {**_object(required, **properties), "additionalProperties": False}


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


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


FILE = _closed("length md5", length=NUMBER, md5={**SENT, "description": "base64"}, sha256=SENT, name=SENT, type=SENT)
FORM = _object("upload_url upload_query exists", upload_url=TEXT, upload_query=_map(TEXT), exists=FLAG, type=TEXT)
PART = _closed("md5 sha256", md5={**SENT, "description": "base64"}, sha256={**SENT, "description": "hex"})
NUMBERED_PART = _closed("number md5 sha256", **PART["properties"], number=NUMBER)
PART_URL = _object("number url headers", number=NUMBER, url=TEXT, headers=_map(TEXT))
UPLOAD = _closed(
    "path length sha256 part_size parts", path=SENT, length=NUMBER, sha256=SENT, part_size=NUMBER, parts=_list(PART)
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
FAULT = _object("detail rule pointer", detail=TEXT, rule=TEXT, pointer=TEXT, resource=TEXT)
COUNT = {"type": ["integer", "null"]}
PROGRESS = {
    **_object(
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
    **_object(
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
RESOURCE = _object(
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
    left_out={**_list(TEXT), "description": "what was skipped, capped or is missing: sentences with limit and setting"},
    facts=ANY,
    report_url=NULLABLE,
)

SCHEMAS: Mapping[str, Any] = {
    "Problem": _object(
        "type title status detail instance errors",
        type=TEXT,
        title=TEXT,
        status=NUMBER,
        detail=TEXT,
        instance=TEXT,
        errors=_list(FAULT),
        error=_object(message=TEXT),
    ),
    "LogIn": _closed("username password", username=SENT, password=SENT),
    "Token": _object("token", token=TEXT),
    "WelcomeForm": _object("username", username=SENT),
    "TokenRequest": _object(
        "grant_type client_id",
        grant_type=SENT,
        client_id=SENT,
        code=SENT,
        code_verifier=SENT,
        redirect_uri=SENT,
        device_code=SENT,
        refresh_token=SENT,
        attempt=SENT,
    ),
    "ProgramTokens": _object(
        "access_token token_type expires_in refresh_token username",
        access_token=TEXT,
        token_type=TEXT,
        expires_in=NUMBER,
        refresh_token=TEXT,
        username=TEXT,
    ),
    "DeviceRequest": _object("client_id", client_id=SENT, device=SENT),
    "DeviceCodes": _object(
        "device_code user_code verification_uri expires_in interval",
        device_code=TEXT,
        user_code=TEXT,
        verification_uri=TEXT,
        verification_uri_complete=TEXT,
        expires_in=NUMBER,
        interval=NUMBER,
    ),
    "RevokeRequest": _object("token", token=TEXT),  # what is no token is ended already (RFC 7009, 2.2)
    "Nothing": _object(""),
    "DeviceForm": _object("user_code", user_code=SENT, act=SENT),
    "EndForm": _object("family", family=SENT),
    "UnlinkForm": _object("issuer sub", issuer=SENT, sub=SENT),
    "Check": _object("authenticated", authenticated=FLAG, profile=ANY, scope=ANY, providers=_map(_object(url=TEXT))),
    "NewApiToken": _closed(
        "name",
        name={**TEXT, "pattern": r"^[!-~]([ -~]*[!-~])?$", "maxLength": 100},
        access=ACCESS,
        scope={**TEXT, "pattern": "^[a-z]{1,9}(/[a-z]{1,9})?$", "description": "owner, or owner/dataset"},
        days={**NUMBER, "minimum": 1, "maximum": 365},
    ),
    "NewTrust": _closed(
        "provider repository",
        provider={"enum": ["github", "gitlab"]},
        issuer={**TEXT, "pattern": "^https://(token.actions.githubusercontent|gitlab).com$"},
        repository={**TEXT, "pattern": r"^[a-z]{1,20}/[a-z]{1,20}$"},
        workflow={**TEXT, "pattern": r"^[a-z]{1,20}\.yml$", "description": "the file of the workflow"},
        ref={
            **TEXT,
            "pattern": r"^refs/(heads|tags)/[a-z]{1,20}\*?$",
            "description": "whole, or its beginning and a *",
        },
        environment={**TEXT, "pattern": r"^[a-z]{1,20}$"},
    ),
    "Trust": _object("id provider issuer repository", **TRUST),
    "Trusted": _object("trusted", trusted=_list(_object("id", **TRUST))),
    "Exchange": _object(
        "grant_type subject_token subject_token_type",
        grant_type={"const": "urn:ietf:params:oauth:grant-type:token-exchange"},
        subject_token={**SENT, "description": "the ID token of a CI job"},
        subject_token_type={"const": "urn:ietf:params:oauth:token-type:jwt"},
        scope={**SENT, "description": "publish:OWNER/NAME"},
    ),
    "Exchanged": _object(
        "access_token issued_token_type token_type expires_in scope",
        access_token=TEXT,
        issued_token_type=TEXT,
        token_type={"const": "Bearer"},
        expires_in=NUMBER,
        scope=TEXT,
    ),
    "TokenForm": _object("name", name=SENT, access=ACCESS, owner=SENT, dataset=SENT, days=SENT),
    "TrustForm": _object("repository", provider=SENT, repository=SENT, workflow=SENT, ref=SENT, environment=SENT),
    "RemovedTrust": _object("trust", trust=SENT),
    "RevokeForm": _object("token", token=SENT),
    "MadeApiToken": _object("token id expires", token=TEXT, **API_TOKEN),
    "ApiTokens": _object("tokens", tokens=_list(_object("id name access scope expires", **API_TOKEN))),
    "Authorization": _object("permissions", userid=TEXT, permissions=ANY, service=TEXT, token=TEXT),
    "NewOrganisation": _closed(
        "name",
        name={"type": "string", "pattern": "^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$"},
        title={"type": "string", "pattern": r"^[^\u0000\r\n]*$", "maxLength": 200},
    ),
    "Organisation": _object("id name title", id=TEXT, name=TEXT, title=TEXT, role=ROLE, members=NUMBER),
    "Organisations": _object("organisations", organisations=_list(ANY)),
    "Usage": _object("used limit", used=NUMBER, limit={"type": ["integer", "null"]}),
    "NewVisibility": _closed("findability", findability=FINDABILITY),
    "WantedLink": _closed(days={**NUMBER, "minimum": 1, "maximum": 90}, note={**SENT, "maxLength": 100}),
    "LinkForm": _object("days", days={"type": "string", "pattern": "^[1-9]$"}, note={"type": "string", "maxLength": 9}),
    "RevokedLink": _object("link", link=TEXT),
    "NewLink": _object("id url expires", id=TEXT, url=TEXT, expires=TEXT),
    "Sharing": _object(
        "findability switched public links",
        findability=FINDABILITY,
        switched=NULLABLE,
        public=_list(_object("findability since until", findability=FINDABILITY, since=TEXT, until=NULLABLE)),
        links=_list(_object("id note expires", id=TEXT, note=TEXT, expires=TEXT)),
    ),
    "NewRole": _closed("role", role=ROLE),
    "MemberForm": _object("username", username=SENT, role=ROLE),
    "Membership": _object("username role", username=TEXT, role=ROLE),
    "Members": _object("members", members=_list(_object("username role", username=TEXT, role=ROLE, since=TEXT))),
    "AuditLog": _object(
        "entries before",
        entries=_list(_object("id at act subject", id=NUMBER, at=TEXT, account=NULLABLE, act=TEXT, subject=TEXT)),
        before={"type": ["integer", "null"]},
    ),
    "Success": _object("success", success=FLAG, error=TEXT),
    "Resolved": _object("userid", userid=NULLABLE),
    "FoundProfile": _object("found", found=FLAG, profile={"type": ["object", "null"]}),
    "KeySet": _object("keys", keys=_list(ANY)),
    "AuthorizeRequest": _closed(
        "metadata filedata",
        metadata=_closed("owner", owner=SENT, findability=SENT, dataset=SENT),
        filedata={**_map(FILE), "propertyNames": {"pattern": NO_NUL}},
    ),
    "AuthorizeAnswer": _object("filedata", filedata=_map(FORM)),
    "UploadRequest": _closed(
        "metadata file", metadata=_closed("owner", owner=SENT, findability=SENT, dataset=SENT), file=UPLOAD, begin=FLAG
    ),
    "UploadAnswer": _object(
        "exists address",
        exists=FLAG,
        address=TEXT,
        upload={**TEXT, "description": "the upload's id"},
        there={**_list(NUMBER), "description": "parts that arrived"},
        urls=_list(PART_URL),
        expires_in=NUMBER,
    ),
    "SomeParts": _closed("parts", parts=_list(NUMBERED_PART)),
    "PartUrls": _object("urls expires_in", urls=_list(PART_URL), expires_in=NUMBER),
    "AllParts": _closed("parts", parts=_list(PART)),
    "Uploaded": _object("exists address", exists=FLAG, address=TEXT),
    "Prefixes": _object("prefixes", prefixes=_list(TEXT)),
    "SignedUrl": _object("url", url=TEXT),
    "Spec": _object(
        "meta inputs",
        meta=_object("ownerid dataset", version=NUMBER, ownerid=TEXT, owner=TEXT, dataset=TEXT, findability=TEXT),
        inputs=_list(
            _object(
                "kind parameters",
                kind={"const": "datapackage"},
                url=TEXT,
                parameters=_object("descriptor", **{"resource-mapping": _map(TEXT), "descriptor": ANY}),
            )
        ),
        again={**FLAG, "description": "a new revision, though the one that stands is this very package"},
    ),
    "Accepted": _object(
        "success dataset_id flow_id errors",
        success=FLAG,
        dataset_id=NULLABLE,
        flow_id=NULLABLE,
        unchanged={**FLAG, "description": "nothing was made: this revision is this very package"},
        state=STATE,
        message=TEXT,
        dry_run={**FLAG, "description": "this is only what would be: nothing was done"},
        errors=_list(TEXT),
    ),
    "Status": _object(
        "id state",
        id=TEXT,
        state=STATE,
        reason=NULLABLE,
        cancelled=FLAG,
        restarts={**NUMBER, "description": "how often somebody had it run again"},
        modified=TEXT,
        indexed=FLAG,
        index_error=NULLABLE,
        receipt={**NULLABLE, "description": "the address of the signed receipt, once it is published"},
        url=TEXT,
        resources=_list(RESOURCE),
        spec_contents=ANY,
        pipelines=ANY,
        stats=ANY,
        error_log={"type": ["array", "null"]},
        logs={"type": ["array", "null"]},
        certified=FLAG,
    ),
    "Found": _object(
        "results summary", results=_list(ANY), summary=_object(total=NUMBER, totalBytes=NUMBER), error=TEXT
    ),
    "ResolvedPath": _object(userid=NULLABLE, packageid=TEXT),
    "Descriptor": {"type": "object", "description": "a Data Package descriptor; paths are absolute addresses"},
}
