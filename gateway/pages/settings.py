"""One's own settings: the ways to log in, to be added and taken away shortly after a log-in; the machines that are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import structlog
from aiohttp import web

from gateway.auth.audit import note
from gateway.auth.identity import identify
from gateway.auth.login import require_same_origin
from gateway.auth.oauth.families import Families
from gateway.auth.oidc.identities import LinkRefused
from gateway.auth.session import logged_in_here, recently_logged_in
from gateway.auth.sso import SETTINGS
from gateway.auth.tokens import BadToken
from gateway.bodies import read_form
from gateway.caller import caller_of
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import Problem

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInLine:
    """A linked identity as it is shown; `label` of its provider, or the issuer where that is not set up any more."""

    label: str
    issuer: str
    sub: str
    email: str
    linked_at: datetime
    used_at: datetime
    works: bool


class SettingsPage:
    """Handlers of `/settings`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._site = site
        self._providers = parts.providers
        self._identities = parts.identities
        self._families = Families(parts.pool)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(SETTINGS, self.show),
            web.post(f"{SETTINGS}/unlink", self.unlink),
            web.post(f"{SETTINGS}/end", self.end),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The ways to log in to one's account; whoever is not logged in does that first."""
        account = (await identify(request)).person
        if account is None:
            raise web.HTTPSeeOther(f"/auth/login?next={SETTINGS}")
        lines = await self._lines(account.id)
        linked = {line.issuer for line in lines}
        has_password = await self._identities.has_password(account.id)
        query = urlencode({"next": SETTINGS, "link": "1"})
        return await self._site.page(
            request,
            "settings.html",
            account=account,
            lines=lines,
            families=await self._families.of(account.id),
            has_password=has_password,
            may_unlink=has_password or sum(line.works for line in lines) > 1,
            others=[
                {"label": each.label, "address": f"/auth/sso/{each.name}?{query}"}
                for each in self._providers
                if each.issuer.url not in linked
            ],
        )

    async def unlink(self, request: web.Request) -> web.Response:
        """Takes a way to log in away, never the last; asks for a log-in first where the one before is too old."""
        require_same_origin(request, self._site.public_url)
        account = await recently_logged_in(request, SETTINGS)
        form = await read_form(request)
        working = [each.issuer.url for each in self._providers]
        try:
            await self._identities.unlink(account.id, _field(form, "issuer"), _field(form, "sub"), working)
        except LinkRefused as refused:
            raise Problem(409, "last-log-in", str(refused)) from None
        await note(request, account, "identity-unlinked", _field(form, "issuer"))
        _log.info("identity_unlinked", issuer=form.get("issuer", "")[:200], account=account.id)
        return web.Response(status=303, headers={"Location": f"{SETTINGS}#log-ins"})

    async def end(self, request: web.Request) -> web.Response:
        """Logs a machine out; back to the settings."""
        require_same_origin(request, self._site.public_url)
        try:
            account, _ = await logged_in_here(request)
        except BadToken:
            raise web.HTTPSeeOther(f"/auth/login?next={SETTINGS}") from None
        form = await read_form(request)
        await self._families.end_of(account.id, _field(form, "family"), caller_of(request))
        return web.Response(status=303, headers={"Location": f"{SETTINGS}#machines"})

    async def _lines(self, account_id: str) -> Sequence[LogInLine]:
        lines = []
        for each in await self._identities.of(account_id):
            provider = self._providers.of_issuer(each.issuer)
            lines.append(
                LogInLine(
                    label=provider.label if provider else each.issuer,
                    issuer=each.issuer,
                    sub=each.sub,
                    email=each.email,
                    linked_at=each.linked_at,
                    used_at=each.used_at,
                    works=provider is not None,
                )
            )
        return lines


def _field(form: Mapping[str, str], name: str) -> str:
    """A hidden field; what cannot have stood there is nothing."""
    value = form.get(name, "")
    return value if value.isprintable() else ""
