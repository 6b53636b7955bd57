"""Who can say who somebody is: accounts of our own here, those of others in `gateway/auth/oidc`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from gateway.auth.accounts import Account, Accounts


class Provider(Protocol):
    """A way to log in. A visit to `url` ends at `destination`, logged in."""

    @property
    def name(self) -> str:
        """What clients show."""

    def url(self, destination: str) -> str:
        """Where a browser goes to log in."""


@dataclass(frozen=True, slots=True)
class LocalProvider:
    """Accounts with a password in our own database."""

    accounts: Accounts
    public_url: str
    name: str = "local"

    def url(self, destination: str) -> str:
        """The log-in page."""
        return f"{self.public_url}/auth/login?{urlencode({'next': destination})}"

    async def authenticate(self, username: str, password: str) -> Account | None:
        """The account, where name and password fit."""
        return await self.accounts.verify(username, password)
