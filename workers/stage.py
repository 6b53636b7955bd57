"""What a stage is: a function from job and context to an outcome. It knows neither its successor nor the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from messages.datapackage import BlobRef, PublishedFile, Resource
from messages.jobs import StageJob

if TYPE_CHECKING:  # a stage's table can be read without the object store's client (0.5 s to import)
    from messages.blobs import Blobs
    from messages.settings import StoreSettings
    from messages.spool import Spool
    from workers.sandbox import Sandbox

Report = Callable[[int, int | None, str], None]
"""Told how far a stage is: done, total (None: unknown), unit (`bytes` or `rows`). Never waits, never fails."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The stage is done; `resource` is the job's, grown by what was learned."""

    resource: Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The publisher's data is at fault: `reason` is a sentence for them. A result, not an error (design, promise 6)."""

    reason: str
    rule: str
    findings: tuple[Mapping[str, Any], ...] = ()
    errors: int = 1
    report: BlobRef | None = None
    files: tuple[PublishedFile, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def because(cls, finding: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> Rejected:
        """The rejection that one finding of `tabular` (as a JSON object) is."""
        return cls(reason=finding["message"], rule=finding["rule"], findings=(finding,), facts=facts or {})


Outcome = Passed | Rejected


class Refused(Exception):
    """A resource cannot be processed, found out where no outcome can be returned; becomes `Rejected` in `runtime`."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the stages of a process share; `limits` are those of `tabular.limits.Limits` that are set."""

    blobs: Blobs
    spool: Spool
    sandbox: Sandbox
    store: StoreSettings
    limits: Mapping[str, Any] = field(default_factory=dict)


class StageContext:
    """`with`: what one run of a stage may use; `ends_at` is the event loop's time."""

    def __init__(self, tools: Tools, ends_at: float, report: Report) -> None:
        self.tools = tools
        self.ends_at = ends_at
        self.report = report
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @cached_property
    def workdir(self) -> Path:
        """A private directory that goes with the context; made at the first use, for it costs milliseconds."""
        return self._stack.enter_context(self.tools.spool.workdir())

    @asynccontextmanager
    async def checkout(self, blob: BlobRef) -> AsyncIterator[Path]:
        """A local path with the blob's proven bytes; from the object store only where the spool has none."""

        async def fetch(path: Path) -> None:
            found = await self.tools.blobs.download(blob, path, progress=self.reporting(blob.size, "bytes"))
            if found.sha256 != blob.sha256:
                # load proved these bytes; whoever holds a signed form may have written others since.
                raise Refused("integrity", f"The file {blob.key} was replaced while it was being published.")

        async with self.tools.spool.checkout(blob, fetch) as path:
            yield path

    async def compute(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """Runs a function of `workers.stages.tables` in the sandbox, within the stage's deadline."""
        remaining = self.ends_at - asyncio.get_running_loop().time()
        return await self.tools.sandbox.run(
            function, arguments, workdir=self.workdir, deadline=max(remaining, 0.0), report=self.report
        )

    async def keep(self, path: Path, content: BlobRef, mediatype: str = "text/csv") -> None:
        """Keeps bytes that a stage made, at `path` in the workdir, for the stages after it: here and in the store."""
        assert content.sha256 is not None
        self.tools.spool.add(path, content.sha256)
        if await self.tools.blobs.head(content.bucket, content.key) is None:
            await self.tools.blobs.put_file(content, path, mediatype, self.reporting(content.size, "bytes"))

    def reporting(self, total: int | None, unit: str) -> Callable[[int], None]:
        """A progress function that only needs to be told how much is done."""
        return lambda done: self.report(done, total, unit)


StageFunction = Callable[[StageJob, StageContext], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A row of the pipeline. `preload` is imported in the fork server ahead of its first job."""

    name: str
    function: StageFunction
    preload: tuple[str, ...] = ()
