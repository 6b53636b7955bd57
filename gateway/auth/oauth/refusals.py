"""Why a program gets no token, in the words of RFC 6749 (5.2), RFC 8628 (3.5) and RFC 8693 (2.2.2)."""

from __future__ import annotations

from aiohttp import web

INVALID_REQUEST = "invalid_request"
INVALID_CLIENT = "invalid_client"
INVALID_GRANT = "invalid_grant"
INVALID_SCOPE = "invalid_scope"
INVALID_TARGET = "invalid_target"
UNSUPPORTED = "unsupported_grant_type"
PENDING = "authorization_pending"
SLOW_DOWN = "slow_down"
DENIED = "access_denied"
EXPIRED = "expired_token"


class Refused(Exception):
    """No token; `error` is the protocol's word, the message a sentence."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error

    def response(self) -> web.Response:
        """The refusal as the protocol answers it: not the problem of other answers, for clients know only this."""
        return web.json_response({"error": self.error, "error_description": str(self)}, status=400)
