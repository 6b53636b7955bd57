"""Exchanging the keys that sign: nobody is logged out, unless a key has leaked."""

from __future__ import annotations

import jwt
import pytest

from deploy.operations import key_table, revoke_key, rotate_keys
from gateway.auth import keys
from gateway.auth.keys import AFTERLIFE, SigningKeys
from messages.errors import PermanentError
from messages.settings import Settings
from tests.gateway.conftest import Gateway, Publisher


def kid_of(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


async def logged_in(gateway: Gateway, token: str) -> bool:
    answer = await gateway.get("/auth/check", headers={"Auth-Token": token})
    return bool(answer.json()["authenticated"])


async def seen(gateway: Gateway) -> SigningKeys:
    """The keys as another process of today sees them."""
    other = SigningKeys(gateway.pool)
    await other.prepare()
    return other


async def test_a_new_key_verifies_at_once_and_signs_when_the_old_one_retires(gateway: Gateway, ada: Publisher) -> None:
    mine = gateway.parts.tokens.keys
    old = mine.signing.kid
    new = (await keys.rotate(gateway.pool)).kid
    await mine._fetch()
    assert (mine.signing.kid, {key.kid for key in mine.all()}) == (old, {old, new})
    await gateway.pool.execute("update signing_key set retired_at = now() where kid = $1", old)
    await mine._fetch()
    assert mine.signing.kid == new
    assert kid_of(await ada.permission("rawstore")) == new
    assert await logged_in(gateway, ada.token)


async def test_a_process_that_has_not_looked_yet_takes_a_token_of_the_new_key(gateway: Gateway, ada: Publisher) -> None:
    gateway.parts.tokens.keys._fetched -= 60
    await keys.rotate(gateway.pool, notice=0)
    other = await seen(gateway)
    assert other.signing.kid != kid_of(ada.token)
    assert await gateway.parts.tokens.keys.find(other.signing.kid) is not None


async def test_an_old_key_verifies_until_its_last_token_has_ended(gateway: Gateway, ada: Publisher) -> None:
    old = kid_of(ada.token)
    await keys.rotate(gateway.pool, notice=0)
    for seconds, verifies in ((AFTERLIFE - 60, True), (AFTERLIFE + 60, False)):
        await gateway.pool.execute(
            "update signing_key set retired_at = now() - make_interval(secs => $2) where kid = $1", old, seconds
        )
        await gateway.parts.tokens.keys._fetch()
        assert await logged_in(gateway, ada.token) is verifies
    await keys.rotate(gateway.pool)
    assert old not in [record.kid for record in await keys.listed(gateway.pool)]


async def test_rotations_in_a_row_sign_one_after_the_other(gateway: Gateway) -> None:
    first = gateway.parts.tokens.keys.signing.kid
    made = [(await keys.rotate(gateway.pool)).kid for _ in range(3)]
    assert [record.kid for record in await keys.listed(gateway.pool)] == [first, *made]
    assert (await seen(gateway)).signing.kid == first
    await gateway.pool.execute("update signing_key set retired_at = now() where retired_at is not null")
    assert (await seen(gateway)).signing.kid == made[-1]


async def test_a_key_that_leaked_takes_its_tokens_along(gateway: Gateway, ada: Publisher, settings: Settings) -> None:
    leaked = kid_of(ada.token)
    await revoke_key(settings, leaked)
    await gateway.parts.tokens.keys._fetch()
    assert not await logged_in(gateway, ada.token)
    assert gateway.parts.tokens.keys.signing.kid != leaked
    assert await logged_in(gateway, gateway.parts.tokens.issue_user(ada.account))
    with pytest.raises(PermanentError, match="keys list"):
        await revoke_key(settings, leaked)


async def test_an_operator_sees_which_key_signs_until_when(gateway: Gateway, settings: Settings) -> None:
    old = gateway.parts.tokens.keys.signing.kid
    new = await rotate_keys(settings)
    table = (await key_table(settings)).splitlines()
    assert [line.split()[0] for line in table] == ["key", old, new]
    assert table[2].endswith("further notice")
    assert "further" not in table[1]
    assert "PRIVATE" not in "".join(table)
