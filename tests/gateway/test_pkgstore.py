"""What readers get of published revisions, and what they do not."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import PurePosixPath

import pytest_asyncio

from tests.gateway.conftest import Gateway, Publisher
from tests.gateway.seeds import Seeds, Table


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


async def test_descriptor_names_each_file_by_an_address_that_gives_its_bytes(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    answer = await gateway.get("/ada/gold/datapackage.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    resource = answer.json()["resources"][0]
    assert resource["path"] == f"{gateway.url}/{ada.id}/gold/1/r/prices.csv"
    async with gateway.client.get(resource["path"]) as download:
        assert await download.read() == b"date,price\n2018-01-01,1.5\n2018-01-02,2\n"
        assert download.headers["Content-Disposition"] == 'attachment; filename="prices.csv"'
        assert download.headers["Content-Type"] == "text/csv"


async def test_older_revision_stays_readable_and_the_newest_is_the_default(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    await seeds.revision(ada.id, "gold", tables=[Table(rows=[("2020-01-01", "9")])])
    for path, rows in (("r/prices.csv", 1), ("r/prices.csv?v=1", 2), ("r/prices.csv?v=2", 1), ("r/0.csv", 1)):
        async with gateway.client.get(f"{gateway.url}/ada/gold/{path}") as download:
            assert len((await download.text()).splitlines()) == rows + 1, path


async def test_version_that_is_none_is_not_found(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    for version in ("0", "3", "-1", "1e3", "x", "99999999999999999999", "２", "1%00"):  # noqa: RUF001 no ASCII digit
        assert (await gateway.get(f"/ada/gold/datapackage.json?v={version}")).status == 404, version


async def test_failed_push_changes_nothing_for_readers(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    await seeds.revision(ada.id, "gold", state="FAILED", tables=[Table(state="FAILED", stage="validate")])
    assert (await gateway.get("/ada/gold/datapackage.json")).json()["resources"][0]["bytes"] == 39
    assert (await gateway.get("/ada/gold/datapackage.json?v=2")).status == 404


PRIVATE_PATHS = (
    *("/ada/{}", "/ada/{}/v/1", "/ada/{}/v/1/report/prices", "/ada/{}/datapackage.json", "/ada/{}/README.md"),
    *("/ada/{}/r/prices.csv", "/ada/{}/r/prices.preview.json", "/ada/{}/r/{}_zip.zip", "/ada/{}/r/0.csv?v=1"),
    *("/{id}/{}/1/datapackage.json", "/{id}/{}/1/r/prices.csv", "/source/{id}/{}/1/events", "/source/{id}/{}/1"),
)


async def test_private_dataset_is_absent_for_all_but_its_owner(
    gateway: Gateway, ada: Publisher, bob: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "plans", findability="private", readme="# Plans")
    for path in PRIVATE_PATHS:
        private, absent = (path.replace("{}", name).replace("{id}", ada.id) for name in ("plans", "nought"))
        for headers in ({}, {"Auth-Token": bob.token}):
            hidden, missing = await gateway.get(private, headers=headers), await gateway.get(absent, headers=headers)
            assert hidden.status == missing.status == 404, path
            assert _without_ids(hidden.json()) == _without_ids(missing.json())
        for headers in ({"Auth-Token": ada.token}, {"Cookie": f"dh_session={ada.token}"}):
            answer = await gateway.get(private, headers=headers)
            assert answer.status in (200, 302), path
            assert answer.headers["Cache-Control"] == "no-store", path


def _without_ids(problem: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in problem.items() if name != "instance"}


async def test_dataset_that_turns_private_hides_its_public_past(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    assert (await gateway.get("/ada/gold/r/prices.csv?v=1")).status == 302
    await seeds.revision(ada.id, "gold", findability="private")
    for path in ("/ada/gold/r/prices.csv?v=1", "/ada/gold", "/ada/gold/v/1"):
        assert (await gateway.get(path)).status == 404


async def test_private_past_of_a_dataset_stays_private_when_it_is_published(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", findability="private")
    await seeds.revision(ada.id, "gold")
    assert (await gateway.get("/ada/gold/r/prices.csv")).status == 302
    assert (await gateway.get("/ada/gold/r/prices.csv?v=1")).status == 404


async def test_unlisted_dataset_is_read_by_whoever_knows_its_address(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "draft", findability="unlisted")
    assert (await gateway.get("/ada/draft/r/prices.csv")).status == 302
    found = await gateway.get("/metastore/search?q=%22draft%22")
    assert found.json()["summary"] == {"total": 0, "totalBytes": 0}


async def test_zip_holds_descriptor_readme_and_data_under_relative_paths(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    tables = [Table(), Table(name="Prices", rows=[("2021-01-01", "3")])]
    await seeds.revision(ada.id, "gold", tables=tables, readme="# Gold\n")
    answer = await gateway.get("/ada/gold/r/gold_zip.zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == ["README.md", "data/1-Prices.csv", "data/prices.csv", "datapackage.json"]
    assert archive.read("README.md") == b"# Gold\n"
    paths = [resource["path"] for resource in json.loads(archive.read("datapackage.json"))["resources"]]
    assert paths == ["data/prices.csv", "data/1-Prices.csv"]
    assert archive.read(paths[1]) == b"date,price\n2021-01-01,3\n"
    assert all(not PurePosixPath(path).is_absolute() for path in paths)


async def test_zip_of_a_large_table_is_whole(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    rows = [(f"2018-01-{day:02d}", str(number)) for number in range(20_000) for day in range(1, 29)]
    await seeds.revision(ada.id, "big", tables=[Table(rows=rows)])
    archive = zipfile.ZipFile(io.BytesIO((await gateway.get("/ada/big/r/big.zip")).body))
    assert archive.read("data/prices.csv") == Table(rows=rows).csv


async def test_head_says_type_and_size_without_a_redirect(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    answer = await gateway.request("HEAD", "/ada/gold/r/prices.csv")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "39"
    assert answer.headers["Content-Type"] == "text/csv"
    assert (await gateway.request("HEAD", "/ada/gold/r/gold.zip")).status == 200
    assert (await gateway.request("HEAD", "/ada/gold/datapackage.json")).status == 200


async def test_known_etag_is_answered_with_not_modified(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    for path in ("r/prices.csv", "datapackage.json", "r/gold.zip"):
        first = await gateway.get(f"/ada/gold/{path}")
        again = await gateway.get(f"/ada/gold/{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b""), path


async def test_original_bytes_and_derived_files_have_addresses_of_their_own(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", tables=[Table(source=b"d;p\n2018;1,5\n")])
    for path, content in (("prices.txt", b"d;p\n2018;1,5\n"), ("prices.source.txt", b"d;p\n2018;1,5\n")):
        async with gateway.client.get(f"{gateway.url}/ada/gold/r/{path}") as download:
            assert await download.read() == content
    async with gateway.client.get(f"{gateway.url}/ada/gold/r/prices.preview.json") as download:
        assert (await download.json())["header"] == ["date", "price"]


async def test_file_that_is_not_there_says_what_is(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    for name, words in {
        "prices.json": "take the CSV",
        "prices.xlsx": "is there as: csv",
        "prices.report.json": "has no report",
        "nothing.csv": "no such resource",
        "1.csv": "no such resource",
        "..%2f..%2fetc": "no such resource",
        "prices.source.csv": "has no source",
    }.items():
        answer = await gateway.get(f"/ada/gold/r/{name}")
        assert answer.status == 404
        assert words in answer.json()["detail"], name


async def test_report_of_a_failed_revision_can_be_downloaded_but_nothing_else_of_it(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    table = Table(state="FAILED", stage="validate", reason="wrong", report={"valid": False, "tasks": []})
    await seeds.revision(ada.id, "gold", state="FAILED", tables=[table])
    assert (await gateway.get("/ada/gold/r/prices.report.json?v=1")).status == 302
    assert (await gateway.get("/ada/gold/r/prices.csv?v=1")).status == 404
    assert (await gateway.get("/ada/gold/r/gold.zip?v=1")).status == 404


async def test_direct_answers_cannot_be_rendered_as_pages_of_this_site(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", readme="<script>alert(1)</script>")
    for path in ("datapackage.json", "README.md", "r/gold.zip", "r/prices.csv"):
        answer = await gateway.get(f"/ada/gold/{path}")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert (await gateway.get("/ada/gold/README.md")).headers["Content-Disposition"].startswith("attachment")
