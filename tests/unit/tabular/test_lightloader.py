"""What is known of a file that was read, by the loader that does not hash and by the library's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tabular.library import described_resource
from tabular.lightloader import LightLoader

LINES = "".join(f"{number},é\n" for number in range(5_000))


@pytest.mark.parametrize("lines", [0, 1, 2_000, 5_000], ids=["none", "one", "some", "all"])
@pytest.mark.parametrize("text", [LINES, "", "a,b", "x" * 100_000])
@pytest.mark.parametrize("file", ["t.csv", "t.tsv"])
def test_bytes_and_hashes_are_those_of_the_librarys_own(tmp_path: Path, file: str, text: str, lines: int) -> None:
    (tmp_path / file).write_text(text)
    found = []
    for feed in (None, lambda: iter(())):
        resource = described_resource(tmp_path, {"name": "t", "path": file, "encoding": "utf-8"})
        resource.dialect.feed = feed
        resource.open()
        loader: Any = resource._TableResource__parser.loader
        assert isinstance(loader, LightLoader) == (feed is not None)
        for _ in range(lines):
            loader.text_stream.readline()
        stats = resource.stats
        found.append((stats.bytes, stats.md5, stats.sha256))
        resource.close()
    assert found[0] == found[1]
    assert bool(found[0][1]) == (lines > 2_000 or text != LINES)
