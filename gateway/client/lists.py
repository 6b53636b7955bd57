"""The files that `dh validate --output` writes of a table: its report, and of an invalid one its summary and lists."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.client.failures import RequestFailure
from tabular.listing import ANNOTATED, ERRORS

if TYPE_CHECKING:
    from gateway.client.check import FileCheck


def keep_lists(folder: Path, check: FileCheck, workdir: Path) -> None:
    """Writes `NAME.report.json`, `NAME.summary.json`, `NAME.errors.csv`, `NAME.annotated.csv`; the lists are in
    `workdir`. Raises RequestFailure where the folder cannot be written."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", check.name).lstrip(".-") or "table"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, document in (("report", check.report), ("summary", check.summary)):
            if document is not None:
                (folder / f"{name}.{kind}.json").write_text(_text(document), encoding="utf-8", errors="replace")
        for list_name in (ERRORS, ANNOTATED):
            if (workdir / list_name).is_file():
                shutil.copyfile(workdir / list_name, folder / f"{name}.{list_name}")
    except OSError as error:
        raise RequestFailure(f"{folder} cannot be written: {error.strerror}") from None


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
