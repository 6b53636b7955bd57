"""The operations of accounts: logging in, tokens, trust, organisations, quota, the audit log. One row an operation."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.documents.operation import (
    CONSENT,
    FORM_TYPE,
    HTML,
    JWT,
    LOGGED_IN,
    NEXT,
    NO_OWNER,
    NOBODY,
    SESSION,
    USER,
    Operation,
    mine,
    page,
)

AUTH_OPERATIONS: Mapping[tuple[str, str], Operation] = {
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
    ("GET", "/auth/login"): page(NEXT, statuses=((200, "the form"), (303, "logged in already"))),
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
    ("GET", "/auth/oauth/authorize"): page(
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
    ("GET", "/auth/device"): page(
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
    ("GET", "/auth/welcome"): page(statuses=((200, "the form for a user name"), (303, "to the log-in page"))),
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
    ("POST", "/auth/logout"): Operation(
        tag="auth",
        security=USER,
        answer_type=None,
        statuses=((303, "home, logged out"), (403, "a form of another site")),
    ),
    ("GET", "/auth/organisations"): mine("Organisations"),
    ("POST", "/auth/organisations"): Operation(
        tag="organisations",
        security=("userToken",),
        body="NewOrganisation",
        answer="Organisation",
        statuses=((201, "made"), (401, "no good token"), (409, "the name is taken"), (422, "it cannot be a name")),
    ),
    ("GET", "/auth/organisations/{organisation}/members"): mine("Members", (403, "you are no member"), NOBODY),
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
}
