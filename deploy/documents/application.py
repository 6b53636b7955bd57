"""The gateway's application with no server behind it: only its router is read."""

from __future__ import annotations

import asyncpg
from aiohttp import web

from gateway.app import create_app
from messages.blobs import Blobs
from messages.settings import Settings, from_env
from messages.transport import open_transport

NOWHERE = {
    "DATABASE_URL": "postgresql://nowhere.invalid/none",
    "S3_ENDPOINT_URL": "http://nowhere.invalid",
    "S3_ACCESS_KEY": "none",
    "S3_SECRET_KEY": "none",
}


def application() -> web.Application:
    """An application that was never started: no part of it has connected to anything."""
    settings: Settings = from_env(NOWHERE)
    pool = asyncpg.create_pool(settings.database_url, min_size=0)
    return create_app(settings, pool, Blobs(settings.store), open_transport(settings))
