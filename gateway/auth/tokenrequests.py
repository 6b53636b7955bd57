"""API tokens over HTTP, for who is logged in: make, list, revoke. A token can do none of it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.auth import apitokens
from gateway.auth.accounts import USERNAME, Accounts
from gateway.auth.apitokens import ACCESS, NewToken, TokenRefused
from gateway.auth.audit import origin_of
from gateway.auth.identity import require_user
from gateway.auth.rights import Action, Actor
from gateway.bodies import read_object, whole_number
from gateway.parts import Parts
from gateway.problems import Fault, Problem, bad_member, not_found
from tabular.profile import DATASET_NAME

LONGEST_NAME = 100
LONGEST_LIFE = 365
"""Days."""
USUAL_LIFE = 90
FIELDS = frozenset(("name", "access", "scope", "days"))


class ApiTokens:
    """Handlers of `/auth/tokens`."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._accounts = parts.accounts

    async def make(self, request: web.Request) -> web.Response:
        """Makes an API token: `name`, `access` (`read`, `publish` or `manage`), `scope` (`owner` or `owner/dataset`),
        `days` until it ends (at most 365).

        Its secret, `token`, is in this answer and never in another.
        """
        actor = await require_user(request)
        body = await read_object(request)
        wanted = await read_wish(self._accounts, actor, body)
        try:
            made, secret = await apitokens.make(self._pool, origin_of(request, actor), wanted)
        except TokenRefused as refused:
            raise Problem(409, "no-token", f"{refused}.") from None
        return web.json_response({"token": secret, **made.to_dict()}, status=201)

    async def list(self, request: web.Request) -> web.Response:
        """Your API tokens, those that are good first; of those that have ended the last 90 days. Without secrets."""
        actor = await require_user(request)
        tokens = await apitokens.listed(self._pool, actor.known.id)
        return web.json_response({"tokens": [token.to_dict() for token in tokens]})

    async def revoke(self, request: web.Request) -> web.Response:
        """Ends an API token of yours at once, and every permission token that it was exchanged for."""
        actor = await require_user(request)
        if not await apitokens.revoke(self._pool, origin_of(request, actor), request.match_info["token"]):
            raise not_found("You have no such token, or it has ended already.")
        return web.Response(status=204)


async def read_wish(accounts: Accounts, actor: Actor, fields: Mapping[str, object]) -> NewToken:
    """The token that is asked for, in JSON or a form.

    Raises Problem 422 with everything that is wrong with it, 404 for an owner whom the actor is nothing to, 403 for
    what the actor may not do either.
    """
    faults = [
        Fault(detail=f"`{name}` is unknown.", rule="unknown-field", pointer=f"#/{name}")
        for name in fields
        if name not in FIELDS
    ]
    name, days = fields.get("name"), _days(fields.get("days", USUAL_LIFE))
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        faults.append(bad_member("name", f"A name is one line of at most {LONGEST_NAME} characters."))
    if days is None:
        faults.append(bad_member("days", f"A token is good for 1 to {LONGEST_LIFE} days."))
    access = next((each for each in ACCESS if each.value == fields.get("access", Action.PUBLISH.value)), None)
    if access is None:
        faults.append(bad_member("access", "`access` is one of `read`, `publish`, `manage`."))
    scope = fields.get("scope", actor.known.username)
    owner, slash, dataset = scope.partition("/") if isinstance(scope, str) else ("", "", "")
    if not USERNAME.fullmatch(owner.lower()) or (slash and not DATASET_NAME.fullmatch(dataset)):
        faults.append(bad_member("scope", "`scope` is `OWNER`, for all that is the owner's, or `OWNER/DATASET`."))
    if faults or days is None or access is None or not isinstance(name, str):
        raise Problem(422, "invalid-wish", "There is no such token to be made.", faults=faults)
    ownerid = await _owner(accounts, actor, owner, dataset or None, access)
    return NewToken(name=name.strip(), access=access, ownerid=ownerid, dataset=dataset or None, days=days)


async def _owner(accounts: Accounts, actor: Actor, owner: str, dataset: str | None, access: Action) -> str:
    account = await accounts.by_username(owner)
    if account is None or actor.role(account.id) is None:
        raise not_found(f"{owner} is neither you nor an organisation that you are in.")
    if not actor.may(access, account.id, dataset):
        text = f"You may not {access.value} there yourself: an owner of {account.username} can let you."
        raise Problem(403, "not-yours", text)
    return account.id


def _days(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:4])
    days = whole_number(value)
    return days if days is not None and 1 <= days <= LONGEST_LIFE else None


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of API tokens."""
    tokens = ApiTokens(parts)
    return [
        web.post("/auth/tokens", tokens.make),
        web.get("/auth/tokens", tokens.list),
        web.delete("/auth/tokens/{token}", tokens.revoke),
    ]
