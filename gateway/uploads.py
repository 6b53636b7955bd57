"""The files behind a spec: each must be the publisher's own upload, really there, with the size that was declared.

Addresses are only compared with our own store's; whatever a descriptor says, no request goes anywhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.problems import Fault
from gateway.rawkeys import RawKey, address_of, locate, read_key
from gateway.rawstore import AT_ONCE, head_in_time
from gateway.references import with_references
from gateway.spec import Spec, SpecRefused
from messages.blobs import BlobHead, Blobs
from messages.datapackage import BlobRef, Resource
from messages.settings import StoreSettings
from tabular.resource import is_table
from tabular.spoken import said_languages

_MD5 = re.compile(r"[0-9a-f]{32}")
_POINTER = "#/inputs/0/parameters/descriptor/resources"


async def find_uploads(
    blobs: Blobs, store: StoreSettings, ownerid: str, spec: Spec, *, expected: bool = False
) -> list[Resource]:
    """The resources with the bytes of each; raises SpecRefused naming every resource without, TransientError.

    `expected`: what is not there yet counts as sent, with the bytes that are declared.
    """
    found = [_key_of(store, ownerid, spec, index) for index in range(len(spec.resources))]
    _raise_faults(found)
    slots = asyncio.Semaphore(AT_ONCE)
    languages = tuple(said_languages(spec.descriptor))
    resources = await asyncio.gather(
        *(
            _resource(blobs, store, slots, index, spec.resources[index], key, expected=expected)
            for index, key in enumerate(found)
            if isinstance(key, RawKey)
        )
    )
    _raise_faults(resources)
    return with_references(
        [replace(resource, languages=languages) for resource in resources if isinstance(resource, Resource)]
    )


def posted_spec(spec: Spec, store: StoreSettings, ownerid: str, owner: str) -> dict[str, Any]:
    """The spec as it is kept: the names are ours, and no address carries a signature."""
    whole = dict(spec.whole)
    whole["meta"] = {
        "version": 1,
        "ownerid": ownerid,
        "owner": owner,
        "dataset": spec.dataset,
        "findability": spec.findability,
    }
    mapping = {path: _unsigned(url, store) for path, url in spec.mapping.items()}
    parameters = {"resource-mapping": mapping, "descriptor": spec.descriptor}
    whole["inputs"] = [{"kind": "datapackage", "url": "", "parameters": parameters}]
    return whole


def _unsigned(url: str, store: StoreSettings) -> str:
    blob = locate(url, store, (store.raw_bucket,))
    key = read_key(blob.key) if blob else None
    return address_of(key, store) if key else re.split(r"[?#]", url, maxsplit=1)[0]


def _raise_faults(results: list[Any]) -> None:
    faults = [result for result in results if isinstance(result, Fault)]
    if faults:
        raise SpecRefused(*faults)


def _key_of(store: StoreSettings, ownerid: str, spec: Spec, index: int) -> RawKey | Fault:
    resource = spec.resources[index]
    path, name = str(resource["path"]), str(resource["name"])
    url = spec.mapping.get(path, spec.mapping.get(name))
    if url is None:
        return _fault(index, resource, "object-missing", f"the file {path} was not uploaded (resource-mapping)")
    blob = locate(url, store, (store.raw_bucket,))
    if blob is None:
        return _fault(index, resource, "remote-reference", f"the file {path} is not in our store: nothing is fetched")
    key = read_key(blob.key)
    # The same answer for a foreign owner's key, there or not: nobody learns what others have (proof of possession).
    if key is None or key.ownerid != ownerid:
        return _fault(index, resource, "object-not-yours", f"the file {path} is not an upload of yours")
    return key


async def _resource(
    blobs: Blobs,
    store: StoreSettings,
    slots: asyncio.Semaphore,
    index: int,
    declared: Mapping[str, Any],
    key: RawKey,
    *,
    expected: bool,
) -> Resource | Fault:
    blob = BlobRef(bucket=store.raw_bucket, key=str(key), size=0)
    async with slots:
        head = await head_in_time(blobs, blob)
    if head is None and not expected:
        return _fault(index, declared, "object-missing", f"the file {declared['path']} was never uploaded")
    if head and (fault := _difference(index, declared, key, head)):
        return fault
    size = head.size if head else declared.get("bytes") or 0
    md5 = head.etag if head and _MD5.fullmatch(head.etag) else key.md5
    return Resource(
        index=index,
        name=declared["name"],
        path=declared["path"],
        descriptor=declared,
        source=BlobRef(bucket=blob.bucket, key=blob.key, size=size, sha256=key.sha256, md5=md5),
        tabular=is_table(declared),
    )


def _difference(index: int, declared: Mapping[str, Any], key: RawKey, head: BlobHead) -> Fault | None:
    size = declared.get("bytes")
    if size is not None and size != head.size:
        text = f"the file {declared['path']} was uploaded with {head.size:,} bytes, the descriptor says {size}"
        return _fault(index, declared, "size-mismatch", text)
    if key.md5 and _MD5.fullmatch(head.etag) and head.etag != key.md5:
        text = f"the file {declared['path']} is not what was announced: its MD5 is {head.etag}"
        return _fault(index, declared, "hash-mismatch", text)
    return None


def _fault(index: int, resource: Mapping[str, Any], rule: str, text: str) -> Fault:
    name = str(resource["name"])
    return Fault(detail=f"{name}: {text}.", rule=rule, pointer=f"{_POINTER}/{index}/path", resource=name)
