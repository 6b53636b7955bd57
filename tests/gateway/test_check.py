"""`dh-server check` on a real store and database: each thing is broken once, and what is needed is never swept."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy import checkcommand
from deploy.audit import Audit
from deploy.server import parser
from deploy.sweep import Leftovers, Sweep
from gateway.acceptance import Offer, SweptMeanwhile, accept, last_sweep
from gateway.auth.audit import OPERATOR, Origin
from gateway.auth.rights import Actor
from gateway.runs import rerun
from gateway.spec import read_spec
from gateway.uploads import find_uploads, posted_spec
from messages.blobs import Blobs, StoredObject
from messages.multipart import SMALLEST
from messages.settings import Settings
from messages.usage import used
from tests.gateway.conftest import CSV, Publisher, spec_of, waits_for_a_lock
from tests.gateway.seeds import Seeds, Table

NOW = timedelta()
"""An age that everything has."""


@pytest_asyncio.fixture
async def seeds(ada: Publisher) -> Seeds:
    """Ada's dataset `prices` with two published revisions that share a table, and a `datapackage.json` of each."""
    seeds = Seeds(ada.gateway.pool, ada.gateway.parts.blobs)
    for revision in (1, 2):
        tables = [Table(), Table(name="notes", source=b"raw")][:revision]
        await seeds.revision(ada.id, "prices", tables=tables)
        await describe(seeds, f"{ada.id}/prices/{revision}")
    return seeds


async def describe(seeds: Seeds, flow_id: str) -> None:
    package = await seeds.pool.fetchval("select package from flow where id = $1", flow_id)
    await seeds.blobs.put("pkgstore", f"{flow_id}/datapackage.json", json.dumps(package).encode(), "application/json")


def stored(key: str) -> StoredObject:
    return StoredObject(bucket="pkgstore", key=key, size=0, modified=datetime.now(UTC))


async def damages(seeds: Seeds, *, fast: bool = False) -> list[tuple[str, str]]:
    """Kind and object or row of what is wrong, the owner's id left out."""
    found = await Audit(seeds.pool, seeds.blobs, fast=fast).run()
    return sorted((damage.kind, damage.what) for damage in found.damages)


async def keys(blobs: Blobs, owner: str, *buckets: str) -> list[str]:
    return sorted(
        [
            found.key.removeprefix(f"{owner}/")
            for bucket in buckets or ("rawstore", "pkgstore")
            async for found in blobs.objects(bucket)
            if found.key.startswith(owner)
        ]
    )


async def left(seeds: Seeds, owner: str) -> Leftovers:
    """What a sweep of everything, whatever its age, would take of this owner's."""
    found = await Sweep(seeds.pool, seeds.blobs, NOW).look()
    return Leftovers(objects=[each for each in found.objects if each.key.startswith(owner)])


async def test_what_was_published_is_sound(ada: Publisher, seeds: Seeds) -> None:
    found = await Audit(seeds.pool, seeds.blobs).run()
    # Two descriptors; data and preview of `prices` once, though both revisions have them; `notes` has the same preview.
    assert (found.damages, found.revisions, found.objects) == ([], 2, 2 + 2 + 2)
    assert (await left(seeds, ada.id)).objects == []


async def test_every_damaged_object_is_named(ada: Publisher, seeds: Seeds) -> None:
    resource = await seeds.pool.fetchval("select resource from flow_resource where name = 'notes'")
    data, preview, source = [file["blob"]["key"] for file in resource["files"]]
    blobs, descriptor = seeds.blobs, f"{ada.id}/prices/1/datapackage.json"
    await blobs.put("pkgstore", data, b"x" * resource["files"][0]["blob"]["size"], "text/csv")
    await blobs.put("pkgstore", preview, b"longer or shorter", "text/csv")
    await blobs.delete(stored(source))
    await blobs.put("pkgstore", descriptor, b"{}", "application/json")
    await blobs.delete(stored(f"{ada.id}/prices/2/datapackage.json"))
    whole = [
        ("altered", f"pkgstore/{data}"),
        ("altered", f"pkgstore/{preview}"),
        ("altered", f"pkgstore/{descriptor}"),
        ("missing", f"pkgstore/{source}"),
        ("missing", f"pkgstore/{ada.id}/prices/2/datapackage.json"),
    ]
    assert await damages(seeds) == sorted(whole)
    assert await damages(seeds, fast=True) == sorted(whole[1:])


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("delete from flow_resource where flow_id like '%/1'", "flow-without-resources"),
        ("update flow_resource set state = 'FAILED' where flow_id like '%/1'", "published-in-part"),
        ("update dataset set published_revision = 1", "wrong-published-revision"),
        ("update dataset set last_revision = 3", "revisions-not-contiguous"),
        ("update metadata set revision = 9", "found-but-not-published"),
        ("delete from metadata", "published-but-not-found"),
        ("update flow set package = jsonb_set(package, '{resources,0,hash}', '\"x\"')", "descriptor-differs"),
        ("insert into delivery (queue, message_id, body) values ('nobody', '', '')", "delivery-without-queue"),
        (
            "insert into event_log select 'e', 'k', now(), 'o/d/1', 'o', 'o', 'd', 'published', '{}'",
            "event-of-no-flow",
        ),
    ],
)
async def test_every_orphan_row_is_named(seeds: Seeds, statement: str, kind: str) -> None:
    await seeds.pool.execute("update flow set finished_at = now() - interval '2 hours'")
    assert await damages(seeds) == []
    await seeds.pool.execute(statement)
    assert kind in {found for found, _ in await damages(seeds)}


async def test_only_what_nothing_needs_is_swept(ada: Publisher, seeds: Seeds) -> None:
    blobs, pool = seeds.blobs, seeds.pool
    await ada.push("moving")  # its upload, and what its stages make, are needed
    await ada.upload(b"never,posted\n1,2\n")
    await blobs.put("rawstore", f"{ada.id}/derived/{'0' * 64}", b"of a run that moves", "text/csv")
    await blobs.put("pkgstore", f"{ada.id}/moving/data/1/x.csv", b"of a run that moves", "text/csv")
    await blobs.put("pkgstore", f"{ada.id}/prices/data/1/x.csv", b"of a run that failed", "text/csv")
    await blobs.put("pkgstore", f"{ada.id}/prices/3/datapackage.json", b"{}", "application/json")
    await blobs.put("rawstore", f"{'f' * 32}/data", b"no account of ours", "text/csv")
    before = await keys(blobs, ada.id)
    sweep, found = Sweep(pool, blobs, NOW), await left(seeds, ada.id)
    gone = [each.key.removeprefix(f"{ada.id}/") for each in await sweep.sweep(found)]
    assert len([key for key in gone if "/" not in key]) == 1  # the upload that nobody posted
    assert sorted(key for key in gone if "/" in key) == ["prices/3/datapackage.json", "prices/data/1/x.csv"]
    assert await keys(blobs, ada.id) == sorted(set(before) - set(gone))
    assert await keys(blobs, "f" * 32) == ["data"]
    assert await damages(seeds) == []

    await pool.execute("update flow set state = 'FAILED', finished_at = now() where dataset = 'moving'")
    gone = [each.key.removeprefix(f"{ada.id}/") for each in await sweep.sweep(await left(seeds, ada.id))]
    assert sorted(gone) == [f"derived/{'0' * 64}", "moving/data/1/x.csv"]
    await rerun(pool, f"{ada.id}/moving/1", OPERATOR)  # what it was pushed with is still there
    resource = await pool.fetchval("select resource from flow_resource where flow_id like '%moving/1'")
    assert await blobs.head("rawstore", resource["source"]["key"]) is not None


async def test_what_was_swept_is_on_nobodys_account(ada: Publisher, seeds: Seeds) -> None:
    await ada.upload(b"never,posted\n1,2\n")
    query = "insert into stored_content (ownerid, content, size) values ($1, 'a report of a run that ran again', 77)"
    await seeds.pool.execute(query, ada.id)
    await Sweep(seeds.pool, seeds.blobs, NOW).sweep(await left(seeds, ada.id))
    assert await used(seeds.pool, ada.id) == 0


async def test_what_is_younger_than_a_day_is_left_alone(ada: Publisher, seeds: Seeds) -> None:
    await ada.upload(b"never,posted\n1,2\n")
    upload = await seeds.blobs._client.create_multipart_upload(Bucket="pkgstore", Key=f"{ada.id}/prices/data/2/big.csv")
    found = await Sweep(seeds.pool, seeds.blobs).look()
    assert [each for each in found.objects if each.key.startswith(ada.id)] == []
    parts = [each for each in (await left(seeds, ada.id)).objects if each.upload is not None]
    assert [each.upload for each in parts] == [upload["UploadId"]]
    await Sweep(seeds.pool, seeds.blobs, NOW).sweep(Leftovers(objects=parts))
    assert [each async for each in seeds.blobs.uploads("pkgstore") if each.key.startswith(ada.id)] == []


async def test_upload_in_parts_is_as_old_as_its_last_part(ada: Publisher, seeds: Seeds) -> None:
    """A large file on a slow line takes days; what was given up is swept."""
    content = bytes(SMALLEST) + b"end"
    urls = (await ada.open_upload(content)).json()["urls"]
    found = [each for each in (await left(seeds, ada.id)).objects if each.upload]
    assert [each.size for each in found] == [0]
    await asyncio.sleep(1.1)  # a store tells times in seconds
    async with ada.gateway.client.put(urls[1]["url"], data=b"end", headers=urls[1]["headers"]) as answer:
        assert answer.status == 200
    (again,) = [each for each in (await left(seeds, ada.id)).objects if each.upload]
    assert (again.size, again.modified > found[0].modified) == (len(b"end"), True)
    assert await Sweep(seeds.pool, seeds.blobs).sweep(Leftovers(objects=[again])) == []
    assert (await ada.open_upload(content)).json()["there"] == [2]
    assert await Sweep(seeds.pool, seeds.blobs, NOW).sweep(Leftovers(objects=[again])) == [again]
    assert (await ada.open_upload(content)).json()["there"] == []


async def test_upload_that_came_anew_since_the_look_stays(ada: Publisher, seeds: Seeds) -> None:
    await ada.upload(CSV + b"3,4\n")
    found = await left(seeds, ada.id)
    await asyncio.sleep(1.1)  # a store tells times in seconds
    await ada.upload(CSV + b"3,4\n")
    assert await Sweep(seeds.pool, seeds.blobs, NOW).sweep(found) == []


# the race of a push with a sweep


async def test_push_that_found_its_upload_just_before_it_was_swept_looks_again(ada: Publisher, seeds: Seeds) -> None:
    parts, url = ada.gateway.parts, await ada.upload(b"a\n1\n")
    spec = read_spec(spec_of(ada.id, "race", {"data.csv": url}))
    swept = await last_sweep(parts.pool, ada.id)
    resources = await find_uploads(parts.blobs, parts.settings.store, ada.id, spec)
    assert len(await Sweep(parts.pool, parts.blobs, NOW).sweep(await left(seeds, ada.id))) == 1
    posted = posted_spec(spec, parts.settings.store, ada.id, "ada")
    ours: dict[str, Any] = {"origin": Origin(actor=Actor(account=ada.account)), "owner": ada.account, "spec": spec}
    offer = Offer(**ours, posted=posted, resources=resources, fingerprint="of no interest")
    with pytest.raises(SweptMeanwhile):
        await accept(parts.pool, offer, swept)
    answer = (await ada.post_spec(spec_of(ada.id, "race", {"data.csv": url}))).json()
    assert (answer["success"], "was never uploaded" in answer["errors"][0]) == (False, True)
    assert await parts.pool.fetchval("select count(*) from flow where dataset = 'race'") == 0


async def test_push_waits_for_a_sweep_and_a_sweep_sees_the_push(ada: Publisher, seeds: Seeds) -> None:
    pool, url = ada.gateway.pool, await ada.upload(b"b\n1\n")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from account where id = $1 for update", ada.id)  # as a sweep holds it
        pushing = asyncio.create_task(ada.post_spec(spec_of(ada.id, "race", {"data.csv": url})))
        await waits_for_a_lock(ada.gateway)
        found = await left(seeds, ada.id)
        assert len(found.objects) == 1
    assert (await pushing).json()["success"] is True
    assert await Sweep(pool, seeds.blobs, NOW).sweep(found) == []


async def test_sweep_waits_for_a_push_that_is_being_committed(ada: Publisher, seeds: Seeds) -> None:
    pool, url = ada.gateway.pool, await ada.upload(b"c\n1\n")
    found = await left(seeds, ada.id)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from account where id = $1 for key share", ada.id)  # as a push holds it
        sweeping = asyncio.create_task(Sweep(pool, seeds.blobs, NOW).sweep(found))
        await waits_for_a_lock(ada.gateway)
        answer = await ada.post_spec(spec_of(ada.id, "race", {"data.csv": url}))
    assert (answer.json()["success"], len(found.objects), await sweeping) == (True, 1, [])


async def test_the_command_says_what_it_finds_and_ends_accordingly(
    ada: Publisher, seeds: Seeds, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = await checkcommand.check(parser().parse_args(["check", *words]), settings)
        said = capsys.readouterr().out
        # A stream of an earlier test's gateway may log its end here: the answer is what begins with a brace.
        return code, json.loads(said[said.index("{\n") :]) if "--json" in words else said

    code, text = await run("--sweep")
    assert (code, "hashes compared: 0 damages" in text) == (0, True)
    code, told = await run("--json", "--fast", "--sweep", "--dry-run")
    assert (code, told["ok"], told["revisions"], told["hashed"], told["swept"]) == (0, True, 2, False, None)
    await seeds.pool.execute("update dataset set last_revision = 7")
    code, text = await run("--fast")
    assert (code, "revisions-not-contiguous: dataset" in text) == (1, True)
    code, told = await run("--json", "--fast")
    assert (code, told["ok"], told["damages"][0]["kind"]) == (1, False, "revisions-not-contiguous")
