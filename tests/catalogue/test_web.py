"""X: what a browser is sent, and what browsers may be made to send."""

from __future__ import annotations

import re
from collections import defaultdict
from html.parser import HTMLParser
from typing import Any

import pytest_asyncio
from typing_extensions import override

from deploy.documents.openapi import operations
from gateway.auth.identity import session_cookie
from gateway.pages.readme import Readme
from tests.gateway.conftest import PASSWORD, Gateway, Publisher
from tests.gateway.seeds import Seeds, Table

BROWSER = {"Accept": "text/html"}
MARKDOWN = """<script>alert(1)</script>
<img src=x onerror=alert(1)>
<svg/onload=alert(1)>
<math><mi//xlink:href="data:x,<script>alert(1)</script>">
<iframe srcdoc="<script>alert(1)</script>"></iframe>
<form action=//evil><button formaction=javascript:alert(1)>x</button></form>
<a href="jav&#x09;ascript:alert(1)">x</a>
<a href="java\x01script:alert(1)">x</a>
<table background="javascript:alert(1)"><tr><td style="background:url(javascript:alert(1))">x
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<style>@import'//evil';</style><link rel=stylesheet href=//evil>
<base href=//evil><meta http-equiv=refresh content="0;url=javascript:alert(1)">
<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>
<template><script>alert(1)</script></template><x-y onclick=alert(1)>z</x-y>
<details open ontoggle=alert(1)><select onfocus=alert(1) autofocus>
<svg><style><img/src=x onerror=alert(1)></style><foreignObject><iframe src=//evil></foreignObject></svg>
<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>
<!--><img src=x onerror=alert(1)>--><![CDATA[<img src=x onerror=alert(1)>]]>
<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>
<p id="location" name="cookie" class="login">x</p>
[x](javascript:alert(1)) [x](data:text/html,<script>alert(1)</script>) [x](vbscript:x) ![x](javascript:alert(1))
[x](JaVaScRiPt:alert(1)) [x](//evil) [x](\\\\\\\\evil) <javascript:alert(1)> [x]: javascript:alert(1)
```"><img src=x onerror=alert(1)>
code
```"""


class Elements(HTMLParser):
    """Every element with its attributes, as a browser would see them."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


FORBIDDEN = {
    "script", "iframe", "form", "button", "style", "link", "base", "meta", "object", "embed", "svg", "math", "template",
    "select", "video", "audio", "noscript", "foreignobject",
}  # fmt: skip


async def test_a_readme_can_neither_act_nor_fetch() -> None:
    """X01, X03: each line alone, and all of them together."""
    readme = Readme()
    for text in (*MARKDOWN.splitlines(), MARKDOWN):
        for tag, attributes in Elements(str(await readme.render(text))).found:
            assert tag not in FORBIDDEN, text
            assert not any(
                name.startswith("on") or name in ("style", "id", "name", "background") for name in attributes
            ), text
            for name in ("href", "src"):
                target = re.sub(r"[\x00-\x20]", "", attributes.get(name) or "").lower()
                assert not target.startswith(("javascript:", "vbscript:", "data:", "//", "\\\\")), text
            if tag == "a":
                assert {"noopener", "nofollow", "ugc"} <= set((attributes.get("rel") or "").split()), text


@pytest_asyncio.fixture(scope="module")
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


POLICY = (
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "img-src 'self' data:",
)
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"


async def test_every_answer_of_every_operation_has_the_security_headers(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    """X04: what is there, what is not, with a method that is none, with a body that is none."""
    await seeds.revision(ada.id, "gold", tables=[Table()], readme="# Gold")
    values = {
        "owner": "ada",
        "ownerid": ada.id,
        "dataset": "gold",
        "revision": "1",
        "file": "prices.csv",
        "resource": "prices",
    }
    for method, path, _ in operations(gateway.app):
        if path.endswith("/events"):
            continue
        known = path.format_map(defaultdict(lambda: "absent", values, path="ada"))
        absent = path.format_map(defaultdict(lambda: "absent", path="absent/x/y/z"))
        for how, address in ((method, known), (method, absent), ("PROPFIND", known), ("DELETE", known)):
            for accept in ("text/html", "application/json"):
                answer = await gateway.request(how, address, headers={"Accept": accept})
                assert answer.status < 500, (how, address)
                _has_security_headers(answer.headers, (how, address))


def _has_security_headers(headers: Any, what: object) -> None:
    policy = headers["Content-Security-Policy"]
    assert policy == SANDBOX or all(part in policy for part in POLICY), what
    assert "unsafe" not in policy, what
    assert headers["X-Content-Type-Options"] == "nosniff", what
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin", what
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", what
    assert headers["X-Request-Id"], what


async def test_a_session_is_a_cookie_that_nothing_else_can_set_or_read(gateway: Gateway, ada: Publisher) -> None:
    """X05."""
    form = {"username": "ada", "password": PASSWORD, "next": "/"}
    answer = await gateway.post("/auth/login", data=form, headers={"Origin": gateway.url})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("dh_session=ey")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
    assert session_cookie("https://data.example.org") == "__Host-dh_session"


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {},
    {"Referer": "https://evil.example/"},
]


async def test_other_sites_change_nothing(gateway: Gateway, ada: Publisher) -> None:
    """X06: with a cookie that a browser would send along."""
    cookie = {"Cookie": f"dh_session={ada.token}"}
    form = {"username": "ada", "password": PASSWORD, "next": "/"}
    for headers in FOREIGN:
        for path in ("/auth/login", "/auth/logout"):
            answer = await gateway.post(path, data=form, headers={**cookie, **headers})
            assert (answer.status, answer.headers.get("Set-Cookie")) == (403, None), (path, headers)
        for path in ("/source/upload", "/rawstore/authorize"):
            text = {"Content-Type": "text/plain", **cookie, **headers}
            answer = await gateway.post(path, data=b'{"meta":{}}', headers=text)
            assert answer.status in (200, 401)
            assert b"No token" in answer.body or b"no token" in answer.body
        updated = await gateway.post("/auth/update?username=eve", headers={**cookie, **headers})
        assert updated.json()["success"] is False
    assert (await gateway.get("/auth/check", headers=cookie)).json()["authenticated"] is True
    for path in ("/auth/logout", "/auth/update", "/source/upload"):
        assert (await gateway.get(path, headers=cookie)).status == 405


async def test_a_session_that_ended_shows_nothing(gateway: Gateway, seeds: Seeds) -> None:
    """X09: no session is taken that a log-in did not make, and private pages are kept nowhere."""
    eve = await gateway.publisher("eve")
    await seeds.revision(eve.id, "secret", findability="private")
    cookie = {**BROWSER, "Cookie": f"dh_session={eve.token}"}
    seen = await gateway.get("/eve/secret", headers=cookie)
    assert (seen.status, seen.headers["Cache-Control"]) == (200, "no-store")
    assert (await gateway.get("/eve/secret", headers={**BROWSER, "Cookie": "dh_session=fixed"})).status == 404
    form = {"username": "eve", "password": PASSWORD}
    fresh = await gateway.post("/auth/login", data=form, headers={"Origin": gateway.url, "Cookie": "dh_session=fixed"})
    assert "dh_session=fixed" not in fresh.headers["Set-Cookie"]
    await gateway.post("/auth/logout", headers={**cookie, "Origin": gateway.url})
    assert (await gateway.get("/eve/secret", headers=cookie)).status == 404
    assert (await gateway.get("/auth/check", headers=cookie)).json()["authenticated"] is False
