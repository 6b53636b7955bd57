"""What the tests themselves stand on: a missing service is loud, and an engine is believed only when it answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.services import docker_answers


def test_a_missing_service_skips_by_name_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="RabbitMQ is missing"):
        missing("RabbitMQ")


def test_a_missing_service_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="RabbitMQ is missing"):
        missing("RabbitMQ")


@pytest.mark.parametrize(("status", "answers"), [("200 OK", True), ("500 Internal Server Error", False)])
async def test_a_docker_engine_has_to_answer(
    status: str, answers: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /_ping ")
        writer.write(f"HTTP/1.0 {status}\r\n\r\nOK".encode())
        await writer.drain()
        writer.close()

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    assert not docker_answers()
    async with await asyncio.start_unix_server(engine, tmp_path / "docker.sock"):
        assert await asyncio.to_thread(docker_answers) is answers
