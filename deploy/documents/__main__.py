"""Writes docs/asyncapi.json and docs/openapi.json; with `--check`, exits 1 where they are not what the code says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deploy.documents import asyncapi, openapi
from deploy.documents.application import application

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    documents = {"asyncapi.json": asyncapi.document(), "openapi.json": openapi.document(application())}
    stale = []
    for name, document in documents.items():
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        path = DOCS / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if stale and "--check" in sys.argv:
        print(f"{', '.join(stale)} in docs/ are not what the code says: run `python -m deploy.documents`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
