"""Published tables, checked by frictionless and by us: `python -m bench.published FOLDER`

Every CSV and TSV of the folder is checked as it is, with the descriptors that name it, and with the schemas that lie
beside it and have a field of its header. Nothing of the folder is kept. There are tables for which frictionless takes
minutes and gigabytes: those on which it does not end in time are told, and not compared.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from resource import RLIMIT_CORE, RLIMIT_CPU, setrlimit
from typing import Any

import yaml

from tabular.limits import Limits
from tests.unit.tabular.fast.differential import compare_file, reference

TABLES = (".csv", ".tsv", ".csv.gz", ".csv.zip", ".csv.bz2", ".csv.xz")
KEYS = ("$schema", "name", "format", "encoding", "dialect", "schema", "profile", "hash", "bytes", "compression")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=60, help="processor time for frictionless on one table")
    words = parser.parse_args()
    folder = words.folder
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    beside = Beside(folder)
    for path in sorted(path for path in folder.rglob("*") if path.name.lower().endswith(TABLES) and path.is_file()):
        counts["tables"] += 1
        for source, given in [("alone", {}), *beside.resources(path), *beside.schemas(path)]:
            compared = compare_file(path, given, Limits(fast_from=0), partial(within, words.seconds))
            if compared.reference is None:
                counts["not compared"] += 1
                print(f"{path} {source}\n  not compared: frictionless did not end within {words.seconds} s")
                continue
            counts["checks"] += 1
            counts["agree"] += compared.same
            counts[compared.path] += 1
            if compared.path == "slow":
                counts[f"  slow: {compared.why}"] += 1
            if not compared.same:
                print(f"{path} {source}\n  ours      {compared.ours}\n  reference {compared.reference}"[:2_000])
    for name, count in counts.items():
        print(f"{count:6,} {name}")
    return 0 if counts["agree"] == counts["checks"] else 1


def within(seconds: int, path: Path, given: dict[str, Any], limits: Limits) -> Any:
    """frictionless' answer, by a process of its own; None where that has taken `seconds` of processor time before."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, seconds, lambda: reference(path, given, limits)))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        process.join()
        if process.exitcode != -signal.SIGXCPU:
            raise
        return None
    finally:
        here.close()
        process.join()


def _answer(there: Connection, seconds: int, ask: Callable[[], Any]) -> None:
    setrlimit(RLIMIT_CORE, (0, 0))
    setrlimit(RLIMIT_CPU, (seconds, seconds + 1))
    there.send(ask())


class Beside:
    """The descriptors and schemas of a folder."""

    def __init__(self, folder: Path) -> None:
        places = [*sorted(folder.rglob("*.json")), *sorted(folder.rglob("*.y*ml"))]
        self._loaded = {place: _loaded(place) for place in places}
        self._resources: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for place, given in self._loaded.items():
            if isinstance(given, dict):
                self._remember(place, given)

    def _remember(self, place: Path, given: dict[str, Any]) -> None:
        listed = given.get("resources")
        version = {"$schema": given["$schema"]} if "$schema" in given else {}
        for resource in listed if isinstance(listed, list) else [given]:
            if isinstance(resource, dict) and isinstance(resource.get("path"), str) and "name" in resource:
                table = os.path.normpath(place.parent / resource["path"])
                said = version | self._written_out(place.parent, resource)
                self._resources.setdefault(table, []).append((place.name, said))

    def resources(self, table: Path) -> list[tuple[str, dict[str, Any]]]:
        """What packages and resources say of the table, their schemas and dialects written out."""
        return self._resources.get(os.path.normpath(table), [])

    def _written_out(self, folder: Path, resource: dict[str, Any]) -> dict[str, Any]:
        kept = {key: resource[key] for key in KEYS if key in resource}
        for key in ("schema", "dialect"):
            if isinstance(kept.get(key), str):
                kept[key] = self._loaded.get(folder / kept[key])
        return kept

    def schemas(self, table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        """Schemas in the same folder that have a field of the table's header."""
        try:
            with table.open(encoding="utf-8", newline="") as file:
                labels = set(next(csv.reader(file), []))
        except UnicodeDecodeError:
            return
        for place, given in self._loaded.items():
            fields = given.get("fields") if isinstance(given, dict) and place.parent == table.parent else None
            if isinstance(fields, list) and labels & {each.get("name") for each in fields if isinstance(each, dict)}:
                yield place.name, {"schema": given}


def _loaded(place: Path) -> Any:
    try:
        text = place.read_text(encoding="utf-8")
        return json.loads(text) if place.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None


if __name__ == "__main__":
    sys.exit(main())
