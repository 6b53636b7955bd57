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
    #     name        function  imported ahead of its first job
    Stage("load",     load,     ("workers.stages.tables", "tabular.opening")),
    Stage("encoding", encoding, ("workers.stages.tables", "tabular.undeclared")),
    Stage("csvkind",  csvkind,  ("workers.stages.tables", "tabular.csvkind")),
    Stage("validate", validate, ("workers.stages.tables:rehearse",)),
    Stage("dump",     dump,     ("workers.stages.tables", "tabular.dump")),
)  # fmt: skip

STAGES: Mapping[str, Stage] = {stage.name: stage for stage in PIPELINE}
