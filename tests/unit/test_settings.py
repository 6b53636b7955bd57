from __future__ import annotations

import pytest

from messages.jobs import STAGES
from messages.settings import SettingsError, from_env

LEAST = {"DATABASE_URL": "x", "S3_ENDPOINT_URL": "x", "S3_ACCESS_KEY": "x", "S3_SECRET_KEY": "x"}


def test_each_stage_has_a_time_of_its_own_or_that_of_all() -> None:
    assert from_env(LEAST).worker.stage_timeouts == dict.fromkeys(STAGES, 1500.0)
    given = {**LEAST, "DH_STAGE_TIMEOUT": "100", "DH_STAGE_TIMEOUT_VALIDATE": "900.5", "DH_STAGE_TIMEOUT_LOAD": "1"}
    expected = {"load": 1.0, "encoding": 100.0, "csvkind": 100.0, "validate": 900.5, "dump": 100.0}
    assert from_env(given).worker.stage_timeouts == expected


@pytest.mark.parametrize("name", ["DH_STAGE_TIMEOUT", "DH_STAGE_TIMEOUT_DUMP"])
@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "soon"])
def test_a_time_that_is_none_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is "):
        from_env({**LEAST, name: value})


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"DH_RESCUE_AFTER": "1500"}, ("DH_RESCUE_AFTER is 1500", "DH_STAGE_TIMEOUT is 1500")),
        ({"DH_STAGE_TIMEOUT": "1800"}, ("DH_RESCUE_AFTER is 1800", "DH_STAGE_TIMEOUT is 1800")),
        (
            {"DH_STAGE_TIMEOUT": "10", "DH_STAGE_TIMEOUT_DUMP": "7200", "DH_RESCUE_AFTER": "3600"},
            ("DH_RESCUE_AFTER is 3600", "DH_STAGE_TIMEOUT_DUMP is 7200", "stage dump"),
        ),
        ({"DH_RESCUE_AFTER": "nan"}, ("DH_RESCUE_AFTER is nan",)),
    ],
)
def test_flows_are_not_rescued_from_a_stage_that_may_still_work(given: dict[str, str], names: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as refused:
        from_env(LEAST | given)
    assert all(name in str(refused.value) for name in names)


def test_a_short_rescue_goes_with_shorter_stages() -> None:
    given = {"DH_STAGE_TIMEOUT": "1", "DH_RESCUE_AFTER": "1.5"}
    assert from_env(LEAST | given).worker.rescue_after == 1.5
