"""What reaches a terminal: nothing harmful, everything needed to find the place."""

from __future__ import annotations

import pytest

from gateway.client.escape import escape
from gateway.client.findings import show_findings
from gateway.client.sizes import amount, rate, size
from gateway.client.terminal import Terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Łódź 東京 🎉", "Łódź 東京 🎉"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\tb\r\nc\x00\x7f\x9b", "a\\tb\\r\\nc\\x00\\x7f\\x9b"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("\u200bzero\ufeff", "\\u200bzero\\ufeff"),
        ("\ud800", "\\ud800"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("\\x1b", "\\x1b"),
        (None, "None"),
    ],
)
def test_text_of_others_is_made_harmless(text: object, shown: str) -> None:
    assert escape(text) == shown


def test_long_text_is_cut() -> None:
    assert escape("x" * 1_000_000, 10) == "xxxxxxxxxx…"
    assert escape("x" * 10, 10) == "xxxxxxxxxx"


def test_findings_are_grouped_by_rule_with_first_examples_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    findings = [
        {"rule": "type-error", "message": "no number", "row": row, "line": row + 1, "field": "amount", "cell": "two"}
        for row in range(2, 7)
    ]
    findings.append({"rule": "extra-cell", "message": "one too many", "row": 1_234_567})
    show_findings(Terminal(environ={}), findings, 9000, indent="")
    assert capsys.readouterr().out.splitlines() == [
        "type-error 5 times",
        '  row 2, line 3, field amount, cell "two": no number',
        '  row 3, line 4, field amount, cell "two": no number',
        '  row 4, line 5, field amount, cell "two": no number',
        "  … and 2 more of this kind",
        "extra-cell",
        "  row 1,234,567: one too many",
        "… 9,000 errors in all; the first 6 are listed",
    ]


def test_findings_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "\x1b[2J\u202e"
    finding = {"rule": nasty, "message": nasty, "field": nasty, "cell": nasty, "where": nasty}
    show_findings(Terminal(environ={}), [finding], 1)
    assert "\x1b" not in (out := capsys.readouterr().out)
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (10**15, "1000.0 TB")],
)
def test_sizes_have_at_most_four_digits(count: int, shown: str) -> None:
    assert size(count) == shown


def test_amounts_and_rates_have_their_unit() -> None:
    assert amount(1, "rows") == "1 row"
    assert amount(1500, "rows") == "1,500 rows"
    assert amount(1500, "bytes") == "1.5 kB"
    assert rate(3_000_000, 2.0, "bytes") == "1.5 MB/s"
    assert rate(3000, 0.0, "rows") == "3,000,000 rows/s"
