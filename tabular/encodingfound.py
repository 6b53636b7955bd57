"""What was found out about a file's encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tabular.decoding import BadByte
from tabular.finding import Finding


@dataclass(frozen=True, slots=True)
class EncodingFound:
    """The encoding of all bytes of a file, under Python's name. `certain` is False for a guess.

    `source` is `mark`, `declared`, `ascii`, `utf-8`, `pattern` (wide text without a mark, ISO-2022-JP) or `guess`.
    """

    encoding: str
    source: str
    certain: bool
    evidence: dict[str, Any]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the publisher should know of how the text was read, in sentences."""
        return tuple(str(self.evidence[key]) for key in ("note", "doubt") if key in self.evidence)

    def with_evidence(self, more: Mapping[str, Any]) -> EncodingFound:
        """A copy with more evidence."""
        return replace(self, evidence={**self.evidence, **more})

    @property
    def is_plain_utf8(self) -> bool:
        """Whether the bytes are UTF-8 without a mark already, so that no copy is needed."""
        return self.encoding == "utf-8"

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        return {
            "encoding": self.encoding,
            "source": self.source,
            "certain": self.certain,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class EncodingRefused:
    """The file is no text in an encoding we know, or not in the one it was declared in."""

    finding: Finding
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON object of finding and evidence."""
        return {"finding": self.finding.to_dict(), "evidence": self.evidence}


def refused(bad: BadByte, opening: str, evidence: dict[str, Any], advice: str = "") -> EncodingRefused:
    """The refusal of a file at its first bad byte, in a sentence that begins with `opening` and ends with `advice`."""
    place = f"0x{bad.byte:02X}, line {bad.line:,}, column {bad.column:,}"
    message = f"{opening} byte {bad.offset:,} ({place}) is not valid {bad.encoding}."
    finding = Finding("encoding-error", f"{message} {advice}".rstrip(), line=bad.line, byte_offset=bad.offset)
    return EncodingRefused(finding, evidence | {"first_bad_byte": bad.to_dict()})
