"""What moves, in words: how far a stage is, what a resource waits for. For pages and for whoever shows a status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.pages.text import size
from messages.turns import MOST_PLACES


def progress_words(progress: Mapping[str, Any]) -> str:
    """`3,000 of 9,000 rows (1.2 MB of 3.6 MB), 1,000 rows/s, about 6 s left`, as far as it is known."""
    unit, done, total = progress["unit"], progress["done"], progress["total"]
    words = [_amount(done, unit) if total is None else f"{_count(done, unit)} of {_amount(total, unit)}"]
    if unit != "bytes" and progress["bytes"] is not None:
        words[0] += f" ({size(progress['bytes'])} of {size(progress['bytes_total'])})"
    if progress["rate"]:
        words.append(f"{_amount(progress['rate'], unit)}/s")
    if progress["eta"]:
        words.append(f"about {duration(progress['eta'])} left")
    before = f"attempt {progress['attempt']}: " if progress["attempt"] > 1 else ""
    if not progress["reading"]:
        return f"{before}begun"
    before += f"pass {progress['reading']}: " if progress["reading"] > 1 else ""
    return before + ", ".join(words)


def waiting_words(waiting: Mapping[str, Any]) -> str:
    """What it waits for, and behind how many."""
    if waiting["for"] == "worker":
        jobs = waiting["jobs"]
        many = "1,000 or more" if jobs == MOST_PLACES else f"about {jobs:,}"
        return f"waits for a free worker: {many} {'job is' if jobs == 1 else 'jobs are'} queued"
    place, line = waiting["place"], waiting["line"]
    if line is None:
        return "waits for its turn"
    if place is None:
        return f"waits for its turn, behind {MOST_PLACES:,} or more of this owner"
    more = " or more" if line >= MOST_PLACES else ""
    return f"waits for its turn: {ordinal(place)} of {line:,}{more} of this owner"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    last = number % 10 if number // 10 % 10 != 1 else 0
    return f"{number:,}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"


def duration(seconds: float) -> str:
    """As exact as a guess can be: `5 s`, `40 s`, `3 min`, `2 h`, `3 days`."""
    if seconds < 10:
        return f"{seconds:.0f} s"
    for limit, unit, words in ((55, 10, "s"), (55 * 60, 60, "min"), (36 * 3600, 3600, "h")):
        if seconds < limit:
            rounded = max(round(seconds / unit), 1)
            return f"{rounded * unit if words == 's' else rounded} {words}"
    return f"{seconds / 86400:.0f} days"


def _count(count: int, unit: str) -> str:
    return size(count) if unit == "bytes" else f"{count:,}"


def _amount(count: int, unit: str) -> str:
    return size(count) if unit == "bytes" else f"{count:,} {unit if count != 1 else unit.removesuffix('s')}"
