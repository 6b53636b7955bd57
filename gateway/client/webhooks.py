"""The calls of the server's HTTP contract that are about webhooks of one subscriber."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gateway.client.answers import object_of
from gateway.client.connection import Connection

Found = Sequence[Mapping[str, Any]]


class Webhooks:
    """For who manages the subscriber `owner`; a failure is a RequestFailure with the server's sentence."""

    def __init__(self, connection: Connection, token: str, owner: str) -> None:
        self._connection = connection
        self._token = token
        self._address = f"/webhooks/{quote(owner, safe='')}"

    async def add(self, url: str, dataset: str | None) -> dict[str, Any]:
        """A new webhook, with its `secret`: told this once."""
        wanted = {"url": url, **({"dataset": dataset} if dataset else {})}
        return await self._ask("POST", "", json=wanted, repeatable=False)

    async def all(self) -> Found:
        """The subscriber's."""
        found: Found = (await self._ask("GET", ""))["webhooks"]
        return found

    async def remove(self, webhook: str) -> None:
        """Ends it, and forgets what was to be sent."""
        await self._connection.call("DELETE", self._address + _one(webhook), token=self._token)

    async def rotate(self, webhook: str) -> dict[str, Any]:
        """The webhook with a new `secret`."""
        return await self._ask("POST", f"{_one(webhook)}/rotate", repeatable=False)

    async def enable(self, webhook: str) -> dict[str, Any]:
        """Has it be told again."""
        return await self._ask("POST", f"{_one(webhook)}/enable")

    async def ping(self, webhook: str) -> dict[str, Any]:
        """Sends a test event; its `delivery`."""
        return await self._ask("POST", f"{_one(webhook)}/ping", repeatable=False)

    async def deliveries(self, webhook: str, state: str | None) -> Found:
        """What was sent and is to be, the newest first."""
        query = f"?state={quote(state, safe='')}" if state else ""
        found: Found = (await self._ask("GET", f"{_one(webhook)}/deliveries{query}"))["deliveries"]
        return found

    async def replay(self, webhook: str, delivery: str | None) -> int:
        """Sends one, or every parked one, once more; how many these are."""
        wanted = {"delivery": delivery} if delivery else {}
        replayed: int = (await self._ask("POST", f"{_one(webhook)}/replay", json=wanted))["replayed"]
        return replayed

    async def _ask(self, method: str, path: str, **call: Any) -> dict[str, Any]:
        answer = await self._connection.call(method, self._address + path, token=self._token, **call)
        return object_of(self._connection.server, answer.body)


def _one(webhook: str) -> str:
    return f"/{quote(webhook, safe='')}"
