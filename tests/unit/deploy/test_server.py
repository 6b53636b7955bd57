"""`dh-server`: words, exit codes, and a start that does not keep anybody waiting."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.server import WORKERS, expand, main
from messages import topology

HEAVY = {"aiohttp", "aio_pika", "aiobotocore", "asyncpg", "frictionless", "structlog", "jinja2", "rich"}


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`dh-server` as an operator starts it, without any setting but `environ`."""
    plain = {"PATH": os.environ["PATH"], "DH_STATE": "/nonexistent"}
    return subprocess.run(
        [Path(sys.prefix) / "bin" / "dh-server", *words],
        capture_output=True,
        text=True,
        env={**plain, **environ},
        timeout=30,
    )


def test_help_comes_at_once() -> None:
    # Processor time, of the best of three: on a busy machine the clock says more of the neighbours than of us.
    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(spent() for _ in range(3)) < 0.3


def test_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, deploy.server; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(loaded.stdout.split())


@pytest.mark.parametrize(
    ("names", "workers"),
    [
        (["validate"], ("validate",)),
        (["dump", "load", "load"], ("load", "dump")),
        (["stages"], ("load", "encoding", "csvkind", "validate", "dump")),
        (["writers"], ("pkgstore", "metastore", "webhooks", "deadletters", "rescue")),
        (["all"], WORKERS),
    ],
)
def test_groups_stand_for_workers(names: list[str], workers: tuple[str, ...]) -> None:
    assert expand(names) == workers


def test_an_unknown_worker_is_wrong_usage() -> None:
    answer = run("worker", "coffee")
    assert answer.returncode == 2
    assert "coffee" in answer.stderr


def test_a_missing_setting_is_named_and_wrong_usage() -> None:
    answer = run("migrate")
    assert answer.returncode == 2
    assert answer.stderr.startswith("dh-server: DATABASE_URL is not set")


def test_a_server_that_is_not_there_is_said_without_a_traceback() -> None:
    store = {"S3_ENDPOINT_URL": "http://127.0.0.1:1", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}
    answer = run("migrate", DATABASE_URL="postgresql://app:secret-word@127.0.0.1:1/dh", **store)
    assert answer.returncode == 3
    assert answer.stderr.startswith("dh-server: ")
    assert "Traceback" not in answer.stderr
    assert "secret-word" not in answer.stderr


def test_topology_lists_every_queue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topology"]) == 0
    table = capsys.readouterr().out
    for queue in (*topology.QUEUES, *topology.RETRY_QUEUES.values(), topology.DEAD_QUEUE):
        assert f"\n{queue.name} " in table
    assert main(["topology", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    bindings = [
        {"exchange": "dh.jobs", "key": "job.encoding"},
        {"exchange": "dh.events", "key": "event.stage.passed.load"},
    ]
    assert {"name": "dh.job.encoding", "bindings": bindings} in listed["queues"]
    assert listed["exchanges"]["dh.events"] == "topic"
