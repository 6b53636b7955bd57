"""compose.yaml can not be run by the tests; what can be wrong in it without an engine is checked here.

The schema is the Compose Specification's own (Apache-2.0), as the package check-jsonschema carries it.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typing_extensions import override

from deploy.server import WORKERS, parser
from messages.settings import from_env

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SECRET = re.compile(r"PASSWORD|SECRET|_PASS$|SIGNING")
DEMANDED = re.compile(r"\$\{\w+:\?[^}]+\}")


class Reading(dict[str, str]):
    """An environment that remembers which names were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    @override
    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def environments() -> Iterator[tuple[str, str, str]]:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, str(value)


def test_it_fits_the_compose_specification() -> None:
    text = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    schema = json.loads(text)
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"a": {"imagine": "x"}}}, schema)


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_dh_server(name: str) -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["dh-server"]' in dockerfile
    arguments = parser().parse_args(OURS[name]["command"])
    assert callable(arguments.run)


def test_every_worker_is_a_service_of_its_own() -> None:
    workers = [service["command"][1:] for service in OURS.values() if service["command"][0] == "worker"]
    assert sorted(workers) == sorted([worker] for worker in WORKERS)


def test_workers_can_be_scaled() -> None:
    for name, service in OURS.items():
        assert "container_name" not in service, name
        assert name == "gateway" or "ports" not in service, name


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_the_settings_read(name: str) -> None:
    environment = Reading({key: str(value) for key, value in OURS[name]["environment"].items()})
    settings = from_env(environment)
    assert set(environment) <= environment.asked
    assert settings.amqp_url
    assert settings.amqp_url.startswith("amqp://")


def test_no_secret_is_written_down_and_none_has_a_default() -> None:
    demanded = 0
    for service, variable, value in environments():
        if SECRET.search(variable):
            assert DEMANDED.fullmatch(value), f"{service}: {variable}"
            demanded += 1
        if variable in ("DATABASE_URL", "AMQP_URL"):
            assert re.search(r"://\w+:\$\{\w+:\?[^}]+\}@", value), f"{service}: {variable}"
    assert demanded >= len(OURS) + 3
    identities = json.loads(DEMANDED.sub("secret", COMPOSE["configs"]["s3-identities"]["content"]))
    assert identities["identities"][0]["credentials"] == [{"accessKey": "app", "secretKey": "secret"}]


def test_everything_has_a_health_check_or_depends_on_what_has() -> None:
    for name in ("postgres", "rabbitmq", "seaweedfs", "gateway"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    for name, service in SERVICES.items():
        for needed, condition in service.get("depends_on", {}).items():
            wanted = {"service_healthy", "service_completed_successfully"}
            assert condition["condition"] in wanted, f"{name} on {needed}"
            assert needed in SERVICES


def test_volumes_are_declared_and_outlive_the_containers() -> None:
    mounted = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert mounted == set(COMPOSE["volumes"])
    # PostgreSQL 18's image keeps its data in a directory below; a mount at .../data would stay empty.
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


def test_the_image_is_built_from_what_is_in_the_repository() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [shlex.split(line)[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for source in (word for words in copied for word in words):
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in ignored, source
    assert "USER datahub" in lines


def test_an_installed_package_carries_every_file_that_it_reads() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    folders = ("messages", "tabular", "workers", "gateway", "deploy/migrations")
    read = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in read:
        if path.suffix != ".py" and path.parent.name != "__pycache__":
            assert any(path.match(pattern) for pattern in patterns), path
