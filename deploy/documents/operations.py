"""Every operation of the gateway, one row each."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.documents.authoperations import AUTH_OPERATIONS
from deploy.documents.operation import (
    BUTTON,
    EVENT_STREAM,
    FORM_TYPE,
    FOUND,
    FROM,
    HTML,
    IN_BAND,
    NO_MANAGER,
    NO_UPLOAD,
    NOT_SO,
    OWNER_AND_DATASET,
    PERMISSION,
    PUBLISHED_DESCRIPTOR,
    PUSH,
    README,
    RECEIPT,
    REVISION,
    ROOM,
    SENDER,
    SESSION,
    SIZE,
    SPEC_POSTED,
    UPLOADS,
    USER,
    Operation,
    download,
    form,
    page,
)
from deploy.documents.webhookoperations import WEBHOOK_OPERATIONS

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/health/live"): Operation(tag="health"),
    ("GET", "/health/ready"): Operation(tag="health", statuses=((200, "ready"), (503, "which part does not answer"))),
    **AUTH_OPERATIONS,
    ("GET", "/settings"): page(security=SESSION, statuses=((200, "the ways to log in"), (303, "to the log-in page"))),
    ("POST", "/settings/end"): Operation(
        tag="pages",
        security=SESSION,
        body="EndForm",
        body_type=FORM_TYPE,
        answer_type=None,
        statuses=((303, "logged out, or to the log-in page"), (403, "a form of another site")),
    ),
    ("GET", "/settings/tokens"): page(
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
    **WEBHOOK_OPERATIONS,
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
    ("POST", "/source/upload"): PUSH,
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
    ("GET", "/{owner}/{dataset}/r/{file}"): download(REVISION),
    ("GET", "/{ownerid}/{dataset}/{revision}/r/{file}"): download(),
    ("GET", "/"): page(),
    ("GET", "/search"): page(("q", "words"), FROM),
    ("GET", "/login"): page(statuses=((303, "to the log-in page"),)),
    ("GET", "/dashboard"): page(security=SESSION, statuses=((200, "your datasets"), (303, "to the log-in page"))),
    ("GET", "/dashboard/{owner}"): page(security=SESSION, statuses=ROOM),
    ("GET", "/dashboard/{owner}/audit"): page(
        ("before", "an entry's id: what came before it"), security=SESSION, statuses=ROOM
    ),
    ("POST", "/dashboard/organisations"): form("NewOrganisation"),
    ("POST", "/dashboard/{owner}/members"): form("MemberForm"),
    ("POST", "/dashboard/{owner}/members/remove"): form("MemberForm"),
    ("GET", "/new"): page(security=SESSION, statuses=((200, "the page"), (303, "to the log-in page"))),
    ("GET", "/{owner}"): page(FROM),
    ("GET", "/{owner}/{dataset}"): page(REVISION, security=SESSION),
    ("GET", "/{owner}/{dataset}/v/{revision}"): page(security=SESSION),
    ("POST", "/{owner}/{dataset}/visibility"): form("NewVisibility"),
    ("GET", "/{owner}/{dataset}/trust"): page(security=SESSION),
    ("POST", "/{owner}/{dataset}/trust"): form("TrustForm"),
    ("POST", "/{owner}/{dataset}/trust/remove"): form("RemovedTrust"),
    ("POST", "/{owner}/{dataset}/links"): Operation(
        tag="pages",
        security=SESSION,
        body="LinkForm",
        body_type=FORM_TYPE,
        answer_type=HTML,
        statuses=((200, "the link, this once"), *SENDER),
    ),
    ("POST", "/{owner}/{dataset}/links/revoke"): form("RevokedLink"),
    ("POST", "/{owner}/{dataset}/v/{revision}/cancel"): BUTTON,
    ("POST", "/{owner}/{dataset}/v/{revision}/rerun"): BUTTON,
    ("GET", "/{owner}/{dataset}/v/{revision}/report/{resource}"): page(security=SESSION),
    ("GET", "/static/{file}"): page(),
    ("GET", "/favicon.ico"): page(statuses=((301, "to the icon"),)),
    ("GET", "/{path}/"): page(statuses=((301, "the same without the slash"),)),
}
