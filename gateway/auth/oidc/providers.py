"""All providers of sign-on that are set up; one that is down hinders no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress

from gateway.auth.oidc.documents import Documents, ProviderDown
from gateway.auth.oidc.issuer import PAUSE
from gateway.auth.oidc.provider import OidcProvider
from messages.ending import dismiss
from messages.providersettings import ProviderSettings


class Providers:
    """By name, in the order of their names. Let `following` surround all use."""

    def __init__(self, settings: Sequence[ProviderSettings], public_url: str) -> None:
        self._documents = Documents()
        self._all = {each.name: OidcProvider(each, self._documents, public_url) for each in settings}

    def __iter__(self) -> Iterator[OidcProvider]:
        return iter(self._all.values())

    def get(self, name: str) -> OidcProvider | None:
        """The provider of this name."""
        return self._all.get(name)

    def of_issuer(self, issuer: str) -> OidcProvider | None:
        """The provider that speaks for an issuer."""
        return next((each for each in self if each.issuer.url == issuer), None)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Asks each how it is from now on, so that the log-in page knows and nobody waits for a first answer."""
        await self._documents.open()
        tasks = [asyncio.create_task(_follow(provider)) for provider in self]
        try:
            yield
        finally:
            await dismiss(*tasks)
            await self._documents.close()


async def _follow(provider: OidcProvider) -> None:
    while True:
        with suppress(ProviderDown):  # told to the log already, and by `answers`
            await provider.issuer.metadata()
        await asyncio.sleep(PAUSE)
