"""The command line: light, documented, and refused with exit code 2 where it makes no sense."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.client.arguments import build_parser

HEAVY = ("aiohttp", "asyncio", "frictionless", "jsonschema", "rich", "yaml", "tabular.check")


def test_building_the_parser_imports_nothing_heavy() -> None:
    script = "import sys, gateway.client.cli as cli; cli.build_parser().format_help(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stdout.split())


def test_help_documents_exit_codes_and_environment(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for word in ("  0 ", "  1 ", "  2 ", "  3 ", "DH_SERVER", "DH_TOKEN", "DH_CONFIG", "NO_COLOR", "push", "status"):
        assert word in told


def test_every_command_and_option_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    parser = build_parser()
    [commands] = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for name, command in commands.items():
        assert f"dh {name}" in manual
        for action in command._actions:
            for option in action.option_strings:
                assert option in manual or option in ("-h", "--help"), f"{name} {option}"


def test_common_options_may_stand_before_or_after_the_command() -> None:
    parse = build_parser().parse_args
    for words in (["--server", "http://x", "--json", "push"], ["push", "--server", "http://x", "--json"]):
        options = parse(words)
        assert (options.server, options.as_json, options.debug) == ("http://x", True, False)
    assert parse(["push"]).findability == "published"
    assert parse(["push", "--private"]).findability == "private"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["publish"],
        ["push", "--private", "--unlisted"],
        ["push", "a", "b"],
        ["get"],
        ["get", "a/b", "--revision", "0"],
        ["get", "a/b", "--revision", "latest"],
    ],
)
def test_wrong_usage_ends_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(words)
    assert ended.value.code == 2
    assert "usage: dh" in capsys.readouterr().err
