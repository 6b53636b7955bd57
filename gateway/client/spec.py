"""What is posted: the request for upload forms, and the source spec (`docs/` of the HTTP contract)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.client.datahub import Profile, UploadForm
from gateway.client.package import resource_path
from gateway.client.parted import PartedUpload
from gateway.client.upload import Upload
from tabular.hashing import Digest


def upload_request(owner: Profile, findability: str, uploads: Iterable[Upload]) -> dict[str, Any]:
    """Length and hashes of every file; MD5 in base64 as S3 wants it, SHA-256 in hex."""
    return {
        "metadata": {"owner": owner.id, "findability": findability},
        "filedata": {
            upload.path: {
                "length": upload.digest.size,
                "md5": base64.b64encode(bytes.fromhex(upload.digest.md5)).decode(),
                "sha256": upload.digest.sha256,
                "name": upload.path.rpartition("/")[2],
            }
            for upload in uploads
        },
    }


def source_spec(
    owner: Profile,
    findability: str,
    descriptor: Mapping[str, Any],
    sent: Iterable[tuple[Upload, UploadForm | PartedUpload]],
    *,
    again: bool = False,
) -> dict[str, Any]:
    """The package as it is posted: descriptor, and where the bytes of each path are; `again` though it be unchanged."""
    placed = list(sent)
    return {
        "meta": {
            "version": 1,
            "ownerid": owner.id,
            "owner": owner.username,
            "dataset": descriptor["name"],
            "findability": findability,
        },
        "inputs": [
            {
                "kind": "datapackage",
                "url": "",
                "parameters": {
                    "resource-mapping": {upload.path: form.address for upload, form in placed},
                    "descriptor": declared(descriptor, [upload for upload, _ in placed]),
                },
            }
        ],
        **({"again": True} if again else {}),
    }


def declared(descriptor: Mapping[str, Any], uploads: Iterable[Upload]) -> dict[str, Any]:
    """The descriptor with size and SHA-256 of every file, for the server to prove; what it says already stays."""
    resources = descriptor.get("resources")
    if not isinstance(resources, list):
        return dict(descriptor)
    digests = {upload.path: upload.digest for upload in uploads}
    return {**descriptor, "resources": [_declared(resource, digests) for resource in resources]}


def _declared(resource: Any, digests: Mapping[str, Digest]) -> Any:
    digest = digests.get(resource_path(resource)) if isinstance(resource, dict) else None
    return {"bytes": digest.size, "hash": f"sha256:{digest.sha256}", **resource} if digest else resource
