"""Which languages a resource's descriptor speaks of, or in: a hint for the guess of an encoding.

Codes are declared, see `spoken`; titles and descriptions speak for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tabular.letters import model
from tabular.readings import shares
from tabular.spoken import spoken_of

SAME = {
    "nb": ("no",), "nn": ("no",), "bs": ("hr", "sr-latn"), "me": ("sr-latn", "sr"), "sr": ("sr", "sr-latn"),
    "zh": ("zh-hans", "zh-hant"), "sh": ("hr", "sr-latn"), "gl": ("pt", "es"),
}  # fmt: skip
TRADITIONAL = {"hant", "tw", "hk", "mo"}
SPOKEN, WRITTEN = 1.0, 0.5
ENOUGH = 20
LONGEST = 1_000


def languages_of(resource: Mapping[str, Any]) -> dict[str, float]:
    """Weights of languages by our names for them; empty where the descriptor tells nothing."""
    weights: dict[str, float] = {}
    for place, code in enumerate(spoken_of(resource)):
        for name in _names(code):
            weights[name] = weights.get(name, 0.0) + (SPOKEN if place == 0 else SPOKEN / 2)
    texts = [text[:LONGEST].replace("\n", " ") for text in _texts(resource)][:100]
    if sum(map(len, texts)) >= ENOUGH:
        for name, share in shares(texts).items():
            weights[name] = weights.get(name, 0.0) + WRITTEN * share
    return weights


def _names(code: str) -> tuple[str, ...]:
    primary, *rest = code.lower().replace("_", "-").split("-")
    if primary == "zh" and rest:
        return ("zh-hant",) if TRADITIONAL & set(rest) else ("zh-hans",)
    return SAME.get(primary) or ((primary,) if primary in model().names() else ())


def _texts(resource: Mapping[str, Any]) -> Iterator[str]:
    """Titles and descriptions of the resource and its fields; a translated one is an object of texts by language."""
    schema = resource.get("schema")
    fields = schema.get("fields") if isinstance(schema, Mapping) else None
    for part in (resource, *(fields if isinstance(fields, list) else ())):
        for key in ("title", "description"):
            said = part.get(key) if isinstance(part, Mapping) else None
            values = said.values() if isinstance(said, Mapping) else [said]
            yield from (text for text in values if isinstance(text, str) and text.strip())
