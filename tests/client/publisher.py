"""A person at a keyboard: runs `dh` with a log-in file of their own, and writes packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import stack as stacks
from tests.warm import Finished

CSV = "id,name,amount\n1,Ærø,1.5\n2,Zürich,2\n3,Łódź,\n"
FIELDS = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "amount", "type": "number"}]


@dataclass(frozen=True, slots=True)
class Publisher:
    """One user of one stack."""

    stack: stacks.Stack
    config: Path

    async def dh(self, *words: str, stdin: str | None = None) -> Finished:
        """Run the real command."""
        return await self.stack.dh(*words, config=self.config, stdin=stdin)

    async def log_in(self, username: str) -> None:
        """Log in with the password of all users here."""
        done = await self.dh("login", "--username", username, "--password-stdin", stdin=stacks.PASSWORD)
        assert done.code == 0, done

    async def answer(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run it with `--json`; what it printed."""
        done = await self.dh(*words, "--json")
        assert done.code == code, done
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    @property
    def token(self) -> str:
        """The token in the log-in file."""
        servers = json.loads(self.config.read_text())["servers"]
        token: str = servers[self.stack.url]["token"]
        return token


def write_package(folder: Path, name: str, csv: str = CSV, files: Mapping[str, str] | None = None) -> Path:
    """A package with a table `towns` in data/towns.csv, a README, and any other files as resources."""
    resources: list[dict[str, Any]] = [{"name": "towns", "path": "data/towns.csv", "schema": {"fields": FIELDS}}]
    resources += [{"name": path.partition(".")[0], "path": path} for path in files or {}]
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "towns.csv").write_text(csv, encoding="utf-8")
    for path, text in (files or {}).items():
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text("# Towns\n", encoding="utf-8")
    descriptor = {"name": name, "title": "Towns of somewhere", "resources": resources}
    (folder / "datapackage.json").write_text(json.dumps(descriptor))
    return folder
