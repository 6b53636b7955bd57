"""Every command of the real `dh` against a running system: what it does, prints, and ends with."""

from __future__ import annotations

import json
from pathlib import Path

from tests.client.publisher import CSV, Publisher, write_package


async def test_push_publishes_and_says_where(publisher: Publisher, name: str, tmp_path: Path) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", name, files={"notes.txt": "made up"})))
    assert done.code == 0, done
    assert f"SUCCEEDED  carol/{name}, revision 1: 2 resources, 3 rows, " in done.stdout
    assert f"{publisher.stack.url}/carol/{name}" in done.stdout
    assert f"accepted as revision 1: {publisher.stack.url}/carol/{name}/v/1" in done.stderr
    for line in ("data/towns.csv: 50 B", "notes.txt: 7 B", "towns: done, 3 rows", "notes: done"):
        assert line in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
