"""Small JSON documents of other sites: bounded in time and size, no redirect followed, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from gateway.patience import in_time
from tabular import strictjson

DEADLINE = 4.0
"""Seconds for one document: less than an answer of ours may take to begin."""
LARGEST = 256_000
"""Bytes; the key set of a large provider has 10,000."""
_DEPTH = 16


class ProviderDown(Exception):
    """A provider does not answer, or not sensibly; the message is for the log and says of what and how."""


class Documents:
    """Fetches; `open` it within the event loop that uses it, `close` it there."""

    def __init__(self) -> None:
        self._client: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Makes the client; nothing is connected yet."""
        # No cookies are kept: one visitor's must not be sent for another.
        self._client = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=True, headers={"Accept": "application/json"}
        )

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object at an address; raises ProviderDown for any answer but a 200 that is one."""
        status, document = await self._ask("GET", url, headers=headers)
        if status != 200:
            raise ProviderDown(f"{url} answered {status}")
        return document

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and object that a form is answered with; raises ProviderDown where there is no object."""
        return await self._ask("POST", url, headers=headers, data=body)

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        assert self._client is not None, "open() was not awaited"
        try:
            status, body = await in_time(self._read(self._client, method, url, options), DEADLINE)
            document = strictjson.parse(body, _DEPTH, LARGEST)
        except TimeoutError:
            raise ProviderDown(f"{url} did not answer within {DEADLINE:g} s") from None
        except strictjson.StrictJSONError as error:
            raise ProviderDown(f"{url} answered what is no JSON: {error.message}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ProviderDown(f"{url} cannot be asked: {type(error).__name__}") from None
        if not isinstance(document, dict):
            raise ProviderDown(f"{url} answered JSON that is no object")
        return status, document

    async def _read(
        self, client: aiohttp.ClientSession, method: str, url: str, options: Mapping[str, Any]
    ) -> tuple[int, bytes]:
        async with client.request(method, url, allow_redirects=False, **options) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > LARGEST:
                    raise ProviderDown(f"{url} answers more than {LARGEST:,} bytes")
            return response.status, bytes(body)
