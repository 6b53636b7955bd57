"""What `dh-server dead-letters` does and prints: never a secret, be it by its name or by its shape."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from deploy.deadletters import Act, Choice, DeadLetters, Outcome
from deploy.operatorwords import WAITING
from gateway.client.escape import escape
from messages.database import open_pool, require_schema
from messages.settings import Settings
from messages.telemetry import revealed, without_secrets

FINE, AT_FAULT, WRONG_USAGE = 0, 1, 2
LONGEST_LINE = 4_000


async def list_chosen(words: argparse.Namespace, settings: Settings) -> int:
    """Those that are chosen, two lines each."""
    state = None if words.state == "all" else words.state

    async def find(letters: DeadLetters) -> list[dict[str, Any]]:
        return [dict(row) for row in await letters.find(_choice(words, state))]

    rows = await _with_letters(settings, find)
    if words.json:
        _say_json([revealed(_plain(row)) for row in rows])
        return FINE
    for row in rows:
        _say(f"{row['id']}  {row['last_at']:%Y-%m-%d %H:%M:%S}  {row['queue']}  {row['flow_id'] or '-'}")
        _say(f"    {row['owner'] or '-'}, attempts {row['attempts']}, {row['state']}: {without_secrets(row['reason'])}")
    _say(f"{len(rows)} dead letters" if len(rows) != 1 else "1 dead letter")
    return FINE


async def show(words: argparse.Namespace, settings: Settings) -> int:
    """One with everything; 1 where there is none."""
    row = await _with_letters(settings, lambda letters: letters.read(words.id))
    if row is None:
        sys.stderr.write(f"dh-server: there is no dead letter {escape(words.id)}\n")
        return AT_FAULT
    letter = revealed(_plain(dict(row)))
    if words.json:
        _say_json(letter)
        return FINE
    for name in ("id", "queue", "kind", "owner", "flow_id", "message_id", "state", "reason", "first_at", "last_at"):
        _say(f"{name:<11} {letter[name]}")
    for attempt in letter["trail"]:
        _say(f"attempt {attempt['number']:<3} {attempt['at']}  {attempt['error']}")
    for act in letter["acts"]:
        _say(f"{act['act']:<11} {act['at']}  by {act['by']}: {act['outcome']}  {act['why']}".rstrip())
    for line in json.dumps(letter["message"], indent=2, ensure_ascii=False).splitlines():
        _say(line)
    return FINE


async def act(words: argparse.Namespace, settings: Settings) -> int:
    """Replays or discards what is chosen; 1 where an id is none, 2 where nothing was chosen."""
    name: Literal["replay", "discard"] = words.act
    if not (words.ids or words.queue or words.owner or words.reason or words.all):
        sys.stderr.write(f"dh-server: which ones? Give ids, --queue, --owner, --reason, or --all to {name} all\n")
        return WRONG_USAGE
    what = Act(name=name, by=words.by, why=words.why)

    async def perform(letters: DeadLetters) -> list[Outcome]:
        found = [row["id"] for row in await letters.find(_choice(words, None if words.ids else WAITING))]
        unknown = [id for id in words.ids if id not in found] if not _is_filtered(words) else []
        return await letters.act([*found, *unknown], what, dry_run=words.dry_run)

    outcomes = await _with_letters(settings, perform)
    done = sum(outcome.done for outcome in outcomes)
    if words.json:
        told = [asdict(outcome) for outcome in outcomes]
        _say_json({"act": name, "dry_run": words.dry_run, "done": done, "outcomes": told})
    else:
        for outcome in outcomes:
            _say(f"{outcome.id}  {outcome.words}")
        would = "would be " if words.dry_run else ""
        _say(f"{done} of {len(outcomes)} {would}{what.state}")
    return AT_FAULT if any("no such dead letter" in outcome.words for outcome in outcomes) else FINE


async def _with_letters(settings: Settings, work: Callable[[DeadLetters], Awaitable[Any]]) -> Any:
    from messages.transport import open_transport

    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await open_pool(settings.database_url, size=2))
        await require_schema(pool)
        transport = open_transport(settings)
        stack.push_async_callback(transport.close)
        return await work(DeadLetters(pool, transport.put))


def _choice(words: argparse.Namespace, state: str | None) -> Choice:
    return Choice(
        ids=getattr(words, "ids", ()),
        queue=words.queue,
        owner=words.owner,
        reason=words.reason,
        state=state,
        limit=words.limit,
    )


def _is_filtered(words: argparse.Namespace) -> bool:
    return bool(words.queue or words.owner or words.reason)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON values; the body as the message that it is, or as text."""
    values = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    if "body" not in values:
        return values
    body: bytes = row["body"]
    del values["body"]
    try:
        return {**values, "message": json.loads(body)}
    except (ValueError, RecursionError):
        return {**values, "message": body.decode("utf-8", "backslashreplace")}


def _say(line: str) -> None:
    print(escape(line, LONGEST_LINE))


def _say_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=True))
