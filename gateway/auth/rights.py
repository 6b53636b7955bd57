"""Rights: the one place that answers whether somebody may do something to what an owner has.

An owner is a person or an organisation. A person may do everything with what is their own, and with an organisation's
what their role there lets them. What a token is for narrows both; nothing ever widens them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import asyncpg

from gateway.auth.accounts import LOOKUP_DEADLINE, PERSON, Account
from gateway.patience import in_time


class Action(Enum):
    """What can be done to an owner's datasets, and to the owner."""

    READ = "read"
    """See what is private."""
    PUBLISH = "publish"
    """Upload, push, cancel and rerun runs."""
    MANAGE = "manage"
    """Say who sees a dataset: its visibility, links to it."""
    ADMINISTER = "administer"
    """Say who may do what: members, tokens, trust; read the audit log."""


class Role(Enum):
    """A member's role in an organisation; each may do what those before it may."""

    READER = "reader"
    PUBLISHER = "publisher"
    MAINTAINER = "maintainer"
    OWNER = "owner"

    def may(self, action: Action) -> bool:
        """Whether members of this role may."""
        return list(Action).index(action) <= list(Role).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a token is for: `actions` on everything of an owner, or on one of its datasets.

    `token_id` names the API token that it is the scope of, which ends at `expires` (seconds since 1970).
    """

    actions: frozenset[Action]
    ownerid: str
    dataset: str | None = None
    token_id: str = ""
    expires: int = 0

    def allows(self, action: Action, ownerid: str, dataset: str | None) -> bool:
        """`dataset` None: something of the owner's, such as an upload that is in no dataset yet."""
        fits = self.dataset is None or dataset == self.dataset
        if dataset is None:
            fits = self.dataset is None or action is Action.PUBLISH
        return action in self.actions and ownerid == self.ownerid and fits


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """What ends when somebody logs out: a user token, by its id, and the `family` of the program's log-in that it came
    of, empty for a browser's."""

    token_id: str
    family: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: an account with its roles in organisations, by their ids; without one it is anybody.

    `scope` narrows what the account may to what the token in its hand is for. `opened`: the dataset (by its id) that a
    preview link lets anybody read who has it. `login`: what the token in its hand came of, unless that is an API token.
    """

    account: Account | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    scope: Scope | None = None
    opened: str | None = None
    login: LogIn | None = None

    @property
    def known(self) -> Account:
        """The account of somebody who was let in; raises TypeError for anybody."""
        if self.account is None:
            raise TypeError("anybody has no account")
        return self.account

    @property
    def person(self) -> Account | None:
        """The account of somebody who has logged in, and does not act through an API token."""
        return self.account if self.scope is None else None

    def role(self, ownerid: str) -> Role | None:
        """What this account is to an owner, whatever the token in its hand is for."""
        if self.account is not None and self.account.id == ownerid:
            return Role.OWNER
        return self.roles.get(ownerid)

    def may(self, action: Action, ownerid: str, dataset: str | None = None) -> bool:
        """Whether the actor may do this to a dataset of an owner, or to the owner."""
        role = self.role(ownerid)
        if role is None or not role.may(action):
            return False
        return self.scope is None or self.scope.allows(action, ownerid, dataset)

    def owners(self, action: Action) -> list[str]:
        """Ids of the owners to whose every dataset the actor may do this, itself first."""
        own = [self.account.id] if self.account else []
        return [ownerid for ownerid in (*own, *sorted(self.roles)) if self.may(action, ownerid)]

    @property
    def reach(self) -> Sequence[str]:
        """Whose private data may be read, for queries: ids of owners, and of single datasets (`{ownerid}/{name}`)."""
        found = self.owners(Action.READ)
        if self.scope and self.scope.dataset and self.may(Action.READ, self.scope.ownerid, self.scope.dataset):
            found.append(f"{self.scope.ownerid}/{self.scope.dataset}")
        if self.opened:
            found.append(self.opened)
        return found


ANYBODY = Actor()

_HOLDER = """
    select id, username, name, email, created_at, kind,
           (select jsonb_object_agg(m.organisation_id, m.role) from membership m where m.account_id = a.id) as roles
    from account a
    where id = $1 and kind = $3 and disabled_at is null
      and not exists (select from revoked_token where token_id = any($2))
      and ($4 = '' or exists (select from login_family where id = $4 and ended_at is null))
"""
_GOOD = "select from api_token where id = $1 and revoked_at is null and expires_at > now() for share"
_ROLE = "select role from membership where organisation_id = $1 and account_id = $2 for share"


async def holder(pool: asyncpg.Pool, account_id: str, token_id: str, login: LogIn | None = None) -> Actor | None:
    """Whom a token speaks for, unless the account is disabled, the token revoked, or its log-in over."""
    ended = [token_id, *([login.token_id] if login else [])]
    family = login.family if login else ""
    row = await in_time(pool.fetchrow(_HOLDER, account_id, ended, PERSON, family), LOOKUP_DEADLINE)
    if row is None:
        return None
    known = dict(row)
    roles = {ownerid: Role(role) for ownerid, role in (known.pop("roles") or {}).items()}
    return Actor(account=Account(**known), roles=roles, login=login)


async def still_may(
    connection: asyncpg.Connection, actor: Actor, action: Action, ownerid: str, dataset: str | None = None
) -> bool:
    """Whether what `Actor.may` says holds at this moment; it then holds until the transaction ends.

    A role is taken away, or lowered, and an API token revoked, by a transaction that waits for this one.
    """
    token_id = actor.scope.token_id if actor.scope else ""
    if token_id and await connection.fetchrow(_GOOD, token_id) is None:
        return False
    if not actor.may(action, ownerid, dataset):
        return False
    if actor.known.id == ownerid:
        return True
    role = await connection.fetchval(_ROLE, ownerid, actor.known.id)
    return role is not None and Role(role).may(action)
