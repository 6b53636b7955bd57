"""A visitor with a browser of their own: keeps cookies, follows redirects, fills in the provider's form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tests.gateway.conftest import Answer

_MOST = 12


@dataclass(frozen=True, slots=True)
class Visitor:
    """`url` is the gateway's address; `seen` every address that was visited, in order."""

    url: str
    session: aiohttp.ClientSession
    seen: list[str]

    async def get(self, path: str, **headers: str) -> Answer:
        """One page, redirects not followed."""
        return await self._ask("GET", path, headers=headers)

    async def click(self, path: str) -> Answer:
        """A link on one of the gateway's pages."""
        return await self.get(path, **{"Sec-Fetch-Site": "same-origin"})

    async def submit(self, path: str, **fields: str) -> Answer:
        """A form of one of the gateway's pages."""
        return await self._ask("POST", path, data=fields, headers={"Origin": self.url})

    async def sign_on(self, path: str, login: str, act: str = "in") -> Answer:
        """Clicks a link that leads to a provider, logs in there (or cancels: `act` "no"), and comes back: the answer
        that the callback gives."""
        address = await self.to_callback(path, login, act)
        return await self.get(address)

    async def to_callback(self, path: str, login: str, act: str = "in") -> str:
        """The same, short of following the way back: its address."""
        answer = await self.click(path)
        assert answer.status == 303, answer.body
        for _ in range(_MOST):
            address = str(answer.response.url.join(URL(answer.headers["Location"], encoded=True)))
            if address.startswith(self.url):
                return address
            answer = await self._ask("GET", address)
            if answer.status == 200:
                answer = await self._ask("POST", address, data={"login": login, "act": act})
        raise AssertionError(f"the provider did not send us back: {self.seen}")

    def cookie(self, name: str) -> str | None:
        """A cookie that the gateway set."""
        found = self.session.cookie_jar.filter_cookies(URL(self.url)).get(name)
        return found.value if found else None

    async def _ask(self, method: str, path: str, **options: Any) -> Answer:
        address = path if urlsplit(path).netloc else self.url + path
        self.seen.append(address)
        async with self.session.request(
            method, URL(address, encoded=True), allow_redirects=False, **options
        ) as response:
            return Answer(response.status, response.headers.copy(), await response.read(), response)


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Visitor]:
    """A visitor whom nobody knows yet."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Visitor(url, session, [])
