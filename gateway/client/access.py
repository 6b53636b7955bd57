"""The calls of the server's HTTP contract that are about machines: API tokens, and trust in CI jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gateway.client.answers import object_of
from gateway.client.connection import Connection


class Access:
    """For who is logged in; a failure is a RequestFailure with the server's sentence."""

    def __init__(self, connection: Connection, token: str) -> None:
        self._connection = connection
        self._token = token

    async def make_token(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """A new token with its secret in `token`."""
        return await self._ask("POST", "/auth/tokens", json=wanted, repeatable=False)

    async def tokens(self) -> Sequence[Mapping[str, Any]]:
        """Those of whoever is logged in."""
        found: Sequence[Mapping[str, Any]] = (await self._ask("GET", "/auth/tokens"))["tokens"]
        return found

    async def revoke_token(self, token_id: str) -> None:
        """Ends it at once."""
        await self._connection.call("DELETE", f"/auth/tokens/{quote(token_id, safe='')}", token=self._token)

    async def add_trust(self, dataset: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Has a dataset (`owner/name`) trust jobs."""
        return await self._ask("POST", f"/auth/trust/{quote(dataset)}", json=wanted, repeatable=False)

    async def trusted(self, dataset: str) -> Sequence[Mapping[str, Any]]:
        """What a dataset trusts."""
        found: Sequence[Mapping[str, Any]] = (await self._ask("GET", f"/auth/trust/{quote(dataset)}"))["trusted"]
        return found

    async def remove_trust(self, dataset: str, trust_id: str) -> None:
        """Ends it at once, with the tokens that jobs hold because of it."""
        address = f"/auth/trust/{quote(dataset)}/{quote(trust_id, safe='')}"
        await self._connection.call("DELETE", address, token=self._token)

    async def _ask(self, method: str, path: str, **call: Any) -> dict[str, Any]:
        answer = await self._connection.call(method, path, token=self._token, **call)
        return object_of(self._connection.server, answer.body)
