"""The two ways to log in without a password: in a browser of this machine, and in one of any other."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gateway.client.connection import Connection
from gateway.client.escape import escape
from gateway.client.failures import Failure, RequestFailure, ServerFailure
from gateway.client.loopback import listening
from gateway.client.renewal import CLIENT, login_of
from gateway.client.session import LogIn
from gateway.client.terminal import Terminal

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = 5.0
"""Seconds more between two questions, when the server asks for that (RFC 8628, 3.5)."""
LONGEST_PACE = 60.0


async def log_in_here(connection: Connection, terminal: Terminal, *, open_browser: bool) -> LogIn:
    """In a browser of this machine, which brings a code to a listener (RFC 8252); the code is worth nothing without a
    secret that never leaves this process (RFC 7636). Without a browser here: as `log_in_elsewhere`."""
    if open_browser and not has_browser():
        terminal.tell("no browser can be opened here (`--no-browser` prints an address for one on this machine)")
        return await log_in_elsewhere(connection, terminal)
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    async with listening() as loopback:
        wish = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": loopback.address,
            "state": loopback.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "device": socket.gethostname(),
        }
        address = f"{connection.server}/auth/oauth/authorize?{urlencode(wish)}"
        opened = open_browser and await asyncio.to_thread(_open, address)
        terminal.tell(f"{'the browser opens' if opened else 'open in a browser of this machine'}: {address}")
        if not opened:
            terminal.tell("(in a browser elsewhere: `dh login --device`)")
        code = await loopback.code()
        form = {"grant_type": "authorization_code", "client_id": CLIENT, "redirect_uri": loopback.address}
        return login_of(await connection.token({**form, "code": code, "code_verifier": verifier}))


async def log_in_elsewhere(connection: Connection, terminal: Terminal) -> LogIn:
    """In any browser, where a code is typed that is shown here (RFC 8628)."""
    asked = {"client_id": CLIENT, "device": socket.gethostname()}
    codes = await connection.form("/auth/oauth/device", asked)
    page, user_code, device_code = (_text(codes, name) for name in ("verification_uri", "user_code", "device_code"))
    terminal.tell(f"open in any browser: {escape(page, 500)}")
    terminal.tell(f"and type this code:  {escape(user_code, 40)}")
    terminal.tell(f"(good for {_number(codes, 'expires_in', 900) / 60:.0f} minutes; Ctrl-C ends it)")
    form = {"grant_type": DEVICE_GRANT, "client_id": CLIENT, "device_code": device_code}
    return await _agreed(connection, form, _number(codes, "interval", SLOWER))


async def _agreed(connection: Connection, form: Mapping[str, str], pace: float) -> LogIn:
    """Asks until somebody agreed; raises RequestFailure where nobody will."""
    while True:
        await asyncio.sleep(min(pace, LONGEST_PACE))
        try:
            return login_of(await connection.token(form))
        except Failure as failure:
            match (failure.details.get("problem") or {}).get("error"):
                case "authorization_pending":
                    continue
                case "slow_down":
                    pace += SLOWER
                case "access_denied":
                    raise RequestFailure("the log-in was refused in the browser") from None
                case "expired_token":
                    raise RequestFailure("nobody agreed in time: run `dh login --device` again") from None
                case _:
                    raise


def has_browser(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser with windows can be opened; one that runs in this terminal would be in the way."""
    if environ.get("BROWSER"):
        return True
    windows = sys.platform in ("darwin", "win32") or any(map(environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    if not windows:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _open(address: str) -> bool:
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ServerFailure(f"the server left {name} out of its answer")
    return value


def _number(document: Mapping[str, Any], name: str, default: float) -> float:
    value = document.get(name)
    return float(value) if isinstance(value, (int, float)) and 0 < value < 86_400 else default
