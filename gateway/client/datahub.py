"""The calls of the server's HTTP contract that publishing needs, one method each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from gateway.auth.tokensecret import PREFIX
from gateway.client.answers import object_of
from gateway.client.connection import Connection
from gateway.client.failures import RequestFailure, ServerFailure


@dataclass(frozen=True, slots=True)
class Profile:
    """Who is logged in: `id` is the opaque owner id, `username` the name in addresses; `scope` what the API token is
    for that stands for them."""

    id: str
    username: str
    document: Mapping[str, Any]
    scope: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a file goes: `fields` come before the file in a POST form; `exists` means that it need not go at all."""

    url: str
    fields: Mapping[str, str]
    exists: bool

    @property
    def address(self) -> str:
        """Where the file is afterwards."""
        return f"{self.url.rstrip('/')}/{quote(self.fields['key'])}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A post that was taken: `flow_id` is `{ownerid}/{dataset}/{revision}`. `unchanged`: it is this very package, which
    was there already. `findability`: who sees it, which is not what was asked for where the dataset is to be seen by
    fewer."""

    dataset_id: str
    flow_id: str
    unchanged: bool = False
    findability: str | None = None

    @property
    def revision(self) -> int:
        return int(self.flow_id.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Planned:
    """What a post would become, or the sentences it would be refused with."""

    accepted: Accepted | None
    errors: tuple[str, ...] = ()


class DataHub:
    """The services behind one connection; `token` is the user's log-in token, exchanged per service as needed."""

    def __init__(self, connection: Connection, token: str | None) -> None:
        self._connection = connection
        self._token = token
        self.server = connection.server

    async def log_in(self, username: str, password: str) -> str:
        """The user token for a name and password; raises RequestFailure for wrong ones."""
        answer = await self._object("POST", "/auth/login", json={"username": username, "password": password})
        return _text(answer, "token", self.server)

    async def log_out(self) -> None:
        """Make the token good for nothing, everywhere."""
        await self._connection.call("POST", "/auth/logout", token=self._token, redirects=True)

    async def profile(self) -> Profile:
        """Who the token stands for; raises RequestFailure where it is not (or no longer) valid."""
        answer = await self._object("GET", "/auth/check", token=self._token)
        profile = answer.get("profile")
        if not answer.get("authenticated") or not isinstance(profile, dict):
            raise RequestFailure(f"{self.server} does not accept {self._what()}")
        account_id, username = (_text(profile, name, self.server) for name in ("id", "username"))
        return Profile(account_id, username, profile, answer.get("scope"))

    async def publisher(self) -> Profile:
        """For whom is published unless something else is said: whom an API token is for, else who is logged in."""
        profile = await self.profile()
        owner = (profile.scope or {}).get("owner")
        return profile if owner in (None, profile.username) else await self.owner(str(owner))

    def _what(self) -> str:
        if (self._token or "").startswith(PREFIX):
            return "the token: it was revoked, has expired, or is another server's"
        return "the log-in (expired?): run `dh login`"

    async def permission(self, service: str) -> str:
        """A token for one service; raises RequestFailure where the log-in is not valid."""
        answer = await self._object("GET", "/auth/authorize", query={"service": service}, token=self._token)
        if not isinstance(answer.get("token"), str):
            raise await self._refused(service)
        return _text(answer, "token", self.server)

    async def _refused(self, service: str) -> RequestFailure:
        scope = (await self.profile()).scope
        if scope is not None and "publish" not in scope["actions"]:
            return RequestFailure("this token may only read: make one with `dh token create NAME --access publish`")
        return RequestFailure(f"{self.server} does not let you use its {service} service: run `dh login`")

    async def owner(self, name: str) -> Profile:
        """The person or organisation with this name; raises RequestFailure where there is none."""
        answer = await self._object("GET", "/auth/get_profile", query={"username": name})
        profile = answer.get("profile")
        if not isinstance(profile, dict):
            raise RequestFailure(f"{self.server} knows nobody by the name {name!r}")
        return Profile(_text(profile, "id", self.server), _text(profile, "username", self.server), profile)

    async def owner_id(self, username: str) -> str | None:
        """The owner id behind a user name; None where there is no such user."""
        answer = await self._object("GET", "/auth/resolve", query={"username": username})
        return answer.get("userid")

    async def upload_forms(self, request: Mapping[str, Any]) -> dict[str, UploadForm]:
        """A form for every file in `request`: `{"metadata": …, "filedata": {path: {length, md5, sha256}}}`."""
        token = await self.permission("rawstore")
        answer = await self._object("POST", "/rawstore/authorize", json=request, token=token)
        try:
            return {
                path: UploadForm(entry["upload_url"], entry["upload_query"], bool(entry.get("exists")))
                for path, entry in ((path, answer["filedata"][path]) for path in request["filedata"])
            }
        except (KeyError, TypeError, AttributeError):
            raise ServerFailure(f"{self.server} did not say where to upload") from None

    async def rawstore(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the raw store to a body that may be sent twice."""
        return await self._object("POST", path, json=body, token=await self.permission("rawstore"))

    async def post(self, spec: Mapping[str, Any]) -> Accepted:
        """Publish: the revision exists once this returns. Raises RequestFailure with everything that was wrong."""
        token = await self.permission("source")
        # What was taken though its answer was lost is not done a second time.
        answer = await self._object("POST", "/source/upload", json=spec, token=token, key=str(uuid4()))
        if not answer.get("success"):
            raise refusal(_errors(answer))
        return _accepted(answer, self.server)

    async def plan(self, spec: Mapping[str, Any]) -> Planned:
        """What `post` would do with the same spec and its uploads, by the server's own checks; nothing is done."""
        token = await self.permission("source")
        answer = await self._object("POST", "/source/plan", json=spec, token=token)
        if not answer.get("success"):
            return Planned(None, tuple(_errors(answer)))
        return Planned(_accepted(answer, self.server))

    async def status(self, flow: str) -> dict[str, Any]:
        """The status object of `{ownerid}/{dataset}/{revision|latest|successful}`; RequestFailure where unknown."""
        return await self._object("GET", f"/source/{quote(flow)}", token=self._token)

    async def receipt_keys(self) -> dict[str, Any]:
        """The keys that verify receipts: a JWK set."""
        return await self._object("GET", "/.well-known/receipt-keys.json")

    async def receipt(self, flow: str) -> str:
        """The signed receipt of a published revision; RequestFailure where there is none to see."""
        answer = await self._connection.call("GET", f"/{quote(flow)}/receipt.jwt", token=self._token)
        return answer.body.decode("ascii", "replace").strip()

    async def cancel(self, flow: str) -> dict[str, Any]:
        """End a run of one's own that moves; its status. RequestFailure where it has ended, or is not there."""
        return await self._of_run(flow, "cancel")

    async def rerun(self, flow: str) -> dict[str, Any]:
        """Have a failed run of one's own run again; its status. RequestFailure where it has not failed."""
        return await self._of_run(flow, "rerun")

    async def _of_run(self, flow: str, action: str) -> dict[str, Any]:
        # Not repeated after a lost answer: it would be told that there is nothing to do any more.
        token = await self.permission("source")
        return await self._object("POST", f"/source/{quote(flow)}/{action}", token=token, repeatable=False)

    async def published(self, owner: str, dataset: str, revision: int | None) -> dict[str, Any]:
        """The published descriptor, its paths addresses of files; raises RequestFailure where there is none to see."""
        query = {"v": str(revision)} if revision else None
        path = f"/{quote(owner)}/{quote(dataset)}/datapackage.json"
        try:
            return await self._object("GET", path, query=query, token=self._token)
        except RequestFailure as failure:
            if failure.details.get("status") != 404:
                raise
            what = f"revision {revision} of {owner}/{dataset}" if revision else f"{owner}/{dataset}"
            hint = "" if self._token else ", or it is private (run `dh login`)"
            raise RequestFailure(f"{self.server} has not published {what}{hint}") from None

    async def organisations(self) -> dict[str, Any]:
        """The organisations that one is in, with one's role."""
        return await self._object("GET", "/auth/organisations", token=self._token)

    async def make_organisation(self, name: str, title: str) -> dict[str, Any]:
        """A new organisation of one's own; raises RequestFailure where the name is taken or cannot be one."""
        call = {"json": {"name": name, "title": title}, "token": self._token}
        return await self._object("POST", "/auth/organisations", **call, repeatable=False)

    async def members(self, organisation: str) -> dict[str, Any]:
        """The members of an organisation."""
        return await self._object("GET", f"/auth/organisations/{quote(organisation, '')}/members", token=self._token)

    async def set_role(self, organisation: str, username: str, role: str) -> dict[str, Any]:
        """Makes somebody a member, or changes their role; raises RequestFailure for who may not."""
        return await self._object("PUT", _member(organisation, username), json={"role": role}, token=self._token)

    async def remove_member(self, organisation: str, username: str) -> None:
        """Ends a membership; raises RequestFailure for who may not, and for the last owner's."""
        await self._connection.call("DELETE", _member(organisation, username), token=self._token)

    async def sharing(self, owner: str, dataset: str) -> dict[str, Any]:
        """Who sees a dataset, since when, and its preview links."""
        return await self._object("GET", _sharing(owner, dataset), token=self._token)

    async def show(self, owner: str, dataset: str, findability: str) -> dict[str, Any]:
        """Has a dataset be seen by others; RequestFailure for who may not say so."""
        return await self._object("PUT", _sharing(owner, dataset), json={"findability": findability}, token=self._token)

    async def make_link(self, owner: str, dataset: str, days: int, note: str) -> dict[str, Any]:
        """A new preview link; its address is told this once."""
        call = {"json": {"days": days, "note": note}, "token": self._token}
        return await self._object("POST", f"{_sharing(owner, dataset)}/links", **call, repeatable=False)

    async def revoke_link(self, owner: str, dataset: str, link: str) -> None:
        """Ends a preview link; RequestFailure where there is none."""
        path = f"{_sharing(owner, dataset)}/links/{quote(link, '')}"
        await self._connection.call("DELETE", path, token=self._token)

    async def quota(self, owner: str) -> dict[str, Any]:
        """How many bytes an owner has in the object store, and may have."""
        return await self._object("GET", f"/auth/quota/{quote(owner, '')}", token=self._token)

    async def audit(self, owner: str, before: int | None) -> dict[str, Any]:
        """A part of an owner's audit log, the newest first, and in `before` where the next one begins."""
        query = {"before": str(before)} if before else None
        return await self._object("GET", f"/auth/audit/{quote(owner, '')}", query=query, token=self._token)

    async def _object(self, method: str, path: str, **call: Any) -> dict[str, Any]:
        answer = await self._connection.call(method, path, **call)
        return object_of(self.server, answer.body)


def refusal(errors: Sequence[str]) -> RequestFailure:
    """The server does not take the package, for these reasons."""
    listed = "\n".join(f"  - {error}" for error in errors)
    return RequestFailure(f"the server refused the package:\n{listed}", errors=list(errors))


def _errors(answer: Mapping[str, Any]) -> list[str]:
    return [str(error) for error in answer.get("errors") or ["no reason given"]]


def _accepted(answer: Mapping[str, Any], server: str) -> Accepted:
    dataset_id, flow_id = (_text(answer, name, server) for name in ("dataset_id", "flow_id"))
    findability = answer.get("findability")
    return Accepted(
        dataset_id,
        flow_id,
        unchanged=answer.get("unchanged") is True,
        findability=findability if isinstance(findability, str) else None,
    )


def _sharing(owner: str, dataset: str) -> str:
    return f"/sharing/{quote(owner, '')}/{quote(dataset, '')}"


def _member(organisation: str, username: str) -> str:
    return f"/auth/organisations/{quote(organisation, '')}/members/{quote(username, '')}"


def _text(document: Mapping[str, Any], name: str, server: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ServerFailure(f"{server} left {name} out of its answer")
    return value
