"""`dh`, the publisher's command: parses the words, runs one command, turns every end into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from gateway.client.arguments import build_parser
from gateway.client.failures import INTERRUPTED, NOBODY_READS, Failure, UsageFailure
from gateway.client.terminal import Terminal

_UNEXPECTED = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (see `dh --help`). No traceback ever reaches the user."""
    options = build_parser().parse_args(argv)
    # Asked to end, we tidy up as after Ctrl-C: half of a download must not stay. Said as that very signal, because
    # an event loop hears it and cancels its task, where an exception of ours would hit any task. A shell that starts
    # us in the background of a script has us ignore it, so we would hear neither.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    terminal = Terminal(as_json=options.as_json)
    try:
        return _run(options, terminal)
    except Failure as failure:
        terminal.complain(str(failure))
        terminal.answer({"ok": False, "error": str(failure), **failure.details})
        return failure.exit_code
    except KeyboardInterrupt:
        terminal.complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away (`dh … | head`); without this the interpreter complains at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except Exception as error:
        return _unexpected(error, options, terminal)


def _run(options: argparse.Namespace, terminal: Terminal) -> int:
    if options.token_stdin:
        # As if the variable were set: there is one way from a token to a session.
        os.environ["DH_TOKEN"] = _token(sys.stdin)
    # Imported only now: `dh --help` must not wait for the modules of commands that are not run.
    command = importlib.import_module(f"gateway.client.commands.{options.command}")
    code: int = command.run(options, terminal)
    return code


def _token(stream: TextIO) -> str:
    token = stream.readline().strip()
    if not token:
        raise UsageFailure("--token-stdin: standard input is empty")
    return token


def _unexpected(error: Exception, options: argparse.Namespace, terminal: Terminal) -> int:
    # Heavy, and needed only here.
    import traceback

    trace = "".join(traceback.format_exception(error))
    if options.debug:
        terminal.complain(f"unexpected error\n{trace}")
    else:
        terminal.complain(f"unexpected error, a fault of dh itself; the details are in {_write_log(trace)}")
    terminal.answer({"ok": False, "error": "unexpected error"})
    return _UNEXPECTED


def _write_log(trace: str) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="dh-error-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        log.write(trace)
    return Path(name)


if __name__ == "__main__":
    sys.exit(main())
