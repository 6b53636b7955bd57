"""Who gets what of an owner's private data: one row for each operation of the OpenAPI document.

An operation without a row fails the tests: whoever adds one declares here what five callers get of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

CALLERS = ("anonymous", "owner", "other", "expired", "wrong")
"""Nobody; who owns the private data; another account; the owner's token of yesterday; the owner's token for another
service."""
TITLE = "Zq7 is private"
NOBODY: tuple[str, ...] = ()
OWNER = ("owner",)
ROLES = ("reader", "publisher", "maintainer", "owner")
"""Of members, where the private data is an organisation's."""
MACHINES = ("reads", "elsewhere", "revoked")
"""API tokens of the owner's: to read everything, to publish another dataset, one for everything that was revoked."""
KNOWN = ("owner", "other")
EVERYBODY = CALLERS

Cells = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`statuses`: one for each caller. `mark`: text that those in `sees` are sent (header lines included), and no other
    is; empty: the answer holds nothing of anybody's. `query`, `body` (JSON) and `values` of the path as Python formats
    them with the names of the private dataset; `service`: whose permission token is shown, None: the user token,
    as a cookie from a page of ours where it is a `browser` that asks. Members of an organisation get what an owner gets
    from `role` on, those below it the status `refused`; where the answer is about the caller, what another gets.
    `as_member`: what they get where a person has no such thing.
    API tokens: one that reads gets what a reader gets, one for another dataset what another account gets, a revoked one
    what an expired one gets, and so does each where only `people` are let in; `machines` says what of this is not so,
    and whether the mark is sent."""

    statuses: Cells
    mark: str = ""
    sees: tuple[str, ...] = NOBODY
    query: str = ""
    body: Any = None
    values: Mapping[str, str] = field(default_factory=dict)
    service: str | None = None
    browser: bool = False
    role: str = "reader"
    refused: int = 403
    as_member: int | None = None
    people: bool = False
    machines: Mapping[str, tuple[int, bool]] = field(default_factory=dict)

    @property
    def of_caller(self) -> bool:
        """Whether the answer is about the caller, not about what an owner has."""
        return self.as_member is None and self.sees != OWNER and self.statuses[1] == self.statuses[2]


def _same(status: int, **more: Any) -> Row:
    return Row(statuses=(status,) * 5, **more)


def _private(status: int = 200, **more: Any) -> Row:
    """The owner's alone; for everybody else it is not there."""
    return Row(statuses=(404, status, 404, 404, 404), sees=OWNER, **more)


DESCRIPTOR = _private(mark=TITLE)
README = _private(mark=TITLE)
RECEIPT = _private(mark="application/jwt")
FILE = _private(302, mark="X-Amz-Signature", values={"file": "prices.csv"})
FORM = {"metadata": {"owner": "{ownerid}"}, "filedata": {"a.csv": {"length": 1, "md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}}}
UPLOADS = Row(
    statuses=(401, 200, 403, 401, 401),
    mark="upload_url",
    sees=OWNER,
    body=FORM,
    service="rawstore",
    role="publisher",
    machines={"elsewhere": (200, True)},
)
HASHES = {"md5": "1B2M2Y8AsgTpgAmY7PhCfg==", "sha256": "0" * 64}
IN_PARTS = {"path": "a.csv", "length": 1, "sha256": "1" * 64, "part_size": 5 * 1024**2, "parts": [HASHES]}
OF_UPLOAD: dict[str, Any] = {"service": "rawstore", "role": "publisher", "refused": 404}
PENDING: dict[str, Any] = {"values": {"uploadid": "{pending}"}, **OF_UPLOAD}
DOOMED: dict[str, Any] = {"values": {"uploadid": "{doomed}"}, **OF_UPLOAD}
"""Of uploads in parts that the owner began: one to go on with, one to be given up."""
SPEC = {
    "meta": {"version": 1, "ownerid": "{ownerid}", "owner": "x", "dataset": "pushed", "findability": "private"},
    "inputs": [
        {
            "kind": "datapackage",
            "url": "",
            "parameters": {
                "resource-mapping": {"data.csv": "{upload}"},
                "descriptor": {"name": "pushed", "resources": [{"name": "data", "path": "data.csv"}]},
            },
        }
    ],
}

TRUST = Row(statuses=(401, 200, 404, 401, 401), mark='"trusted"', sees=OWNER, role="maintainer", people=True)
WEBHOOKS = Row(statuses=(401, 200, 404, 401, 401), mark='"webhooks"', sees=OWNER, role="maintainer", people=True)
WEBHOOK = Row(
    statuses=(401, 404, 404, 401, 401), values={"webhook": "absent"}, role="maintainer", people=True, as_member=404
)
BUTTON = Row(statuses=(401, 409, 404, 401, 401), mark="is published", sees=OWNER, browser=True, role="publisher")
RUN = Row(statuses=(401, 409, 404, 401, 401), mark="is published", sees=OWNER, service="source", role="publisher")

SPEC_POSTED = _same(200, mark='"success": true', sees=OWNER, body=SPEC, service="source", role="publisher", refused=200)

MANAGED = Row(statuses=(401, 200, 404, 401, 401), mark='"links"', sees=OWNER, role="maintainer")
MANAGING = Row(statuses=(401, 415, 404, 401, 401), browser=True, role="maintainer")
"""A form of who may manage the dataset, sent without one."""

ROWS: Mapping[tuple[str, str], Row] = {
    ("GET", "/health/live"): _same(200),
    ("GET", "/health/ready"): _same(200),
    ("GET", "/auth/check"): _same(200, mark='"authenticated": true', sees=KNOWN),
    ("GET", "/auth/authorize"): _same(
        200, mark='"token"', sees=KNOWN, query="service=source", machines={"reads": (200, False)}
    ),
    ("GET", "/auth/tokens"): Row(statuses=(401, 200, 200, 401, 401), mark='"tokens"', sees=KNOWN, people=True),
    ("POST", "/auth/tokens"): Row(
        statuses=(401, 201, 201, 401, 401), mark="dhp_", sees=KNOWN, body={"name": "{fresh}"}, people=True
    ),
    ("DELETE", "/auth/tokens/{token}"): Row(
        statuses=(401, 404, 404, 401, 401), values={"token": "{ownerid}"}, people=True
    ),
    ("POST", "/auth/update"): _same(200, mark="already set", sees=KNOWN, query="username=eve"),
    ("GET", "/auth/public-key"): _same(200),
    ("GET", "/auth/resolve"): _same(200, query="username=ada"),
    ("GET", "/auth/get_profile"): _same(200, query="username=ada", mark="ada@example.com"),
    ("GET", "/.well-known/jwks.json"): _same(200),
    ("GET", "/.well-known/receipt-keys.json"): _same(200),
    ("GET", "/.well-known/oauth-authorization-server"): _same(200),
    ("GET", "/auth/login"): Row(statuses=(200, 303, 303, 200, 200)),
    ("POST", "/auth/login"): _same(401, body={"username": "{fresh}", "password": "guessed"}),
    ("POST", "/auth/token"): _same(401, body={"username": "{fresh}", "password": "guessed"}),
    ("POST", "/auth/logout"): Row(statuses=(403, 303, 303, 303, 303)),
    ("GET", "/auth/oauth_callback"): _same(302),
    ("POST", "/auth/exchange"): _same(415, body={"subject_token": "x"}),
    ("GET", "/auth/trust/{owner}/{dataset}"): TRUST,
    ("POST", "/auth/trust/{owner}/{dataset}"): Row(
        statuses=(401, 422, 404, 401, 401), body={"provider": "svn"}, role="maintainer", people=True
    ),
    ("DELETE", "/auth/trust/{owner}/{dataset}/{trust}"): Row(
        statuses=(401, 404, 404, 401, 401), values={"trust": "absent"}, role="maintainer", people=True, as_member=404
    ),
    ("GET", "/auth/organisations"): Row(statuses=(401, 200, 200, 401, 401), people=True),
    ("POST", "/auth/organisations"): Row(statuses=(401, 409, 409, 401, 401), body={"name": "{owner}"}, people=True),
    ("GET", "/auth/organisations/{organisation}/members"): Row(
        statuses=(401, 404, 404, 401, 401),
        as_member=200,
        mark="publisher-of-guild",
        values={"organisation": "{owner}"},
        people=True,
    ),
    ("PUT", "/auth/organisations/{organisation}/members/{username}"): Row(
        statuses=(401, 404, 404, 401, 401),
        as_member=200,
        role="owner",
        body={"role": "reader"},
        people=True,
        values={"organisation": "{owner}", "username": "reader-of-guild"},
    ),
    ("DELETE", "/auth/organisations/{organisation}/members/{username}"): Row(
        statuses=(401, 404, 404, 401, 401),
        as_member=404,
        role="owner",
        people=True,
        values={"organisation": "{owner}", "username": "ada"},
    ),
    ("GET", "/auth/audit/{owner}"): Row(
        statuses=(401, 200, 403, 401, 401), mark='"entries"', sees=OWNER, role="owner", people=True
    ),
    ("GET", "/auth/oauth_callback/{provider}"): _same(404, values={"provider": "absent"}),
    ("GET", "/auth/sso/{provider}"): _same(404, values={"provider": "absent"}),
    ("POST", "/auth/oauth/token"): _same(415, body={}),
    ("POST", "/auth/oauth/device"): _same(415, body={}),
    ("POST", "/auth/oauth/revoke"): _same(415, body={}),
    ("GET", "/auth/oauth/authorize"): _same(400),
    ("POST", "/auth/oauth/authorize"): _same(403, body={}),
    ("GET", "/auth/device"): _same(303),
    ("POST", "/auth/device"): _same(403, body={}),
    ("GET", "/auth/welcome"): _same(303),
    ("POST", "/auth/welcome"): _same(403, body={"username": "ada"}),
    ("GET", "/settings"): Row(statuses=(303, 200, 200, 303, 303), mark="Ways to log in", sees=KNOWN, people=True),
    ("POST", "/settings/end"): Row(statuses=(303, 415, 415, 303, 303), body={"family": "x"}, browser=True),
    ("GET", "/settings/tokens"): Row(statuses=(303, 200, 200, 303, 303), mark="Make a token", sees=KNOWN, people=True),
    ("POST", "/settings/tokens"): Row(statuses=(401, 415, 415, 401, 401), body={"name": "x"}, browser=True),
    ("POST", "/settings/tokens/revoke"): Row(statuses=(401, 415, 415, 401, 401), body={"token": "x"}, browser=True),
    ("POST", "/settings/unlink"): Row(statuses=(303, 415, 415, 303, 303), body={"issuer": "x"}, browser=True),
    ("GET", "/auth/quota/{owner}"): Row(statuses=(401, 200, 403, 401, 401), mark='"used"', sees=OWNER),
    ("GET", "/sharing/{owner}/{dataset}"): MANAGED,
    ("PUT", "/sharing/{owner}/{dataset}"): replace(MANAGED, body={"findability": "private"}),
    ("POST", "/sharing/{owner}/{dataset}/links"): replace(
        MANAGED, statuses=(401, 201, 404, 401, 401), body={"days": 1}, mark="dhl_"
    ),
    ("DELETE", "/sharing/{owner}/{dataset}/links/{link}"): Row(
        statuses=(401, 404, 404, 401, 401), as_member=404, role="maintainer", values={"link": "0" * 16}
    ),
    ("GET", "/settings/webhooks"): Row(
        statuses=(303, 200, 200, 303, 303), mark="Make a webhook", sees=KNOWN, people=True
    ),
    ("GET", "/settings/webhooks/{owner}/{webhook}"): replace(WEBHOOK, statuses=(303, 404, 404, 303, 303)),
    ("POST", "/settings/webhooks"): Row(statuses=(401, 415, 415, 401, 401), body={"url": "x"}, browser=True),
    ("POST", "/settings/webhooks/act"): Row(statuses=(401, 415, 415, 401, 401), body={"webhook": "x"}, browser=True),
    ("GET", "/webhooks/{owner}"): WEBHOOKS,
    ("POST", "/webhooks/{owner}"): replace(
        WEBHOOKS, statuses=(401, 422, 404, 401, 401), mark="", body={"url": "http://example.com"}
    ),
    ("DELETE", "/webhooks/{owner}/{webhook}"): WEBHOOK,
    ("POST", "/webhooks/{owner}/{webhook}/rotate"): WEBHOOK,
    ("POST", "/webhooks/{owner}/{webhook}/enable"): WEBHOOK,
    ("GET", "/webhooks/{owner}/{webhook}/deliveries"): WEBHOOK,
    ("POST", "/webhooks/{owner}/{webhook}/replay"): replace(WEBHOOK, body={}),
    ("POST", "/webhooks/{owner}/{webhook}/ping"): WEBHOOK,
    ("POST", "/rawstore/authorize"): UPLOADS,
    ("POST", "/rawstore/"): UPLOADS,
    ("POST", "/rawstore/uploads"): Row(
        statuses=(401, 200, 403, 401, 401),
        mark="X-Amz-Signature",
        sees=OWNER,
        body={"metadata": {"owner": "{ownerid}"}, "file": IN_PARTS},
        service="rawstore",
        role="publisher",
        machines={"elsewhere": (200, True)},
    ),
    ("POST", "/rawstore/uploads/{uploadid}/parts"): Row(
        statuses=(401, 200, 404, 401, 401),
        mark="X-Amz-Signature",
        sees=OWNER,
        body={"parts": [{"number": 1, **HASHES}]},
        machines={"elsewhere": (200, True)},
        **PENDING,
    ),
    ("POST", "/rawstore/uploads/{uploadid}/complete"): Row(
        statuses=(401, 409, 404, 401, 401),
        mark="parts-missing",
        sees=OWNER,
        body={"parts": [HASHES]},
        machines={"elsewhere": (409, True)},
        **PENDING,
    ),
    ("DELETE", "/rawstore/uploads/{uploadid}"): Row(
        statuses=(401, 204, 404, 401, 401), machines={"elsewhere": (204, False)}, **DOOMED
    ),
    ("GET", "/rawstore/info"): Row(
        statuses=(401, 200, 200, 401, 401),
        mark="{ownerid}",
        sees=OWNER,
        service="rawstore",
        role="publisher",
        refused=200,
        machines={"elsewhere": (200, True)},
    ),
    ("GET", "/rawstore/presign"): Row(
        statuses=(401, 200, 403, 401, 401),
        mark="X-Amz-Signature",
        sees=OWNER,
        query="url={upload}",
        service="rawstore",
        role="publisher",
    ),
    ("POST", "/source/plan"): SPEC_POSTED,
    ("POST", "/source/upload"): SPEC_POSTED,
    ("GET", "/source/{owner}/{dataset}/{revision}"): _private(mark='"state"'),
    ("GET", "/source/{owner}/{dataset}/{revision}/events"): _private(mark='"state"'),
    ("POST", "/source/{owner}/{dataset}/{revision}/cancel"): RUN,
    ("POST", "/source/{owner}/{dataset}/{revision}/rerun"): RUN,
    ("POST", "/{owner}/{dataset}/visibility"): MANAGING,
    ("POST", "/{owner}/{dataset}/links"): MANAGING,
    ("GET", "/{owner}/{dataset}/trust"): _private(mark="Trust a repository", role="maintainer", people=True),
    ("POST", "/{owner}/{dataset}/trust"): MANAGING,
    ("POST", "/{owner}/{dataset}/trust/remove"): MANAGING,
    ("POST", "/{owner}/{dataset}/links/revoke"): MANAGING,
    ("POST", "/{owner}/{dataset}/v/{revision}/cancel"): BUTTON,
    ("POST", "/{owner}/{dataset}/v/{revision}/rerun"): BUTTON,
    ("GET", "/metastore/search"): _same(200, mark=TITLE, sees=OWNER),
    ("GET", "/metastore/search/events"): _same(200, mark="{dataset}", sees=OWNER),
    ("GET", "/resolver/resolve"): _same(200, query="path=ada/{dataset}"),
    ("GET", "/{owner}/{dataset}/datapackage.json"): DESCRIPTOR,
    ("GET", "/{ownerid}/{dataset}/{revision}/datapackage.json"): DESCRIPTOR,
    ("GET", "/{owner}/{dataset}/README.md"): README,
    ("GET", "/{ownerid}/{dataset}/{revision}/README.md"): README,
    ("GET", "/{owner}/{dataset}/receipt.jwt"): RECEIPT,
    ("GET", "/{ownerid}/{dataset}/{revision}/receipt.jwt"): RECEIPT,
    ("GET", "/{owner}/{dataset}/r/{file}"): FILE,
    ("GET", "/{ownerid}/{dataset}/{revision}/r/{file}"): FILE,
    ("GET", "/"): _same(200, mark=TITLE),
    ("GET", "/search"): _same(200, mark=TITLE, sees=OWNER, query="q=Zq7"),
    ("GET", "/login"): _same(303),
    ("GET", "/new"): Row(statuses=(303, 200, 200, 303, 303)),
    ("GET", "/dashboard"): Row(statuses=(303, 200, 200, 303, 303), mark=TITLE, sees=OWNER),
    ("GET", "/dashboard/{owner}"): Row(statuses=(303, 303, 404, 303, 303), as_member=200, mark=TITLE),
    ("GET", "/dashboard/{owner}/audit"): Row(
        statuses=(303, 200, 404, 303, 303), mark="Audit log of", sees=OWNER, role="owner", refused=404
    ),
    ("POST", "/dashboard/organisations"): Row(statuses=(401, 415, 415, 401, 401), browser=True),
    ("POST", "/dashboard/{owner}/members"): Row(statuses=(401, 415, 404, 401, 401), browser=True),
    ("POST", "/dashboard/{owner}/members/remove"): Row(statuses=(401, 415, 404, 401, 401), browser=True),
    ("GET", "/{owner}"): _same(200, mark=TITLE, sees=OWNER),
    ("GET", "/{owner}/{dataset}"): _private(mark=TITLE),
    ("GET", "/{owner}/{dataset}/v/{revision}"): _private(mark=TITLE),
    ("GET", "/{owner}/{dataset}/v/{revision}/report/{resource}"): _private(
        mark="prices", values={"revision": "2", "resource": "prices"}
    ),
    ("GET", "/static/{file}"): _same(404, values={"file": "absent.css"}),
    ("GET", "/favicon.ico"): _same(301),
    ("GET", "/{path}/"): _same(301, values={"path": "ada/{dataset}"}),
}
