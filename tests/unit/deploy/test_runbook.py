"""What an operator reads in the night is there: every command of the runbook is one that the programs take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deploy.server import parser

DOCS = Path(__file__).parents[3] / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text()
SPANS = re.findall(r"``(.+?)``|`([^`\n]+)`", RUNBOOK)
SAID = sorted({next(filter(None, span)).replace("run `", "").strip("` ") for span in SPANS})
STEPS = [text for text in SAID if text.startswith("dh-server ")]
ALARMS = ("dead letters", "outbox lag", "stuck", "queue lost", "blocked", "read-only", "object store", "disk full")


@pytest.mark.parametrize("text", STEPS)
def test_every_command_of_the_runbook_is_understood(text: str) -> None:
    words = [word.removesuffix("…") for word in shlex.split(text)[1:]]
    parser().parse_args(["validate" if word == "NAME" and words[0] == "worker" else word for word in words])


def test_the_runbook_has_commands_and_every_alarm_a_section() -> None:
    assert len(STEPS) > 10
    headings = " ".join(re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)).lower()
    assert [alarm for alarm in ALARMS if alarm not in headings] == []


def test_every_setting_of_the_runbook_is_one() -> None:
    settings = (DOCS / "settings.md").read_text()
    for name in set(re.findall(r"\b(?:DH|S3)_[A-Z_]+\b", RUNBOOK)):
        assert f"`{name}`" in settings, name
