"""Why a command ends without having done its work, and the exit code that says so.

Failure
 ├─ RequestFailure   1  the data or the request is at fault: the publisher can mend it
 ├─ UsageFailure     2  the command line makes no sense
 └─ ServerFailure    3  the server or the network is at fault: try again later
"""

from __future__ import annotations

from typing import Any, ClassVar

FINE = 0
INTERRUPTED = 130  # 128 + SIGINT, as shells count
NOBODY_READS = 141  # 128 + SIGPIPE


class Failure(Exception):
    """Ends the command: the message is a sentence for the publisher; `details` goes into `--json` output."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class RequestFailure(Failure):
    """The data or the request is at fault."""

    exit_code = 1


class UsageFailure(Failure):
    """The command line makes no sense."""

    exit_code = 2


class ServerFailure(Failure):
    """The server or the network is at fault."""

    exit_code = 3


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a task group is to raise in its own name: the first failure among its errors, else the group itself.

    Not `except*`: Python 3.11.2, which is Debian 12's, wraps what is raised inside of it into a group again.
    """
    failures, _ = group.split(Failure)
    return failures.exceptions[0] if failures is not None else group
