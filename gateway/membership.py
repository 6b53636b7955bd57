"""Organisations, their members and the audit log over HTTP, for programs: `/auth/organisations`, `/auth/audit`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.auth.accounts import ORGANISATION, Account
from gateway.auth.audit import MOST, entries, origin_of
from gateway.auth.identity import require_user
from gateway.auth.organisations import Member, Organisations
from gateway.auth.rights import Action, Actor, Role
from gateway.bodies import read_object
from gateway.parts import Parts
from gateway.problems import Fault, Problem, not_found

LONGEST_NAME = 200


class MembershipRequests:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._accounts = parts.accounts
        self._organisations = Organisations(parts.pool)

    async def make(self, request: web.Request) -> web.Response:
        """Makes an organisation of this name; you are its first owner."""
        actor = await require_user(request)
        body = await read_object(request)
        name, title = body.get("name"), body.get("title", "")
        if not isinstance(name, str) or not isinstance(title, str) or not is_line(title.strip()):
            text = f"`name` must be a text, `title` one of at most {LONGEST_NAME} characters in one line."
            raise Problem(422, "invalid-name", text)
        made = await self._organisations.make(name.strip(), title.strip(), origin_of(request, actor))
        return web.json_response({"id": made.id, "name": made.username, "title": made.name}, status=201)

    async def mine(self, request: web.Request) -> web.Response:
        """The organisations that you are a member of, with your role."""
        actor = await require_user(request)
        found = [
            {"id": each.id, "name": each.username, "title": each.name, "role": each.role.value, "members": each.members}
            for each in await self._organisations.of(actor.known.id)
            if actor.may(Action.READ, each.id)
        ]
        return web.json_response({"organisations": found})

    async def members(self, request: web.Request) -> web.Response:
        """The members of an organisation of yours, with their roles."""
        actor = await require_user(request)
        organisation = await self._organisation(request, actor)
        members = await self._organisations.members(organisation.id)
        return web.json_response({"members": [member_of(member) for member in members]})

    async def set_role(self, request: web.Request) -> web.Response:
        """Adds a member, or changes their role; for owners."""
        actor = await require_user(request)
        organisation = await self._organisation(request, actor)
        role = role_of((await read_object(request)).get("role"))
        username = request.match_info["username"]
        await self._organisations.set_role(organisation.id, username, role, origin_of(request, actor))
        return web.json_response({"username": username.lower(), "role": role.value})

    async def remove(self, request: web.Request) -> web.Response:
        """Ends a membership: an owner anybody's, everybody their own."""
        actor = await require_user(request)
        organisation = await self._organisation(request, actor)
        await self._organisations.remove(organisation.id, request.match_info["username"], origin_of(request, actor))
        return web.Response(status=204)

    async def audit(self, request: web.Request) -> web.Response:
        """The audit log of an owner, the newest entry first, a hundred at a time; `before` an entry's id: older ones.

        For the owner alone: yourself, or an organisation that you are an owner of.
        """
        actor = await require_user(request)
        owner = await named(self._accounts, request.match_info["owner"])
        if not actor.may(Action.ADMINISTER, owner.id):
            raise Problem(403, "not-yours", "Only an owner reads the audit log.")
        found = await entries(self._pool, owner.id, before_of(request))
        more = found[-1].id if len(found) == MOST else None
        return web.json_response({"entries": [entry.to_dict() for entry in found], "before": more})

    async def _organisation(self, request: web.Request, actor: Actor) -> Account:
        found = await named(self._accounts, request.match_info["organisation"])
        if found.kind != ORGANISATION:
            raise not_found("There is no organisation of this name.")
        if not actor.may(Action.READ, found.id):
            raise Problem(403, "not-yours", "Only its members see who is in an organisation.")
        return found


async def named(accounts: Any, username: str) -> Account:
    """The owner of a name; raises Problem 404."""
    found: Account | None = None if "\x00" in username else await accounts.by_username(username)
    if found is None:
        raise not_found("There is nobody of this name.")
    return found


def is_line(text: object) -> bool:
    """Whether a text can be the full name of something: one line, not too long."""
    return isinstance(text, str) and len(text) <= LONGEST_NAME and not set("\x00\r\n") & set(text)


def role_of(text: object) -> Role:
    """The role that is meant; raises Problem 422 with those there are."""
    if text not in [role.value for role in Role]:
        wording = f"`role` must be one of {', '.join(role.value for role in Role)}."
        raise Problem(
            422, "invalid-role", wording, faults=[Fault(detail=wording, rule="invalid-role", pointer="#/role")]
        )
    return Role(text)


def before_of(request: web.Request) -> int | None:
    """The entry from which on a log is read; None: from its end."""
    text = request.query.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def member_of(member: Member) -> dict[str, Any]:
    """A member, for programs."""
    return {
        "username": member.username,
        "name": member.name,
        "role": member.role.value,
        "since": member.since.isoformat(),
    }


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of organisations."""
    requests = MembershipRequests(parts)
    member = "/auth/organisations/{organisation}/members/{username}"
    return [
        web.get("/auth/organisations", requests.mine),
        web.post("/auth/organisations", requests.make),
        web.get("/auth/organisations/{organisation}/members", requests.members),
        web.put(member, requests.set_role),
        web.delete(member, requests.remove),
        web.get("/auth/audit/{owner}", requests.audit),
    ]
