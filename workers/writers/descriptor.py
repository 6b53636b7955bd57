"""The published datapackage.json: the publisher's metadata and what the pipeline has proven. Same rows, same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from messages.datapackage import FlowRef, PublishedFile, Resource
from workers.writers.flow import LockedFlow


def published(flow: LockedFlow, resources: Sequence[Resource], public_url: str) -> dict[str, Any]:
    """The descriptor of a revision all of whose resources have passed; paths are addresses under `public_url`."""
    ref = flow.ref
    files = [data_file(resource) for resource in resources]
    return {
        "id": ref.dataset_id,
        **flow.descriptor,
        "name": ref.dataset,
        "resources": [_resource(ref, resource, public_url) for resource in resources],
        "datahub": {
            "ownerid": ref.ownerid,
            "owner": ref.owner,
            "findability": ref.findability,
            "flowid": ref.id,
            "created": flow.created,
            "modified": flow.modified,
            "stats": {
                "rowcount": sum(resource.rows or 0 for resource in resources),
                "bytes": sum(file.blob.size for file in files),
            },
        },
    }


def encoded(package: Mapping[str, Any]) -> bytes:
    """The bytes of datapackage.json."""
    return json.dumps(package, ensure_ascii=False, indent=2, allow_nan=False).encode()


def data_file(resource: Resource) -> PublishedFile:
    """The file that readers download."""
    return next(file for file in resource.files if file.role == "data")


def _resource(ref: FlowRef, resource: Resource, public_url: str) -> dict[str, Any]:
    data = data_file(resource)
    proven: dict[str, Any] = {
        "name": resource.name,
        "path": _address(ref, resource, data, public_url),
        "bytes": data.blob.size,
        "hash": f"sha256:{data.blob.sha256}",
        "mediatype": data.mediatype,
    }
    if resource.tabular:
        proven["rowcount"] = resource.rows
    return {**resource.descriptor, **proven, "datahub": _origin(ref, resource, public_url)}


def _origin(ref: FlowRef, resource: Resource, public_url: str) -> dict[str, Any]:
    """What kind of file it is, in the words of the original service, the files beside it, and a workbook's sheet."""
    rewritten = any(file.role == "source" for file in resource.files)
    kind = "original" if not resource.tabular else "derived/csv" if rewritten else "source/tabular"
    beside = {
        file.role: {
            "path": _address(ref, resource, file, public_url),
            "bytes": file.blob.size,
            "hash": f"sha256:{file.blob.sha256}",
            "mediatype": file.mediatype,
        }
        for file in resource.files
        if file.role != "data"
    }
    sheet = resource.facts.get("load", {}).get("sheet")
    read = {"sheet": {name: sheet[name] for name in ("sheet", "number", "others")}} if sheet else {}
    return {"type": kind, **beside, **read}


def _address(ref: FlowRef, resource: Resource, file: PublishedFile, public_url: str) -> str:
    """The gateway's address of a file of exactly this revision, by account id: names of users change."""
    stem = resource.name if file.role == "data" else f"{resource.name}.{file.role}"
    name = stem + PurePosixPath(file.filename).suffix.lower()
    return f"{public_url}/{quote(ref.ownerid)}/{quote(ref.dataset)}/{ref.revision}/r/{quote(name)}"
