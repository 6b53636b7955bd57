"""How a command line names a run: `OWNER/NAME`, `OWNER/NAME/REVISION`, or a flow id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.client.datahub import DataHub
from gateway.client.failures import RequestFailure, UsageFailure


@dataclass(frozen=True, slots=True)
class RunName:
    """`revision` is a number, or `latest` where none was given; `owner` a user name or an owner id."""

    owner: str
    dataset: str
    revision: str

    @classmethod
    def read(cls, text: str) -> RunName:
        """Raises UsageFailure."""
        parts = text.strip("/").split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise UsageFailure(f"{text!r} is not OWNER/NAME, OWNER/NAME/REVISION or a flow id")
        return cls(*(*parts, "latest")[:3])

    @classmethod
    def of_dataset(cls, text: str) -> RunName:
        """A dataset, whatever its revision; raises UsageFailure."""
        if text.strip("/").count("/") != 1:
            raise UsageFailure(f"{text!r} is not OWNER/NAME")
        return cls.read(text)

    async def flow(self, hub: DataHub) -> str:
        """The flow id, or what the server takes for one."""
        # `OWNER/NAME/REVISION` and a flow id look the same: a user name is tried first, an owner id is opaque.
        ownerid = await hub.owner_id(self.owner) or self.owner
        return f"{ownerid}/{self.dataset}/{self.revision}"

    @contextmanager
    def expected(self, server: str, hint: str) -> Iterator[None]:
        """`with`: a server's 404 becomes a sentence that names the run and ends with `hint`."""
        try:
            yield
        except RequestFailure as failure:
            if failure.details.get("status") != 404:
                raise
            named = "/".join([self.owner, self.dataset, *([self.revision] if self.revision != "latest" else [])])
            raise RequestFailure(f"there is no {named} at {server}{hint}") from None
