"""What every page shares: templates, hashed assets, who is looking, and errors drawn for people."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.auth.accounts import Account
from gateway.auth.identity import identify
from gateway.edge import REQUEST_ID
from gateway.pages import text
from gateway.problems import Problem

FOLDER = Path(__file__).parent
FOR_EVER = "public, max-age=31536000, immutable"

_HEADINGS = {
    401: "Log in first",
    403: "This is not for you",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "That cannot be done now",
    413: "That is too large",
    429: "Too many attempts",
    503: "Back in a moment",
}


class Site:
    """Draws pages; `public_url` is the base of addresses that leave the site."""

    def __init__(self, public_url: str) -> None:
        self.public_url = public_url
        self._assets = Assets(FOLDER / "static")
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["asset"] = self._assets.address
        for function in (
            *(text.visible, text.plain, text.size, text.number),
            *(text.day, text.instant, text.segment, text.data_island),
        ):
            self._templates.filters[function.__name__] = function

    def routes(self) -> list[web.RouteDef]:
        """The assets, and one address for each page: without a slash at its end."""
        return [
            web.get("/static/{file}", self._assets.serve),
            web.get("/favicon.ico", self._assets.icon),
            web.get("/{path:.+}/", _without_slash),
        ]

    async def page(
        self, request: web.Request, template: str, *, account: Account | None, status: int = 200, **context: Any
    ) -> web.Response:
        """The template as an answer; pages depend on who looks and are kept by no cache."""
        here = request.rel_url.path_qs
        login = "/auth/login?" + urlencode({"next": here if here.startswith("/") else "/"})
        html = self._templates.get_template(template).render(account=account, login=login, **context)
        return web.Response(
            text=html, content_type="text/html", status=status, headers={"Cache-Control": "no-store", "Vary": "Cookie"}
        )

    async def draw_problem(self, request: web.Request, problem: Problem) -> web.Response | None:
        """A problem as a page, for browsers; None for programs, which get JSON."""
        if not wants_page(request):
            return None
        account = None
        if problem.status < 500:
            account = (await identify(request)).account
        return await self.page(
            request,
            "problem.html",
            account=account,
            status=problem.status,
            code=problem.status,
            heading=_HEADINGS.get(problem.status, problem.title),
            detail=problem.detail,
            request_id=request[REQUEST_ID],
        )


class Assets:
    """The files under static/, each served at an address with its content's hash, so that it can be kept for ever."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, tuple[str, bytes]] = {}
        self._addresses: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            self._files[name] = (mimetypes.guess_type(path.name)[0] or "application/octet-stream", content)
            self._addresses[path.name] = f"/static/{name}"

    def address(self, name: str) -> str:
        """Where the asset is served; raises KeyError for none of ours."""
        return self._addresses[name]

    async def serve(self, request: web.Request) -> web.Response:
        """An asset."""
        found = self._files.get(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        mediatype, content = found
        charset = "utf-8" if mediatype.startswith("text/") else None
        return web.Response(body=content, content_type=mediatype, charset=charset, headers={"Cache-Control": FOR_EVER})

    async def icon(self, _request: web.Request) -> web.Response:
        """Browsers ask for this one by name."""
        raise web.HTTPMovedPermanently(self._addresses["mark.svg"])


def wants_page(request: web.Request) -> bool:
    """True where the client prefers HTML, as browsers say they do."""
    accept = request.headers.get("Accept", "")
    return request.method in ("GET", "HEAD", "POST") and "text/html" in accept


async def _without_slash(request: web.Request) -> web.Response:
    """The same address without its trailing slash."""
    path = "/" + quote(request.match_info["path"].strip("/"), safe="/%:@-._~!$&'()*+,;=")
    query = f"?{request.query_string}" if request.query_string else ""
    raise web.HTTPMovedPermanently(path + query)
