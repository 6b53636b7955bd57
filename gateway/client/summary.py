"""What is wrong with a table, at a glance: each rule in words, how often, where first, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from gateway.client.escape import escape
from gateway.client.findings import places
from gateway.client.sizes import plural
from gateway.client.terminal import Terminal

MOST_FIELDS = 8
"""Groups of one rule that are shown; the summary has the others."""

Group = Mapping[str, Any]
"""As `tabular.summary.Group.to_dict` says it."""


def show_summary(terminal: Terminal, summary: Mapping[str, Any], indent: str = "    ") -> None:
    """Say the groups of a summary by rule, in its order."""
    for rule, grouped in groupby(summary["groups"], lambda group: str(group["rule"])):
        groups = list(grouped)
        count = sum(group["count"] for group in groups)
        title = terminal.paint(escape(groups[0]["title"], 100), "bold")
        terminal.say()
        terminal.say(f"{indent}{terminal.paint(f'{count:,}', 'red')} {title} ({escape(rule, 80)})")
        for advice, advised in groupby(groups[:MOST_FIELDS], lambda group: group["advice"]):
            for line in (line for group in advised for line in _lines(terminal, group)):
                terminal.say(f"{indent}{line}")
            if advice:
                terminal.say(f"{indent}    {terminal.paint('→', 'green')} {escape(advice, 500)}")
        if len(groups) > MOST_FIELDS:
            terminal.say(f"{indent}  … and {plural(len(groups) - MOST_FIELDS, 'column')} more: {_names(groups)}")
    if summary["groups_omitted"]:
        terminal.say(f"{indent}… and {plural(summary['groups_omitted'], 'group')} more")
    if summary["why"]:
        upto = f" Counted up to row {summary['counted_to']:,}." if summary["counted_to"] else ""
        terminal.say(f"{indent}{escape(summary['why'], 500)}{upto}")
    if summary["groups"]:
        terminal.say()


def _lines(terminal: Terminal, group: Group) -> Iterator[str]:
    """A group's heading and its first examples, each with its own message where they differ."""
    examples, name = group["examples"], group["field"]
    same = len({example["message"] for example in examples}) <= 1
    heading = [terminal.paint(escape(name, 80), "cyan")] if name is not None else []
    if same:
        heading.append(escape(group["message"], 300))
    if group["count"] > 1:
        heading.append(terminal.paint(f"{group['count']:,} times", "yellow"))
    yield "  " + "  ".join(heading)
    for example in examples:
        place = ", ".join(places({**example, "field": None}))
        yield f"    {place}" + ("" if same else f": {escape(example['message'], 300)}")
    if group["count"] > len(examples) > 0:
        yield f"    … and {group['count'] - len(examples):,} more"


def _names(groups: Sequence[Group]) -> str:
    names = [escape(group["field"], 40) for group in groups[MOST_FIELDS:] if group["field"] is not None]
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
