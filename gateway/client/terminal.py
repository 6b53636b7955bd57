"""What a command says and where: results on standard output, progress and complaints on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from gateway.client.escape import escape

_LONGEST = 4000
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Terminal:
    """Colours only on a terminal that wants them (https://no-color.org), bars only on one, JSON when asked."""

    def __init__(self, *, as_json: bool = False, environ: Mapping[str, str] = os.environ) -> None:
        self.as_json = as_json
        dumb = environ.get("TERM") == "dumb"
        self.no_color = dumb or bool(environ.get("NO_COLOR"))
        self.has_bars = sys.stderr.isatty() and not dumb and not as_json
        self._coloured_out = sys.stdout.isatty() and not self.no_color
        self._coloured_err = sys.stderr.isatty() and not self.no_color

    def say(self, text: str = "", style: str = "") -> None:
        """A line of the result, for a person: nothing with `--json`."""
        if not self.as_json:
            _write(sys.stdout, _paint(text, style, self._coloured_out), coloured=self._coloured_out)

    def note(self, text: str, style: str = "") -> None:
        """A line of progress, on standard error: nothing with `--json`."""
        if not self.as_json:
            _write(sys.stderr, _paint(text, style, self._coloured_err), coloured=self._coloured_err)

    def tell(self, text: str) -> None:
        """A line that the user must see to go on, on standard error, always."""
        _write(sys.stderr, text)

    def complain(self, text: str) -> None:
        """A sentence about what went wrong, on standard error, always."""
        first, *more = text.split("\n")
        _write(
            sys.stderr, _paint("dh: ", "red", self._coloured_err) + escape(first, _LONGEST), coloured=self._coloured_err
        )
        for line in more:
            _write(sys.stderr, escape(line, _LONGEST))

    def answer(self, document: Mapping[str, Any]) -> None:
        """The result for a machine: one JSON document on standard output, only with `--json`."""
        if self.as_json:
            _write_plain(sys.stdout, json.dumps(document, indent=2, default=str))

    def report(self, document: Mapping[str, Any]) -> None:
        """A line of progress for a machine: one JSON object on standard error, only with `--json`."""
        if self.as_json:
            _write_plain(sys.stderr, json.dumps(document, default=str))

    def paint(self, text: str, style: str) -> str:
        """The text in a style where standard output shows colours; the text itself elsewhere."""
        return _paint(text, style, self._coloured_out)


def _paint(text: str, style: str, coloured: bool) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style and coloured else text


def _write(stream: TextIO, line: str, *, coloured: bool = False) -> None:
    # Whoever forgot to escape something is caught here; only our own colours pass.
    parts = re.split(r"(\x1b\[\d\d?m)", line) if coloured else [line]
    line = "".join(part if index % 2 else escape(part, len(part)) for index, part in enumerate(parts))
    _write_plain(stream, line)


def _write_plain(stream: TextIO, line: str) -> None:
    # A terminal's encoding may lack a character: it is then shown as \uNNNN instead of ending the command.
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
