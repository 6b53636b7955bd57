"""Settings of all processes: read once, in the main function, from the environment. `docs/settings.md` lists them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from messages.cisettings import CiSettings, ci_issuers_from
from messages.errors import SettingsError as SettingsError
from messages.jobs import STAGES
from messages.providersettings import ProviderSettings, providers_from

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The object store. `public_url` is where publishers and browsers reach it, `endpoint_url` where we do."""

    endpoint_url: str
    public_url: str
    access_key: str
    secret_key: str
    region: str
    raw_bucket: str
    package_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """`public_url` is the gateway's address as users see it: issuer of tokens, base of links. Expiry in seconds.

    `trusted_proxies`: where an `X-Forwarded-For` may come from. `address_rate`, `account_rate`: requests a second, 0
    for as many as they like. `providers`: who else may say who somebody is; `ci_issuers`: whose jobs may publish.
    `owner_quota`: bytes that an owner may have in the object store unless said otherwise of it, 0 for as many as they
    like.
    """

    host: str
    port: int
    public_url: str
    upload_expiry: int
    max_body: int
    trusted_proxies: tuple[Network, ...]
    address_rate: float
    account_rate: float
    providers: tuple[ProviderSettings, ...]
    owner_quota: int
    ci_issuers: tuple[CiSettings, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What one table may have, and how much of what is wrong with it is told: see `tabular.limits.Limits`, whose
    fields these are. Sizes in bytes."""

    decompressed_bytes: int
    ratio: int
    sheet_cells: int
    shared_strings: int
    columns: int
    cell_bytes: int
    row_bytes: int
    errors: int
    listed_errors: int
    listed_rows: int
    count_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`slots` jobs at a time per stage; `grace`, `stage_timeouts` (by stage) in seconds; spool capacity, memory and the
    largest `file_size` that a stage may write in bytes."""

    slots: int
    grace: float
    stage_timeouts: Mapping[str, float]
    memory: int
    file_size: int
    limits: LimitSettings
    spool_dir: Path
    spool_capacity: int
    rescue_after: float
    alive_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """What of one owner may be under way at a time: `jobs` resources, of `bytes` bytes together (one is always)."""

    jobs: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`amqp_url` None selects the embedded transport on PostgreSQL. `log_format`: `json` or `console`.

    `webhook_networks`: where webhooks may go besides the public internet, with plain HTTP, too."""

    database_url: str
    amqp_url: str | None
    store: StoreSettings
    gateway: GatewaySettings
    worker: WorkerSettings
    turns: TurnSettings
    webhook_networks: tuple[Network, ...]
    log_format: str
    log_level: str


def from_env(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in the environment; raises SettingsError that names what is missing."""
    public_url = environ.get("DH_PUBLIC_URL", "http://127.0.0.1:8080").rstrip("/")
    timeouts = _stage_timeouts(environ)
    return Settings(
        database_url=_required(environ, "DATABASE_URL"),
        amqp_url=environ.get("AMQP_URL") or None,
        store=_store(environ),
        gateway=GatewaySettings(
            host=environ.get("DH_HOST", "127.0.0.1"),
            port=_int(environ, "DH_PORT", urlsplit(public_url).port or 8080),
            public_url=public_url,
            upload_expiry=_int(environ, "DH_UPLOAD_EXPIRY", 3600),
            max_body=_int(environ, "DH_MAX_BODY", 10_000_000),
            trusted_proxies=_networks(environ, "DH_TRUSTED_PROXIES"),
            address_rate=_rate(environ, "DH_RATE_ADDRESS", 200.0),
            account_rate=_rate(environ, "DH_RATE_ACCOUNT", 100.0),
            providers=providers_from(environ),
            owner_quota=_whole(environ, "DH_OWNER_QUOTA", 100_000_000_000),
            ci_issuers=ci_issuers_from(environ),
        ),
        worker=WorkerSettings(
            slots=_int(environ, "DH_SLOTS", 4),
            grace=_float(environ, "DH_GRACE", 25.0),
            stage_timeouts=timeouts,
            memory=_int(environ, "DH_STAGE_MEMORY", 1_500_000_000),
            file_size=_int(environ, "DH_STAGE_FILE_SIZE", 16_000_000_000),
            limits=_limits(environ),
            spool_dir=Path(environ.get("DH_SPOOL_DIR", "/tmp/datahub-spool")),  # noqa: S108 made 0700 by the spool
            spool_capacity=_int(environ, "DH_SPOOL_CAPACITY", 10_000_000_000),
            rescue_after=_rescue_after(environ, timeouts),
            alive_file=Path(environ["DH_ALIVE_FILE"]) if environ.get("DH_ALIVE_FILE") else None,
        ),
        turns=TurnSettings(
            jobs=_count(environ, "DH_OWNER_JOBS", 16), bytes=_count(environ, "DH_OWNER_BYTES", 128_000_000)
        ),
        webhook_networks=_networks(environ, "DH_WEBHOOK_NETWORKS"),
        log_format=environ.get("DH_LOG_FORMAT", "json"),
        log_level=environ.get("DH_LOG_LEVEL", "info"),
    )


def timeout_setting(stage: str) -> str:
    """The variable that bounds the time of one stage alone."""
    return f"DH_STAGE_TIMEOUT_{stage.upper()}"


def _stage_timeouts(environ: Mapping[str, str]) -> dict[str, float]:
    every = _seconds(environ, "DH_STAGE_TIMEOUT", 1500.0)
    return {stage: _seconds(environ, timeout_setting(stage), every) for stage in STAGES}


def _rescue_after(environ: Mapping[str, str], timeouts: Mapping[str, float]) -> float:
    """A flow that a stage may still be working on must not be taken for one that has stopped, and started again."""
    after = _seconds(environ, "DH_RESCUE_AFTER", 1800.0)
    slowest = max(timeouts, key=lambda stage: timeouts[stage])
    if after <= timeouts[slowest]:
        name = timeout_setting(slowest)
        name = name if name in environ else "DH_STAGE_TIMEOUT"
        raise SettingsError(
            f"DH_RESCUE_AFTER is {after:g} and {name} is {timeouts[slowest]:g}: flows would be started again while the"
            f" stage {slowest} still works on them; set {name} below DH_RESCUE_AFTER"
        )
    return after


def _limits(environ: Mapping[str, str]) -> LimitSettings:
    return LimitSettings(
        decompressed_bytes=_count(environ, "DH_MAX_DECOMPRESSED", 5_000_000_000),
        ratio=_count(environ, "DH_MAX_RATIO", 100),
        sheet_cells=_count(environ, "DH_MAX_SHEET_CELLS", 100_000_000),
        shared_strings=_count(environ, "DH_MAX_SHARED_STRINGS", 250_000_000),
        columns=_count(environ, "DH_MAX_COLUMNS", 10_000),
        cell_bytes=_count(environ, "DH_MAX_CELL", 1_000_000),
        row_bytes=_count(environ, "DH_MAX_ROW", 16_000_000),
        errors=_count(environ, "DH_REPORTED_ERRORS", 1_000),
        listed_errors=_count(environ, "DH_LISTED_ERRORS", 10_000),
        listed_rows=_count(environ, "DH_LISTED_ROWS", 10_000),
        count_seconds=_float(environ, "DH_COUNT_SECONDS", 300.0),
    )


def _store(environ: Mapping[str, str]) -> StoreSettings:
    endpoint_url = _required(environ, "S3_ENDPOINT_URL").rstrip("/")
    return StoreSettings(
        endpoint_url=endpoint_url,
        public_url=environ.get("S3_PUBLIC_URL", endpoint_url).rstrip("/"),
        access_key=_required(environ, "S3_ACCESS_KEY"),
        secret_key=_required(environ, "S3_SECRET_KEY"),
        region=environ.get("S3_REGION", "us-east-1"),
        raw_bucket=environ.get("S3_RAW_BUCKET", "rawstore"),
        package_bucket=environ.get("S3_PACKAGE_BUCKET", "pkgstore"),
    )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set: see docs/settings.md, or run `dh-server up`, which needs no settings")
    return value


def _int(environ: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(environ.get(name, default))
    except ValueError:
        raise SettingsError(f"{name} is {environ[name]!r}: a whole number is expected") from None


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    value = _int(environ, name, default)
    if value < 0:
        raise SettingsError(f"{name} is {value}: at least 0 is expected")
    return value


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    value = _int(environ, name, default)
    if value < 1:
        raise SettingsError(f"{name} is {value}: at least 1 is expected")
    return value


def _float(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(environ.get(name, default))
    except ValueError:
        raise SettingsError(f"{name} is {environ[name]!r}: a number is expected") from None


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    value = _float(environ, name, default)
    if not 1 <= value < math.inf:
        raise SettingsError(f"{name} is {value:g}: at least 1 second is expected")
    return value


def _rate(environ: Mapping[str, str], name: str, default: float) -> float:
    value = _float(environ, name, default)
    if not 0 <= value < math.inf:
        raise SettingsError(f"{name} is {value:g}: requests a second are expected, or 0 for no limit")
    return value


def _networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text) for text in environ.get(name, "").replace(",", " ").split())
    except ValueError as error:
        raise SettingsError(f"{name}: {error}; addresses and networks are expected, as in `10.0.0.0/8, ::1`") from None
