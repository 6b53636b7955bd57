"""The manifests of deploy/kubernetes name real commands, real settings and every worker, and hold no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploy.server import WORKERS, parser
from messages.settings import from_env
from tests.unit.deploy.test_compose import Reading

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    each for name in KUSTOMIZATION["resources"] for each in yaml.safe_load_all((FOLDER / name).read_text())
]
SECRETS = {
    "DATABASE_URL": "postgresql://a:b@c/d",
    "AMQP_URL": "amqp://a:b@c/",
    "S3_ACCESS_KEY": "a",
    "S3_SECRET_KEY": "b",
}


def containers() -> list[dict[str, Any]]:
    specs = [each["spec"].get("jobTemplate", each)["spec"] for each in OBJECTS]
    return [container for spec in specs if "template" in spec for container in spec["template"]["spec"]["containers"]]


def test_every_worker_gateway_migration_and_the_sweep_has_a_container_with_a_real_command() -> None:
    wanted = [["gateway"], ["migrate"], ["check", "--fast", "--sweep"], *(["worker", name] for name in WORKERS)]
    commands = [container["args"] for container in containers()]
    assert sorted(commands) == sorted(wanted)
    for command in commands:
        parser().parse_args(command)


def test_settings_are_ones_that_are_read_and_secrets_are_not_among_them() -> None:
    (settings,) = KUSTOMIZATION["configMapGenerator"]
    environment = Reading(dict(literal.split("=", 1) for literal in settings["literals"]))
    assert SECRETS.keys().isdisjoint(environment)
    names = set(environment)
    environment.update(SECRETS)
    from_env(environment)
    assert names <= environment.asked


def test_pods_are_told_apart_and_locked_down() -> None:
    for each in OBJECTS:
        if each["kind"] == "Deployment":
            labels = each["spec"]["template"]["metadata"]["labels"]
            assert each["spec"]["selector"]["matchLabels"] == labels == {"app": each["metadata"]["name"]}
    for container in containers():
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert "memory" in container["resources"]["limits"]
