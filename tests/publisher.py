"""A publisher that speaks bare HTTP, for tests and benchmarks that push more often than a command can start."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

ENDED = ("SUCCEEDED", "FAILED")


@dataclass(slots=True)
class Publisher:
    """One logged-in user of one gateway."""

    session: aiohttp.ClientSession
    url: str
    ownerid: str
    username: str
    tokens: Mapping[str, str]

    async def push(
        self, descriptor: Mapping[str, Any], files: Mapping[str, bytes], findability: str = "published"
    ) -> str:
        """Upload what is not there yet, post the package; returns the flow id. `files` by the resource's path."""
        urls = await self.upload(files)
        answer = await self.post(descriptor, urls, findability)
        assert answer["success"], answer
        flow_id: str = answer["flow_id"]
        return flow_id

    async def upload(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Each file's place in the raw store, by path."""
        forms = await self.authorize({path: declared(content) for path, content in files.items()})
        await asyncio.gather(
            *(self.send(forms[path], content) for path, content in files.items() if not forms[path]["exists"])
        )
        return {path: f"{form['upload_url']}/{form['upload_query']['key']}" for path, form in forms.items()}

    async def authorize(self, filedata: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The signed forms for these files."""
        body = {"metadata": {"owner": self.ownerid, "findability": "published"}, "filedata": filedata}
        headers = {"Auth-Token": self.tokens["rawstore"]}
        async with self.session.post(f"{self.url}/rawstore/authorize", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            forms: dict[str, Any] = (await answer.json(content_type=None))["filedata"]
        return forms

    async def send(self, form: Mapping[str, Any], content: bytes) -> int:
        """Upload by a signed form; the object store's status."""
        fields = aiohttp.FormData()
        for name, value in form["upload_query"].items():
            fields.add_field(name, value)
        fields.add_field("file", content, filename="file", content_type=form["upload_query"]["Content-Type"])
        async with self.session.post(form["upload_url"], data=fields) as answer:
            return answer.status

    async def post(
        self, descriptor: Mapping[str, Any], urls: Mapping[str, str], findability: str = "published"
    ) -> dict[str, Any]:
        """The gateway's answer to the package's metadata."""
        answer = await self.offer(descriptor, urls, findability)
        assert answer.status == 200, await answer.text()
        result: dict[str, Any] = await answer.json()
        return result

    async def offer(
        self, descriptor: Mapping[str, Any], urls: Mapping[str, str], findability: str = "published"
    ) -> aiohttp.ClientResponse:
        """The same, whatever it is; its body has been read."""
        parameters = {"resource-mapping": urls, "descriptor": descriptor}
        meta = {"version": 1, "ownerid": self.ownerid, "owner": self.username, "dataset": descriptor["name"]}
        body = {
            "meta": {**meta, "findability": findability},
            "inputs": [{"kind": "datapackage", "url": "", "parameters": parameters}],
        }
        headers = {"Auth-Token": self.tokens["source"]}
        async with self.session.post(f"{self.url}/source/upload", json=body, headers=headers) as answer:
            await answer.read()
        return answer

    async def status(self, flow_id: str) -> dict[str, Any]:
        """Where a flow is."""
        headers = {"Auth-Token": self.tokens["source"]}
        async with self.session.get(f"{self.url}/source/{flow_id}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            status: dict[str, Any] = await answer.json()
        return status

    async def ended(self, flow_id: str, deadline: float = 60.0, *, indexed: bool = False) -> dict[str, Any]:
        """The status of a flow when it has ended (and the MetaStore has it, when `indexed`)."""
        async with asyncio.timeout(deadline):
            while True:
                status = await self.status(flow_id)
                if status["state"] == "FAILED" or (status["state"] in ENDED and (status["indexed"] or not indexed)):
                    return status
                await asyncio.sleep(0.05)


def declared(content: bytes) -> dict[str, Any]:
    """What a publisher says of a file before the upload: length, MD5 and SHA-256 as the contract wants them."""
    return {
        "length": len(content),
        "md5": base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "name": "file",
    }


@asynccontextmanager
async def logged_in(url: str, ownerid: str, username: str, password: str) -> AsyncIterator[Publisher]:
    """A publisher with permission tokens for both stores."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        login = {"username": username, "password": password}
        async with session.post(f"{url}/auth/login", json=login) as answer:
            assert answer.status == 200, await answer.text()
            user_token = (await answer.json())["token"]
        tokens = {}
        for service in ("rawstore", "source"):
            headers = {"Auth-Token": user_token}
            async with session.get(f"{url}/auth/authorize", params={"service": service}, headers=headers) as answer:
                tokens[service] = (await answer.json())["token"]
        yield Publisher(session, url, ownerid, username, tokens)


def small_package(name: str, number: int = 0) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Descriptor and files of a package with one small typed table; other bytes for every `number`."""
    fields = [{"name": "id", "type": "integer"}, {"name": "value", "type": "number"}]
    descriptor = {
        "name": name,
        "title": f"Small package {number}",
        "resources": [{"name": "numbers", "path": "numbers.csv", "schema": {"fields": fields}}],
    }
    rows = "".join(f"{row},{row / 4}\n" for row in range(number, number + 20))
    return descriptor, {"numbers.csv": f"id,value\n{rows}".encode()}
