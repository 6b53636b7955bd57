"""Webhooks over HTTP, for who is logged in and manages the subscriber: `/webhooks/{owner}`.

No API token does any of it: a webhook goes on telling what is private long after a token that leaked has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from aiohttp import web

from gateway.auth.accounts import Account, Accounts
from gateway.auth.audit import Origin, origin_of
from gateway.auth.identity import require_user
from gateway.auth.rights import Action, Actor
from gateway.bodies import read_object
from gateway.parts import Parts
from gateway.problems import Fault, Problem, bad_member, not_found
from gateway.webhooks import deliveries, webhook
from messages.webhooks.addresses import Addresses, AddressRefused

FIELDS = ("url", "dataset")


class WebhookRequests:
    """The handlers."""

    def __init__(self, parts: Parts, addresses: Addresses) -> None:
        self._pool = parts.pool
        self._accounts = parts.accounts
        self._addresses = addresses

    async def add(self, request: web.Request) -> web.Response:
        """Has an address (`url`) be told of what happens to a dataset (`dataset`, OWNER/NAME) that the subscriber may
        read, or without one to any dataset of the subscriber's own. The answer has the secret that signs: this once.
        """
        actor, owner = await self._managed(request)
        wanted, origin = await read_object(request), origin_of(request, actor)
        webhook_id, secret = await make(self._pool, self._addresses, origin, owner, wanted)
        return web.json_response({**await self._told(owner, webhook_id), "secret": secret}, status=201)

    async def list(self, request: web.Request) -> web.Response:
        """The subscriber's webhooks."""
        _, owner = await self._managed(request)
        found = await webhook.of_owner(self._pool, owner)
        return web.json_response({"webhooks": [each.to_dict() for each in found]})

    async def remove(self, request: web.Request) -> web.Response:
        """Ends a webhook, and forgets what was to be sent to it."""
        actor, owner = await self._managed(request)
        await webhook.remove(self._pool, origin_of(request, actor), owner, request.match_info["webhook"])
        return web.Response(status=204)

    async def rotate(self, request: web.Request) -> web.Response:
        """Gives it a new secret, told this once; the one before signs, too, for a day."""
        actor, owner = await self._managed(request)
        webhook_id = request.match_info["webhook"]
        secret = await webhook.rotate(self._pool, origin_of(request, actor), owner, webhook_id)
        return web.json_response({**await self._told(owner, webhook_id), "secret": secret})

    async def enable(self, request: web.Request) -> web.Response:
        """Has a webhook be told again whose receiver had said that it was gone (410)."""
        actor, owner = await self._managed(request)
        webhook_id = request.match_info["webhook"]
        await webhook.enable(self._pool, origin_of(request, actor), owner, webhook_id)
        return web.json_response(await self._told(owner, webhook_id))

    async def deliveries(self, request: web.Request) -> web.Response:
        """What was sent and is to be, the newest 100 first; `state`: `waiting`, `delivered` or `parked`."""
        _, owner = await self._managed(request)
        state = request.query.get("state") or None
        if state is not None and state not in deliveries.STATES:
            words = f"`state` must be one of {', '.join(deliveries.STATES)}."
            raise Problem(422, "invalid-state", words, faults=[Fault(detail=words, rule="invalid-state")])
        found = await deliveries.of_webhook(self._pool, owner, request.match_info["webhook"], state)
        return web.json_response({"deliveries": [each.to_dict() for each in found]})

    async def replay(self, request: web.Request) -> web.Response:
        """Sends every parked delivery once more, or the one that `delivery` names; under the same `webhook-id`."""
        actor, owner = await self._managed(request)
        delivery = (await read_object(request)).get("delivery")
        if delivery is not None and not isinstance(delivery, str):
            raise Problem(422, "invalid-delivery", "`delivery` must be a text.")
        webhook_id = request.match_info["webhook"]
        replayed = await deliveries.replay(self._pool, origin_of(request, actor), owner, webhook_id, delivery)
        if delivery is not None and not replayed:
            raise not_found("There is no such delivery, or it is on its way already.")
        return web.json_response({"replayed": replayed})

    async def ping(self, request: web.Request) -> web.Response:
        """Sends a test event, `event.webhook.pinged`, to this webhook alone."""
        _, owner = await self._managed(request)
        return web.json_response({"delivery": await deliveries.ping(self._pool, owner, request.match_info["webhook"])})

    async def _managed(self, request: web.Request) -> tuple[Actor, Account]:
        actor = await require_user(request)
        return actor, await managed(self._accounts, actor, request.match_info["owner"])

    async def _told(self, owner: Account, webhook_id: str) -> dict[str, Any]:
        return (await webhook.one(self._pool, owner, webhook_id)).to_dict()


async def make(
    pool: asyncpg.Pool, addresses: Addresses, origin: Origin, owner: Account, fields: Mapping[str, object]
) -> tuple[str, str]:
    """The id and secret of a new webhook, from JSON or a form; raises what `read_wish` and `webhook.add` raise, and
    Problem 422 for an address where none goes."""
    url, dataset = read_wish(fields)
    if dataset:
        await webhook.find(pool, owner, dataset)
    try:
        await addresses.checked(url)
    except AddressRefused as refused:
        fault = bad_member("url", str(refused))
        raise Problem(422, "invalid-webhook", "No webhook goes to this address.", faults=[fault]) from None
    return await webhook.add(pool, origin, owner, url, dataset)


async def managed(accounts: Accounts, actor: Actor, username: str) -> Account:
    """A subscriber that the actor manages; raises Problem 404 for a stranger as for none, 403 for a member's lack."""
    account = None if "\x00" in username else await accounts.by_username(username)
    if account is None or not actor.may(Action.READ, account.id):
        raise not_found("There are no webhooks of yours.")
    if not actor.may(Action.MANAGE, account.id):
        raise Problem(403, "not-yours", "Only owners and maintainers manage the webhooks of an organisation.")
    return account


def read_wish(fields: Mapping[str, object]) -> tuple[str, tuple[str, str] | None]:
    """The address, and the dataset's owner and name; raises Problem 422 with everything that is wrong."""
    faults = [bad_member(name, f"`{name}` is unknown.") for name in fields if name not in FIELDS]
    url, dataset = fields.get("url"), fields.get("dataset")
    if not isinstance(url, str):
        faults.append(bad_member("url", "`url` must be a text: https://NAME/PATH."))
    names: tuple[str, ...] = ()
    if dataset is not None:
        names = tuple(dataset.split("/")) if isinstance(dataset, str) else ()
        if len(names) != 2 or not all(names):
            faults.append(bad_member("dataset", "`dataset` is OWNER/NAME; without it: all datasets of your own."))
    if faults or not isinstance(url, str):
        raise Problem(422, "invalid-webhook", "This cannot be a webhook.", faults=faults)
    return url, (names[0], names[1]) if names else None


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of webhooks."""
    requests = WebhookRequests(parts, Addresses(parts.settings.webhook_networks))
    address = "/webhooks/{owner}"
    one = f"{address}/{{webhook}}"
    return [
        web.post(address, requests.add),
        web.get(address, requests.list),
        web.delete(one, requests.remove),
        web.post(f"{one}/rotate", requests.rotate),
        web.post(f"{one}/enable", requests.enable),
        web.get(f"{one}/deliveries", requests.deliveries),
        web.post(f"{one}/replay", requests.replay),
        web.post(f"{one}/ping", requests.ping),
    ]
