"""How often one caller may ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.caller import network_of
from gateway.rates import REMEMBERED, SAVED, Rate
from messages.settings import Settings, SettingsError, from_env
from tests.gateway.conftest import Gateway, serving

RATE = 0.5
"""Requests a second: so few that none comes back while a test runs."""


def limited(settings: Settings, *, address: float = 0, account: float = 0) -> Settings:
    return replace(settings, gateway=replace(settings.gateway, address_rate=address, account_rate=account))


async def statuses(gateway: Gateway, count: int, **headers: str) -> list[int]:
    return [(await gateway.get("/auth/check", headers=headers)).status for _ in range(count)]


async def test_who_asks_too_often_is_told_when_to_come_back_and_nobody_else_notices(settings: Settings) -> None:
    async with serving(limited(settings, account=RATE)) as gateway:
        ada, bob = await gateway.publisher("ada"), await gateway.publisher("bob")
        saved = int(RATE * SAVED)
        assert await statuses(gateway, saved, **{"Auth-Token": ada.token}) == [200] * saved
        answer = await gateway.get("/auth/check", headers={"Auth-Token": ada.token})
        assert (answer.status, answer.json()["type"]) == (429, "urn:datahub:problem:too-many-requests")
        assert 1 <= int(answer.headers["Retry-After"]) <= 2
        assert answer.headers["RateLimit-Policy"] == '"account";q=10;w=20'
        assert answer.headers["RateLimit"].startswith('"account";r=0;t=')
        assert await statuses(gateway, 3, **{"Auth-Token": bob.token}) == [200] * 3
        assert await statuses(gateway, 3) == [200] * 3


async def test_an_address_is_limited_whatever_tokens_it_invents(settings: Settings) -> None:
    async with serving(limited(settings, address=RATE)) as gateway:
        saved = int(RATE * SAVED)
        got = [(await statuses(gateway, 1, **{"Auth-Token": f"invented{number}"}))[0] for number in range(saved + 1)]
        assert got == [200] * saved + [429]
        assert await statuses(gateway, 1, **{"X-Forwarded-For": "198.51.100.1"}) == [429]
        assert (await gateway.get("/health/live")).status == 200


def test_a_rate_comes_back_with_time_and_is_saved_up_no_longer_than_that() -> None:
    rate = Rate("address", 10)
    assert [rate.wait("a", 0.0) for _ in range(200)] == [0.0] * 200
    assert rate.wait("a", 0.0) == pytest.approx(0.1)
    assert rate.wait("a", 0.1) == 0.0
    assert rate.wait("a", 0.1) > 0.0
    assert rate.wait("b", 0.1) == 0.0
    assert [rate.wait("a", 1_000.0) for _ in range(200)] == [0.0] * 200
    assert rate.wait("a", 1_000.0) > 0.0


def test_callers_in_memory_are_bounded() -> None:
    rate = Rate("address", 1)
    for number in range(REMEMBERED + 10):
        rate.wait(str(number), 0.0)
    assert len(rate._full) == REMEMBERED


def test_a_network_of_ipv6_counts_as_one() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert network_of("198.51.100.1") == "198.51.100.1"
    assert network_of("") == ""


@pytest.mark.parametrize("wrong", ["-1", "nan", "inf", "many"])
def test_a_rate_that_is_none_is_named(wrong: str) -> None:
    environ = {"DATABASE_URL": "x", "S3_ENDPOINT_URL": "x", "S3_ACCESS_KEY": "x", "S3_SECRET_KEY": "x"}
    with pytest.raises(SettingsError, match="DH_RATE_ADDRESS"):
        from_env({**environ, "DH_RATE_ADDRESS": wrong})
