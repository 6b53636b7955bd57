"""Trust: which CI jobs may publish a dataset. The table `trust`.

Who trusts a job lets it act for them, within what they may do themselves: a maintainer who leaves takes their trust
along.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.audit import Origin, record
from gateway.auth.ci.job import Job

MOST = 50
"""Of one dataset."""

_COLUMNS = """
    t.id, t.ownerid, o.username as owner, t.dataset, t.provider, t.issuer, t.repository, t.repository_id,
    t.repository_owner_id, t.workflow, t.ref, t.environment, t.account_id, t.created_at, t.last_used_at, t.last_run
"""
_OF_DATASET = f"""
    select {_COLUMNS} from trust t join account o on o.id = t.ownerid
    where t.ownerid = $1 and t.dataset = $2 order by t.created_at
"""  # noqa: S608 the only thing put in is a constant
_OF_JOB = f"""
    select {_COLUMNS} from trust t join account o on o.id = t.ownerid
    where t.issuer = $1 and lower(t.repository) = lower($2) order by t.created_at limit 500
"""  # noqa: S608 likewise
_INSERT = """
    insert into trust (id, ownerid, dataset, provider, issuer, repository, workflow, ref, environment, account_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning id
"""
_REMOVE = "delete from trust where ownerid = $1 and dataset = $2 and id = $3 returning repository"


class TrustRefused(Exception):
    """This cannot be trusted; the message is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrust:
    """What somebody wants to trust; an empty `workflow`, `ref` or `environment` stands for any."""

    ownerid: str
    dataset: str
    provider: str
    issuer: str
    repository: str
    workflow: str
    ref: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust(NewTrust):
    """What a dataset trusts. `repository_id`, `repository_owner_id`: of its first job, None before that."""

    id: str
    owner: str
    repository_id: str | None
    repository_owner_id: str | None
    account_id: str
    created_at: datetime
    last_used_at: datetime | None
    last_run: str | None

    @property
    def target(self) -> str:
        """`owner/dataset`."""
        return f"{self.owner}/{self.dataset}"

    def objection(self, job: Job) -> str | None:
        """Why this job is not the one that is trusted, in words; None where it is."""
        pinned = (self.repository_id, self.repository_owner_id)
        if self.repository_id is not None and pinned != (job.repository_id, job.owner_id):
            return (
                f"this repository {self.repository} is not the one that was trusted: its number is {job.repository_id},"
                f" that one's is {self.repository_id} (a name can change hands; if this is right, trust it anew)"
            )
        if self.workflow and self.workflow not in job.workflows:
            return f"only the workflow {self.workflow} is trusted"
        if self.ref and not _fits(self.ref, job.ref):
            return f"only {self.ref} is trusted, and this job is of {job.ref}"
        if self.environment and self.environment.lower() != job.environment:
            return f"only jobs of the environment {self.environment} are trusted"
        return None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "provider": self.provider,
            "issuer": self.issuer,
            "repository": self.repository,
            "repository_id": self.repository_id,
            "workflow": self.workflow or None,
            "ref": self.ref or None,
            "environment": self.environment or None,
            "created": self.created_at.isoformat(),
            "last_used": self.last_used_at.isoformat() if self.last_used_at else None,
            "last_run": self.last_run,
        }


def _fits(pattern: str, ref: str) -> bool:
    return ref.startswith(pattern[:-1]) if pattern.endswith("*") else ref == pattern


async def add(pool: asyncpg.Pool, origin: Origin, wanted: NewTrust) -> Trust:
    """Trusts from now on; raises TrustRefused: it is trusted already, or there is too much."""
    async with pool.acquire() as connection, connection.transaction():
        there = await connection.fetch(_OF_DATASET, wanted.ownerid, wanted.dataset)
        if len(there) >= MOST:
            raise TrustRefused(f"a dataset trusts at most {MOST} jobs: remove one that is not used any more")
        added = await connection.fetchval(
            _INSERT,
            secrets.token_hex(16),
            wanted.ownerid,
            wanted.dataset,
            wanted.provider,
            wanted.issuer,
            wanted.repository,
            wanted.workflow,
            wanted.ref,
            wanted.environment,
            origin.actor.known.id,
        )
        if added is None:
            raise TrustRefused("this is trusted already")
        found = await connection.fetch(_OF_DATASET, wanted.ownerid, wanted.dataset)
        trust = next(Trust(**row) for row in found if row["id"] == added)
        limits = {name: value for name, value in trust.to_dict().items() if name in ("workflow", "ref", "environment")}
        await record(
            connection, trust.ownerid, "trust-added", trust.target, origin, repository=trust.repository, **limits
        )
    return trust


async def of_dataset(pool: asyncpg.Pool, ownerid: str, dataset: str) -> Sequence[Trust]:
    """What a dataset trusts, the oldest first."""
    return [Trust(**row) for row in await pool.fetch(_OF_DATASET, ownerid, dataset)]


async def of_repository(pool: asyncpg.Pool, job: Job) -> Sequence[Trust]:
    """Whatever trusts something of the repository of this job's name."""
    return [Trust(**row) for row in await pool.fetch(_OF_JOB, job.issuer, job.repository)]


async def remove(pool: asyncpg.Pool, origin: Origin, ownerid: str, target: str, trust_id: str) -> bool:
    """Ends it at once, with the tokens that jobs hold because of it; False where there is none. `target`:
    `owner/dataset`."""
    async with pool.acquire() as connection, connection.transaction():
        repository = await connection.fetchval(_REMOVE, ownerid, target.partition("/")[2], trust_id)
        if repository is not None:
            await record(connection, ownerid, "trust-removed", target, origin, repository=repository)
    return repository is not None
