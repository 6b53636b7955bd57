"""The parts that a gateway process is made of, put together once and handed to every module that serves requests."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
from aiohttp import web

from gateway.admission import Admission
from gateway.auth.accounts import Accounts
from gateway.auth.ci.issuers import CiIssuers
from gateway.auth.oidc.identities import Identities
from gateway.auth.oidc.providers import Providers
from gateway.auth.tokens import Tokens
from gateway.heard import Heard
from gateway.rates import Rates
from gateway.status import Statuses
from messages.blobs import Blobs
from messages.settings import Settings
from messages.transport.port import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What handlers stand on: one database pool, one object store, one transport, the accounts and their tokens, who
    else says who somebody is, and what is a CI job; the line before dear requests, and how often one caller may ask;
    what flows are like, and what was heard of them."""

    settings: Settings
    pool: asyncpg.Pool
    blobs: Blobs
    transport: Transport
    accounts: Accounts
    tokens: Tokens
    providers: Providers
    identities: Identities
    ci: CiIssuers
    admission: Admission
    rates: Rates
    heard: Heard
    statuses: Statuses


PARTS = web.AppKey("parts", Parts)
