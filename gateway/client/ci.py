"""Publishing from a CI job without a secret: the job's ID token is exchanged for a token that publishes one dataset.

GitHub Actions gives as many ID tokens as are asked for, so that the next token can be had when one is nearly over;
GitLab gives one, in `DH_ID_TOKEN` (`docs/publish-from-ci.md`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.client.failures import RequestFailure, ServerFailure

if TYPE_CHECKING:
    from gateway.client.connection import Connection

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105 a name, no secret
MARGIN = 300.0
"""Seconds before its end at which a token is exchanged for the next one."""


@dataclass(frozen=True, slots=True)
class CiJob:
    """Where this job gets its ID tokens: it has `given` one, or asks at `url` with a `secret`."""

    given: str = field(default="", repr=False)
    url: str = ""
    secret: str = field(default="", repr=False)

    async def id_token(self, connection: Connection) -> str:
        """An ID token for the server; raises RequestFailure, ServerFailure where there is none to be had."""
        return self.given or await self._asked(connection)

    async def _asked(self, connection: Connection) -> str:
        headers = {"Authorization": f"Bearer {self.secret}", "Accept": "application/json"}
        status, body = await connection.elsewhere(self.url, {"audience": connection.server}, headers)
        try:
            token = json.loads(body)["value"] if status == 200 else None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str) or not token:
            raise ServerFailure(f"GitHub gave this job no ID token (status {status})")
        return token


def job_of(environ: Mapping[str, str]) -> CiJob | None:
    """The CI job that this process runs in, where it can prove that; raises RequestFailure for an odd environment."""
    if given := environ.get("DH_ID_TOKEN", "").strip():
        return CiJob(given=given)
    url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    secret = environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not url or not secret:
        return None
    # Here, for only CI jobs need it.
    from gateway.client.connection import is_loopback

    if not url.startswith("https://") and not is_loopback(url):
        raise RequestFailure("ACTIONS_ID_TOKEN_REQUEST_URL is not https: others on the way could read its secret")
    return CiJob(url=url, secret=secret)


def hint_of(environ: Mapping[str, str]) -> str:
    """What somebody whose CI job has no token can do; empty elsewhere."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return ", or give the job `permissions: id-token: write` and the dataset trust in it (`dh trust add --github`)"
    if environ.get("GITLAB_CI") == "true":
        return ", or give the job `id_tokens: DH_ID_TOKEN:` and the dataset trust in it (`dh trust add --gitlab`)"
    return ""


class JobRenewal:
    """The tokens of a job for one dataset, `name` or `owner/name`."""

    def __init__(self, job: CiJob, connection: Connection, dataset: str) -> None:
        self._job = job
        self._connection = connection
        self._dataset = dataset
        self._lock = asyncio.Lock()
        self._first = self._token = ""
        self._expires = 0.0

    async def first(self) -> str:
        """The token that the job begins with, and that `current` knows by; raises RequestFailure: it is not trusted."""
        await self._exchange()
        self._first = self._token
        return self._first

    async def current(self, token: str, _ask: Any = None) -> str:
        """The token to be sent for this one: itself, or the newest where it is the job's."""
        if token != self._first:
            return token
        async with self._lock:
            if self._job.url and time.monotonic() > self._expires - MARGIN:
                await self._exchange()
        return self._token

    async def _exchange(self) -> None:
        form = {
            "grant_type": GRANT,
            "subject_token_type": ID_TOKEN,
            "subject_token": await self._job.id_token(self._connection),
            "scope": f"publish:{self._dataset}",
        }
        answer = await self._connection.form("/auth/exchange", form)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise ServerFailure(f"{self._connection.server} gave no token for this job")
        self._token, self._expires = token, time.monotonic() + seconds
