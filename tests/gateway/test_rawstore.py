"""Asking where to upload, and what may be asked."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.gateway.conftest import CSV, Publisher, file_entry, send_form

SHA256 = hashlib.sha256(CSV).hexdigest()
MD5 = hashlib.md5(CSV, usedforsecurity=False).hexdigest()


async def test_a_file_is_uploaded_with_its_form_and_is_there_the_next_time(ada: Publisher) -> None:
    form = await ada.form(CSV, "data/prices.csv")
    assert form["exists"] is False
    assert form["upload_query"]["key"] == f"{ada.id}/{SHA256}.csv"
    assert form["upload_query"]["Content-Type"] == "text/plain"
    status, body = await send_form(ada.gateway.client, form, CSV)
    assert status == 204, body
    assert (await ada.form(CSV, "data/prices.csv"))["exists"] is True


async def test_the_original_client_names_no_sha256(ada: Publisher) -> None:
    form = await ada.form(CSV, "data/prices.csv", sha256=False)
    assert form["upload_query"]["key"] == f"{ada.id}/{MD5}.csv"
    await send_form(ada.gateway.client, form, CSV)
    assert (await ada.form(CSV, "data/prices.csv", sha256=False))["exists"] is True


async def test_only_the_very_key_exists_and_only_for_its_owner(ada: Publisher, bob: Publisher) -> None:
    await ada.upload(CSV, "data.csv")
    assert (await ada.form(CSV, "data"))["exists"] is False
    assert (await bob.form(CSV, "data.csv"))["exists"] is False


async def test_what_lies_there_with_other_bytes_does_not_exist(ada: Publisher) -> None:
    form = await ada.form(CSV, sha256=False)
    await ada.gateway.parts.blobs.put("rawstore", form["upload_query"]["key"], CSV[::-1], "text/plain")
    assert (await ada.form(CSV, sha256=False))["exists"] is False


async def test_extensions_are_kept_short_and_plain(ada: Publisher) -> None:
    for path, extension in {
        "a/b.tar.gz": ".tar.gz",
        "B.CSV": ".csv",
        "x.csv.zip": ".csv.zip",
        "noextension": "",
        "ünïcödé dir/dätä.csv": ".csv",
        "x.thisisfartoolong": "",
        "x.c v": "",
    }.items():
        key = (await ada.form(CSV, path))["upload_query"]["key"]
        assert key == f"{ada.id}/{SHA256}{extension}"


async def test_somebody_elses_owner_id_is_refused(ada: Publisher, bob: Publisher) -> None:
    answer = await ada.authorize({"data.csv": file_entry(CSV)}, owner=bob.id)
    assert answer.status == 403
    assert b"rawstore/" not in answer.body
    assert answer.json()["error"]["message"] == "The token does not let you upload for this owner."


async def test_no_token_and_a_bad_one_are_refused(ada: Publisher) -> None:
    body = {"metadata": {"owner": ada.id}, "filedata": {"data.csv": file_entry(CSV)}}
    for headers in ({}, {"Auth-Token": "x"}, {"Authorization": "Bearer "}, {"Authorization": "Basic eDp5"}):
        answer = await ada.gateway.post("/rawstore/authorize", json=body, headers=headers)
        assert answer.status == 401
        assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_an_owner_must_be_named(ada: Publisher) -> None:
    headers = {"Auth-Token": await ada.permission("rawstore")}
    for body in ({}, {"metadata": 7}, {"metadata": {"owner": None}}):
        answer = await ada.gateway.post("/rawstore/authorize", json=body, headers=headers)
        assert (answer.status, answer.json()["error"]["message"]) == (400, "`metadata.owner` must be the owner's id.")


GOOD = file_entry(CSV)
BAD_LENGTHS: list[Any] = [0, -1, 1.5, "1e3", True, None, [], float(40)]
BAD_PATHS = ["..", "/etc/passwd", "a/../../b", "..\\x", "C:\\x", "a\x01b", "a\r\nb", "", "x" * 1025, "~/x", "a//b"]
BAD_FILES: list[tuple[Any, str]] = [
    ({}, "no-files"),
    ([], "no-files"),
    (None, "no-files"),
    ({"a.csv": 7}, "not-an-object"),
    *[({"a.csv": {**GOOD, "length": length}}, "bad-length") for length in BAD_LENGTHS],
    ({"a.csv": {**GOOD, "length": 2**63}}, "too-large"),
    *[
        ({"a.csv": {**GOOD, "md5": md5}}, "bad-md5")
        for md5 in (MD5, "AAAA", "", None, 7, GOOD["md5"].replace("=", ""), GOOD["md5"] + "\n", "_" * 22 + "==")
    ],
    *[({"a.csv": {**GOOD, "sha256": digest}}, "bad-sha256") for digest in (SHA256.upper(), SHA256[:-1], "", 7)],
    *[({path: GOOD}, "unsafe-path") for path in BAD_PATHS],
    ({"http://127.0.0.1:9/x.csv": GOOD}, "remote-reference"),
    ({"é.csv": GOOD, "e\u0301.csv": GOOD}, "duplicate-path"),
    ({f"{number}.csv": GOOD for number in range(1001)}, "too-many-files"),
]


async def test_every_bad_file_is_named_with_its_rule(ada: Publisher) -> None:
    for filedata, rule in BAD_FILES:
        answer = await ada.authorize(filedata)
        problem = answer.json()
        assert (answer.status, problem["errors"][0]["rule"]) == (422, rule), filedata
        assert problem["errors"][0]["pointer"].startswith("#/filedata")
        assert problem["errors"][0]["detail"] in problem["error"]["message"]


async def test_info_and_presign_are_for_ones_own_uploads(ada: Publisher, bob: Publisher) -> None:
    url = await ada.upload(CSV)
    gateway, token = ada.gateway, {"Auth-Token": await ada.permission("rawstore")}
    info = (await gateway.get("/rawstore/info", headers=token)).json()
    assert info == {"prefixes": [f"{gateway.parts.settings.store.public_url}/rawstore/{ada.id}"]}
    answer = await gateway.get(f"/rawstore/presign?ownerid={ada.id}&url={url}", headers=token)
    async with gateway.client.get(answer.json()["url"]) as response:
        assert await response.read() == CSV
        assert response.headers["Content-Disposition"].startswith("attachment")
    foreign = {"Auth-Token": await bob.permission("rawstore")}
    for owner, headers, status in ((ada, foreign, 403), (bob, foreign, 403), (ada, {}, 401), (bob, token, 403)):
        answer = await gateway.get(f"/rawstore/presign?ownerid={owner.id}&url={url}", headers=headers)
        assert answer.status == status
    async with gateway.client.get(url) as response:
        assert response.status == 403


async def test_presign_cannot_climb_into_another_owners_prefix(ada: Publisher, bob: Publisher) -> None:
    url = await bob.upload(CSV)
    base, _, name = url.rpartition("/")
    base = base.rpartition("/")[0]
    token = {"Auth-Token": await ada.permission("rawstore")}
    for climb in ("../", "%2e%2e/", "..%2f", "./../", "/../", "x/../../"):
        tricky = f"{base}/{ada.id}/{climb}{bob.id}/{name}"
        answer = await ada.gateway.get("/rawstore/presign", params={"url": tricky}, headers=token)
        assert b"X-Amz-Signature" not in answer.body, climb
