"""U: uploads and downloads by signed forms and addresses. What a form does not say exactly is refused by the store."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.downloads import safe_filename
from gateway.rawkeys import raw_key
from messages.datapackage import BlobRef
from tests.gateway.conftest import CSV, Publisher, file_entry, send_form

GOOD = file_entry(CSV)


async def test_an_expired_form_and_an_expired_address_are_refused(ada: Publisher) -> None:
    """U04: by the store's clock."""
    blobs, store = ada.gateway.parts.blobs, ada.gateway.parts.settings.store
    blob = BlobRef(bucket=store.raw_bucket, key=str(raw_key(ada.id, "0" * 64, "late.csv")), size=len(CSV))
    form = await blobs.presign_post(blob, {"Content-Type": "text/plain"}, -5)
    status, _ = await send_form(ada.gateway.client, {"upload_url": form["url"], "upload_query": form["fields"]}, CSV)
    assert status == 403
    assert await blobs.head(blob.bucket, blob.key) is None


async def test_a_signed_address_is_good_for_one_object_and_one_method(ada: Publisher) -> None:
    """U05."""
    url = await ada.upload(CSV)
    other = await ada.upload(CSV * 2, "other.csv")
    token = {"Auth-Token": await ada.permission("rawstore")}
    signed = (await ada.gateway.get("/rawstore/presign", params={"url": url}, headers=token)).json()["url"]
    client = ada.gateway.client
    for method in ("PUT", "DELETE", "POST"):
        async with client.request(method, signed, data=b"x") as answer:
            assert answer.status in (403, 405), method
    name, another = url.rpartition("/")[2], other.rpartition("/")[2]
    for tricky in (
        signed.replace(name, another),
        signed + "&response-content-type=text/html",
        signed.replace(name, f"../{another}"),
    ):
        async with client.get(tricky) as answer:
            assert answer.status in (403, 404), tricky
    async with client.get(signed) as answer:
        assert (answer.status, await answer.read()) == (200, CSV)


TWINS = (
    {"a.csv": GOOD, "A.csv": GOOD},
    {"é.csv": GOOD, "e\u0301.csv": GOOD},
    {"x/straße.csv": GOOD, "x/STRASSE.csv": GOOD},
)
NAMES = (
    "..", "/etc/passwd", "a/../../b", "..\\x", "C:\\x", "a\x01b", "a\r\nb", "a\u202evsc.exe", "x" * 1_025, "CON",
    "con.csv", "a/NUL.txt",
    "${filename}", "-rf", "a/-o", "data.csv.", "a./b", "a /b", "", "\u2066x", "lpt1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("case", "filedata", "rule"),
    [
        *[("U08", filedata, "duplicate-path") for filedata in TWINS],
        ("U08", {f"{number}.csv": GOOD for number in range(1_001)}, "too-many-files"),
        ("U08", {}, "no-files"),
        *[("U09", {name: GOOD}, "unsafe-path") for name in NAMES],
        *[
            ("A06", {"a.csv": {**GOOD, name: "x"}}, "unknown-field")
            for name in ("owner_id", "key", "status", "is_admin")
        ],
    ],
    ids=str,
)
async def test_what_cannot_be_uploaded_is_named(ada: Publisher, case: str, filedata: Any, rule: str) -> None:
    answer = await ada.authorize(filedata)
    assert (answer.status, answer.json()["errors"][0]["rule"]) == (422, rule), case
    assert b"upload_url" not in answer.body


async def test_whatever_is_uploaded_is_kept_as_plain_text_and_leaves_as_a_download(ada: Publisher) -> None:
    """U10."""
    for number, content in enumerate((b"<script>alert(1)</script>", b"<svg onload='alert(1)'/>", b"+ADw-script+AD4-")):
        url = await ada.upload(content, f"{number}.html")
        token = {"Auth-Token": await ada.permission("rawstore")}
        signed = (await ada.gateway.get("/rawstore/presign", params={"url": url}, headers=token)).json()["url"]
        assert not signed.startswith(ada.gateway.url)
        async with ada.gateway.client.get(signed) as answer:
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Content-Disposition"].startswith("attachment")
        async with ada.gateway.client.get(url) as answer:
            assert answer.status == 403


def test_a_file_name_is_one_in_a_header() -> None:
    """U11."""
    for name in ('a"b.csv', "a\r\nSet-Cookie: x=1", "a;b=c", "ü.csv", "../../x", "x" * 300, ".htaccess", "\u202e", ""):
        safe = safe_filename(name)
        assert safe
        assert safe.isascii()
        assert safe.isprintable()
        assert not set('"\\/;\r\n') & set(safe)
        assert len(safe) <= 120
        assert not safe.startswith(".")
