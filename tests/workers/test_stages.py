"""Each stage on good bytes and bad ones, on a real object store."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.leftout import left_out
from messages.datapackage import PublishedFile, Resource
from messages.errors import PermanentError
from messages.jobs import STAGES
from messages.settings import StoreSettings
from tests.workers import floor as floors
from tests.workers.floor import File, passed, through, upload
from workers.stage import Outcome, Rejected, Tools

CSV = "id,name\n1,Ærø\n2,Łódź\n".encode()
TYPED = {"schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}}


def facts_of(outcome: Rejected) -> dict[str, Any]:
    """As they come out of the database."""
    return {"validate": json.loads(json.dumps(dict(outcome.facts)))}


def rejected(outcome: Outcome) -> Rejected:
    assert isinstance(outcome, Rejected), outcome
    return outcome


async def run(tools: Tools, ownerid: str, file: File, last: str = "dump") -> Outcome:
    resource = await upload(tools.blobs, ownerid, file)
    return await through(STAGES[: STAGES.index(last) + 1], resource, tools, ownerid)


def the(resource: Resource, role: str) -> PublishedFile:
    return next(file for file in resource.files if file.role == role)


async def content_of(tools: Tools, file: PublishedFile) -> bytes:
    return await tools.blobs.get(file.blob)


# load


async def test_load_proves_the_bytes_and_keeps_the_version(tools: Tools, random_ownerid: str) -> None:
    md5 = hashlib.md5(CSV).hexdigest()  # noqa: S324 an ETag, by the rule of S3
    resource = passed(await run(tools, random_ownerid, File(name="towns", content=CSV), "load"))
    assert resource.source.sha256 == hashlib.sha256(CSV).hexdigest()
    assert resource.descriptor["bytes"] == len(CSV)
    assert resource.descriptor["hash"] == f"sha256:{hashlib.sha256(CSV).hexdigest()}"
    assert resource.facts["load"]["etag"] == md5
    assert resource.content is None


@pytest.mark.parametrize(
    ("file", "rule", "words"),
    [
        (File(name="a", content=b"never there", uploaded=False), "object-missing", "never uploaded"),
        (File(name="a", content=CSV, declared_size=999), "size-mismatch", "999"),
        (File(name="a", content=CSV, descriptor={"bytes": 3}), "integrity", "declared was 3"),
        (File(name="a", content=CSV, descriptor={"hash": "f" * 32}), "integrity", "f" * 32),
        (File(name="a", content=CSV, descriptor={"hash": "sha256:" + "e" * 64}), "integrity", "e" * 64),
        (File(name="a", content=gzip.compress(CSV)[:-9], path="a.csv.gz"), "corrupt-archive", "truncated"),
        (File(name="a", content=CSV, path="a.csv.gz"), "corrupt-archive", "not a gzip"),
    ],
)
async def test_load_rejects(tools: Tools, random_ownerid: str, file: File, rule: str, words: str) -> None:
    outcome = rejected(await run(tools, random_ownerid, file, "load"))
    assert outcome.rule == rule
    assert words in outcome.reason


async def test_load_accepts_a_declared_hash_that_is_right(tools: Tools, random_ownerid: str) -> None:
    md5 = hashlib.md5(CSV).hexdigest()  # noqa: S324 what old clients declare
    for text in (md5, "sha256:" + hashlib.sha256(CSV).hexdigest().upper(), "sha1:unchecked"):
        passed(await run(tools, random_ownerid, File(name="a", content=CSV, descriptor={"hash": text}), "load"))


def zip_of(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv", content)
    return packed.getvalue()


@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, "gz"), (zip_of, "zip")])
async def test_packed_table_is_opened_and_its_source_published_beside_it(
    tools: Tools, random_ownerid: str, pack: floors.Pack, suffix: str
) -> None:
    packed = pack(CSV)
    resource = passed(await run(tools, random_ownerid, File(name="towns", content=packed, path=f"towns.csv.{suffix}")))
    assert await content_of(tools, the(resource, "data")) == CSV
    assert await content_of(tools, the(resource, "source")) == packed
    assert the(resource, "source").filename == f"towns.csv.{suffix}"
    assert resource.content is not None
    head = await tools.blobs.head("rawstore", f"{random_ownerid}/derived/{hashlib.sha256(CSV).hexdigest()}")
    assert head is not None


async def test_gzip_bomb_is_refused(tools: Tools, random_ownerid: str) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    outcome = rejected(await run(tools, random_ownerid, File(name="a", content=bomb, path="a.csv.gz"), "load"))
    assert outcome.rule == "too-large-decompressed"


# encoding


async def test_encoding_makes_a_utf8_copy_only_where_it_is_needed(tools: Tools, random_ownerid: str) -> None:
    utf8 = passed(await run(tools, random_ownerid, File(name="a", content=CSV), "encoding"))
    assert (utf8.content, utf8.descriptor["encoding"]) == (None, "utf-8")
    text = "id,name\n1,Ærø\n2,Tórshavn\n"
    file = File(name="b", content=text.encode("iso8859-1"), descriptor={"encoding": "iso-8859-1"})
    resource = passed(await run(tools, random_ownerid, file))
    assert resource.facts["encoding"]["encoding"] == "iso8859-1"
    assert resource.descriptor["encoding"] == "utf-8"
    assert (await content_of(tools, the(resource, "data"))).decode() == text
    assert await content_of(tools, the(resource, "source")) == file.content


async def test_wrong_declared_encoding_is_rejected_with_the_offset(tools: Tools, random_ownerid: str) -> None:
    file = File(name="a", content=b"id\n1\n\xe6\n", descriptor={"encoding": "utf-8"})
    outcome = rejected(await run(tools, random_ownerid, file, "encoding"))
    assert outcome.rule == "encoding-error"
    assert outcome.findings[0]["byte_offset"] == 5


# csvkind


async def test_csvkind_finds_the_dialect_and_keeps_a_declared_one(tools: Tools, random_ownerid: str) -> None:
    found = passed(await run(tools, random_ownerid, File(name="a", content=b"a;b\n1;2\n3;4\n"), "csvkind"))
    assert found.descriptor["dialect"]["delimiter"] == ";"
    assert found.facts["csvkind"]["columns"] == 2
    declared = File(name="b", content=b"a;b\n1;2\n3;4\n", descriptor={"dialect": {"delimiter": ","}})
    kept = passed(await run(tools, random_ownerid, declared, "csvkind"))
    assert kept.descriptor["dialect"]["delimiter"] == ","


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty-file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not-csv"),
        (b"<!DOCTYPE html><html><body>sorry</body></html>", "not-csv"),
        (b"a,b\n1,\x002\n", "nul-byte"),
        (b'a,b\n1,"never closed\n2,3\n', "unterminated-quote"),
        (b"a\n" + b"x" * 50_000_000 + b"\n", "cell-too-large"),
    ],
    ids=["empty", "png", "html", "nul", "quote", "50 MB cell"],
)
async def test_what_is_no_readable_csv_is_named(tools: Tools, random_ownerid: str, content: bytes, rule: str) -> None:
    outcome = rejected(await run(tools, random_ownerid, File(name="a", content=content), "csvkind"))
    assert outcome.rule == rule


# validate


async def test_validate_counts_rows_and_infers_a_schema(tools: Tools, random_ownerid: str) -> None:
    resource = passed(await run(tools, random_ownerid, File(name="a", content=CSV), "validate"))
    assert resource.rows == 2
    assert [field["type"] for field in resource.descriptor["schema"]["fields"]] == ["integer", "string"]
    report = json.loads(await content_of(tools, the(resource, "report")))
    assert report["valid"] is True


async def test_validate_tells_every_wrong_cell_and_keeps_the_report(tools: Tools, random_ownerid: str) -> None:
    file = File(name="a", content=b"id,name\nx,a\n2,b\ny,c,extra\n", descriptor=TYPED)
    outcome = rejected(await run(tools, random_ownerid, file, "validate"))
    assert (outcome.rule, outcome.errors) == ("type-error", 3)
    assert [(item["rule"], item["row"], item["line"], item["byte_offset"]) for item in outcome.findings] == [
        ("type-error", 2, 2, 8),
        ("extra-cell", 4, 4, 16),
        ("type-error", 4, 4, 16),
    ]
    assert "3 errors" in outcome.reason
    assert outcome.report is not None
    report = json.loads(await tools.blobs.get(outcome.report))
    assert report["stats"]["errors"] == 3


async def test_validate_counts_every_error_beyond_the_report_and_lists_them(tools: Tools, random_ownerid: str) -> None:
    limited = replace(tools, limits={"errors": 2, "listed_errors": 3, "listed_rows": 2})
    file = File(name="a", content=b"id,name\n" + b"x,a\n" * 5, descriptor=TYPED)
    outcome = rejected(await run(limited, random_ownerid, file, "validate"))
    assert outcome.report is not None
    report = json.loads(await tools.blobs.get(outcome.report))
    assert (report["stats"]["errors"], outcome.errors, outcome.facts["bad_rows"]) == (2, 5, 5)
    assert "5 errors" in outcome.reason
    notes = left_out(tabular=True, state="FAILED", rule=outcome.rule, errors=outcome.errors, facts=facts_of(outcome))
    assert notes == [
        "The report ends after 2 of 5 errors, the server's limit (DH_REPORTED_ERRORS).",
        "errors.csv has the first 3 of 5 errors, the server's limit (DH_LISTED_ERRORS).",
        "annotated.csv has the first 2 of 5 bad rows, the server's limit (DH_LISTED_ROWS).",
    ]
    files = {item.role: (await tools.blobs.get(item.blob)).decode() for item in outcome.files}
    assert set(files) == {"summary", "errors", "annotated"}
    assert [group["count"] for group in json.loads(files["summary"])["groups"]] == [5]
    assert files["errors"].splitlines()[1] == "type-error,2,2,8,id,x,This is not a whole number."
    assert files["annotated"].splitlines()[:2] == [
        "_row,_line,_errors,id,name",
        "2,2,id: This is not a whole number.,x,a",
    ]


async def test_limits_that_are_set_are_those_of_the_checks(tools: Tools, random_ownerid: str) -> None:
    limited = replace(tools, limits={"columns": 2, "cell_bytes": 4})
    wide = rejected(await run(limited, random_ownerid, File(name="a", content=b"a,b,c\n1,2,3\n"), "csvkind"))
    assert (wide.rule, "the limit is 2" in wide.reason) == ("too-many-columns", True)
    long = rejected(await run(limited, random_ownerid, File(name="a", content=b"a,b\n12345,2\n"), "csvkind"))
    assert (long.rule, "the limit is 4" in long.reason) == ("cell-too-large", True)


async def test_repeated_validation_says_the_same(tools: Tools, random_ownerid: str) -> None:
    file = File(name="a", content=b"id,name\nx,a\n", descriptor=TYPED)
    first = rejected(await run(tools, random_ownerid, file, "validate"))
    again = rejected(await run(tools, random_ownerid, file, "validate"))
    assert first == again


# dump


async def test_unchanged_table_is_published_byte_for_byte_with_a_preview(tools: Tools, random_ownerid: str) -> None:
    resource = passed(await run(tools, random_ownerid, File(name="towns", content=CSV)))
    data = the(resource, "data")
    assert data.blob.key == f"{random_ownerid}/towns/data/{hashlib.sha256(CSV).hexdigest()}/towns.csv"
    assert await content_of(tools, data) == CSV
    assert {file.role for file in resource.files} == {"data", "preview", "report"}
    preview = json.loads(await content_of(tools, the(resource, "preview")))
    assert preview["header"] == ["id", "name"]
    assert preview["rows"] == [["1", "Ærø"], ["2", "Łódź"]]
    assert resource.facts["dump"] == {"unchanged": True, "rows": 2}


async def test_other_dialect_is_rewritten_and_its_source_kept(tools: Tools, random_ownerid: str) -> None:
    content = b"a;b\n1;x,y\n3;4\n"
    resource = passed(await run(tools, random_ownerid, File(name="t", content=content, path="data/T one.csv")))
    canonical = b'a,b\r\n1,"x,y"\r\n3,4\r\n'
    assert await content_of(tools, the(resource, "data")) == canonical
    assert await content_of(tools, the(resource, "source")) == content
    assert the(resource, "source").filename == "T-one.csv"
    assert resource.descriptor["dialect"]["delimiter"] == ","
    assert resource.descriptor["hash"] == f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    assert resource.descriptor["bytes"] == len(canonical)


async def test_other_file_passes_untouched_and_says_so(tools: Tools, random_ownerid: str) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(100)
    file = File(name="picture", content=content, path="picture.png", tabular=False)
    resource = passed(await run(tools, random_ownerid, file))
    assert await content_of(tools, the(resource, "data")) == content
    assert the(resource, "data").mediatype == "image/png"
    assert {resource.facts[stage].get("skipped") for stage in ("encoding", "csvkind", "validate", "dump")} == {
        "not a table"
    }


async def test_names_of_publishers_reach_no_key_raw(tools: Tools, random_ownerid: str) -> None:
    file = File(name="../../x y", content=b"text", path='a/..%2f..<b>.t"xt', tabular=False)
    resource = passed(await run(tools, random_ownerid, file))
    key = the(resource, "data").blob.key
    assert re.fullmatch(rf"{random_ownerid}/towns/data/[0-9a-f]{{64}}/[A-Za-z0-9_.-]+", key)
    assert ".." not in key


async def test_replaced_object_is_never_published_in_place_of_the_proven_one(tools: Tools, random_ownerid: str) -> None:
    loaded = passed(await run(tools, random_ownerid, File(name="a", content=b"proven", tabular=False), "load"))
    await tools.blobs.put("rawstore", loaded.source.key, b"forged", "text/plain")
    resource = passed(await through(STAGES[1:], loaded, tools, random_ownerid))
    assert await content_of(tools, the(resource, "data")) == b"proven"


async def test_lost_rows_are_our_fault_and_never_published(tools: Tools, random_ownerid: str) -> None:
    validated = passed(await run(tools, random_ownerid, File(name="a", content=CSV), "validate"))
    with pytest.raises(PermanentError, match="3 rows were validated and 2 written"):
        await through(["dump"], replace(validated, rows=3), tools, random_ownerid)


# the whole pipeline and the object store


async def test_pipeline_reads_each_object_from_the_store_once(
    object_store: StoreSettings, tmp_path: Path, random_ownerid: str
) -> None:
    latin = "id;name\n1;Ærø\n".encode("iso8859-1")
    async with counting(object_store) as (settings, gets), floors.tools(settings, tmp_path) as tools:
        passed(await run(tools, random_ownerid, File(name="plain", content=CSV)))
        passed(await run(tools, random_ownerid, File(name="packed", content=gzip.compress(latin))))
    assert len(gets) == 2
    assert all(f"/rawstore/{random_ownerid}/" in get for get in gets)


async def test_pipeline_goes_on_where_another_machine_began(
    object_store: StoreSettings, tmp_path: Path, tools: Tools, random_ownerid: str
) -> None:
    packed = File(name="packed", content=gzip.compress("id;name\n1;Ærø\n".encode("iso8859-1")))
    begun = passed(await run(tools, random_ownerid, packed, "csvkind"))
    async with floors.tools(object_store, tmp_path) as elsewhere:
        resource = passed(await through(["validate", "dump"], begun, elsewhere, random_ownerid))
    assert (await content_of(tools, the(resource, "data"))).decode() == "id,name\r\n1,Ærø\r\n"


@asynccontextmanager
async def counting(store: StoreSettings) -> AsyncIterator[tuple[StoreSettings, list[str]]]:
    """The object store through a proxy that notes what is read from it."""
    gets: list[str] = []
    server = urlsplit(store.endpoint_url)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noting: bool) -> None:
        while piece := await reader.read(65_536):
            if noting:
                gets.extend(found.decode() for found in re.findall(rb"GET (\S+) HTTP/1.1", piece))
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(server.hostname, server.port)
        await asyncio.gather(pipe(reader, downstream, True), pipe(upstream, writer, False), return_exceptions=True)

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        yield replace(store, endpoint_url=url, public_url=url), gets


async def test_the_language_of_the_package_settles_how_a_resource_is_read(tools: Tools, random_ownerid: str) -> None:
    file = File(name="names", content=b"id,name\n1,ab\n2,K\xf6\xfe\n")
    resource = await upload(tools.blobs, random_ownerid, file)
    alone = await through(("load", "encoding"), resource, tools, random_ownerid)
    assert isinstance(alone, Rejected)
    turkish = passed(await through(("load", "encoding"), replace(resource, languages=("tr",)), tools, random_ownerid))
    assert turkish.facts["encoding"]["encoding"] == "cp1254"
    assert "languages" not in turkish.descriptor


async def test_every_stage_says_how_much_of_all_it_has_done(tools: Tools, random_ownerid: str) -> None:
    content = b"id;name\n" + b"1;a\n" * 2_000
    resource = await upload(tools.blobs, random_ownerid, File(name="a", content=content, descriptor=TYPED))
    told: dict[str, tuple[int, int | None, str]] = {}
    for stage in STAGES:

        def report(done: int, total: int | None, unit: str, stage: str = stage) -> None:
            told[stage] = (done, total, unit)

        resource = passed(await through([stage], resource, tools, random_ownerid, report))
    size = len(content)
    assert told["load"] == (size, size, "bytes")
    assert [told[stage][1:] for stage in ("encoding", "csvkind")] == [(size, "bytes")] * 2
    assert [told[stage] for stage in ("validate", "dump")] == [(2_000, 2_000, "rows")] * 2
