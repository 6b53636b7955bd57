"""The header `Idempotency-Key`: a request whose answer was lost may be sent again, and is done once.

The rules are of draft-ietf-httpapi-idempotency-key-header-07, section 2. Keys are their account's own: two accounts may
use the same one. An answer is kept in the transaction of what was done, so neither is there without the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiohttp import web

from gateway.problems import Problem
from tabular.canonical import canonical_sha256

HEADER = "Idempotency-Key"
LONGEST = 255
KEPT = "1 day"
# A structured field's string (RFC 9651, 3.3.3), or the same without its quotes, as many clients send it.
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"|([!#-\[\]-~]+)')

_LOCK = "select pg_try_advisory_xact_lock(7302, hashtext($1 || ' ' || $2))"
_ANSWER = "select body, answer from idempotency_key where account_id = $1 and key = $2"
_KEEP = "insert into idempotency_key (account_id, key, body, answer) values ($1, $2, $3, $4)"
_FORGET = f"delete from idempotency_key where answered_at < now() - interval '{KEPT}'"  # noqa: S608 a constant


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key (`value`) of an account, and the SHA-256 of the body that came with it."""

    account_id: str
    value: str
    body: str

    async def answered(self, connection: asyncpg.Connection) -> Mapping[str, Any] | None:
        """What was answered to this request before; from here to the end of the transaction nobody else does it.

        Raises Problem 409 while somebody does, 422 where the key came with another body.
        """
        if not await connection.fetchval(_LOCK, self.account_id, self.value):
            detail = f"The same request ({HEADER}) is being done right now. Send it again in a moment."
            raise Problem(409, "in-flight", detail, headers={"Retry-After": "1"})
        row = await connection.fetchrow(_ANSWER, self.account_id, self.value)
        if row is None:
            return None
        if row["body"] != self.body:
            detail = f"This {HEADER} came with another body before. Another request needs another key."
            raise Problem(422, "key-used", detail)
        answer: Mapping[str, Any] = row["answer"]
        return answer

    async def keep(self, connection: asyncpg.Connection, answer: Mapping[str, Any]) -> None:
        """Keeps the answer for a day, in the transaction of what it tells of."""
        await connection.execute(_FORGET)
        await connection.execute(_KEEP, self.account_id, self.value, self.body, answer)


def key_of(request: web.Request, account_id: str, body: Mapping[str, Any]) -> IdempotencyKey | None:
    """The request's key; raises Problem 400 where it is none, or too long. Hashes the body: 0.5 s for 10 MB."""
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    found = _KEY.fullmatch(given[0].strip())
    value = (found[1] or found[2] or "") if found else ""
    if len(given) > 1 or not 1 <= len(value) <= LONGEST:
        detail = f"{HEADER} must be one string of 1 to {LONGEST} ASCII characters, such as a UUID."
        raise Problem(400, "bad-idempotency-key", detail)
    return IdempotencyKey(account_id, value, canonical_sha256(body))
