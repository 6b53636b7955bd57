"""What the object store really makes of our signed forms: measured, so that a store that changes is noticed."""

from __future__ import annotations

from tests.gateway.conftest import CSV, Publisher, descriptor_of, send_form, spec_of

OTHER = CSV.replace(b"1.5", b"9.5")


async def stored(publisher: Publisher, key: str) -> int | None:
    head = await publisher.gateway.parts.blobs.head("rawstore", key)
    return head.size if head else None


async def test_neither_more_nor_fewer_bytes_than_announced_are_taken(ada: Publisher) -> None:
    form = await ada.form(CSV, sha256=False)
    for content, code in ((CSV + b"x", "EntityTooLarge"), (CSV[:-1], "EntityTooSmall")):
        status, body = await send_form(ada.gateway.client, form, content)
        assert (status, code in body) == (400, True)
        assert await stored(ada, form["upload_query"]["key"]) is None


async def test_with_a_sha256_other_bytes_are_refused_at_first_and_over_the_good_ones(ada: Publisher) -> None:
    form = await ada.form(CSV)
    key = form["upload_query"]["key"]
    status, body = await send_form(ada.gateway.client, form, OTHER)
    assert (status, "BadDigest" in body) == (400, True)
    assert await stored(ada, key) is None
    assert (await send_form(ada.gateway.client, form, CSV))[0] == 204
    before = await ada.gateway.parts.blobs.head("rawstore", key)
    assert (await send_form(ada.gateway.client, form, OTHER))[0] == 400
    assert await ada.gateway.parts.blobs.head("rawstore", key) == before


async def test_nothing_of_a_form_can_be_changed_or_left_out(ada: Publisher, bob: Publisher) -> None:
    form = await ada.form(CSV)
    for changed in (
        {"key": f"{bob.id}/x.csv"},
        {"key": f"{ada.id}/${{filename}}"},
        {"x_amz_checksum_sha256": None},
        {"x_amz_checksum_sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
        {"x_amz_meta_md5": None},
        {"x_amz_meta_md5": "0" * 32},
        {"Content_Type": "text/html"},
        {"policy": None},
        {"x_amz_signature": "0" * 64},
        {"x_amz_meta_extra": "1"},
    ):
        status, _ = await send_form(ada.gateway.client, form, CSV, **changed)
        assert status in (400, 403), changed
    assert await stored(ada, form["upload_query"]["key"]) is None


async def test_an_acl_smuggled_into_a_form_opens_nothing(ada: Publisher) -> None:
    form = await ada.form(CSV)
    await send_form(ada.gateway.client, form, CSV, acl="public-read")
    async with ada.gateway.client.get(f"{form['upload_url']}/{form['upload_query']['key']}") as response:
        assert response.status == 403


async def test_with_an_md5_alone_the_store_takes_other_bytes_but_the_post_does_not(ada: Publisher) -> None:
    """SeaweedFS 4.48 knows no MD5 in a policy: whoever holds the form can put other bytes there, and gains nothing."""
    form = await ada.form(CSV, sha256=False)
    assert (await send_form(ada.gateway.client, form, CSV))[0] == 204
    assert (await send_form(ada.gateway.client, form, OTHER))[0] == 204
    assert (await ada.form(CSV, sha256=False))["exists"] is False
    url = f"{form['upload_url']}/{form['upload_query']['key']}"
    answer = (await ada.post_spec(spec_of(ada.id, "prices", {"data.csv": url}, descriptor_of("prices")))).json()
    assert answer["success"] is False
    assert answer["problems"][0]["rule"] == "hash-mismatch"
    assert answer["problems"][0]["resource"] == "data"


async def test_the_etag_of_a_large_upload_is_its_md5(ada: Publisher) -> None:
    content = bytes(range(256)) * 4096 * 20
    await ada.upload(content, "big.bin")
    assert (await ada.form(content, "big.bin"))["exists"] is True
