"""The identity pipeline: what happens to every resource, in order."""

from __future__ import annotations

from collections.abc import Mapping

from workers.stage import Stage
from workers.stages.csvkind import csvkind
from workers.stages.dump import dump
from workers.stages.encoding import encoding
from workers.stages.load import load
from workers.stages.validate import validate

PIPELINE = (
    #     name        function  imported before the first job
    Stage("load",     load,     ("tabular.archive",)),
    Stage("encoding", encoding, ("tabular.encoding",)),
    Stage("csvkind",  csvkind,  ("tabular.csvkind",)),
    Stage("validate", validate, ("tabular.validate", "frictionless")),
    Stage("dump",     dump,     ("tabular.dump",)),
)  # fmt: skip

STAGES: Mapping[str, Stage] = {stage.name: stage for stage in PIPELINE}
