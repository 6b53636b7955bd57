"""Every test of this folder runs on both transports, word for word."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from messages.transport.port import Transport
from tests.contract.factory import TransportFactory, factory_of


@pytest.fixture(
    params=[
        pytest.param("database_url", id="postgres"),
        pytest.param("amqp_url", id="rabbitmq", marks=pytest.mark.rabbitmq),
    ]
)
def broker_url(request: pytest.FixtureRequest) -> str:
    """A broker of this test's own: an empty database, an empty virtual host."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest_asyncio.fixture
async def transport_factory(broker_url: str) -> AsyncIterator[TransportFactory]:
    """Opens transports on that broker; the topology exists."""
    factory = factory_of(broker_url)
    await factory().declare()
    yield factory
    await factory.close()


@pytest.fixture
def transport(transport_factory: TransportFactory) -> Transport:
    """One open transport."""
    return transport_factory()
