"""How messages are carried: the port, and two implementations of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messages.settings import Settings
    from messages.transport.port import Transport


def open_transport(settings: Settings) -> Transport:
    """RabbitMQ where `amqp_url` is set, else PostgreSQL; it connects when it is first used.

    Only the library of the chosen one is imported: a command line tool should not pay for both.
    """
    if settings.amqp_url:
        from messages.transport.rabbitmq import RabbitTransport

        return RabbitTransport(settings.amqp_url)
    from messages.transport.postgres import PostgresTransport

    return PostgresTransport(settings.database_url)
