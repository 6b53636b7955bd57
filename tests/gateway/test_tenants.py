"""Owners are apart: every operation as five callers see it, and private things that cannot be told from absent ones."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import jwt
import pytest
import pytest_asyncio

from deploy.documents.application import application
from deploy.documents.openapi import operations
from gateway.auth import apitokens
from gateway.auth.apitokens import NewToken
from gateway.auth.audit import Origin
from gateway.auth.rights import Action, Actor, Scope
from gateway.auth.services import PERMISSIONS
from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import CSV, Answer, Gateway, Publisher, serving, shared_settings, spec_of
from tests.gateway.seeds import Seeds, Table, join, organisation
from tests.gateway.tenants import CALLERS, MACHINES, ROLES, ROWS, TITLE, Row
from tests.sessions import left_in_sessions

SECRET, ABSENT = "secret", "absent"
"""Of the same length, so that answers can be compared byte by byte."""
OPERATIONS = sorted({(method, path) for method, path, _ in operations(application())})


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        yield gateway
        assert await left_in_sessions(gateway.pool) == []


@pytest_asyncio.fixture(scope="module")
async def ada(gateway: Gateway) -> Publisher:
    """The owner of a private dataset: one revision that is published, one that failed."""
    ada = await gateway.publisher("ada")
    await _private_data(gateway, ada.id)
    return ada


async def _private_data(gateway: Gateway, ownerid: str) -> None:
    seeds = Seeds(gateway.pool, gateway.parts.blobs)
    good: dict[str, Any] = {"findability": "private", "title": TITLE, "description": TITLE, "readme": f"# {TITLE}"}
    await seeds.revision(ownerid, SECRET, **good)
    finding = {"rule": "type-error", "message": "wrong", "row": 2, "field": "price", "cell": "x"}
    failed = Table(
        state="FAILED", stage="validate", reason="x", rule="type-error", findings=[finding], report={"valid": False}
    )
    await seeds.revision(ownerid, SECRET, state="FAILED", reason="x", tables=[failed], **good)
    await seeds.event(ownerid, SECRET, "finished", "private")


@pytest_asyncio.fixture(scope="module")
async def bob(gateway: Gateway) -> Publisher:
    return await gateway.publisher("bob")


@pytest_asyncio.fixture(scope="module")
async def names(ada: Publisher) -> Mapping[str, str]:
    """What the rows are filled with."""
    made = await _uploads(ada, ada.id)
    return {"owner": "ada", "ownerid": ada.id, "dataset": SECRET, "revision": "1", **made}


async def _uploads(publisher: Publisher, owner: str) -> dict[str, str]:
    """The address of an upload, and the ids of two in parts that are under way."""
    begun = [await publisher.open_upload(CSV * times, owner=owner) for times in (2, 3)]
    pending, doomed = (answer.json()["upload"] for answer in begun)
    return {"upload": await publisher.upload(CSV, owner=owner), "pending": pending, "doomed": doomed}


@pytest_asyncio.fixture(scope="module")
async def members(gateway: Gateway) -> Mapping[str, Publisher]:
    """One of each role in an organisation with the same private data as ada's."""
    guild = await organisation(gateway.pool, "guild")
    await _private_data(gateway, guild)
    found = {role: await gateway.publisher(f"{role}-of-guild") for role in ROLES}
    for role, member in found.items():
        await join(gateway.pool, guild, member.id, role)
    return found


@pytest_asyncio.fixture(scope="module")
async def guild_names(gateway: Gateway, members: Mapping[str, Publisher]) -> Mapping[str, str]:
    guild = await gateway.pool.fetchval("select id from account where username = 'guild'")
    made = await _uploads(members["publisher"], guild)
    return {"owner": "guild", "ownerid": guild, "dataset": SECRET, "revision": "1", **made}


def token_of(caller: str, row: Row, ada: Publisher, bob: Publisher) -> str | None:
    """A fresh token of a caller: some operations end the one they are shown."""
    if caller == "anonymous":
        return None
    tokens, account = ada.gateway.parts.tokens, (bob if caller == "other" else ada).account
    if caller == "wrong":
        return tokens.issue_permission(account, "metastore", PERMISSIONS["metastore"])
    good = tokens.issue_user(account)
    if row.service is not None:
        good = tokens.issue_permission(account, row.service, PERMISSIONS[row.service])
    if caller != "expired":
        return good
    claims = jwt.decode(good, options={"verify_signature": False})
    life = claims["exp"] - claims["iat"]
    past = {**claims, "iat": int(time.time()) - 60 - life, "exp": int(time.time()) - 60}
    header = jwt.get_unverified_header(good)
    return jwt.encode(past, tokens.keys.signing.private, algorithm="EdDSA", headers=header)


async def ask(
    gateway: Gateway, operation: tuple[str, str], row: Row, names: Mapping[str, str], token: str | None, **more: str
) -> Answer:
    """The operation as a row says, of a dataset in `names`."""
    method, path = operation
    names = {**names, "fresh": secrets.token_hex(8)}
    values = {**names, **{name: value.format(**names) for name, value in row.values.items()}}
    address = path.format(**values) + (f"?{row.query.format(**names)}" if row.query else "")
    headers = {**({"Auth-Token": token} if token else {}), **more}
    if row.browser:
        headers = {"Origin": gateway.url, **({"Cookie": f"dh_session={token}"} if token else {}), **more}
    body = None if row.body is None else json.loads(_filled(json.dumps(row.body), names))
    return await gateway.request(method, address, headers=headers, **({} if body is None else {"json": body}))


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def shown(answer: Answer) -> str:
    return (
        "\n".join(f"{name}: {value}" for name, value in answer.headers.items()) + "\n\n" + answer.body.decode("latin-1")
    )


def test_every_operation_has_a_row_and_no_other() -> None:
    assert set(OPERATIONS) == set(ROWS), "declare in tests/gateway/tenants.py what each caller gets of it"


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_every_operation_answers_every_caller_as_declared(
    gateway: Gateway, ada: Publisher, bob: Publisher, names: Mapping[str, str], operation: tuple[str, str]
) -> None:
    row = ROWS[operation]
    answers = [await ask(gateway, operation, row, names, token_of(caller, row, ada, bob)) for caller in CALLERS]
    got = tuple(answer.status for answer in answers)
    assert got == row.statuses, dict(zip(CALLERS, got, strict=True))
    if row.mark:
        mark = _filled(row.mark, names)
        assert tuple(who for who, answer in zip(CALLERS, answers, strict=True) if mark in shown(answer)) == row.sees
    for answer in answers:
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_every_operation_answers_members_as_their_role_lets_them(
    gateway: Gateway,
    ada: Publisher,
    members: Mapping[str, Publisher],
    guild_names: Mapping[str, str],
    operation: tuple[str, str],
) -> None:
    row = ROWS[operation]
    mark = _filled(row.mark, guild_names)
    for role, member in members.items():
        answer = await ask(gateway, operation, row, guild_names, token_of("owner", row, member, ada))
        allowed = ROLES.index(role) >= ROLES.index(row.role)
        if row.of_caller:
            wanted, shows = row.statuses[2], "other" in row.sees
        elif allowed:
            wanted, shows = (row.statuses[1], bool(row.sees)) if row.as_member is None else (row.as_member, True)
        else:
            wanted, shows = row.refused, False
        assert answer.status == wanted, (role, answer.body)
        if row.mark:
            assert (mark in shown(answer)) == shows, role


@pytest_asyncio.fixture(scope="module")
async def machines(gateway: Gateway, ada: Publisher) -> Mapping[str, str]:
    """An API token of the owner's of each kind."""
    access = {"reads": Action.READ, "elsewhere": Action.PUBLISH, "revoked": Action.MANAGE}
    found, origin = {}, Origin(actor=Actor(account=ada.account))
    for kind in MACHINES:
        dataset = kind if kind == "elsewhere" else None
        wanted = NewToken(name=kind, access=access[kind], ownerid=ada.id, dataset=dataset, days=1)
        made, found[kind] = await apitokens.make(gateway.pool, origin, wanted)
        if kind == "revoked":
            assert await apitokens.revoke(gateway.pool, origin, made.id)
    return found


async def machine_token(gateway: Gateway, ada: Publisher, kind: str, secret: str, row: Row) -> str:
    """The API token, or a permission token that names it, though nobody would be given one for that service."""
    if row.service is None:
        return secret
    holder = await apitokens.holder_of_secret(gateway.pool, secret, "127.0.0.1")
    scope = holder.scope if holder else None
    if scope is None:
        gone = await gateway.pool.fetchval("select id from api_token where name = $1", kind)
        scope = Scope(actions=frozenset(Action), ownerid=ada.id, token_id=gone, expires=int(time.time()) + 600)
    return gateway.parts.tokens.issue_permission(ada.account, row.service, PERMISSIONS[row.service], scope)


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_every_operation_answers_an_api_token_within_its_scope(
    gateway: Gateway,
    ada: Publisher,
    machines: Mapping[str, str],
    names: Mapping[str, str],
    operation: tuple[str, str],
) -> None:
    row = ROWS[operation]
    for kind, secret in machines.items():
        token = await machine_token(gateway, ada, kind, secret, row)
        answer = await ask(gateway, operation, row, names, token)
        wanted, shows = machine_cell(kind, row)
        assert answer.status == wanted, (kind, answer.body)
        if row.mark:
            assert (_filled(row.mark, names) in shown(answer)) == shows, kind


def machine_cell(kind: str, row: Row) -> tuple[int, bool]:
    """Status of an API token's answer, and whether it is sent the mark."""
    _, owner, other, expired, _ = row.statuses
    if kind in row.machines:
        return row.machines[kind]
    if kind == "revoked" or row.people or row.browser:
        return expired, False
    if row.of_caller or kind == "elsewhere":
        return other, "other" in row.sees
    return (owner, bool(row.sees)) if row.role == "reader" else (row.refused, False)


OF_DATASETS = [operation for operation in OPERATIONS if "{dataset}" in operation[1]]


@pytest.mark.parametrize("operation", OF_DATASETS, ids=" ".join)
async def test_private_cannot_be_told_from_absent(
    gateway: Gateway,
    ada: Publisher,
    bob: Publisher,
    machines: Mapping[str, str],
    names: Mapping[str, str],
    operation: tuple[str, str],
) -> None:
    """A08: status, every header, every byte; as JSON and as a page, to nobody, to somebody else, to what is for another
    dataset of the owner's."""
    row = ROWS[operation]
    for caller in ("anonymous", "other", "expired", "elsewhere"):
        for accept in ("application/json", "text/html"):
            pair = []
            for dataset in (SECRET, ABSENT):
                token = token_of(caller, row, ada, bob)
                if caller == "elsewhere":
                    token = await machine_token(gateway, ada, caller, machines[caller], row)
                answer = await ask(gateway, operation, row, {**names, "dataset": dataset}, token, Accept=accept)
                pair.append(anonymised(answer, dataset))
            assert pair[0] == pair[1], (caller, accept)


def anonymised(answer: Answer, dataset: str) -> str:
    """All of an answer but its own number, its time, and the name that was asked for."""
    text = f"{answer.status}\n{shown(answer)}"
    text = text.replace(answer.headers["X-Request-Id"], "ID").replace(dataset, "NAME")
    return re.sub(r"Date: .*", "", text)


async def test_private_is_not_counted_listed_or_told(gateway: Gateway, ada: Publisher, bob: Publisher) -> None:
    """A07: totals, lists, pages of results, feeds, suggestions while typing."""
    searches = (
        "",
        'q="Zq7"',
        'q="Zq"',
        f'datahub.ownerid="{ada.id}"',
        'name="secret"',
        "size=0",
        'datahub.findability="private"',
    )
    for token in (None, bob.token):
        headers = {"Auth-Token": token} if token else {}
        for path in ("/metastore/search", "/metastore/search/events"):
            for query in searches:
                found = (await gateway.get(f"{path}?{query}", headers=headers)).json()
                assert found["results"] == [], query
                assert found["summary"] == {"total": 0, "totalBytes": 0}, query
        for page in (
            "/ada",
            "/",
            "/search?q=Zq7",
            "/search?q=secret",
            "/dashboard",
            "/sitemap.xml",
            "/feed",
            "/robots.txt",
        ):
            answer = await gateway.get(page, headers={**headers, "Accept": "text/html"})
            assert TITLE not in shown(answer), page
            assert "1 dataset" not in shown(answer), page
    mine = (await gateway.get("/metastore/search", headers={"Auth-Token": ada.token})).json()
    assert mine["summary"]["total"] == 1


async def test_nobody_sets_what_is_the_servers(ada: Publisher) -> None:
    """A06."""
    for name in ("owner_id", "status", "revision", "created_at", "verified", "is_admin", "hash", "state", "id"):
        for spec in (spec_of(ada.id, "mine", {}, **{name: "x"}), spec_of(ada.id, "mine", {})):
            if name not in spec:
                spec["meta"][name] = "x"
            problems = (await ada.post_spec(spec)).json()["problems"]
            assert "unknown-field" in [problem["rule"] for problem in problems], name


async def test_there_is_no_operator_behind_http(gateway: Gateway, ada: Publisher) -> None:
    """A10: what operators do, they do with `dh-server`."""
    for path in (
        "/metrics",
        "/admin",
        "/dead-letters",
        "/debug",
        "/-/reload",
        "/flows",
        "/ops/dead-letters/replay",
        "/server-status",
    ):
        for method in ("GET", "POST", "DELETE"):
            answer = await gateway.request(
                method, path, headers={"Auth-Token": ada.token, "Accept": "application/json"}
            )
            assert answer.status in (404, 405), (method, path)


async def test_who_is_disabled_after_the_upload_publishes_nothing(gateway: Gateway) -> None:
    """A12."""
    dora = await gateway.publisher("dora")
    token, url = await dora.permission("source"), await dora.upload(CSV)
    await gateway.pool.execute("update account set disabled_at = now() where id = $1", dora.id)
    spec: Any = spec_of(dora.id, "late", {"data.csv": url})
    answer = await gateway.post("/source/upload", json=spec, headers={"Auth-Token": token})
    assert answer.json()["problems"][0]["rule"] == "not-authorised"
    assert await gateway.pool.fetchval("select count(*) from flow where ownerid = $1", dora.id) == 0
