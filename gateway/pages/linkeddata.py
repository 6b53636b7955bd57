"""A dataset as schema.org says it, for search engines (https://schema.org/Dataset)."""

from __future__ import annotations

from typing import Any

from gateway.downloads import download_name
from gateway.pages.evidence import about
from gateway.pages.readme import summary
from gateway.pages.text import plain, segment
from gateway.pkgstore import Revision

MOST_FILES = 50


def dataset(revision: Revision, public_url: str) -> dict[str, Any]:
    """The JSON-LD of a published revision."""
    package = revision.whole
    facts = dict(about(package))
    url = f"{public_url}{revision.path}"
    described: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": url,
        "url": url,
        "name": plain(package.get("title"), 300) or revision.dataset,
        "description": plain(summary(package.get("description") or package.get("readme"), 4_000)),
        "version": str(revision.revision),
        "dateCreated": revision.dataset_created_at.isoformat(timespec="seconds"),
        "isAccessibleForFree": True,
        "creator": {"@type": "Person", "name": revision.owner, "url": f"{public_url}/{segment(revision.owner)}"},
        "keywords": [plain(entry.text, 100) for entry in facts.get("Keywords", [])],
        "license": [entry.url for entry in facts.get("Licence", []) if entry.url],
        "distribution": [
            {
                "@type": "DataDownload",
                "name": run.name,
                "contentUrl": f"{url}/r/{segment(name)}?v={revision.revision}",
                "encodingFormat": file.mediatype,
                "contentSize": str(file.blob.size),
                "sha256": file.blob.sha256,
            }
            for run in revision.resources[:MOST_FILES]
            if (file := run.file("data")) and (name := download_name(run))
        ],
    }
    if revision.finished_at:
        described["dateModified"] = revision.finished_at.isoformat(timespec="seconds")
    return {name: value for name, value in described.items() if value not in ("", [])}
