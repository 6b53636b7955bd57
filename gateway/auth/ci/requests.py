"""Trust over HTTP, for who is logged in and manages the dataset: add, list, remove. A token can do none of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from gateway.auth.accounts import Account, Accounts
from gateway.auth.audit import origin_of
from gateway.auth.ci import trust
from gateway.auth.ci.issuers import CiIssuers
from gateway.auth.ci.trust import NewTrust, TrustRefused
from gateway.auth.identity import require_user
from gateway.auth.rights import Action, Actor
from gateway.bodies import read_object
from gateway.parts import Parts
from gateway.problems import Problem, bad_member, not_found
from messages.cisettings import GITHUB, CiSettings
from tabular.profile import DATASET_NAME

FIELDS = ("provider", "issuer", "repository", "workflow", "ref", "environment")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}(?:/[A-Za-z0-9_.-]{1,100}){1,20}")
_LINE = re.compile(r"[^\x00-\x20\x7f@*](?:[^\x00-\x1f\x7f@*]{0,253}[^\x00-\x20\x7f@*])?")
_REF = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,250}\*?")


class TrustRequests:
    """Handlers of `/auth/trust`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def add(self, request: web.Request) -> web.Response:
        """Has a dataset trust the jobs of a repository: `provider` (`github` or `gitlab`), `repository`, and to be
        narrower `workflow`, `ref` and `environment`; `issuer` for a server of your own.

        Such a job may publish the dataset, which need not exist yet, without any secret (`POST /auth/exchange`).
        """
        actor = await require_user(request)
        owner, dataset = await managed(self._parts.accounts, actor, request.match_info)
        wanted = read_wish(self._parts.ci, owner.id, dataset, await read_object(request))
        try:
            added = await trust.add(self._parts.pool, origin_of(request, actor), wanted)
        except TrustRefused as refused:
            raise Problem(409, "not-trusted", f"{refused}.") from None
        return web.json_response(added.to_dict(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """What a dataset trusts, and when jobs last came."""
        actor = await require_user(request)
        owner, dataset = await managed(self._parts.accounts, actor, request.match_info)
        found = await trust.of_dataset(self._parts.pool, owner.id, dataset)
        return web.json_response({"trusted": [each.to_dict() for each in found]})

    async def remove(self, request: web.Request) -> web.Response:
        """Stops trusting, at once: the tokens that jobs have got are good for nothing."""
        actor = await require_user(request)
        owner, dataset = await managed(self._parts.accounts, actor, request.match_info)
        target = f"{owner.username}/{dataset}"
        origin = origin_of(request, actor)
        if not await trust.remove(self._parts.pool, origin, owner.id, target, request.match_info["trust"]):
            raise not_found("The dataset has no such trust.")
        return web.Response(status=204)


async def managed(accounts: Accounts, actor: Actor, names: Mapping[str, str]) -> tuple[Account, str]:
    """The owner and name of a dataset that the actor manages; raises Problem 404, for a stranger's as for none."""
    owner, dataset = names["owner"], names["dataset"]
    account = None if "\x00" in owner else await accounts.by_username(owner)
    if account is None or not DATASET_NAME.fullmatch(dataset) or not actor.may(Action.READ, account.id, dataset):
        raise not_found("There is no such dataset of yours.")
    if not actor.may(Action.MANAGE, account.id, dataset):
        raise Problem(403, "not-yours", "Only owners and maintainers say which jobs a dataset trusts.")
    return account, dataset


def read_wish(systems: CiIssuers, ownerid: str, dataset: str, fields: Mapping[str, object]) -> NewTrust:
    """What is to be trusted, in JSON or a form; raises Problem 422 with everything that is wrong with it."""
    faults = [bad_member(name, f"`{name}` is unknown.") for name in fields if name not in FIELDS]
    texts = {name: _text(fields.get(name)) for name in FIELDS}
    system = _system(systems, texts["provider"], texts["issuer"])
    if system is None:
        known = ", ".join(sorted(f"{each.provider} at {each.issuer}" for each in systems)) or "none"
        faults.append(bad_member("provider", f"This CI system is not known here. Known are: {known}."))
    github = texts["provider"] == GITHUB
    if not _REPOSITORY.fullmatch(texts["repository"]) or (github and texts["repository"].count("/") != 1):
        faults.append(
            bad_member("repository", "`repository` is OWNER/REPOSITORY, or GROUP/PROJECT with its subgroups.")
        )
    for name, form in (("workflow", _LINE), ("ref", _REF), ("environment", _LINE)):
        if texts[name] and not form.fullmatch(texts[name]):
            faults.append(bad_member(name, f"`{name}` is one line without odd characters; only a ref may end in `*`."))
    if faults or system is None:
        raise Problem(422, "invalid-trust", "This cannot be trusted.", faults=faults)
    return NewTrust(
        ownerid=ownerid,
        dataset=dataset,
        provider=system.provider,
        issuer=system.issuer,
        repository=texts["repository"],
        workflow=_workflow(texts["workflow"], github=github),
        ref=_ref(texts["ref"]),
        environment=texts["environment"],
    )


def _system(systems: CiIssuers, provider: str, issuer: str) -> CiSettings | None:
    fitting = [each for each in systems if each.provider == provider and issuer in ("", each.issuer)]
    return fitting[0] if fitting else None


def _workflow(text: str, *, github: bool) -> str:
    return f".github/workflows/{text}" if github and text and "/" not in text else text


def _ref(text: str) -> str:
    return f"refs/heads/{text}" if text and not text.startswith("refs/") else text


def _text(value: object) -> str:
    """What was given; nothing stands for any, and what is no text is never right."""
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else "\x00"


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of trust."""
    requests = TrustRequests(parts)
    return [
        web.post("/auth/trust/{owner}/{dataset}", requests.add),
        web.get("/auth/trust/{owner}/{dataset}", requests.list),
        web.delete("/auth/trust/{owner}/{dataset}/{trust}", requests.remove),
    ]
