from __future__ import annotations

from pathlib import Path

import pytest

from messages.jobs import STAGES
from messages.providersettings import providers_from
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


OIDC = {"DH_OIDC_MY_IDP_ISSUER": "https://sso.example.org/realms/a", "DH_OIDC_MY_IDP_CLIENT_ID": "us"}


def test_providers_are_read_from_their_variables(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    more = {"DH_OIDC_MY_IDP_CLIENT_SECRET_FILE": str(secret), "DH_OIDC_Z_ISSUER": "http://127.0.0.1:8081"}
    mine, other = providers_from({**OIDC, **more, "DH_OIDC_Z_CLIENT_ID": "z", "DH_OIDC_Z_LABEL": "Z!"})
    assert (mine.name, mine.label, mine.client_secret) == ("my-idp", "My idp", "s3cret")
    assert (other.label, other.client_secret, other.scopes) == ("Z!", "", "openid profile email")
    assert "s3cret" not in repr(mine)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DH_OIDC_MY_IDP_ISSUER": ""}, "DH_OIDC_MY_IDP_ISSUER is not set"),
        ({"DH_OIDC_MY_IDP_CLIENT_ID": ""}, "DH_OIDC_MY_IDP_CLIENT_ID is not set"),
        ({"DH_OIDC_MY_IDP_ISSUER": "http://sso.example.org"}, "DH_OIDC_MY_IDP_ISSUER"),
        ({"DH_OIDC_MY_IDP_ISSUER": "https://sso.example.org/?a=1"}, "DH_OIDC_MY_IDP_ISSUER"),
        ({"DH_OIDC_MY_IDP_ISSUER": "sso.example.org"}, "DH_OIDC_MY_IDP_ISSUER"),
        ({"DH_OIDC_MY_IDP_SECRET": "x"}, "DH_OIDC_MY_IDP_SECRET"),
        ({"DH_OIDC_MY_IDP_SCOPES": "profile"}, "DH_OIDC_MY_IDP_SCOPES"),
        ({"DH_OIDC_MY_IDP_CLIENT_SECRET_FILE": "/nowhere"}, "DH_OIDC_MY_IDP_CLIENT_SECRET_FILE"),
        ({"DH_OIDC_LOCAL_ISSUER": "https://a.example", "DH_OIDC_LOCAL_CLIENT_ID": "x"}, "DH_OIDC_LOCAL"),
        ({"DH_OIDC_B_ISSUER": "https://sso.example.org/realms/a", "DH_OIDC_B_CLIENT_ID": "x"}, "both"),
    ],
    ids=str,
)
def test_a_provider_that_makes_no_sense_is_named(variables: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        providers_from({**OIDC, **variables})
