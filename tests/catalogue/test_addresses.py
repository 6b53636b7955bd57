"""S: addresses in what a publisher writes. Nothing here fetches any, so each is refused before anybody connects."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.canary import Canary
from tests.gateway.conftest import CSV, Publisher, descriptor_of, spec_of

HOSTS: list[tuple[str, str]] = [
    *[
        ("S01", host)
        for host in ("127.0.0.1", "localhost", "127.1", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "10.0.0.1")
    ],
    *[
        ("S01", host)
        for host in ("172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]")
    ],
    *[("S01", host) for host in ("198.18.0.1", "192.0.0.8", "224.0.0.1", "[ff02::1]", "240.0.0.1", "255.255.255.255")],
    *[
        ("S02", host)
        for host in (
            "2852039166",
            "0xA9FEA9FE",
            "0251.0376.0251.0376",
            "\uff11\uff12\uff17.0.0.1",
            "\u2460\u2461\u2466.0.0.\u2460",
        )
    ],
    *[("S03", host) for host in ("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[2001::7f00:1]")],
]
ADDRESSES: list[tuple[str, str]] = [
    *[(case, f"{scheme}://{host}/data.csv") for case, host in HOSTS for scheme in ("http", "https")],
    *[
        ("S06", f"{scheme}:///etc/passwd")
        for scheme in ("file", "gopher", "dict", "ftp", "unix", "sftp", "ldap", "jar")
    ],
    *[("S06", f"http://127.0.0.1:{port}/x") for port in (22, 25, 5432, 5672, 15672)],
    *[
        ("S06", text)
        for text in ("http://evil\\@127.0.0.1/x", "http://user:secret@127.0.0.1/x", "http:///x", "http://[")
    ],
]


@pytest.mark.parametrize("case", ["S01", "S02", "S03", "S06"])
async def test_no_address_is_taken_or_visited(ada: Publisher, canary: Canary, case: str) -> None:
    ours = await ada.upload(CSV)
    addresses = [address for name, address in ADDRESSES if name == case]
    if case == "S01":
        addresses.append(f"{canary.url}/data.csv")
    for address in addresses:
        as_path = spec_of(ada.id, "prices", {"data.csv": ours}, descriptor_of("prices", path=address))
        as_upload = spec_of(ada.id, "prices", {"data.csv": address})
        as_schema = spec_of(ada.id, "prices", {"data.csv": ours}, descriptor_of("prices", schema=address))
        async with asyncio.timeout(10):
            answers = [(await ada.post_spec(spec)).json() for spec in (as_path, as_upload, as_schema)]
        for answer in answers:
            assert answer["success"] is False
            assert {each["rule"] for each in answer["problems"]} <= {
                "remote-reference",
                "unsafe-path",
                "reference-not-inlined",
            }
    assert canary.hits == []
    assert await ada.gateway.pool.fetchval("select count(*) from flow") == 0
