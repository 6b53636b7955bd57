"""`dh login` of somebody who only has an account at a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests.client.screen import Screen, on_a_terminal
from tests.gateway.conftest import Gateway, serving, settings_for
from tests.oidc.certified import with_providers
from tests.oidc.visitor import visiting

pytestmark = pytest.mark.node

ADDRESS = r"(http://\S+/auth/oauth/authorize\?\S+)\s"


@pytest_asyncio.fixture
async def gateway(issuers: Sequence[str], database_url: str, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    """A gateway with two providers."""
    async with serving(await with_providers(settings_for(database_url, object_store), issuers)) as gateway:
        yield gateway


async def test_somebody_new_logs_in_at_a_provider_from_the_terminal(gateway: Gateway, tmp_path: Path) -> None:
    home = {"DH_CONFIG": str(tmp_path / "home" / "config.json"), "DH_SERVER": gateway.url}
    screen = Screen("login", "--no-browser", **home)
    address = (await screen.until(ADDRESS))[1]
    async with visiting(gateway.url) as visitor:
        login = urlsplit((await visitor.get(address)).headers["Location"])
        destination = parse_qs(login.query)["next"][0]
        await visitor.sign_on(f"/auth/sso/second?{login.query}", "terry@example.com")
        welcomed = await visitor.submit("/auth/welcome", username="terry")
        assert welcomed.headers["Location"] == destination
        wish = {name: values[0] for name, values in parse_qs(urlsplit(destination).query).items()}
        decided = await visitor.submit("/auth/oauth/authorize", **wish, act="allow")
        assert (await visitor.get(decided.headers["Location"])).status == 200
    assert await screen.code() == 0, screen.shown
    assert f"logged in at {gateway.url} as terry" in screen.shown
    code, shown = await on_a_terminal("whoami", **home)
    assert (code, "terry at" in shown) == (0, True)
