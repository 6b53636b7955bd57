"""What was skipped, capped or is missing, in a sentence with the limit and its setting."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.leftout import NO_REPORT, NOT_A_TABLE, SETTINGS, left_out, skipped_stages
from gateway.pages.run import stages_of

SKIPPED = {"skipped": "not a table"}
LIMITS = {"errors": 1_000, "listed_errors": 10_000, "listed_rows": 5_000}


def told(tabular: bool = True, state: str = "FAILED", rule: str | None = None, errors: int = 0, **facts: Any) -> Any:
    return left_out(tabular=tabular, state=state, rule=rule, errors=errors, facts=facts)


def checked(**more: Any) -> dict[str, Any]:
    listed = {"errors": 5, "errors_cut": False, "rows": 5, "rows_cut": False}
    return {"rows": 9, "bad_rows": 5, "truncated": False, "complete": True, "listed": listed, "limits": LIMITS, **more}


def test_nothing_is_said_where_everything_was_done() -> None:
    assert told(state="SUCCEEDED", validate={"rows": 9, "notes": []}) == []
    assert told(errors=5, validate=checked()) == []
    assert told(state="QUEUED") == []


def test_a_file_that_is_no_table_says_so_when_it_was_passed_on() -> None:
    assert told(tabular=False, state="INPROGRESS") == []
    facts: dict[str, Any] = {"encoding": SKIPPED, "csvkind": SKIPPED, "validate": SKIPPED, "dump": SKIPPED}
    assert told(tabular=False, state="SUCCEEDED", **facts) == [NOT_A_TABLE]
    assert skipped_stages(facts) == {"encoding", "csvkind", "validate"}  # it was published, that is no skipping
    lines = stages_of("dump", "SUCCEEDED", None, skipped_stages(facts))
    assert [line.words for line in lines] == ["done", "skipped", "skipped", "skipped", "done"]


def test_a_table_that_was_refused_early_has_no_report() -> None:
    assert told(rule="not-csv") == [NO_REPORT]
    assert told(rule="cancelled") == [NO_REPORT]
    assert told(tabular=False, rule="object-missing") == []


@pytest.mark.parametrize(("rule", "setting"), SETTINGS.items())
def test_a_limit_is_told_with_its_setting(rule: str, setting: str) -> None:
    assert told(rule=rule)[0].endswith(f"which an operator can change: {setting}.")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"truncated": True}, "The report ends after 1,000 of 20,000 errors, the server's limit (DH_REPORTED_ERRORS)."),
        (
            {"complete": False, "counted_to": 77_000, "why": "Counting ends after 300 seconds, the limit."},
            "Errors are counted up to row 77,000. Counting ends after 300 seconds, the server's limit"
            " (DH_COUNT_SECONDS).",
        ),
        (
            {"listed": {"errors": 10_000, "errors_cut": True}},
            "errors.csv has the first 10,000 of 20,000 errors, the server's limit (DH_LISTED_ERRORS).",
        ),
        (
            {"listed": {"errors": 900, "errors_cut": True}},
            "errors.csv has the first 900 of 20,000 errors, for a list ends after 50 MB.",
        ),
        (
            {"listed": {"rows": 5_000, "rows_cut": True}, "bad_rows": 8_000},
            "annotated.csv has the first 5,000 of 8,000 bad rows, the server's limit (DH_LISTED_ROWS).",
        ),
        (
            {"notes": ["The unique key 'a' was not checked, for there are too many other errors."]},
            "The unique key 'a' was not checked, for there are too many other errors, the server's limit"
            " (DH_REPORTED_ERRORS).",
        ),
        ({"notes": ["The foreign key no. 1 was not checked."]}, "The foreign key no. 1 was not checked."),
    ],
)
def test_where_lists_end_is_said_with_the_limit_that_applied(more: dict[str, Any], sentence: str) -> None:
    assert told(errors=20_000, validate=checked(**more)) == [sentence]
