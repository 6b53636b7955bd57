"""The CI systems that are set up, and their keys; nothing is ever fetched from an address that a token names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from gateway.auth.ci.job import Job, job_of
from gateway.auth.compact import NotCompact, read_compact
from gateway.auth.oidc.documents import Documents
from gateway.auth.oidc.idtoken import LONGEST, BadIdToken, verified_claims
from gateway.auth.oidc.issuer import Issuer
from messages.cisettings import CiSettings

ALGORITHMS = ("RS256", "ES256")


class CiIssuers:
    """By the address of the issuer. Let `following` surround all use."""

    def __init__(self, settings: Sequence[CiSettings], public_url: str) -> None:
        self._documents = Documents()
        self._audience = public_url
        self._systems = {each.issuer: each for each in settings}
        self._issuers = {
            url: Issuer(url, self._documents, algorithms=ALGORITHMS, signs_on=False) for url in self._systems
        }

    def __iter__(self) -> Iterator[CiSettings]:
        return iter(self._systems.values())

    async def job(self, token: str) -> Job:
        """The job that shows this ID token; raises BadIdToken, ProviderDown."""
        try:
            _, claims = read_compact(token, LONGEST)
        except NotCompact:
            raise BadIdToken("it is not written like one") from None
        named = claims.get("iss") if isinstance(claims, dict) else None
        system = self._systems.get(named) if isinstance(named, str) else None
        if system is None:
            raise BadIdToken("its issuer is no CI system that is known here")
        return job_of(system, await verified_claims(token, self._issuers[system.issuer]), self._audience)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Keys are fetched from now on, when a job asks."""
        await self._documents.open()
        try:
            yield
        finally:
            await self._documents.close()
