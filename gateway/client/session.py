"""Which server, and as whom: the file that `dh login` keeps tokens in, one per server.

The file is the user's password in another form: 0600 in a folder 0700, written whole or not at all, refused when others
can read it (RFC 6819, 5.3.3; ssh does the same).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.auth.tokensecret import PREFIX, is_secret
from gateway.client.ci import CiJob, hint_of, job_of
from gateway.client.failures import RequestFailure, UsageFailure

if sys.platform != "win32":  # there two processes at the same time may have to log in again
    import fcntl

DEFAULT_SERVER = "http://127.0.0.1:8080"
_TEXTS = ("token", "username", "refresh_token", "attempt")


@dataclass(frozen=True, slots=True)
class Session:
    """The server of this run and the token to show it; `token` is None for somebody who is not logged in, `job` the CI
    job that this is, where that needs no token to publish."""

    server: str
    token: str | None
    job: CiJob | None = None

    def required_token(self) -> str:
        """The token; raises RequestFailure that says how to get one."""
        if self.token is None:
            hint = hint_of(os.environ)
            raise RequestFailure(f"you are not logged in at {self.server}: run `dh login`, or set DH_TOKEN{hint}")
        return self.token


def session_of(server: str | None, environ: Mapping[str, str] = os.environ) -> Session:
    """The session at `server_of(server)`; raises UsageFailure, or RequestFailure (file open to others)."""
    address = server_of(server, environ)
    token = environ.get("DH_TOKEN", "").strip() or ConfigFile(config_path(environ)).token(address)
    if token and not (token.isascii() and token.isprintable()):
        raise RequestFailure("the token has characters that no token has: is DH_TOKEN what it should be?")
    if token and token.startswith(PREFIX) and not is_secret(token):
        raise RequestFailure("the token is not whole: a character of it is missing or wrong")
    return Session(address, token or None, None if token else job_of(environ))


def server_of(server: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The address of `--server`, DH_SERVER or the default; raises UsageFailure where it makes no sense."""
    return server_address(server or environ.get("DH_SERVER") or DEFAULT_SERVER)


def server_address(url: str) -> str:
    """The address without a trailing slash; raises UsageFailure where it is none, or carries a password."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known:
        raise UsageFailure(f"{url!r} is not the address of a server: it must begin with http:// or https://")
    if parts.username or parts.query or parts.fragment:
        raise UsageFailure("the address of a server has no user name, query or fragment")
    return url.rstrip("/")


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """DH_CONFIG, else config.json in the user's configuration folder (XDG base directories)."""
    if environ.get("DH_CONFIG"):
        return Path(environ["DH_CONFIG"])
    home = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "datahub" / "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """What is kept of a log-in. One of a browser or a code also has the `refresh_token` for the next token, `expires`
    (seconds since 1970) of this one, and the secret of an exchange whose answer is not here yet (`attempt`)."""

    token: str
    username: str
    refresh_token: str | None = None
    expires: float | None = None
    attempt: str | None = None

    def tried(self, attempt: str) -> LogIn:
        """The same, with an exchange under way."""
        return replace(self, attempt=attempt)


class ConfigFile:
    """`{"servers": {address: {"token": …, "username": …}}}` in a file that nobody else can read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def token(self, server: str) -> str | None:
        """The token kept for a server; raises RequestFailure when the file is open to others or broken."""
        token = self._read().get(server, {}).get("token")
        return token if isinstance(token, str) else None

    def login(self, server: str) -> LogIn | None:
        """The log-in kept for a server; raises RequestFailure when the file is open to others or broken."""
        entry = self._read().get(server, {})
        texts = {name: entry[name] for name in _TEXTS if isinstance(entry.get(name), str)}
        if "token" not in texts:
            return None
        expires = entry.get("expires")
        return LogIn(**{"username": "", **texts}, expires=float(expires) if isinstance(expires, (int, float)) else None)

    def keep(self, server: str, token: str, username: str) -> None:
        """Keep the token of one server; the others stay."""
        self.keep_login(server, LogIn(token=token, username=username))

    def keep_login(self, server: str, login: LogIn) -> None:
        """The same with all there is to a log-in."""
        entry = {name: value for name, value in asdict(login).items() if value is not None}
        self._write({**self._read(), server: entry})

    def lock(self) -> int:
        """Waits until no other process exchanges a token; the descriptor lets the next one when it is closed."""
        path = self.path.with_name(f"{self.path.name}.lock")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        except OSError as error:
            raise RequestFailure(f"{path} cannot be written: {error.strerror}") from None
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def forget(self, server: str) -> bool:
        """Forget the token of one server; says whether there was one."""
        servers = self._read()
        if server not in servers:
            return False
        del servers[server]
        self._write(servers)
        return True

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            with self.path.open(encoding="utf-8") as file:
                # Of the open file, not of its name: the name could point elsewhere a moment later.
                self._refuse_when_open_to_others(os.fstat(file.fileno()).st_mode)
                servers = dict(json.load(file).get("servers", {}))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RequestFailure(f"{self.path} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, AttributeError):
            raise RequestFailure(f"{self.path} is not a file of dh: mend or remove it, then run `dh login`") from None
        return {name: entry for name, entry in servers.items() if isinstance(entry, dict)}

    def _refuse_when_open_to_others(self, mode: int) -> None:
        if mode & 0o077:
            raise RequestFailure(
                f"{self.path} holds your log-in and others can read it (mode {mode & 0o777:04o}): "
                f"run `chmod 600 {self.path}`, and log in again if others use this machine"
            )

    def _write(self, servers: Mapping[str, Mapping[str, Any]]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes 0600 from the start; the rename replaces the file whole or not at all.
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".config-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"servers": servers}, file, indent=2)
            Path(name).replace(self.path)
        except OSError as error:
            raise RequestFailure(f"{self.path} cannot be written: {error.strerror}") from None
