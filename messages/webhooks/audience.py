"""Who may be told what, in SQL: of a subscriber `s` (account), a dataset `d`, and the `kind` and flow of an event.

Asked when a webhook is made, when an event comes, and again at every attempt to deliver it: a dataset that turned
private is not told to those who may not read it any more. The same rule as for readers (`gateway/pkgstore`).
"""

from __future__ import annotations

from messages.events import PackageFailed, PackagePublished, VisibilityChanged

CHANNEL = "webhook"
"""NOTIFY channel that wakes the senders at commit."""
KINDS = (PackagePublished.KIND, PackageFailed.KIND, VisibilityChanged.KIND)
PING = "event.webhook.pinged"
"""Sent to one webhook alone, when somebody asks for it; nothing on the broker."""

INSIDE = """
(d.ownerid = s.id or exists (
    select from membership m where m.organisation_id = d.ownerid and m.account_id = s.id))
"""
"""The subscriber sees what is private: its own, or an organisation's that the subscriber is a member of."""
READS = f"""
s.disabled_at is null and ({INSIDE} or (d.findability <> 'private' and d.published_revision is not null))
"""


def hears(kind: str, flow: str) -> str:
    """SQL: the subscriber may be told of an event, whose kind and flow are the columns or parameters of these names.

    Of runs that failed only those hear who may see them, and so it is with a revision that was pushed to be private.
    """
    return f"""
    ({READS}) and ({INSIDE} or ({kind} <> '{PackageFailed.KIND}' and not exists (
        select from flow where flow.id = {flow} and flow.findability = 'private')))
    """
