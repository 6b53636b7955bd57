"""A CI job, as its system says in an ID token: whose repository, which workflow, which branch.

https://docs.github.com/actions/reference/security/oidc and https://docs.gitlab.com/ci/secrets/id_token_authentication.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.auth.oidc.idtoken import BadIdToken
from messages.cisettings import GITHUB, CiSettings

LEEWAY = 30
"""Seconds that clocks may differ."""
LONGEST_LIFE = 24 * 3600
"""Seconds from a token's making to its end."""
UNSAFE_EVENTS = ("pull_request_target",)
"""Runs that a stranger sets off, with the rights and the name of the main branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`repository_id` and `owner_id` stay when names change hands. `workflows`: the file that the run began with,
    inside its repository, and one of another repository that it called, by its whole name. `ref` is a full one,
    `run` names the run to people, `token_id` this one token."""

    provider: str
    issuer: str
    repository: str
    repository_id: str
    owner_id: str
    workflows: frozenset[str]
    ref: str
    environment: str
    run: str
    token_id: str
    expires: int


def job_of(system: CiSettings, claims: Mapping[str, Any], audience: str) -> Job:
    """The job of a token whose signature is right; raises BadIdToken where it is not for us, not for now, or not whole.

    The message may be told to whoever showed the token.
    """
    expires = _check(system, claims, audience)
    read = _github if system.provider == GITHUB else _gitlab
    return Job(
        provider=system.provider,
        issuer=system.issuer,
        token_id=_text(claims, "jti"),
        expires=expires,
        environment=_optional(claims, "environment").lower(),
        **read(claims),
    )


def _check(system: CiSettings, claims: Mapping[str, Any], audience: str) -> int:
    now = time.time()
    if claims.get("iss") != system.issuer:
        raise BadIdToken("it is another issuer's")
    named = claims.get("aud")
    if named not in (audience, [audience]):
        # Whoever else is named could have kept it, and shown it here.
        raise BadIdToken(f"its audience is {named!r} and must be {audience!r} alone")
    issued, begins, expires = (_moment(claims, name) for name in ("iat", "nbf", "exp"))
    if expires <= now - LEEWAY:
        raise BadIdToken("it has expired")
    if issued > now + LEEWAY or begins > now + LEEWAY:
        raise BadIdToken("it is not good yet")
    if not 0 < expires - issued <= LONGEST_LIFE:
        raise BadIdToken("it lives longer than a day")
    _text(claims, "sub")
    return expires


def _moment(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name, 0) if name == "nbf" else claims.get(name)
    if type(value) is not int:
        raise BadIdToken(f"its `{name}` is no whole number of seconds")
    return value


def _github(claims: Mapping[str, Any]) -> dict[str, Any]:
    repository = _text(claims, "repository")
    if (event := _optional(claims, "event_name")) in UNSAFE_EVENTS:
        raise BadIdToken(f"a run of the event {event} may carry a stranger's code")
    own, called = (_optional(claims, name).partition("@")[0] for name in ("workflow_ref", "job_workflow_ref"))
    inside = own.removeprefix(f"{repository}/") if own.startswith(f"{repository}/") else ""
    return {
        "repository": repository,
        "repository_id": _text(claims, "repository_id"),
        "owner_id": _text(claims, "repository_owner_id"),
        "workflows": frozenset(filter(None, (inside, called))),
        "ref": _text(claims, "ref"),
        "run": f"{repository} run {_optional(claims, 'run_id')}",
    }


def _gitlab(claims: Mapping[str, Any]) -> dict[str, Any]:
    repository = _text(claims, "project_path")
    # gitlab.example.com/group/project//.gitlab-ci.yml@refs/heads/main
    project, _, path = _optional(claims, "ci_config_ref_uri").partition("@")[0].partition("//")
    inside = path if project.endswith(f"/{repository}") else ""
    kind = "tags" if claims.get("ref_type") == "tag" else "heads"
    return {
        "repository": repository,
        "repository_id": _text(claims, "project_id"),
        "owner_id": _text(claims, "namespace_id"),
        "workflows": frozenset(filter(None, (inside,))),
        "ref": f"refs/{kind}/{_text(claims, 'ref')}",
        "run": f"{repository} job {_optional(claims, 'job_id')}",
    }


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = _optional(claims, name)
    if not value:
        raise BadIdToken(f"it does not say its `{name}`")
    return value


def _optional(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    text = str(value) if type(value) is int else value
    return text if isinstance(text, str) and len(text) <= 500 and text.isprintable() else ""
