"""One push of one package: authorise, upload what is missing, post, follow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.client.board import Board, showing
from gateway.client.ci import JobRenewal
from gateway.client.connection import Connection, connected
from gateway.client.cut import Hashes
from gateway.client.datahub import Accepted, DataHub, Profile, UploadForm, refusal
from gateway.client.digests import hashes_of
from gateway.client.failures import FINE, Failure
from gateway.client.follow import follow
from gateway.client.inparts import PartSender
from gateway.client.outcome import Outcome
from gateway.client.package import LocalPackage
from gateway.client.parted import PartedUpload, PartedUploads
from gateway.client.plan import Plan
from gateway.client.session import Session
from gateway.client.sizes import plural
from gateway.client.spec import source_spec, upload_request
from gateway.client.terminal import Terminal
from gateway.client.trail import Trail
from gateway.client.upload import Upload, Uploader

Placed = Sequence[tuple[Upload, UploadForm | PartedUpload]]


class Push:
    """`findability`: published, unlisted or private. `known`: what the bytes of some paths are. `owner`: the name of
    whom it is published for, where that is not whoever is logged in. `again`: a new revision though nothing has
    changed."""

    def __init__(
        self,
        session: Session,
        package: LocalPackage,
        findability: str,
        terminal: Terminal,
        known: Mapping[str, Hashes] | None = None,
        *,
        owner: str | None = None,
        again: bool = False,
    ) -> None:
        self._session = session
        self._package = package
        self._findability = findability
        self._terminal = terminal
        self._known = known or {}
        self._owner_name = owner
        self._again = again
        self._accepted: Accepted | None = None
        self._name = package.name
        self._token = session.token

    async def run(self, *, wait: bool, receipt: Path | None = None) -> int:
        """Do it; follow the run to its end when asked to `wait`, and keep its `receipt`. Returns the exit code."""
        async with connected(self._session.server) as connection:
            hub = await self._hub(connection)
            owner = await self._owner(hub)
            with showing(self._terminal) as shown:
                placed = await self._place(hub, owner, shown)
                await self._upload(connection, hub, owner, placed, shown)
            self._accepted = await hub.post(self._spec(owner, placed))
            self._name = f"{owner.username}/{self._package.name}"
            if (seen := self._seen(self._accepted)) != self._findability:
                self._terminal.note(f"it is {seen}, as the dataset was before: `dh visibility` says who sees it")
            run = f"{self._session.server}/{self._name}/v/{self._accepted.revision}"
            if not wait:
                return self._posted(self._accepted, run)
            if self._accepted.unchanged:
                self._terminal.say(_unchanged(self._accepted))
            else:
                self._terminal.note(f"accepted as revision {self._accepted.revision}: {run}")
            outcome = await self._follow(connection, self._accepted)
            if receipt is not None and outcome.state == "SUCCEEDED":
                await self._keep_receipt(hub, placed, receipt)
        self._terminal.answer({**outcome.to_dict(), "unchanged": self._accepted.unchanged})
        return outcome.exit_code

    async def dry_run(self) -> int:
        """Say what `run` would do, and do nothing. Returns the exit code that it would have, as far as it is known."""
        async with connected(self._session.server) as connection:
            hub = await self._hub(connection)
            owner = await self._owner(hub)
            with showing(self._terminal) as shown:
                placed = await self._place(hub, owner, shown)
            planned = await hub.plan(self._spec(owner, placed))
        name = f"{owner.username}/{self._package.name}"
        plan = Plan(
            name=name,
            page=f"{self._session.server}/{name}",
            findability=self._seen(planned.accepted),
            placed=placed,
            planned=planned,
        )
        plan.show(self._terminal)
        self._terminal.answer(plan.to_dict())
        return plan.exit_code

    def _seen(self, accepted: Accepted | None) -> str:
        return (accepted and accepted.findability) or self._findability

    def farewell(self) -> str:
        """What to say to somebody who does not wait for the end."""
        if self._accepted is None:
            return "interrupted: nothing was published; `dh push` again goes on, and sends nothing that has arrived"
        return f"interrupted; {self._later()}"

    def _later(self) -> str:
        assert self._accepted is not None
        return f"the run goes on: see `dh status {self._name}/{self._accepted.revision}`"

    async def _hub(self, connection: Connection) -> DataHub:
        """The server as whoever is logged in sees it, or as this CI job does."""
        if self._session.job is not None:
            renewal = JobRenewal(self._session.job, connection, "/".join(filter(None, (self._owner_name, self._name))))
            connection.renew_by(renewal)
            self._token = await renewal.first()
            self._terminal.note("this job is trusted: no token is needed")
        return DataHub(connection, self._token)

    async def _owner(self, hub: DataHub) -> Profile:
        return await hub.owner(self._owner_name) if self._owner_name else await hub.publisher()

    def _spec(self, owner: Profile, placed: Placed) -> dict[str, Any]:
        return source_spec(owner, self._findability, self._package.descriptor, placed, again=self._again)

    async def _place(self, hub: DataHub, owner: Profile, shown: Board) -> Placed:
        """Every file with its hashes, and where it goes; nothing is begun."""
        files = {file.path: file.location for file in self._package.files()}
        uploads = []
        for path, location in files.items():
            hashes = self._known.get(path)
            if hashes is None:
                hashes = await asyncio.to_thread(hashes_of, path, location, shown)
            uploads.append(Upload(path, location, hashes))
        small = [upload for upload in uploads if not upload.hashes.parts]
        forms = await hub.upload_forms(upload_request(owner, self._findability, small)) if small else {}
        parted = PartedUploads(hub, owner)
        return [
            (upload, await parted.look(upload) if upload.hashes.parts else forms[upload.path]) for upload in uploads
        ]

    async def _upload(self, connection: Connection, hub: DataHub, owner: Profile, placed: Placed, shown: Board) -> None:
        async def renew(upload: Upload) -> UploadForm:
            return (await hub.upload_forms(upload_request(owner, self._findability, [upload])))[upload.path]

        missing = [(upload, place) for upload, place in placed if not place.exists]
        if missing and (errors := (await hub.plan(self._spec(owner, placed))).errors):
            # Before hours of uploading, not after.
            raise refusal(errors)
        if there := len(placed) - len(missing):
            self._terminal.note(f"{plural(there, 'file')} already there")
        small = [(upload, place) for upload, place in missing if isinstance(place, UploadForm)]
        await Uploader(connection, shown, renew).send(small)
        sender = PartSender(connection, shown, PartedUploads(hub, owner))
        for upload, place in missing:
            if isinstance(place, PartedUpload):
                await sender.send(upload)

    async def _keep_receipt(self, hub: DataHub, placed: Placed, path: Path) -> None:
        assert self._accepted is not None
        # Heavy, and needed only here.
        from gateway.client.receiptfile import keep_receipt

        await keep_receipt(hub, self._accepted.flow_id, {upload.path: upload.digest for upload, _ in placed}, path)
        self._terminal.say(f"  written to {path}: `dh verify {path}` checks it")

    async def _follow(self, connection: Connection, accepted: Accepted) -> Outcome:
        with showing(self._terminal) as shown:
            try:
                status = await follow(connection, self._token, accepted.flow_id, Trail(shown).show)
            except Failure as failure:
                raise type(failure)(f"{failure}\n{self._later()}", id=accepted.flow_id) from None
        outcome = Outcome(self._session.server, status)
        outcome.show(self._terminal)
        return outcome

    def _posted(self, accepted: Accepted, run: str) -> int:
        owner, _, name = self._name.partition("/")
        if accepted.unchanged:
            self._terminal.note(_unchanged(accepted))
        self._terminal.say(run)
        document = {"ok": True, "id": accepted.flow_id, "owner": owner, "dataset": name, "run": run}
        self._terminal.answer({**document, "unchanged": accepted.unchanged})
        return FINE


def _unchanged(accepted: Accepted) -> str:
    return f"unchanged: revision {accepted.revision} is this very package (--again makes a new one)"
