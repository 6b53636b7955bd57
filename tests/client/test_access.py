"""Machines: a token made at a terminal, read from standard input, good for its dataset until it is revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.auth.tokensecret import new_secret
from gateway.client.failures import RequestFailure
from gateway.client.session import session_of
from tests.client.publisher import Publisher, write_package
from tests.client.screen import on_a_terminal


async def test_a_machine_publishes_with_a_token_from_standard_input_until_it_is_revoked(
    publisher: Publisher, tmp_path: Path, name: str
) -> None:
    created = await publisher.dh("token", "create", "nightly", "--scope", f"carol/{name}", "--days", "3")
    assert created.code == 0, created
    token = created.stdout.strip()
    assert token.startswith("dhp_")
    assert "shown this once" in created.stderr
    machine = Publisher(publisher.stack, tmp_path / "no-log-in.json")
    folder = write_package(tmp_path / "package", name)

    who = await machine.dh("whoami", "--token-stdin", stdin=f"{token}\n")
    assert f"may publish carol/{name} until" in who.stdout
    pushed = await machine.dh("push", str(folder), "--private", "--token-stdin", stdin=f"{token}\n")
    assert pushed.code == 0, pushed
    assert token not in pushed.stdout + pushed.stderr
    elsewhere = await machine.dh("push", str(folder), "--name", "other", "--token-stdin", stdin=token)
    assert (elsewhere.code, "for another dataset" in elsewhere.stderr) == (1, True), elsewhere
    forbidden = await machine.dh("token", "create", "child", "--token-stdin", stdin=token)
    assert (forbidden.code, "API token does not do here" in forbidden.stderr) == (1, True), forbidden

    used = next(each for each in (await publisher.answer("token", "list"))["tokens"] if each["name"] == "nightly")
    assert used["last_address"] == "127.0.0.1"
    assert (await publisher.dh("token", "revoke", "nightly")).code == 0
    late = await machine.dh("status", f"carol/{name}", "--token-stdin", stdin=token)
    assert late.code == 1
    ended = await machine.dh("push", str(folder), "--token-stdin", stdin=token)
    assert (ended.code, "was revoked" in ended.stderr) == (1, True), ended


async def test_tokens_at_a_terminal(publisher: Publisher) -> None:
    variables = {"DH_CONFIG": str(publisher.config), "DH_SERVER": publisher.stack.url}
    code, shown = await on_a_terminal("token", "create", "laptop", "--access", "read", **variables)
    assert code == 0, shown
    assert "read carol, until" in shown
    code, shown = await on_a_terminal("token", "list", **variables)
    line = next(line for line in shown.splitlines() if "laptop" in line)
    assert (line.split()[2:4], "never used" in line) == (["read", "carol"], True)
    assert "dhp_" not in shown
    code, shown = await on_a_terminal("token", "create", "laptop", **variables)
    assert (code, "you have a token called 'laptop' already" in shown) == (1, True)
    code, shown = await on_a_terminal("token", "revoke", line.split()[0], **variables)
    assert (code, "revoked  laptop" in shown) == (0, True)
    code, shown = await on_a_terminal("token", "revoke", "laptop", **variables)
    assert (code, "no good token called 'laptop'" in shown) == (1, True)


async def test_trust_at_a_terminal(publisher: Publisher, name: str) -> None:
    variables = {"DH_CONFIG": str(publisher.config), "DH_SERVER": publisher.stack.url}
    dataset, limits = f"carol/{name}", ("--workflow", "publish.yml", "--ref", "main")
    code, shown = await on_a_terminal("trust", "add", dataset, "--github", "acme/data", *limits, **variables)
    words = "github acme/data, workflow .github/workflows/publish.yml, ref refs/heads/main"
    assert (code, f"{dataset} trusts {words}" in shown) == (0, True), shown
    code, shown = await on_a_terminal("trust", "add", dataset, "--gitlab", "group/sub/data", **variables)
    assert (code, "any branch of it: --ref or --environment say which" in shown) == (0, True), shown
    code, shown = await on_a_terminal("trust", "list", dataset, **variables)
    line = next(line for line in shown.splitlines() if "acme/data" in line)
    assert (words in line, line.rstrip().endswith("never used")) == (True, True), shown
    code, shown = await on_a_terminal("trust", "remove", dataset, line.split()[0], **variables)
    assert (code, f"does not trust {words} any more" in shown) == (0, True), shown
    assert len((await publisher.answer("trust", "list", dataset))["trusted"]) == 1
    for wrong, exit_code, why in (
        (("add", dataset), 2, "required"),
        (("add", dataset, "--github", "data"), 1, "OWNER/REPOSITORY"),
        (("add", dataset, "--github", "a/b", "--issuer", "https://x.example"), 1, "not known here"),
        (("list", "nobody/prices"), 1, "no such dataset of yours"),
        (("remove", dataset, "absent"), 1, "no trust 'absent'"),
        (("list", "prices"), 2, "is not OWNER/NAME"),
    ):
        done = await publisher.dh("trust", *wrong)
        assert (done.code, why in done.stderr) == (exit_code, True), done


async def test_no_token_on_standard_input_is_wrong_usage(publisher: Publisher) -> None:
    done = await publisher.dh("whoami", "--token-stdin", stdin="\n")
    assert (done.code, "standard input is empty" in done.stderr) == (2, True)


def test_a_token_that_is_not_whole_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    token, config = new_secret(), {"DH_CONFIG": str(tmp_path / "none.json")}
    assert session_of("http://a", {**config, "DH_TOKEN": token}).token == token
    with pytest.raises(RequestFailure, match="not whole"):
        session_of("http://a", {**config, "DH_TOKEN": token[:-1]})
