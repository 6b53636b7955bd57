"""The published descriptor, by hand."""

from __future__ import annotations

from messages.datapackage import BlobRef, FlowRef, PublishedFile, Resource
from workers.writers.descriptor import encoded, published
from workers.writers.flow import LockedFlow

FLOW = LockedFlow(
    ref=FlowRef(ownerid="0wner", owner="alice", dataset="towns", revision=3, findability="unlisted"),
    finished=False,
    rescues=0,
    run=0,
    descriptor={"name": "Towns!", "title": "T", "resources": [{"name": "old"}], "datahub": {"ownerid": "forged"}},
    created="2026-01-01T00:00:00+00:00",
    modified="2026-02-02T00:00:00+00:00",
)


def file(role: str, filename: str, size: int) -> PublishedFile:
    blob = BlobRef(bucket="pkgstore", key=f"k/{filename}", size=size, sha256=role[0] * 64)
    return PublishedFile(role=role, filename=filename, mediatype="x/y", blob=blob)


def resource(name: str, tabular: bool, *files: PublishedFile) -> Resource:
    source = BlobRef(bucket="rawstore", key="k", size=1)
    return Resource(
        index=0,
        name=name,
        path=f"data/{name}.orig",
        descriptor={"name": name, "title": "kept", "path": f"data/{name}.orig", "bytes": 1},
        source=source,
        tabular=tabular,
        rows=7 if tabular else None,
        files=files,
    )


def test_publishers_words_are_kept_and_proven_facts_win() -> None:
    table = resource("a b", True, file("data", "a-b.csv", 10), file("source", "a.xls.CSV", 20))
    picture = resource("picture", False, file("data", "picture.PNG", 5))
    package = published(FLOW, [table, picture], "https://x.test")
    assert package["name"] == "towns"
    assert package["id"] == "0wner/towns"
    assert package["title"] == "T"
    assert package["datahub"] == {
        "ownerid": "0wner",
        "owner": "alice",
        "findability": "unlisted",
        "flowid": "0wner/towns/3",
        "created": "2026-01-01T00:00:00+00:00",
        "modified": "2026-02-02T00:00:00+00:00",
        "stats": {"rowcount": 7, "bytes": 15},
    }
    assert package["resources"] == [
        {
            "name": "a b",
            "title": "kept",
            "path": "https://x.test/0wner/towns/3/r/a%20b.csv",
            "bytes": 10,
            "hash": "sha256:" + "d" * 64,
            "mediatype": "x/y",
            "rowcount": 7,
            "datahub": {
                "type": "derived/csv",
                "source": {
                    "path": "https://x.test/0wner/towns/3/r/a%20b.source.csv",
                    "bytes": 20,
                    "hash": "sha256:" + "s" * 64,
                    "mediatype": "x/y",
                },
            },
        },
        {
            "name": "picture",
            "title": "kept",
            "path": "https://x.test/0wner/towns/3/r/picture.png",
            "bytes": 5,
            "hash": "sha256:" + "d" * 64,
            "mediatype": "x/y",
            "datahub": {"type": "original"},
        },
    ]


def test_same_rows_are_the_same_bytes() -> None:
    resources = [resource("a", True, file("data", "a.csv", 10))]
    first, second = (encoded(published(FLOW, resources, "https://x.test")) for _ in range(2))
    assert first == second
