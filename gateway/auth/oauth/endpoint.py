"""What programs ask without a browser: tokens, device codes, and the end of a log-in (RFC 6749, 8628, 7009)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.auth.oauth.codes import CLIENT, Codes, one_line
from gateway.auth.oauth.devices import DEVICE_GRANT, LIFETIME, PACE, Devices
from gateway.auth.oauth.families import Families, Held, Program
from gateway.auth.oauth.refusals import INVALID_CLIENT, INVALID_REQUEST, UNSUPPORTED, Refused
from gateway.auth.tokens import PROGRAM_LIFETIME
from gateway.bodies import read_form
from gateway.caller import caller_of, network_of
from gateway.edge import IDENTIFIED
from gateway.parts import Parts
from gateway.rates import Rate

DEVICE_PAGE = "/auth/device"
BEGINNINGS = 0.5
"""Device codes a second for one address; twenty seconds' worth at once."""


class TokenEndpoint:
    """Handlers of `/auth/oauth/token`, `/auth/oauth/device`, `/auth/oauth/revoke`."""

    def __init__(self, parts: Parts) -> None:
        self._tokens = parts.tokens
        self._families = Families(parts.pool)
        self._codes = Codes(parts.pool, parts.accounts, self._families)
        self._devices = Devices(parts.pool, parts.accounts, self._families)
        self._public_url = parts.settings.gateway.public_url
        self._beginnings = Rate("address", BEGINNINGS)

    async def token(self, request: web.Request) -> web.Response:
        """A token for an authorization code, a device code or a refresh token."""
        request[IDENTIFIED] = True
        form = await read_form(request)
        try:
            held = await self._held(request, form)
        except Refused as refused:
            return refused.response()
        return web.json_response(
            {
                "access_token": self._tokens.issue_program(held.account, held.family),
                "token_type": "Bearer",
                "expires_in": PROGRAM_LIFETIME,
                "refresh_token": held.refresh_token,
                "username": held.account.username,
            }
        )

    async def _held(self, request: web.Request, form: Mapping[str, str]) -> Held:
        address = caller_of(request)
        client = form.get("client_id", "")
        match form.get("grant_type"):
            case "authorization_code":
                values = (form.get("redirect_uri", ""), form.get("code_verifier", ""))
                return await self._codes.redeem(_asked(form, "code"), client, *values, address)
            case "refresh_token":
                _known(client)
                return await self._families.exchange(_asked(form, "refresh_token"), form.get("attempt", ""), address)
            case str(grant) if grant == DEVICE_GRANT:
                return await self._devices.redeem(_asked(form, "device_code"), client)
            case _:
                raise Refused(UNSUPPORTED, "A code, a device code or a refresh token is exchanged here.")

    async def device(self, request: web.Request) -> web.Response:
        """A device code to ask with and a user code to be typed into a browser, for a machine that has none."""
        request[IDENTIFIED] = True
        form = await read_form(request)
        address = caller_of(request)
        try:
            _known(form.get("client_id", ""))
        except Refused as refused:
            return refused.response()
        self._beginnings.take(network_of(address))
        program = Program(client=CLIENT, device=one_line(form.get("device", "")), address=address)
        made = await self._devices.begin(program)
        page = f"{self._public_url}{DEVICE_PAGE}"
        return web.json_response(
            {
                "device_code": made.device_code,
                "user_code": made.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={made.user_code}",
                "expires_in": LIFETIME,
                "interval": PACE,
            }
        )

    async def revoke(self, request: web.Request) -> web.Response:
        """Ends the log-in of a refresh token, whether there is one or not: nobody learns which."""
        request[IDENTIFIED] = True
        form = await read_form(request)
        try:
            await self._families.end(_asked(form, "token"), caller_of(request))
        except Refused as refused:
            return refused.response()
        return web.json_response({})


def _known(client: str) -> None:
    if client != CLIENT:
        raise Refused(INVALID_CLIENT, "There is no such client.")


def _asked(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise Refused(INVALID_REQUEST, f"`{name}` is missing.")
    return form[name]


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of programs."""
    endpoint = TokenEndpoint(parts)
    return [
        web.post("/auth/oauth/token", endpoint.token),
        web.post("/auth/oauth/device", endpoint.device),
        web.post("/auth/oauth/revoke", endpoint.revoke),
    ]
