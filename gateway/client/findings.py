"""What is wrong with a table or descriptor, told so that a publisher finds the place: by rule, with first examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.client.escape import escape
from gateway.client.sizes import plural
from gateway.client.terminal import Terminal

EXAMPLES = 3
_CELL = 60

Finding = Mapping[str, Any]
"""As `tabular.finding.Finding.to_dict` and the server's status say it: rule, message, and the places that are known."""


def show_findings(
    terminal: Terminal,
    findings: Sequence[Finding],
    total: int,
    indent: str = "    ",
    counts: Mapping[str, int] | None = None,
) -> None:
    """Say the findings by rule. `total` errors there are, of which `findings` may be the first only; `counts` are then
    those of each rule, where they are known."""
    for rule, group in _by_rule(findings).items():
        times = (counts or {}).get(rule, len(group))
        count = f"{times:,} times" if times > 1 else ""
        terminal.say(f"{indent}{terminal.paint(escape(rule, 80), 'yellow')} {count}".rstrip())
        for finding in group[:EXAMPLES]:
            terminal.say(f"{indent}  {_line(terminal, finding)}")
        if (more := times - min(len(group), EXAMPLES)) > 0:
            terminal.say(f"{indent}  … and {more:,} more of this kind")
    if total > len(findings):
        terminal.say(f"{indent}… {plural(total, 'error')} in all; the first {len(findings):,} are listed")


def _by_rule(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(str(finding.get("rule") or "error"), []).append(finding)
    return groups


def _line(terminal: Terminal, finding: Finding) -> str:
    place = ", ".join(places(finding))
    message = escape(finding.get("message", ""), 500)
    return f"{terminal.paint(place, 'cyan')}: {message}" if place else message


def places(finding: Finding) -> Iterator[str]:
    if finding.get("address") is not None:
        yield escape(finding["address"], _CELL)  # rows and bytes would be those of the CSV that was made of the sheet
    else:
        for name, label in (("row", "row"), ("line", "line"), ("byte_offset", "byte")):
            if isinstance(finding.get(name), int):
                yield f"{label} {finding[name]:,}"
    if finding.get("field") is not None:
        yield f"field {escape(finding['field'], _CELL)}"
    if finding.get("cell") is not None:
        yield f'cell "{escape(finding["cell"], _CELL)}"'
    if finding.get("where"):
        yield f"at {escape(finding['where'], 200)}"
