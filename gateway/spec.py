"""The source spec: what a publisher posts, checked as far as words go (the bytes are looked at in `uploads.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.problems import Fault
from messages.datapackage import FINDABILITIES
from tabular.profile import DATASET_NAME, check_descriptor

KEYS = frozenset(("meta", "inputs", "processing", "outputs", "schedule", "again"))
META_KEYS = frozenset(("version", "ownerid", "owner", "dataset", "findability", "create_time", "update_time"))
"""What the original's clients post, and `again`; anything else is refused: nobody is led to think it has a meaning."""

_SCHEDULE = re.compile(r"every (\d+)([a-zA-Z])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DESCRIPTOR = "#/inputs/0/parameters/descriptor"


class SpecRefused(Exception):
    """The spec cannot be published; `faults` say why, at least one."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].detail)
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A checked spec. `mapping` is from a resource's path, or its name, to the address of its upload; `again` wants a
    new revision though nothing has changed."""

    dataset: str
    findability: str
    descriptor: Mapping[str, Any]
    mapping: Mapping[str, str]
    whole: Mapping[str, Any]
    again: bool = False

    @property
    def title(self) -> str:
        title = self.descriptor.get("title")
        return title if isinstance(title, str) and title else self.dataset

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        return list(self.descriptor["resources"])


def owner_of(body: Mapping[str, Any]) -> str:
    """The owner a spec names; raises SpecRefused where it names none (words of the original service)."""
    if not body:
        text = "Received empty contents (make sure your content-type is correct)"
        raise SpecRefused(Fault(detail=text, rule="empty"))
    meta = body.get("meta")
    owner = meta.get("ownerid") if isinstance(meta, dict) else None
    if not isinstance(owner, str) or not owner:
        raise SpecRefused(Fault(detail="Missing owner in spec", rule="no-owner", pointer="#/meta/ownerid"))
    return owner


def read_spec(body: Mapping[str, Any]) -> Spec:
    """The spec in a body whose owner is known; raises SpecRefused with everything that is wrong."""
    faults = [*_unknown(body, KEYS, "#"), *_unknown(body["meta"], META_KEYS, "#/meta")]
    faults += [*_meta_faults(body["meta"]), *_schedule_faults(body.get("schedule"))]
    if type(body.get("again", False)) is not bool:
        faults.append(Fault(detail="`again` must be true or false.", rule="again", pointer="#/again"))
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        faults.append(Fault(detail="`inputs` must hold exactly one input.", rule="inputs", pointer="#/inputs"))
        raise SpecRefused(*faults)
    if inputs[0].get("kind") != "datapackage":
        faults.append(
            Fault(detail="The input's `kind` must be `datapackage`.", rule="inputs", pointer="#/inputs/0/kind")
        )
    parameters = inputs[0].get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    descriptor: Any = parameters.get("descriptor")
    mapping: Any = parameters.get("resource-mapping", {})
    faults += _mapping_faults(mapping)
    faults += _descriptor_faults(descriptor, body["meta"].get("dataset"))
    if faults:
        raise SpecRefused(*faults)
    meta = body["meta"]
    return Spec(
        dataset=meta["dataset"],
        findability=meta["findability"],
        descriptor=descriptor,
        mapping=mapping,
        whole=body,
        again=body.get("again", False),
    )


def _unknown(given: Mapping[str, Any], known: frozenset[str], pointer: str) -> Iterator[Fault]:
    for name in sorted(given.keys() - known)[:20]:
        yield Fault(detail=f"{name[:80]!r} is no part of a spec.", rule="unknown-field", pointer=pointer)


def _meta_faults(meta: Mapping[str, Any]) -> Iterator[Fault]:
    dataset = meta.get("dataset")
    if not isinstance(dataset, str) or not DATASET_NAME.fullmatch(dataset):
        text = "The dataset's name must have 1 to 100 of the characters a-z 0-9 . _ - and begin with a letter or digit."
        yield Fault(detail=text, rule="invalid-name", pointer="#/meta/dataset")
    if meta.get("findability") not in FINDABILITIES:
        text = f"`findability` must be one of {', '.join(FINDABILITIES)}."
        yield Fault(detail=text, rule="findability", pointer="#/meta/findability")


def _schedule_faults(schedule: object) -> Iterator[Fault]:
    """Schedules come later; what could never be one is told in the original's words."""
    if schedule is None:
        return
    yield Fault(detail=_schedule_problem(schedule), rule="schedule", pointer="#/schedule")


def _schedule_problem(schedule: object) -> str:
    if not isinstance(schedule, str):
        return "Schedule should be a string"
    if not schedule.startswith("every"):
        return "Schedule should start with 'every'"
    match = _SCHEDULE.fullmatch(schedule)
    if match is None:
        return "Failed to parse time number"
    if match[2] not in _SECONDS:
        return "Bad time unit for schedule, only s/m/h/d/w are allowed"
    if int(match[1][:12]) * _SECONDS[match[2]] < 60:
        return "Can't schedule tasks for less than one minute"
    return "Schedules are not supported yet: push without `schedule`"


def _mapping_faults(mapping: object) -> Iterator[Fault]:
    pointer = "#/inputs/0/parameters/resource-mapping"
    if not isinstance(mapping, dict) or not all(isinstance(address, str) for address in mapping.values()):
        text = "`resource-mapping` must be an object from paths to the addresses of uploads."
        yield Fault(detail=text, rule="resource-mapping", pointer=pointer)


def _descriptor_faults(descriptor: object, dataset: object) -> Iterator[Fault]:
    if not isinstance(descriptor, dict):
        yield Fault(detail="There is no descriptor.", rule="no-descriptor", pointer=_DESCRIPTOR)
        return
    for finding in check_descriptor(descriptor):
        where = finding.where or ""
        resource = _resource_at(descriptor, where)
        yield Fault(detail=finding.message, rule=finding.rule, pointer=f"{_DESCRIPTOR}{where}", resource=resource)
    if descriptor.get("name", dataset) != dataset:
        text = "The descriptor's `name` and the dataset's are not the same."
        yield Fault(detail=text, rule="name-mismatch", pointer=f"{_DESCRIPTOR}/name")
    resources = descriptor.get("resources")
    if not isinstance(resources, list) or not resources:
        text = "The package has no resources: there is nothing to publish."
        yield Fault(detail=text, rule="no-resources", pointer=f"{_DESCRIPTOR}/resources")
        return
    for index, resource in enumerate(resources):
        # Of more than one part the profile's check has spoken already.
        if isinstance(resource, dict) and isinstance(resource.get("path"), list) and len(resource["path"]) == 1:
            yield Fault(
                detail="A path of several parts is not supported: one resource is one file, its path one text.",
                rule="path-array",
                pointer=f"{_DESCRIPTOR}/resources/{index}/path",
                resource=_name(resource),
            )


def _resource_at(descriptor: Mapping[str, Any], where: str) -> str | None:
    """The name of the resource that a JSON pointer leads into."""
    steps = where.split("/")
    resources = descriptor.get("resources")
    if len(steps) < 3 or steps[1] != "resources" or not steps[2].isdigit() or not isinstance(resources, list):
        return None
    index = int(steps[2])
    return _name(resources[index]) if index < len(resources) else None


def _name(resource: object) -> str | None:
    name = resource.get("name") if isinstance(resource, dict) else None
    return name if isinstance(name, str) else None
