"""Authorization codes: what a browser carries from a consent to a program on its machine (RFC 6749, 8252, 7636)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.auth.accounts import Account, Accounts
from gateway.auth.oauth.families import Families, Held, Program, hashed
from gateway.auth.oauth.refusals import INVALID_GRANT, INVALID_REQUEST, Refused

CLIENT = "dh"
"""The one program that may ask: anything else on a machine can call itself that, which is why somebody has to agree."""
LIFETIME = 60
"""Seconds for a program to fetch its tokens."""
LOOPBACK = ("127.0.0.1", "[::1]")
CALLBACK = "/logged-in"
LONGEST = 500
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

_INSERT = """
    insert into authorization_code (hash, account_id, client, device, redirect_uri, challenge, expires_at)
    values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
"""
_FOUND = """
    select account_id, client, device, redirect_uri, challenge, expires_at > now() as lives, used_at, family_id
    from authorization_code where hash = $1 for update
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a program asks a browser for; `state` is the program's own."""

    client: str
    redirect_uri: str
    state: str
    challenge: str
    device: str


def read_wish(query: dict[str, str]) -> Wish:
    """What the parameters ask for; raises Refused for anything that `dh` does not ask."""
    wish = Wish(
        client=query.get("client_id", ""),
        redirect_uri=query.get("redirect_uri", ""),
        state=query.get("state", ""),
        challenge=query.get("code_challenge", ""),
        device=one_line(query.get("device", "")),
    )
    if wish.client != CLIENT:
        raise Refused(INVALID_REQUEST, "There is no such client.")
    if not is_loopback_callback(wish.redirect_uri):
        raise Refused(INVALID_REQUEST, "A log-in is only brought to a program on this very machine.")
    if query.get("response_type") != "code":
        raise Refused(INVALID_REQUEST, "Only an authorization code is given.")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(wish.challenge):
        raise Refused(INVALID_REQUEST, "A code challenge of the kind S256 is needed (PKCE).")
    if not 8 <= len(wish.state) <= LONGEST:
        raise Refused(INVALID_REQUEST, "A state of at least 8 characters is needed.")
    return wish


def is_loopback_callback(address: str) -> bool:
    """Whether this is `dh`'s listener: the loopback address as a number, any port (RFC 8252, 7.3 and 8.3)."""
    if len(address) > LONGEST or not address.isascii() or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    return port is not None and any(address == f"http://{host}:{port}{CALLBACK}" for host in LOOPBACK)


def one_line(text: str) -> str:
    """What a program calls its machine, short enough to be shown."""
    return (
        "".join(character for character in text if character.isprintable())[:60].strip() or "a machine without a name"
    )


class Codes:
    """The table `authorization_code`."""

    def __init__(self, pool: asyncpg.Pool, accounts: Accounts, families: Families) -> None:
        self._pool = pool
        self._accounts = accounts
        self._families = families

    async def issue(self, account: Account, wish: Wish) -> str:
        """A code for what somebody agreed to."""
        code = secrets.token_urlsafe(32)
        await self._pool.execute("delete from authorization_code where expires_at < now() - interval '1 day'")
        await self._pool.execute(
            _INSERT, hashed(code), account.id, wish.client, wish.device, wish.redirect_uri, wish.challenge, LIFETIME
        )
        return code

    async def redeem(self, code: str, client: str, redirect_uri: str, verifier: str, address: str) -> Held:
        """What a code is worth, once; raises Refused. A code that is shown again ends what it was worth (4.1.2)."""
        held: Held | None = None
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_FOUND, hashed(code))
            if row is not None and row["used_at"] is None:
                held = await self._use(connection, row, hashed(code), (client, redirect_uri, verifier), address)
            elif row is not None and row["family_id"] is not None:
                await self._families.end_reused(connection, row["family_id"], address)
        if held is None:
            raise Refused(INVALID_GRANT, "This code is not good, or not any more: log in again.")
        return held

    async def _use(
        self,
        connection: asyncpg.Connection,
        row: asyncpg.Record,
        code: bytes,
        shown: tuple[str, str, str],
        address: str,
    ) -> Held | None:
        # Used up by any try: a wrong one is somebody else's.
        await connection.execute("update authorization_code set used_at = now() where hash = $1", code)
        client, redirect_uri, verifier = shown
        account = await self._accounts.by_id(row["account_id"])
        right = row["lives"] and (client, redirect_uri) == (row["client"], row["redirect_uri"])
        if account is None or not right or not _proves(verifier, row["challenge"]):
            return None
        program = Program(client=client, device=row["device"], address=address)
        held = await self._families.begin(connection, account, program)
        await connection.execute("update authorization_code set family_id = $2 where hash = $1", code, held.family)
        return held


def _proves(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    made: str = create_s256_code_challenge(verifier)
    return secrets.compare_digest(made, challenge)
