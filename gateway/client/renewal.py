"""Staying logged in: a token of `dh login` is exchanged for the next one shortly before it ends, without asking.

Processes that run at the same time wait for each other at a lock beside the log-in file, so that each refresh token is
exchanged once: one that is shown twice ends the log-in (`docs/decisions/0029-programs-log-in.md`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.client.failures import Failure, RequestFailure
from gateway.client.session import ConfigFile, LogIn

CLIENT = "dh"
MARGIN = 300.0
"""Seconds before its end at which a token is exchanged."""

Ask = Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]
"""Posts a form to the token endpoint; raises Failure."""


class Renewal:
    """The log-in of one server in a log-in file, as long as a command runs."""

    def __init__(self, server: str, file: ConfigFile) -> None:
        self._server = server
        self._file = file
        self._lock = asyncio.Lock()

    async def current(self, token: str, ask: Ask) -> str:
        """The token to be sent for this one: the same, unless it came of the log-in in the file and has nearly ended.

        Raises RequestFailure where the log-in has ended.
        """
        family = family_of(token)
        if not family:
            return token
        async with self._lock:
            login = self._file.login(self._server)
            if login is None or login.refresh_token is None or family_of(login.token) != family:
                return token
            if not nearly_over(login):
                return login.token
            return (await self._renewed(login, ask)).token

    async def _renewed(self, login: LogIn, ask: Ask) -> LogIn:
        lock = await asyncio.to_thread(self._file.lock)
        try:
            # Another process may have been here while we waited.
            kept = self._file.login(self._server)
            if kept is None or kept.refresh_token is None:
                raise RequestFailure(f"you were logged out at {self._server}: run `dh login`")
            return kept if not nearly_over(kept) else await self._exchanged(kept, kept.refresh_token, ask)
        finally:
            os.close(lock)

    async def _exchanged(self, login: LogIn, refresh_token: str, ask: Ask) -> LogIn:
        # Written before it is sent: where the answer is lost, the next command can ask for this exchange again.
        attempt = login.attempt or secrets.token_urlsafe(24)
        self._file.keep_login(self._server, login.tried(attempt))
        form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": refresh_token, "attempt": attempt}
        try:
            renewed = login_of(await ask(form))
        except Failure as failure:
            if (failure.details.get("problem") or {}).get("error") == "invalid_grant":
                self._file.forget(self._server)
                raise RequestFailure(f"the log-in at {self._server} has ended: run `dh login`") from None
            if login.expires is not None and time.time() < login.expires:
                return login  # good for some minutes yet, and perhaps for all of this command
            raise
        self._file.keep_login(self._server, renewed)
        return renewed


def nearly_over(login: LogIn) -> bool:
    """Whether a token ends soon, or has."""
    return login.expires is not None and time.time() > login.expires - MARGIN


def login_of(answer: Mapping[str, Any]) -> LogIn:
    """What the token endpoint gave; `expires` by this machine's own clock. Raises RequestFailure for anything else."""
    token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
    seconds, username = answer.get("expires_in"), answer.get("username")
    if not all(isinstance(each, str) and each for each in (token, refresh_token, username)):
        raise RequestFailure("the server's answer to the log-in is not one: is it a server of this kind?")
    expires = time.time() + seconds if isinstance(seconds, int) else None
    return LogIn(token=str(token), username=str(username), refresh_token=str(refresh_token), expires=expires)


def family_of(token: str) -> str:
    """The log-in that a token says it came of, unverified; empty where it says nothing of the kind."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    family = claims.get("family", "") if isinstance(claims, dict) else ""
    return family if isinstance(family, str) else ""
