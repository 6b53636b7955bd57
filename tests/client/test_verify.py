"""`dh push --receipt` and `dh verify`: one byte changed anywhere is found, and named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import aiohttp
import asyncpg
import jwt

from gateway.receipt import ALGORITHM, TYPE
from messages.blobs import Blobs
from messages.settings import StoreSettings
from tests.client.publisher import CSV, Publisher, write_package


def flip(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert len(old) == len(new)
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


async def differing(publisher: Publisher, *words: str) -> list[str]:
    """What `dh verify` finds to differ, by its exit code, too."""
    done = await publisher.dh("verify", *words, "--json")
    document = json.loads(done.stdout)
    assert (done.code, document["ok"]) == ((1, False) if document["differences"] else (0, True)), done
    return [each["path"] for each in document["differences"]]


async def test_a_receipt_verifies_what_was_pushed_fetched_and_published(
    publisher: Publisher, name: str, tmp_path: Path, object_store: StoreSettings
) -> None:
    package = write_package(tmp_path / "p", name, f"{CSV}4,{name},\n", {"notes.txt": f"notes of {name}"})
    receipt, got = tmp_path / "receipt.jwt", tmp_path / "got"
    pushed = await publisher.dh("push", str(package), "--receipt", str(receipt))
    assert pushed.code == 0, pushed
    assert f"  receipt: {publisher.stack.url}/" in pushed.stdout
    assert f"written to {receipt}" in pushed.stdout
    assert (await publisher.dh("get", f"carol/{name}", "--output", str(got))).code == 0
    told = await publisher.dh("verify", str(receipt))
    assert told.code == 0, told
    assert told.stdout.startswith(f"signed  carol/{name}, revision 1, published 20")
    assert ": 6 files, every SHA-256 as in the receipt" in told.stdout
    for folder in (package, got):
        assert await differing(publisher, str(receipt), str(folder)) == []

    # Without any server, with a key set that was saved.
    keys = tmp_path / "keys.json"
    address = f"{publisher.stack.url}/.well-known/receipt-keys.json"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        keys.write_text(await answer.text())
    away = ("--server", "http://127.0.0.1:9")
    assert await differing(publisher, str(receipt), str(package), "--keys", str(keys), *away) == []
    assert (await publisher.dh("verify", str(receipt), str(package), *away)).code == 3

    # One byte in each file of the folders, one after the other.
    flip(package / "notes.txt", b"notes", b"motes")
    assert await differing(publisher, str(receipt), str(package)) == ["notes.txt"]
    flip(package / "README.md", b"# Towns", b"# Downs")
    flip(package / "data" / "towns.csv", b"1.5", b"1.6")
    flip(package / "datapackage.json", b"Towns of", b"Downs of")
    assert await differing(publisher, str(receipt), str(package)) == [
        "datapackage.json",
        "README.md",
        "data/towns.csv",
        "notes.txt",
    ]
    (got / "data" / "notes.txt").unlink()
    flip(got / "data" / "towns.csv", b"1.5", b"1.6")
    told = await publisher.dh("verify", str(receipt), str(got))
    assert told.code == 1
    assert "DIFFERS  data/notes.txt is not there\n" in told.stdout
    assert "DIFFERS  data/towns.csv has the SHA-256 " in told.stdout
    flip(got / "datapackage.json", b"Towns of", b"Downs of")
    flip(got / "README.md", b"# Towns", b"# Downs")
    found = await differing(publisher, str(receipt), str(got))
    assert found == ["datapackage.json", "README.md", "data/towns.csv", "data/notes.txt"]

    # One byte in each object that is published.
    async with Blobs(object_store) as blobs:
        profile = (await publisher.answer("whoami"))["profile"]
        prefix = f"{profile['id']}/{name}/"
        listed = [each async for each in blobs.objects(object_store.package_bucket) if each.key.startswith(prefix)]
        manifest = next(each.key for each in listed if each.key.endswith("/1/datapackage.json"))
        async with aiohttp.ClientSession() as session, session.get(f"{publisher.stack.url}/{manifest}") as answer:
            content = await answer.read()
        changed = content.replace(b"Towns of", b"Downs of", 1)
        await blobs.put(object_store.package_bucket, manifest, changed, "application/json")
        assert await differing(publisher, str(receipt)) == ["datapackage.json"]
        await blobs.put(object_store.package_bucket, manifest, content + b"\n", "application/json")
        assert await differing(publisher, str(receipt)) == ["datapackage.json"]
        await blobs.put(object_store.package_bucket, manifest, content, "application/json")
        assert await differing(publisher, str(receipt)) == []
        [notes] = [each.key for each in listed if each.key.endswith("notes.txt")]
        await blobs.put(object_store.package_bucket, notes, f"motes of {name}".encode(), "text/plain")
        assert await differing(publisher, str(receipt)) == ["r/notes.txt"]


async def test_a_receipt_that_is_none_or_not_of_this_server(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package, receipt = write_package(tmp_path / "p", name, f"{CSV}5,{name},\n"), tmp_path / "receipt.jwt"
    assert (await publisher.dh("push", str(package), "--private", "--receipt", str(receipt))).code == 0
    assert await differing(publisher, str(receipt)) == [], "its owner may see it"
    stranger = dataclasses.replace(publisher, config=tmp_path / "nobody" / "config.json")
    assert "datapackage.json" in await differing(stranger, str(receipt)), "for others it is not there"
    text = receipt.read_text()
    receipt.write_text(await forged(publisher, text.strip()))
    assert await differing(publisher, str(receipt)) == ["receipt.jwt"], (
        "signed with the server's key, and not the server's"
    )
    receipt.write_text(text.replace(text[200], "A" if text[200] != "A" else "B", 1))
    refused = await publisher.dh("verify", str(receipt))
    assert (refused.code, "the receipt proves nothing" in refused.stderr) == (1, True)
    for path, reason in ((tmp_path / "absent", "cannot be read"), (package / "README.md", "this is no receipt")):
        refused = await publisher.dh("verify", str(path))
        assert (refused.code, reason in refused.stderr) == (1, True)
    clash = await publisher.dh("push", str(package), "--no-wait", "--receipt", str(receipt))
    assert (clash.code, "--no-wait" in clash.stderr) == (2, True)


async def forged(publisher: Publisher, text: str) -> str:
    """The receipt with another moment, signed by a thief of the key."""
    connection = await asyncpg.connect(publisher.stack.environment["DATABASE_URL"])
    row = await connection.fetchrow("select kid, private_pem from receipt_key where retired_at is null")
    await connection.close()
    claims = jwt.decode(text, options={"verify_signature": False})
    headers = {"kid": row["kid"], "typ": TYPE}
    return jwt.encode({**claims, "iat": claims["iat"] - 1}, row["private_pem"], algorithm=ALGORITHM, headers=headers)
