"""A problem a publisher can act on, and where it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

CELL_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a file or descriptor, told in a plain sentence.

    `rule` is a stable name in kebab-case. `row` counts records (the first one is 1, as in the validation report),
    `line` counts physical lines from 1, `byte_offset` counts bytes of the file looked at from 0. `field` is a field's
    name, or its position when it has none. `where` is a JSON pointer into a descriptor, `address` a cell of a sheet.
    """

    rule: str
    message: str
    row: int | None = None
    line: int | None = None
    byte_offset: int | None = None
    field: str | None = None
    cell: str | None = None
    where: str | None = None
    address: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON object of what is known; unknown places are left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def shorten(text: str, limit: int = CELL_SHOWN) -> str:
    """`text`, cut to `limit` characters with an ellipsis: no message carries a whole 1 MB cell."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
