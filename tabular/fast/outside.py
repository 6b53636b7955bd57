"""Why the fast path cannot be taken."""

from __future__ import annotations


class OutsideEnvelope(Exception):
    """The table needs frictionless from its first row; the message says why, in a few words."""
