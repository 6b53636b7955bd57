"""The log-in file is as private as a password, and the server's address is one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.client.failures import RequestFailure, UsageFailure
from gateway.client.session import ConfigFile, config_path, server_of, session_of


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_file_is_made_for_its_owner_alone_in_a_folder_for_its_owner_alone(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "datahub" / "config.json")
    file.keep("http://a", "token-a", "alice")
    assert mode(file.path) == 0o600
    assert mode(file.path.parent) == 0o700
    assert [path.name for path in file.path.parent.iterdir()] == ["config.json"]


def test_tokens_are_kept_per_server(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.json")
    file.keep("http://a", "token-a", "alice")
    file.keep("http://b", "token-b", "bob")
    assert (file.token("http://a"), file.token("http://b"), file.token("http://c")) == ("token-a", "token-b", None)
    assert file.forget("http://a")
    assert not file.forget("http://a")
    assert (file.token("http://a"), file.token("http://b")) == (None, "token-b")


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_file_open_to_others_is_refused_with_how_to_mend_it(tmp_path: Path, open_mode: int) -> None:
    file = ConfigFile(tmp_path / "config.json")
    file.keep("http://a", "token-a", "alice")
    file.path.chmod(open_mode)
    for use in (
        lambda: file.token("http://a"),
        lambda: file.forget("http://a"),
        lambda: file.keep("http://a", "t", "u"),
    ):
        with pytest.raises(RequestFailure, match=f"chmod 600 {file.path}"):
            use()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"servers": 1}', "\x00"])
def test_broken_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(RequestFailure, match="not a file of dh"):
        ConfigFile(path).token("http://a")


def test_session_takes_option_then_variable_then_default(tmp_path: Path) -> None:
    environ = {"DH_CONFIG": str(tmp_path / "config.json"), "DH_SERVER": "http://b/"}
    ConfigFile(config_path(environ)).keep("http://b", "token-b", "bob")
    assert session_of("http://a", environ).server == "http://a"
    assert session_of(None, environ).required_token() == "token-b"
    assert server_of(None, {}) == "http://127.0.0.1:8080"
    assert session_of(None, {**environ, "DH_TOKEN": "from-ci"}).token == "from-ci"


def test_who_is_not_logged_in_is_told_how(tmp_path: Path) -> None:
    with pytest.raises(RequestFailure, match="dh login"):
        session_of(None, {"DH_CONFIG": str(tmp_path / "none.json")}).required_token()


@pytest.mark.parametrize("url", ["example.com", "ftp://a", "http://", "http://u:p@a", "http://a?x=1", "http://[::1"])
def test_address_that_is_none_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageFailure):
        server_of(url, {})


def test_default_place_follows_the_desktop_s_rules() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/datahub/config.json")
    assert config_path({}) == Path.home() / ".config" / "datahub" / "config.json"
