"""G12, U14: twenty secrets through every way out that goes wrong, and not one of them anywhere afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
import pytest_asyncio
import structlog
from aiohttp import web

from deploy.embedded.ports import LOOPBACK, free_ports
from gateway.auth.ci.exchange import GRANT, TYPES
from messages import telemetry
from messages.envelope import Message
from messages.errors import PermanentError, TransientError
from messages.settings import Settings
from tests.gateway.conftest import CSV, PASSWORD, Gateway, Publisher, serving, spec_of

SIGNATURE = re.compile(r"X-Amz-Signature=[0-9a-f]{8}|x-amz-signature\W+[0-9a-f]{64}")
HOOK = "Zq7hookpath"
BROKER = "amqp://worker:Zq7brokerpassword@127.0.0.1:1/"
CANARIES = {
    "password that is right": PASSWORD,
    "password that is wrong": "Zq7wrongpassword",
    "password that is no text": "Zq7listedpassword",
    "token in a header": "eyJhbGciOiJub25lIn0.Zq7headertoken.Zq7signature",
    "token in an address": "eyJhbGciOiJub25lIn0.Zq7querytoken.Zq7signature",
    "bearer token": "eyJhbGciOiJub25lIn0.Zq7bearertoken.Zq7signature",
    "session": "eyJhbGciOiJub25lIn0.Zq7cookietoken.Zq7signature",
    "header that is too long": "Zq7longheader",
    "what is no HTTP": "Zq7nothttp",
    "body that is no JSON": "Zq7brokenbody",
    "password of a database": "Zq7databasepassword",
    "password of a broker": "Zq7brokerpassword",
    "signed address in a spec": "Zq7signedaddress",
    "password in an address": "Zq7userinfo",
    "state of a sign-on": "Zq7state",
    "forwarded for": "Zq7forwarded",
    "form of a log-in": "Zq7formpassword",
    "API token that is none": "dhp_Zq7madeup",
    "token of a CI job": "eyJhbGciOiJub25lIn0.Zq7jobtoken.Zq7signature",
}
"""And what is made while the test runs: the store's key, a user token, a permission token, an API token, the key that
signs, the secret of a webhook (which its own row keeps, for it signs)."""


@pytest_asyncio.fixture(scope="module")
async def failing(settings: Settings) -> AsyncIterator[Gateway]:
    """The gateway, and addresses where things of ours go wrong with secrets in hand."""

    async def dsn(_request: web.Request) -> web.Response:
        raise TransientError("cannot connect to postgresql://dh:Zq7databasepassword@db/dh")

    async def broker(_request: web.Request) -> web.Response:
        raise PermanentError(f"no such exchange at {BROKER}")

    async def bug(request: web.Request) -> web.Response:
        raise KeyError(f"Signature={'0' * 64} {request.headers['Auth-Token']}")

    (port,) = free_ports(1)
    own = replace(settings, gateway=replace(settings.gateway, port=port, public_url=f"http://{LOOPBACK}:{port}"))
    routes = [web.get(f"/fail/with/a/{each.__name__}", each) for each in (dsn, broker, bug)]
    async with serving(own, extra=routes) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def eve(failing: Gateway) -> Publisher:
    return await failing.publisher("eve")


async def go_wrong(gateway: Gateway, eve: Publisher, api_token: str) -> list[str]:
    """Sends every secret where it is refused; everything that was answered."""
    canary = CANARIES
    bearer = f"Bearer {canary['bearer token']}"
    json_type, ours = {"Content-Type": "application/json"}, {"Origin": gateway.url}
    url = await eve.upload(CSV)
    signed = f"{url}?X-Amz-Signature={canary['signed address in a spec']}"
    foreign = f"http://u:{canary['password in an address']}@127.0.0.1:9/x"
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/auth/token", {"json": {"username": "eve", "password": canary["password that is wrong"]}}),
        ("POST", "/auth/token", {"json": {"username": "eve", "password": [canary["password that is no text"]]}}),
        ("POST", "/auth/token", {"data": f'{{"x": "{canary["body that is no JSON"]}'.encode(), "headers": json_type}),
        ("POST", "/auth/login", {"data": {"username": "eve", "password": canary["form of a log-in"]}, "headers": ours}),
        ("GET", f"/auth/check?jwt={canary['token in an address']}&next=/", {}),
        ("GET", f"/rawstore/presign?jwt={canary['token in an address']}&url={url}", {}),
        ("GET", f"/auth/oauth_callback?state={canary['state of a sign-on']}&code=x", {}),
        *[("GET", path, {"headers": header}) for path in ("/rawstore/info", "/eve/none", "/auth/check")
          for header in ({"Auth-Token": canary["token in a header"]}, {"Authorization": bearer})],
        ("GET", "/dashboard", {"headers": {"Cookie": f"dh_session={canary['session']}", "Accept": "text/html"}}),
        ("POST", "/auth/logout", {"headers": {"Cookie": f"dh_session={canary['session']}", "Origin": gateway.url}}),
        ("GET", "/health/live", {"headers": {"X-Secret": canary["header that is too long"] + "x" * 9_000}}),
        ("GET", "/auth/check", {"headers": {"X-Forwarded-For": canary["forwarded for"]}}),
        *[("GET", f"/fail/with/a/{name}", {"headers": {"Auth-Token": eve.token}}) for name in ("dsn", "broker", "bug")],
        ("GET", "/metastore/search?q=" + canary["token in an address"], {}),
        ("POST", "/auth/exchange", {"data": {
            "grant_type": GRANT, "subject_token_type": TYPES[0], "subject_token": canary["token of a CI job"]}}),
        *[(method, path, {"headers": {"Auth-Token": token}}) for token in (canary["API token that is none"], api_token)
          for method, path in (("GET", "/auth/check"), ("GET", "/rawstore/info"), ("POST", "/auth/tokens"),
                               ("GET", "/fail/with/a/bug"), ("GET", "/settings/tokens"), ("POST", "/auth/logout"))],
        ("GET", f"/auth/check?jwt={api_token}", {}),
    ]  # fmt: skip
    answers = [await gateway.request(method, path, **options) for method, path, options in requests]
    answers.append(await eve.post_spec(spec_of(eve.id, "prices", {"data.csv": foreign})))
    answers.append(await eve.post_spec(spec_of(eve.id, "prices", {"data.csv": signed})))
    answers.append(await gateway.get(f"/source/{eve.id}/prices/1"))
    return [f"{answer.headers}{answer.body.decode('latin-1')}" for answer in answers]


def rendered(logs: list[Any]) -> str:
    """The lines as a process writes them."""
    lines = []
    for entry in logs:
        kept = structlog.processors.format_exc_info(None, "info", dict(entry))
        lines.append(json.dumps(telemetry.redact(None, "info", kept), default=str))
    return "\n".join(lines)


async def test_no_canary_is_anywhere(failing: Gateway, eve: Publisher) -> None:
    store = failing.parts.settings.store
    permission = await eve.permission("source")
    secrets = {
        **CANARIES,
        "the store's key": store.secret_key,
        "user token": eve.token,
        "permission token": permission,
        "private key": (await failing.pool.fetchval("select private_pem from signing_key")).splitlines()[1],
    }
    made = await failing.post("/auth/tokens", json={"name": "canary"}, headers={"Auth-Token": eve.token})
    secrets["API token"] = made.json()["token"]
    own = {"headers": {"Auth-Token": eve.token}}
    hook = (await failing.post("/webhooks/eve", json={"url": f"https://1.1.1.1/{HOOK}"}, **own)).json()
    secrets["webhook secret"] = hook["secret"]
    with structlog.testing.capture_logs() as logs:
        answers = await go_wrong(failing, eve, secrets["API token"])
        await failing.get("/rawstore/info", headers={"Auth-Token": permission})
        for method, path in (("GET", "deliveries"), ("POST", "ping"), ("POST", "replay"), ("POST", "enable")):
            told = await failing.request(method, f"/webhooks/eve/{hook['id']}/{path}", **own)
            answers.append(told.body.decode())
        answers.append(str((await failing.get("/auth/audit/eve", **own)).json()))
    assert {"request_failed", "request_unreadable", "dependency_failed"} <= {entry["event"] for entry in logs}
    log = rendered(logs)
    kept = await rows_of(failing)
    for what, secret in secrets.items():
        assert secret not in log, f"{what} is in the log"
        assert secret not in kept, f"{what} is in the database"
    assert HOOK not in log + kept, "the address of a webhook may hold a secret of its receiver's"
    for what, secret in secrets.items():
        for answer in answers:
            # A log-in page keeps the name that was typed and nothing else; a search repeats no question.
            assert secret not in answer, f"{what} is in an answer"
    assert not SIGNATURE.search(log)
    assert not SIGNATURE.search(kept)


async def rows_of(gateway: Gateway) -> str:
    """Everything that is kept: messages on their way, dead letters, events, flows."""
    tables = (
        "outbox",
        "turn",
        "inbox",
        "dead_letter",
        "event_log",
        "flow",
        "flow_resource",
        "dataset",
        "metadata",
        "queue_message",
        "api_token",
        "audit",
        "spent_id_token",
        "webhook_delivery",
    )
    found = []
    for table in tables:
        if await gateway.pool.fetchval("select to_regclass($1)", table):
            found += [repr(dict(row)) for row in await gateway.pool.fetch(f"select * from {table}")]  # noqa: S608
    assert any("prices" in row for row in found)
    return "\n".join(found)


def test_what_a_process_logs_is_redacted_by_name_and_by_shape(capsys: pytest.CaptureFixture[str]) -> None:
    shapes = {
        "token": "x" * 20,
        "detail": f"got {CANARIES['bearer token']}",
        "url": "https://store/x?X-Amz-Credential=AKIA/1&X-Amz-Signature=" + "0f" * 32,
        "dsn": "postgresql://dh:Zq7databasepassword@db/dh",
        "broker": BROKER,
        "Cookie": "dh_session=x" * 3,
    }
    out = StringIO()
    event = telemetry.redact(None, "info", {"event": "x", **shapes})
    out.write(json.dumps(event))
    for secret in (*CANARIES.values(), "x" * 20, "0f" * 32, "AKIA"):
        assert secret not in out.getvalue()


def test_a_message_that_is_none_is_told_without_what_is_in_it() -> None:
    with pytest.raises(Exception, match="message") as refused:
        Message.decode(b'{"password": "Zq7brokenbody"')
    assert "Zq7" not in str(refused.value)
