"""Keyless CI: a job's ID token is exchanged, once, for a token that publishes one dataset for a while.

The form and the errors are those of RFC 8693 (OAuth 2.0 Token Exchange).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence

import asyncpg
import structlog
from aiohttp import web

from gateway.auth import rights
from gateway.auth.audit import Origin, record
from gateway.auth.ci import trust as trusts
from gateway.auth.ci.job import Job
from gateway.auth.ci.trust import Trust
from gateway.auth.oauth.refusals import (
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_SCOPE,
    INVALID_TARGET,
    UNSUPPORTED,
    Refused,
)
from gateway.auth.oidc.documents import ProviderDown
from gateway.auth.oidc.idtoken import BadIdToken
from gateway.auth.rights import Action
from gateway.auth.tokensecret import digest_of, new_secret
from gateway.bodies import read_form
from gateway.caller import caller_of
from gateway.edge import IDENTIFIED
from gateway.parts import Parts
from gateway.problems import unavailable

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
ISSUED = "urn:ietf:params:oauth:token-type:access_token"
LIFETIME, LONGEST = 900, 3600
"""Seconds that the token of a job is good for: a quarter of an hour, or as long as its system says that the job may
last, for GitLab gives a job no second one."""

_SPEND = """
    insert into spent_id_token (id, expires_at) values ($1, to_timestamp($2)) on conflict do nothing returning id
"""
_FORGET = "delete from spent_id_token where expires_at < now() - interval '1 hour'"
_ENDED = "delete from api_token where trust_id = $1 and expires_at < now() - interval '1 hour'"
# The ids of the first job stay; one that comes at the same time with others finds them there.
_USE = """
    update trust set repository_id = $2, repository_owner_id = $3, last_used_at = now(), last_run = $4
    where id = $1 and (repository_id, repository_owner_id) is not distinct from ($5::text, $6::text) returning id
"""
_ISSUE = """
    insert into api_token (id, digest, account_id, name, access, ownerid, dataset, expires_at, trust_id)
    values ($1, $2, $3, $4, 'publish', $5, $6, now() + make_interval(secs => $7), $8)
"""

_log = structlog.get_logger()


class Exchange:
    """Handler of `/auth/exchange`."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._ci = parts.ci

    async def exchange(self, request: web.Request) -> web.Response:
        """Exchanges the ID token of a CI job for a token that publishes one dataset, which trusts the job.

        A form: `grant_type`, `subject_token`, `subject_token_type` as RFC 8693 has them; `scope` is `publish:NAME` or
        `publish:OWNER/NAME`, and can be left out where only one dataset trusts the job.
        """
        request[IDENTIFIED] = True
        form = await read_form(request)
        try:
            wanted = _wanted(form)
            try:
                job = await self._ci.job(form.get("subject_token", ""))
            except BadIdToken as error:
                raise Refused(INVALID_GRANT, f"The ID token is not accepted: {error}.") from None
            except ProviderDown as error:
                _log.warning("ci_issuer_down", reason=str(error))
                raise unavailable("The keys of the CI system cannot be had right now. Try again in a moment.") from None
            trust = _chosen(await trusts.of_repository(self._pool, job), job, wanted)
            lifetime = min(max(LIFETIME, int(job.expires - time.time())), LONGEST)
            secret = await self._issue(trust, job, lifetime, caller_of(request))
        except Refused as refused:
            _log.info("exchange_refused", error=refused.error)
            return refused.response()
        _log.info("exchanged", trust=trust.id, run=job.run)
        document = {
            "access_token": secret,
            "issued_token_type": ISSUED,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": f"publish:{trust.target}",
        }
        return web.json_response(document)

    async def _issue(self, trust: Trust, job: Job, lifetime: int, address: str) -> str:
        token_id, secret = secrets.token_hex(16), new_secret()
        actor = await rights.holder(self._pool, trust.account_id, token_id)
        if actor is None or not actor.may(Action.PUBLISH, trust.ownerid, trust.dataset):
            text = f"Who had {trust.target} trust this job may not publish it any more: have somebody trust it anew."
            raise Refused(INVALID_GRANT, text)
        origin = Origin(actor=actor, address=address)
        async with self._pool.acquire() as connection, connection.transaction():
            await _spend(connection, job)
            await _pin(connection, trust, job)
            name = f"{job.run} ({token_id[:8]})"
            place = (trust.ownerid, trust.dataset, lifetime, trust.id)
            await connection.execute(_ISSUE, token_id, digest_of(secret), trust.account_id, name, *place)
            told = {"run": job.run, "ref": job.ref, "provider": job.provider, "token": token_id}
            await record(connection, trust.ownerid, "token-exchanged", trust.target, origin, **told)
            await connection.execute(_ENDED, trust.id)
        return secret


def _wanted(form: dict[str, str]) -> str | None:
    """The dataset that is meant, `name` or `owner/name`; None: the one that trusts the job."""
    if form.get("grant_type") != GRANT:
        raise Refused(UNSUPPORTED, f"`grant_type` must be {GRANT}.")
    if form.get("subject_token_type") not in TYPES:
        raise Refused(INVALID_REQUEST, f"`subject_token_type` must be {TYPES[0]}.")
    scope = form.get("scope", "")
    kind, _, dataset = scope.partition(":")
    if scope and (kind != "publish" or not dataset):
        raise Refused(INVALID_SCOPE, "`scope` must be publish:NAME or publish:OWNER/NAME.")
    return dataset or None


def _chosen(found: Sequence[Trust], job: Job, wanted: str | None) -> Trust:
    """The one trust that lets this job publish what is wanted."""
    asked = [each for each in found if wanted in (None, each.dataset) or str(wanted).lower() == each.target.lower()]
    good = [each for each in asked if each.objection(job) is None]
    targets = sorted({each.target for each in good})
    if len(targets) == 1:
        return good[0]
    if targets:
        text = (
            f"This job may publish {', '.join(targets)}: say which, by `scope`, or `--owner` and `--name` of dh push."
        )
        raise Refused(INVALID_TARGET, text)
    objections = "; ".join(sorted({f"{each.target}: {each.objection(job)}" for each in asked}))
    who = f"{job.repository} ({', '.join(sorted(job.workflows)) or 'no workflow'}, {job.ref})"
    text = f"{wanted or 'No dataset'} {'does not trust' if wanted else 'trusts'} this job of {who}"
    raise Refused(INVALID_TARGET, f"{text}: {objections}." if objections else f"{text}. See `dh trust add`.")


async def _spend(connection: asyncpg.Connection, job: Job) -> None:
    spent = hashlib.sha256(f"{job.issuer} {job.token_id}".encode()).digest()
    # A token is accepted for a little longer than it says, and must be remembered as long.
    if await connection.fetchval(_SPEND, spent, job.expires + 3600) is None:
        raise Refused(INVALID_GRANT, "This ID token was exchanged already: each is good for once.")
    await connection.execute(_FORGET)


async def _pin(connection: asyncpg.Connection, trust: Trust, job: Job) -> None:
    pinned = (trust.repository_id, trust.repository_owner_id)
    used = await connection.fetchval(_USE, trust.id, job.repository_id, job.owner_id, job.run, *pinned)
    if used is None:
        raise Refused(INVALID_GRANT, "What is trusted has just changed: try again.")


def routes(parts: Parts) -> list[web.RouteDef]:
    """The route of token exchange."""
    return [web.post("/auth/exchange", Exchange(parts).exchange)]
