"""What a push would do, said before it is done: `dh push --dry-run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.client.datahub import Planned, UploadForm
from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure
from gateway.client.parted import PartedUpload
from gateway.client.sizes import plural, size
from gateway.client.terminal import Terminal
from gateway.client.upload import Upload

SEEN = {
    "published": "for everybody to see and find",
    "unlisted": "for whoever has the address",
    "private": "for you alone to see",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`name` is `OWNER/NAME`, `page` its address; `planned` what the server said of it."""

    name: str
    page: str
    findability: str
    placed: Sequence[tuple[Upload, UploadForm | PartedUpload]]
    planned: Planned

    @property
    def exit_code(self) -> int:
        """That of the push itself, as far as it is known before."""
        return FINE if self.planned.accepted else RequestFailure.exit_code

    @property
    def _to_send(self) -> list[Upload]:
        return [upload for upload, form in self.placed if self.planned.accepted and not form.exists]

    @property
    def _bytes_to_send(self) -> int:
        return sum(_left(upload, place) for upload, place in self.placed) if self.planned.accepted else 0

    def show(self, terminal: Terminal) -> None:
        """Say it."""
        for upload, form in self.placed:
            what = "already there" if form.exists else "to upload"
            terminal.say(f"{what:13}  {size(upload.digest.size):>9}  {escape(upload.path, 200)}")
        total = self._bytes_to_send
        accepted = self.planned.accepted
        if accepted is None:
            terminal.say("the server would refuse the package, and nothing would be uploaded:")
            for error in self.planned.errors:
                terminal.say(f"  - {escape(error, 1000)}")
            terminal.say("nothing was done (--dry-run)")
            return
        terminal.say(f"would upload {plural(len(self._to_send), 'file')}, {size(total)}")
        if accepted.unchanged:
            terminal.say(f"unchanged: revision {accepted.revision} is this very package, no new one would be made")
        else:
            terminal.say(f"would publish {self.name} as revision {accepted.revision}, {SEEN[self.findability]}:")
            terminal.say(f"  {self.page}")
        terminal.say("nothing was done (--dry-run)")

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it; `revision` is the one that would be made, or that stands (`unchanged`)."""
        accepted = self.planned.accepted
        owner, _, dataset = self.name.partition("/")
        files = [
            {"path": upload.path, "bytes": upload.digest.size, "sha256": upload.digest.sha256, "exists": form.exists}
            for upload, form in self.placed
        ]
        return {
            "ok": accepted is not None,
            "dry_run": True,
            "owner": owner,
            "dataset": dataset,
            "findability": self.findability,
            "files": files,
            "bytes_to_send": self._bytes_to_send,
            "unchanged": accepted.unchanged if accepted else None,
            "id": accepted.flow_id if accepted else None,
            "revision": accepted.revision if accepted else None,
            "page": self.page,
            "run": f"{self.page}/v/{accepted.revision}" if accepted else None,
            "errors": list(self.planned.errors),
        }


def _left(upload: Upload, place: UploadForm | PartedUpload) -> int:
    """Bytes that are not there."""
    if place.exists:
        return 0
    there = place.there if isinstance(place, PartedUpload) else ()
    return upload.digest.size - sum(upload.hashes.parts[number - 1].size for number in there)
