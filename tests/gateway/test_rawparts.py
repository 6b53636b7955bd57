"""Uploads in parts on a real store: what each signature pins, what the list proves, and who puts them together."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.partdata import read_some_parts, read_upload
from gateway.problems import Problem
from gateway.rawkeys import raw_key
from gateway.uploadid import OpenUpload
from messages.datapackage import BlobRef
from messages.multipart import SMALLEST, Part
from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import (
    Answer,
    Gateway,
    Publisher,
    descriptor_of,
    part_entry,
    serving,
    shared_settings,
    spec_of,
    upload_entry,
)

CONTENT = random.Random(5).randbytes(2 * SMALLEST + 1_000)
PIECES = [CONTENT[start : start + SMALLEST] for start in range(0, len(CONTENT), SMALLEST)]
OTHER = bytes(SMALLEST)
NUMBERS = itertools.count()


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def bob(gateway: Gateway) -> Publisher:
    return await gateway.publisher("bob")


@pytest_asyncio.fixture
async def ada(gateway: Gateway) -> Publisher:
    """Somebody new for each test: keys are apart by owner."""
    return await gateway.publisher(f"ada{next(NUMBERS)}")


async def put(ada: Publisher, entry: dict[str, Any], content: bytes, **changed: str) -> tuple[int, str]:
    """Sends a part as clients do; status and what the store says."""
    headers = {**entry["headers"], **{name.replace("_", "-"): value for name, value in changed.items()}}
    async with ada.gateway.client.put(entry["url"], data=content, headers=headers) as response:
        return response.status, await response.text()


async def opened(ada: Publisher, content: bytes = CONTENT) -> dict[str, Any]:
    answer = await ada.open_upload(content)
    assert answer.status == 200, answer.body
    document: dict[str, Any] = answer.json()
    return document


async def completed(ada: Publisher, upload: str, content: bytes = CONTENT) -> Answer:
    parts = upload_entry(content)["parts"]
    return await ada.rawstore("POST", f"/rawstore/uploads/{upload}/complete", {"parts": parts})


def key_of(ada: Publisher) -> str:
    return str(raw_key(ada.id, hashlib.sha256(CONTENT).hexdigest(), "data.csv"))


async def head_of(ada: Publisher) -> Any:
    return await ada.gateway.parts.blobs.head("rawstore", key_of(ada))


async def test_a_file_arrives_in_parts_goes_on_from_elsewhere_and_is_there_the_next_time(ada: Publisher) -> None:
    first = await opened(ada)
    assert (first["exists"], first["there"], [entry["number"] for entry in first["urls"]]) == (False, [], [1, 2, 3])
    assert (await put(ada, first["urls"][2], PIECES[2]))[0] == 200

    elsewhere = await opened(ada)
    assert (elsewhere["there"], [entry["number"] for entry in elsewhere["urls"]]) == ([3], [1, 2])
    early = await completed(ada, first["upload"])
    assert (early.status, [fault["detail"] for fault in early.json()["errors"]]) == (
        409,
        ["Part 1 is not there.", "Part 2 is not there."],
    )
    assert await head_of(ada) is None
    for entry in elsewhere["urls"]:
        assert (await put(ada, entry, PIECES[entry["number"] - 1]))[0] == 200
    done = await completed(ada, elsewhere["upload"])
    assert (done.status, done.json()) == (200, {"exists": True, "address": first["address"]})
    # An answer that was lost: the same again, also of the one that was opened first.
    assert (await completed(ada, first["upload"])).json() == done.json()
    again = await opened(ada)
    assert again == {"exists": True, "address": first["address"]}

    spec = spec_of(ada.id, "big", {"data.csv": first["address"]}, descriptor_of("big", bytes=len(CONTENT)))
    assert (await ada.post_spec(spec)).json()["success"] is True


async def test_what_came_in_one_piece_before_does_not_go_again(ada: Publisher) -> None:
    content = CONTENT[: SMALLEST + 1]
    assert (await ada.open_upload(content)).json()["exists"] is False
    address = await ada.upload(content)
    assert (await ada.open_upload(content)).json() == {"exists": True, "address": address}
    # Without its own SHA-256 the store proves nothing of it.
    key = key_of(ada)
    await ada.gateway.parts.blobs._client.put_object(Bucket="rawstore", Key=key, Body=CONTENT[::-1])
    assert (await opened(ada))["exists"] is False


async def test_a_url_takes_its_part_and_nothing_else(ada: Publisher) -> None:
    entry = (await opened(ada))["urls"][0]
    for content, changed, code in (
        (OTHER, {}, "BadDigest"),
        (PIECES[0][:-1], {}, "SignatureDoesNotMatch"),
        (PIECES[0] + b"x", {}, "SignatureDoesNotMatch"),
        (OTHER, {"Content-MD5": part_entry(OTHER)["md5"]}, "SignatureDoesNotMatch"),
    ):
        status, told = await put(ada, entry, content, **changed)
        assert (status in (400, 403), code in told) == (True, True), told
    for url in (entry["url"].replace("partNumber=1", "partNumber=2"), entry["url"].replace(".csv", ".txt")):
        assert (await put(ada, {**entry, "url": url}, PIECES[0]))[0] in (403, 404)
    assert (await opened(ada))["there"] == []


async def test_other_bytes_at_a_part_are_not_taken_for_it_and_give_way(ada: Publisher) -> None:
    """Somebody with the same rights lies about a part: what others push is not theirs to spoil."""
    lie = PIECES[0] + OTHER + PIECES[2]
    lied = upload_entry(lie) | {"sha256": hashlib.sha256(CONTENT).hexdigest()}
    bad = (await ada.open_upload(CONTENT, **lied)).json()
    for entry in bad["urls"]:
        await put(ada, entry, lie[(entry["number"] - 1) * SMALLEST :][:SMALLEST])
    honest = await opened(ada)
    assert (honest["there"], [entry["number"] for entry in honest["urls"]]) == ([1, 3], [2])
    assert (await completed(ada, honest["upload"])).json()["type"].endswith(":parts-missing")
    # Even a whole object of other bytes is none for whoever has the right ones, and is written over.
    assert (await completed(ada, bad["upload"], lie)).status == 200
    anew = await opened(ada)
    assert anew["exists"] is False
    for entry in anew["urls"]:
        assert (await put(ada, entry, PIECES[entry["number"] - 1]))[0] == 200
    assert (await completed(ada, anew["upload"])).status == 200
    assert (await opened(ada))["exists"] is True


async def test_a_part_that_was_sent_wrong_and_right_counts_as_right(ada: Publisher) -> None:
    right = await opened(ada)
    wrong = (
        await ada.rawstore(
            "POST", f"/rawstore/uploads/{right['upload']}/parts", {"parts": [{"number": 1, **part_entry(OTHER)}]}
        )
    ).json()
    assert (await put(ada, wrong["urls"][0], OTHER))[0] == 200
    for entry in right["urls"]:
        assert (await put(ada, entry, PIECES[entry["number"] - 1]))[0] == 200
    assert (await completed(ada, right["upload"])).status == 200
    assert (await head_of(ada)).size == len(CONTENT)
    assert (await opened(ada))["exists"] is True


async def test_an_expired_url_is_renewed(ada: Publisher) -> None:
    document = await opened(ada)
    blob = BlobRef(bucket="rawstore", key=key_of(ada), size=len(CONTENT))
    multipart = ada.gateway.parts.blobs.multipart
    (upload,) = await multipart.find(blob)
    part = Part(1, SMALLEST, hashlib.md5(OTHER, usedforsecurity=False).hexdigest(), hashlib.sha256(OTHER).hexdigest())
    signed = await multipart.sign(blob, upload, part, expiry=1)
    while (told := await put(ada, {"url": signed.url, "headers": signed.headers}, OTHER))[0] == 200:
        pass
    assert told[0] == 403
    path = f"/rawstore/uploads/{document['upload']}/parts"
    renewed = await ada.rawstore("POST", path, {"parts": [{"number": 1, **part_entry(PIECES[0])}]})
    assert (await put(ada, renewed.json()["urls"][0], PIECES[0]))[0] == 200
    assert (await opened(ada))["there"] == [1]


async def test_what_was_given_up_is_gone_and_begins_anew(ada: Publisher) -> None:
    document = await opened(ada)
    assert (await put(ada, document["urls"][0], PIECES[0]))[0] == 200
    for _ in range(2):
        assert (await ada.rawstore("DELETE", f"/rawstore/uploads/{document['upload']}")).status == 204
    assert (await put(ada, document["urls"][1], PIECES[1]))[0] == 404
    gone = await completed(ada, document["upload"])
    assert (gone.status, "ask for it again" in gone.json()["detail"]) == (404, True)
    anew = await opened(ada)
    assert (anew["there"], anew["upload"] == document["upload"]) == ([], False)


async def test_an_upload_that_was_cut_otherwise_is_left_alone(ada: Publisher) -> None:
    document = await opened(ada)
    assert (await put(ada, document["urls"][2], PIECES[2]))[0] == 200
    larger = upload_entry(CONTENT, SMALLEST + 1)
    other = (await ada.open_upload(CONTENT, **larger)).json()
    assert (other["there"], len(other["urls"])) == ([], 3)
    assert (await opened(ada))["there"] == [3]


async def test_ids_are_ours_and_of_one_owner(ada: Publisher, bob: Publisher) -> None:
    upload = (await opened(ada))["upload"]
    head, claims, mac = upload.split(".")
    body = {"parts": [{"number": 1, **part_entry(PIECES[0])}]}
    answers = []
    for who, text in ((bob, upload), (ada, f"{head}.{claims}.{mac[::-1]}"), (ada, f"{head}..{mac}"), (ada, "x" * 300)):
        answer = await who.rawstore("POST", f"/rawstore/uploads/{text}/parts", body)
        answers.append((answer.status, answer.json()["detail"]))
        assert b"X-Amz" not in answer.body
    assert {status for status, _ in answers} == {404}
    assert len(set(answers)) == 1
    assert (await bob.rawstore("POST", "/rawstore/uploads", {"metadata": {"owner": ada.id}})).status == 403


HASHES: dict[str, Any] = part_entry(b"x")
GOOD: dict[str, Any] = {"path": "a.csv", "length": 2, "sha256": "0" * 64, "part_size": SMALLEST, "parts": [HASHES]}
BAD_PARTS: list[Any] = [None, [], [HASHES, HASHES], {}, "x"]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        *[({"length": length}, "bad-length") for length in (0, -1, 1.5, "2", True, None, 2**63)],
        *[({"sha256": sha256}, "bad-sha256") for sha256 in (None, "0" * 63, "A" * 64, 7)],
        *[({"part_size": size}, "bad-part-size") for size in (0, SMALLEST - 1, 6 * 1024**3, "1", None, True)],
        ({"length": SMALLEST * 10_001, "parts": []}, "bad-part-size"),
        *[({"parts": parts}, "bad-parts") for parts in BAD_PARTS],
        *[({"parts": [{**HASHES, "md5": md5}]}, "bad-md5") for md5 in (None, "", "0" * 32, HASHES["md5"] + "=", 7)],
        ({"parts": [{**HASHES, "sha256": "x"}]}, "bad-sha256"),
        ({"parts": ["x"]}, "bad-md5"),
        ({"path": "../a.csv"}, "unsafe-path"),
        ({"path": 7}, "bad-path"),
        ({"owner_id": "x"}, "unknown-field"),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_sent_so_is_refused(changed: dict[str, Any], rule: str) -> None:
    with pytest.raises(Problem) as refused:
        read_upload({"file": {**GOOD, **changed}})
    assert (refused.value.status, refused.value.faults[0].rule) == (422, rule)


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        *[(parts, "bad-parts") for parts in (None, [], [{"number": 1, **HASHES}] * 101)],
        *[([{**HASHES, "number": number}], "bad-number") for number in (0, 4, "1", True, None)],
        (["x"], "bad-number"),
        ([{"number": 1}], "bad-md5"),
    ],
    ids=str,
)
def test_parts_that_are_none_of_the_uploads_are_refused(parts: Any, rule: str) -> None:
    upload = OpenUpload(BlobRef(bucket="rawstore", key="k", size=len(CONTENT)), "u", SMALLEST)
    with pytest.raises(Problem) as refused:
        read_some_parts({"parts": parts}, upload)
    assert (refused.value.status, refused.value.faults[0].rule) == (422, rule)


def test_fifty_gigabytes_and_more_fit_into_ten_thousand_parts() -> None:
    size = 50 * 1000**3
    parts: list[Any] = [HASHES] * -(-size // 8_388_608)
    wanted = read_upload({"file": {**GOOD, "length": size, "part_size": 8_388_608, "parts": parts}})
    assert (len(wanted.parts), sum(part.size for part in wanted.parts)) == (len(parts), size)


async def test_a_page_may_send_parts_with_their_hashes(ada: Publisher) -> None:
    """The store asks no more of it than that its origin is let in."""
    url = (await opened(ada))["urls"][0]["url"]
    asked = {
        "Origin": "http://localhost.invalid",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-md5,x-amz-checksum-sha256",
    }
    async with ada.gateway.client.options(url, headers=asked) as answer:
        assert answer.status == 200
        assert "x-amz-checksum-sha256" in answer.headers["Access-Control-Allow-Headers"]
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
