"""How messages are carried: the port, and two implementations of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messages.settings import Settings
    from messages.transport.port import Transport


def open_transport(settings: Settings) -> Transport:
    """RabbitMQ where `amqp_url` is set, else PostgreSQL; it connects when it is first used."""
    return transport_at(settings.amqp_url or settings.database_url)


def transport_at(url: str) -> Transport:
    """The transport that an `amqp://`, `amqps://` or `postgresql://` address leads to.

    Only the library of the chosen one is imported: a command line tool should not pay for both.
    """
    if url.startswith("amqp"):
        from messages.transport.rabbitmq import RabbitTransport

        return RabbitTransport(url)
    from messages.transport.postgres import PostgresTransport

    return PostgresTransport(url)
