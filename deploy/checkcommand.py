"""What `dh-server check` does and prints."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

from deploy.audit import Audit, Findings
from deploy.sweep import Leftovers, Sweep
from gateway.client.escape import escape
from gateway.client.sizes import plural, size
from messages.blobs import Blobs, StoredObject
from messages.database import open_pool, require_schema
from messages.settings import Settings

SOUND, DAMAGED = 0, 1
MOST_SHOWN = 20
"""Objects of a kind on the screen; `--json` has all."""


async def check(words: argparse.Namespace, settings: Settings) -> int:
    """Audits, then sweeps where that is wanted; 1 where anything is damaged. Leftovers are no damage."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await open_pool(settings.database_url, size=4))
        await require_schema(pool)
        blobs = await stack.enter_async_context(Blobs(settings.store))
        findings = await Audit(pool, blobs, fast=words.fast).run()
        sweep = Sweep(pool, blobs)
        leftovers = await sweep.look()
        wanted = words.sweep and not words.dry_run
        gone = await sweep.sweep(leftovers) if wanted else []
    if words.json:
        print(json.dumps(_document(words.fast, findings, leftovers, gone, swept=wanted), indent=2))
    else:
        _show(words.fast, findings)
        _show_leftovers(leftovers, gone, swept=wanted)
    return DAMAGED if findings.damages else SOUND


def _show(fast: bool, findings: Findings) -> None:
    for damage in findings.damages:
        print(escape(f"{damage.kind}: {damage.what} of {damage.flow or '-'}: {damage.words}"))
    how = "lengths compared" if fast else "hashes compared"
    looked = f"{plural(findings.revisions, 'revision')}, {plural(findings.objects, 'object')}, {size(findings.size)}"
    print(f"{looked}, {how}: {plural(len(findings.damages), 'damage')}")


def _show_leftovers(leftovers: Leftovers, gone: list[StoredObject], *, swept: bool) -> None:
    shown = gone if swept else leftovers.objects
    for found in shown[:MOST_SHOWN]:
        kind = "upload in parts" if found.upload else "object"
        print(escape(f"{'swept' if swept else 'left over'}: {found.bucket}/{found.key}, {kind} of {found.modified:%F}"))
    if len(shown) > MOST_SHOWN:
        print(f"… and {len(shown) - MOST_SHOWN:,} more")
    total = size(sum(found.size for found in shown))
    if swept:
        print(f"swept {plural(len(gone), 'object')}, {total}")
    elif shown:
        print(f"{plural(len(shown), 'object')} left over, {total}: `dh-server check --sweep` deletes them")
    if leftovers.strange:
        print(f"{plural(len(leftovers.strange), 'object')} of no account of ours, left alone", file=sys.stderr)


def _document(
    fast: bool, findings: Findings, leftovers: Leftovers, gone: list[StoredObject], *, swept: bool
) -> dict[str, Any]:
    return {
        "ok": not findings.damages,
        "revisions": findings.revisions,
        "objects": findings.objects,
        "bytes": findings.size,
        "hashed": not fast,
        "damages": [asdict(damage) for damage in findings.damages],
        "left_over": [_plain(found) for found in leftovers.objects],
        "strange": [_plain(found) for found in leftovers.strange],
        "swept": [_plain(found) for found in gone] if swept else None,
    }


def _plain(found: StoredObject) -> dict[str, Any]:
    return {
        "bucket": found.bucket,
        "key": found.key,
        "bytes": found.size,
        "modified": found.modified.isoformat(),
        "upload": found.upload,
    }
