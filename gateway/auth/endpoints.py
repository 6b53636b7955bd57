"""The auth service: who is there, permission tokens, profiles, keys. Always 200 and JSON, as its clients expect."""

from __future__ import annotations

import hashlib
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from gateway.auth import login, sso
from gateway.auth.accounts import Account
from gateway.auth.identity import identify, token_of
from gateway.auth.oauth import endpoint, metadata
from gateway.auth.providers import LocalProvider, Provider
from gateway.auth.rights import Action, Actor
from gateway.auth.services import PERMISSIONS, opens
from gateway.edge import allow_any_origin
from gateway.parts import Parts

DEFAULT_NEXT = "/"


class Auth:
    """Handlers of `/auth/*` that answer JSON."""

    def __init__(self, parts: Parts) -> None:
        self._accounts = parts.accounts
        self._tokens = parts.tokens
        local = LocalProvider(parts.accounts, parts.settings.gateway.public_url)
        self._providers: list[Provider] = [local, *parts.providers]

    async def check(self, request: web.Request) -> web.Response:
        """Says whose token this is, or where to log in."""
        actor = await identify(request, query=True)
        if actor.account is not None:
            profile = profile_of(actor.account)
            return web.json_response({"authenticated": True, "profile": profile, **await self._scope(actor)})
        wanted = request.query.get("next", DEFAULT_NEXT)
        providers = {provider.name: {"url": provider.url(wanted)} for provider in self._providers}
        return web.json_response({"authenticated": False, "providers": providers})

    async def authorize(self, request: web.Request) -> web.Response:
        """Gives a permission token for one service; without a good token or service there is none in the answer."""
        service = request.query.get("service", "")
        actor = await identify(request, query=True)
        account = actor.account
        if account is None or not opens(service, actor.scope):
            return web.json_response({"permissions": {}})
        permissions = dict(PERMISSIONS[service])
        return web.json_response(
            {
                "userid": account.id,
                "permissions": permissions,
                "service": service,
                "token": self._tokens.issue_permission(account, service, permissions, actor.scope, actor.login),
            }
        )

    async def update(self, request: web.Request) -> web.Response:
        """A user name is chosen when the account is made and never changes, as in the original."""
        if token_of(request, query=True) is None:
            return web.json_response({"success": False, "error": "No token"})
        if (await identify(request, query=True)).account is None:
            return web.json_response({"success": False, "error": "Not authenticated"})
        return web.json_response({"success": False, "error": "Cannot modify username, already set"})

    async def public_key(self, _request: web.Request) -> web.Response:
        """The key that signs now, as PEM."""
        return web.Response(text=self._tokens.keys.signing.public_pem())

    async def key_set(self, _request: web.Request) -> web.Response:
        """Every key that verifies (RFC 7517)."""
        response = web.json_response({"keys": [key.jwk() for key in self._tokens.keys.all()]})
        response.headers["Cache-Control"] = "public, max-age=300"
        allow_any_origin(response)
        return response

    async def resolve(self, request: web.Request) -> web.Response:
        """The id behind a user name, in any case; null where there is none."""
        account = await self._named(request)
        return web.json_response({"userid": account.id if account else None})

    async def get_profile(self, request: web.Request) -> web.Response:
        """What everybody may know of a user."""
        account = await self._named(request)
        if account is None:
            return web.json_response({"found": False, "profile": None})
        full = profile_of(account)
        profile = {name: full[name] for name in ("id", "name", "username", "join_date", "avatar_url")}
        # An MD5 of the address can be guessed back to it; of the id it only picks a picture.
        profile["gravatar"] = hashlib.md5(account.id.encode(), usedforsecurity=False).hexdigest()
        return web.json_response({"found": True, "profile": profile})

    async def _scope(self, actor: Actor) -> dict[str, Any]:
        """What an API token is for; nothing for who is logged in."""
        if actor.scope is None:
            return {}
        owner = await self._accounts.by_id(actor.scope.ownerid)
        scope = {
            "actions": [action.value for action in Action if action in actor.scope.actions],
            "owner": owner.username if owner else None,
            "ownerid": actor.scope.ownerid,
            "dataset": actor.scope.dataset,
            "expires": actor.scope.expires,
        }
        return {"scope": scope}

    async def _named(self, request: web.Request) -> Account | None:
        username = request.query.get("username", "")
        return await self._accounts.by_username(username) if username and "\x00" not in username else None


def profile_of(account: Account) -> dict[str, Any]:
    """What an account's owner is told of it; `join_date` as RFC 1123 writes it."""
    return {
        "id": account.id,
        "provider_id": f"local:{account.id}",
        "username": account.username,
        "name": account.name,
        "email": account.email,
        "avatar_url": None,
        "join_date": format_datetime(account.created_at, usegmt=True),
    }


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of the auth service, the log-in included."""
    auth = Auth(parts)
    return [
        web.get("/auth/check", auth.check),
        web.get("/auth/authorize", auth.authorize),
        web.post("/auth/update", auth.update),
        web.get("/auth/public-key", auth.public_key),
        web.get("/auth/resolve", auth.resolve),
        web.get("/auth/get_profile", auth.get_profile),
        web.get("/.well-known/jwks.json", auth.key_set),
        *login.routes(parts),
        *sso.routes(parts),
        *endpoint.routes(parts),
        *metadata.routes(parts),
    ]
