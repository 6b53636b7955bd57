"""Dead letters in an operator's hands: each comes back once, as what it means, and everybody can read what was done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from deploy import deadletterscommand
from deploy.deadletters import Act, Choice, DeadLetters, Outcome
from deploy.server import parser
from gateway.auth.audit import OPERATOR
from gateway.runs import cancel, rerun
from messages.datapackage import FlowRef, Resource
from messages.envelope import Message
from messages.errors import PermanentError
from messages.events import PackagePublished
from messages.jobs import StageJob
from messages.settings import from_env
from messages.stageevents import StageRejected
from messages.transport.port import Ack, DeadLetterRecord
from messages.transport.postgres import PostgresTransport
from messages.transport.trail import Attempt
from tests.turns import say_all
from tests.workers.floor import PUBLIC_URL, File, Floor, delivered, job
from tests.workers.test_writers import FILES, dumped, moved, published, refused, tell
from workers.writers.deadletters import DeadLetterWriter
from workers.writers.metastore import MetadataWriter
from workers.writers.pkgstore import PackageWriter

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
REPLAY = Act(name="replay", by="olga@host", why="mended")
DISCARD = Act(name="discard", by="olga@host")


@dataclass(frozen=True, slots=True)
class Morgue:
    """A flow of two resources, whose dead letters come in by the writer and go out by the tool."""

    floor: Floor
    writer: PackageWriter
    letters: DeadLetters
    flow: FlowRef
    resources: list[Resource]

    async def bury(self, message: Message, queue: str, *errors: str, reason: str = "") -> str:
        """A message that died in a queue, as the transports hand it over; its id."""
        trail = tuple(Attempt(number=n, at=f"2026-11-26T00:00:0{n}", error=e) for n, e in enumerate(errors, 1))
        record = DeadLetterRecord(
            id=f"{queue}-{message.id}",
            body=message.encode(),
            message=message,
            queue=queue,
            reason=reason or errors[-1],
            attempts=len(errors),
            trail=trail,
        )
        assert await DeadLetterWriter(self.floor.pool).handle(record) == Ack()
        return record.id

    async def bury_job(self, resource: Resource, stage: str = "validate") -> str:
        """A job of a stage that died, and the end of its resource for it."""
        id = await self.bury(job(self.flow, resource, stage).to_message(), f"dh.job.{stage}", "MemoryError", "KeyError")
        said = [each for each in await self.floor.said() if each.kind == StageRejected.KIND]
        await tell(self.writer, *said)
        await self.floor.pool.execute("delete from outbox")
        return id

    async def replay(self, *ids: str, dry_run: bool = False) -> list[Outcome]:
        return await self.letters.act(ids, REPLAY, dry_run=dry_run)

    async def state(self) -> str:
        """The flow's."""
        state: str = (await self.floor.flow(self.flow))["state"]
        return state

    async def jobs(self) -> list[tuple[str, int]]:
        """The resources and rounds of the jobs in the outbox, and of those that wait."""
        await say_all(self.floor.pool)
        said = [message for message in await self.floor.said() if message.is_job]
        return [(each.resource.name, each.round) for each in map(StageJob.from_message, said)]


@pytest_asyncio.fixture
async def morgue(floor: Floor, database_url: str) -> AsyncIterator[Morgue]:
    transport = PostgresTransport(database_url)
    await transport.declare()
    flow, resources = await floor.accept(FILES)
    writer = PackageWriter(floor.pool, floor.blobs, PUBLIC_URL)
    yield Morgue(floor, writer, DeadLetters(floor.pool, transport.put), flow, resources)
    await transport.close()


async def test_a_dead_letter_keeps_the_trail_and_a_new_death_adds_to_it(morgue: Morgue) -> None:
    message = job(morgue.flow, morgue.resources[0], "validate").to_message()
    for _ in range(2):  # the same death told twice is one
        id = await morgue.bury(message, "dh.job.validate", "MemoryError", f"token {JWT}")
    row = await morgue.letters.read(id)
    assert row is not None
    assert [(entry["number"], entry["error"]) for entry in row["trail"]] == [
        (1, "MemoryError"),
        (2, "token [redacted]"),
    ]
    assert (row["state"], row["owner"], row["flow_id"]) == ("waiting", "alice", morgue.flow.id)
    await morgue.letters.act([id], DISCARD)
    await morgue.bury(message, "dh.job.validate", "KeyError")
    again = await morgue.letters.read(id)
    assert again is not None
    assert [entry["error"] for entry in again["trail"]] == ["MemoryError", "token [redacted]", "KeyError"]
    assert (again["state"], again["reason"], len(again["acts"])) == ("waiting", "KeyError", 1)
    assert again["first_at"] == row["first_at"] < again["last_at"]


async def test_replaying_the_job_of_a_failed_flow_runs_it_again_once(morgue: Morgue) -> None:
    a, b = morgue.resources
    await tell(morgue.writer, dumped(morgue.flow, b))
    id = await morgue.bury_job(a)
    assert await morgue.state() == "FAILED"
    planned = await morgue.replay(id, dry_run=True)
    assert (await morgue.state(), await morgue.jobs()) == ("FAILED", [])
    outcomes = await asyncio.gather(*(morgue.replay(id) for _ in range(5)))
    done = [outcome for (outcome,) in outcomes if outcome.done]
    assert done == planned == [Outcome(id=id, done=True, words=f"runs again: a of {morgue.flow.id}")]
    assert {outcome.words for (outcome,) in outcomes if not outcome.done} == {"was replayed before"}
    assert (await morgue.state(), await morgue.jobs()) == ("QUEUED", [("a", 1)])
    row = await morgue.letters.read(id)
    assert row is not None
    assert [(act["act"], act["by"], act["why"]) for act in row["acts"]] == [("replay", "olga@host", "mended")]
    await tell(morgue.writer, dumped(morgue.flow, a, round=1), dumped(morgue.flow, a))
    assert await morgue.state() == "SUCCEEDED"
    published = [message for message in await morgue.floor.said() if message.kind == PackagePublished.KIND]
    assert len(published) == 1


async def test_letters_of_one_flow_bring_it_back_together_and_a_dry_run_says_so(morgue: Morgue) -> None:
    ids = [await morgue.bury_job(resource) for resource in morgue.resources]
    planned = await morgue.replay(*ids, dry_run=True)
    assert await morgue.replay(*ids) == planned
    assert [outcome.words.partition(":")[0] for outcome in planned] == ["runs again", "nothing to do"]
    assert await morgue.jobs() == [("a", 1), ("b", 1)]


async def test_replaying_an_event_of_the_package_store_runs_what_it_gave_up(morgue: Morgue) -> None:
    a, b = morgue.resources
    await tell(morgue.writer, dumped(morgue.flow, a))
    id = await morgue.bury(dumped(morgue.flow, b), "dh.writer.pkgstore", "KeyError")
    assert await morgue.state() == "FAILED"
    await morgue.floor.pool.execute("delete from outbox")
    (outcome,) = await morgue.replay(id)
    assert (outcome.done, await morgue.state(), await morgue.jobs()) == (True, "QUEUED", [("b", 1)])


async def test_replaying_an_event_that_search_could_not_take_makes_it_found(morgue: Morgue) -> None:
    package = {"title": "Towns", "resources": []}
    await morgue.floor.pool.execute("update flow set package = $1, state = 'SUCCEEDED', finished_at = now()", package)
    message, queue = published(morgue.flow), "dh.writer.metastore"
    id = await morgue.bury(message, queue, "KeyError")
    assert [outcome.done for outcome in (*await morgue.replay(id), *await morgue.replay(id))] == [True, False]
    (row,) = await morgue.floor.pool.fetch("select queue, body from delivery")
    assert (row["queue"], row["body"]) == (queue, message.encode())
    await MetadataWriter(morgue.floor.pool).write(delivered(Message.decode(row["body"])))
    assert await morgue.floor.pool.fetchval("select count(*) from metadata") == 1
    assert await morgue.state() == "SUCCEEDED"


async def test_what_has_moved_on_is_left_alone(morgue: Morgue) -> None:
    a, b = morgue.resources
    early = await morgue.bury(job(morgue.flow, a, "dump").to_message(), "dh.job.dump", "KeyError")
    (outcome,) = await morgue.replay(early)  # nobody has ended its resource yet
    assert (outcome.done, outcome.words) == (False, "its flow is just being ended: again in a moment")
    id = await morgue.bury_job(a)
    await cancel(morgue.floor.pool, morgue.flow.id, OPERATOR)
    await rerun(morgue.floor.pool, morgue.flow.id, OPERATOR)
    await tell(morgue.writer, refused(morgue.flow, a, round=1), dumped(morgue.flow, b, round=1))
    await morgue.floor.pool.execute("delete from outbox")
    outcomes = [*await morgue.replay(id), *await morgue.replay(early)]
    assert {outcome.words.partition(":")[0] for outcome in outcomes} == {"nothing to do"}
    assert (await morgue.state(), await morgue.jobs()) == ("FAILED", [])


async def test_message_that_no_stage_understands_fails_the_flow_that_it_names(morgue: Morgue) -> None:
    broken = replace(job(morgue.flow, morgue.resources[0]).to_message(), data={"resource": {"index": 0}})
    with pytest.raises(PermanentError):
        StageJob.from_message(broken)
    await morgue.bury(broken, "dh.job.load", "DecodeError")
    row = await morgue.floor.flow(morgue.flow)
    assert (row["state"], "Trouble on our side" in row["reason"]) == ("FAILED", True)


async def test_letters_are_chosen_by_queue_owner_and_reason(morgue: Morgue) -> None:
    a, b = morgue.resources
    first = await morgue.bury(job(morgue.flow, a, "load").to_message(), "dh.job.load", "KeyError: 'x'")
    second = await morgue.bury(moved(morgue.flow, b, "load"), "dh.writer.metastore", "OSError: disk")
    for choice, ids in (
        (Choice(), {first, second}),
        (Choice(queue="dh.job.load"), {first}),
        (Choice(owner="ALICE"), {first, second}),
        (Choice(owner=morgue.flow.ownerid, reason="DISK"), {second}),
        (Choice(owner="bob"), set()),
        (Choice(reason="100%"), set()),
        (Choice(ids=[first], queue="dh.writer.metastore"), set()),
    ):
        assert {row["id"] for row in await morgue.letters.find(choice)} == ids, choice
    await morgue.letters.act([first], DISCARD)
    assert [row["id"] for row in await morgue.letters.find(Choice())] == [second]
    assert (await morgue.replay(first))[0].words == "was discarded before"


async def test_commands_say_everything_but_secrets(
    morgue: Morgue, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = f"postgresql://app:hunter2@db/x {JWT} X-Amz-Signature=0123abcd"
    flow, (resource,) = await morgue.floor.accept(
        [File(name="c", content=b"id\n1\n", descriptor={"notes": secret, "api_token": "hunter3", "evil": "\x1b[31m"})],
        dataset="other",
    )
    id = await morgue.bury(job(flow, resource).to_message(), "dh.job.load", f"died of {secret}")
    store = morgue.floor.blobs.settings
    settings = from_env(
        {
            "DATABASE_URL": database_url,
            "S3_ENDPOINT_URL": store.endpoint_url,
            "S3_ACCESS_KEY": store.access_key,
            "S3_SECRET_KEY": store.secret_key,
        }
    )

    capsys.readouterr()  # the log is redacted where it is configured

    async def run(*words: str) -> tuple[int, Any]:
        arguments = parser().parse_args(["dead-letters", *words])
        function = {"list": "list_chosen", "show": "show"}.get(words[0], "act")
        code: int = await getattr(deadletterscommand, function)(arguments, settings)
        said = capsys.readouterr()
        for hidden in ("hunter2", "hunter3", JWT, "0123abcd", "\x1b"):
            assert hidden not in said.out + said.err
        return code, json.loads(said.out) if "--json" in words else said.out + said.err

    assert [row["id"] for row in (await run("list", "--json"))[1]] == [id]
    code, text = await run("list")
    assert (code, "1 dead letter" in text, "attempts 1, waiting: died of" in text) == (0, True, True)
    code, letter = await run("show", id, "--json")
    assert (letter["message"]["type"], letter["trail"][0]["number"]) == ("job.load", 1)
    code, text = await run("show", id)
    assert (code, '"type": "job.load"' in text) == (0, True)
    assert (await run("show", "nobody"))[0] == 1
    assert (await run("replay"))[0] == 2
    assert (await run("replay", "nobody"))[0] == 1
    code, told = await run("discard", "--reason", "died of", "--dry-run", "--json")
    assert (code, told["done"], told["dry_run"]) == (0, 1, True)
    code, text = await run("discard", "--all", "--why", "a test", "--by", "olga")
    assert (code, "1 of 1 discarded" in text) == (0, True)
    code, text = await run("discard", id)
    assert (code, "was discarded before" in text, "0 of 1 discarded" in text) == (0, True, True)
