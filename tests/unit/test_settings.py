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
