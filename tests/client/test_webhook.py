"""`dh webhook`: a receiver is told of a push, knows who told it, and has it sent once more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from messages.envelope import Message
from tests.client.publisher import Publisher, write_package
from tests.client.screen import on_a_terminal
from tests.receiver import Receiver, Told, receiving


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def next_told(receiver: Receiver) -> Told:
    """What arrives next, or has arrived since this was asked last."""
    async with asyncio.timeout(60):
        await receiver.arrived.wait()
    receiver.arrived.clear()
    return receiver.told[-1]


async def test_receiver_is_told_of_a_push_and_may_hear_it_again(
    publisher: Publisher, receiver: Receiver, tmp_path: Path, name: str
) -> None:
    made = await publisher.dh("webhook", "add", f"{receiver.url}/hook")
    assert made.code == 0, made
    secret = made.stdout.strip()
    assert secret.startswith("whsec_")
    assert "shown this once" in made.stderr
    (listed,) = (await publisher.answer("webhook", "list"))["webhooks"]
    assert secret not in str(listed)
    webhook = listed["id"]

    assert (await publisher.dh("webhook", "ping", webhook[:8])).code == 0
    assert Webhook(secret).verify((told := await next_told(receiver)).body, dict(told.headers))["data"] == {}

    pushed = await publisher.dh("push", str(write_package(tmp_path / "package", name)))
    assert pushed.code == 0, pushed
    told = await next_told(receiver)
    event = Message.decode(told.body)
    assert (event.kind, event.data["flow"]["dataset"]) == ("event.package.published", name)
    rotated = (await publisher.dh("webhook", "rotate", webhook)).stdout.strip()

    async with asyncio.timeout(30):
        while not (
            sent := (await publisher.answer("webhook", "deliveries", webhook, "--state", "delivered"))["deliveries"]
        ):
            await asyncio.sleep(0.05)
    delivery = next(each for each in sent if each["kind"] == event.kind)
    assert (await publisher.answer("webhook", "replay", webhook, delivery["id"]))["replayed"] == 1
    again = await next_told(receiver)
    assert (again.headers["webhook-id"], again.body) == (event.id, told.body)
    for each in (secret, rotated):
        Webhook(each).verify(again.body, dict(again.headers))
    removed = await publisher.dh("webhook", "remove", webhook)
    assert (removed.code, f"{receiver.url}/hook" in removed.stdout) == (0, True)
    assert await publisher.answer("webhook", "list") == {"ok": True, "webhooks": []}


async def test_at_a_terminal_and_what_is_wrong(publisher: Publisher, receiver: Receiver) -> None:
    variables = {"DH_CONFIG": str(publisher.config), "DH_SERVER": publisher.stack.url}
    code, shown = await on_a_terminal("webhook", "list", **variables)
    assert (code, "carol has no webhooks: `dh webhook add URL` makes one" in shown) == (0, True), shown
    code, shown = await on_a_terminal("webhook", "add", f"{receiver.url}/status/410", **variables)
    assert (code, "whsec_" in shown, "all of one's own" in shown) == (0, True, True), shown
    (webhook,) = (await publisher.answer("webhook", "list"))["webhooks"]
    named = webhook["id"][:8]
    code, shown = await on_a_terminal("webhook", "deliveries", named, **variables)
    assert (code, "nothing was sent" in shown) == (0, True), shown
    await publisher.dh("webhook", "ping", named)
    async with asyncio.timeout(30):
        while not (await publisher.answer("webhook", "list"))["webhooks"][0]["disabled"]:
            await asyncio.sleep(0.05)
    code, shown = await on_a_terminal("webhook", "deliveries", named, **variables)
    assert (code, "parked" in shown, "gone (410)" in shown) == (0, True, True), shown
    for wrong, exit_code, why in (
        (("replay", named), 1, "enable the webhook again first"),
        (("add", "https://127.0.0.1:22/"), 1, "No webhook is sent to port 22"),
        (("add", "https://10.0.0.1/"), 1, "leads to no public address"),
        (("add", "https://1.1.1.1/", "--dataset", "dave/none"), 1, "no such dataset"),
        (("add", "https://1.1.1.1/", "--for", "dave"), 1, "no webhooks of yours"),
        (("remove", "absent"), 1, "no webhook 'absent'"),
        (("deliveries", named, "--state", "lost"), 2, "invalid choice"),
    ):
        done = await publisher.dh("webhook", *wrong)
        assert (done.code, why in done.stderr) == (exit_code, True), done
    assert (await publisher.dh("webhook", "enable", named)).code == 0
    assert (await publisher.answer("webhook", "replay", named))["replayed"] == 1
    assert (await publisher.dh("webhook", "remove", named)).code == 0
