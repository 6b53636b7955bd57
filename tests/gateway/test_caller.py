"""Whose failed log-ins are counted, behind proxies and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from gateway.caller import caller
from messages.settings import Settings, SettingsError, from_env
from tests.gateway.conftest import PASSWORD, Gateway, Publisher, serving

WRONG = "wrong password"
TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "::1", "127.0.0.1")))


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # whoever is no proxy of ours says what they like
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),  # two header lines are one list
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # made up by the client
        ("10.0.0.1", ["10.0.0.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),  # a client of our own network
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:DB8::7]:4711"], "2001:db8::7"),
        ("::1", ["2001:db8:0:0::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),  # a socket of this machine
    ],
)
def test_caller_is_the_last_one_that_is_no_proxy_of_ours(peer: str, forwarded: Sequence[str], found: str) -> None:
    assert caller(peer, forwarded, TRUSTED) == found


def test_nobody_is_trusted_unless_named() -> None:
    assert caller("127.0.0.1", ["198.51.100.1"], ()) == "127.0.0.1"


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1"])
def test_a_network_that_is_none_is_named(wrong: str) -> None:
    environ = {"DATABASE_URL": "x", "S3_ENDPOINT_URL": "x", "S3_ACCESS_KEY": "x", "S3_SECRET_KEY": "x"}
    with pytest.raises(SettingsError, match=r"DH_TRUSTED_PROXIES.*10\.0\.0\.0/8"):
        from_env({**environ, "DH_TRUSTED_PROXIES": wrong})


async def guess(gateway: Gateway, forwarded: str, password: str = WRONG) -> int:
    """The status of a log-in that says it was forwarded."""
    body = {"username": "ada", "password": password}
    return (await gateway.post("/auth/token", json=body, headers={"X-Forwarded-For": forwarded})).status


async def test_a_forged_header_gives_no_further_guesses(gateway: Gateway, ada: Publisher) -> None:
    assert {await guess(gateway, f"198.51.100.{number}") for number in range(10)} == {401}
    assert await guess(gateway, "198.51.100.77", PASSWORD) == 429


async def test_behind_a_proxy_of_ours_callers_are_told_apart(settings: Settings) -> None:
    trusting = replace(settings, gateway=replace(settings.gateway, trusted_proxies=TRUSTED))
    async with serving(trusting) as gateway:
        await gateway.publisher("ada")
        made_up = [await guess(gateway, f"192.0.2.{number}, 198.51.100.1") for number in range(11)]
        assert made_up == [401] * 10 + [429]
        assert await guess(gateway, "198.51.100.2", PASSWORD) == 200
