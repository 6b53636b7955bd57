"""The errors that decide what becomes of a message.

Invalid *data* is never an error here: a stage returns `Rejected` for it (design, promise 6).

    Exception
     ├─ TransientError      trouble of our own that may pass: retried with a delay
     └─ PermanentError      trouble of our own that will not pass: dead-lettered
         ├─ DecodeError     bytes on the wire that are not a message of ours
         └─ Unroutable      a job that no queue takes
"""

from __future__ import annotations


class TransientError(Exception):
    """Something we depend on did not answer in time, or not sensibly: worth another attempt."""


class PermanentError(Exception):
    """It will not succeed however often it is tried."""


class DecodeError(PermanentError):
    """The bytes are not a message of ours; `body` keeps them for the dead letters."""

    def __init__(self, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.body = body


class Unroutable(PermanentError):
    """The broker returned a job: no queue is bound for its kind (AMQP 0-9-1, basic.publish, mandatory)."""


class SettingsError(Exception):
    """Ends a process at its start: a setting is missing or makes no sense. The message names the variable and what
    to do."""
