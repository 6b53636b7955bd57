"""The operations of webhooks, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deploy.documents.operation import LOGGED_IN, Operation, Statuses

NOT_MANAGED: Statuses = (
    (401, "not logged in"),
    (403, "you do not manage the webhooks of this organisation"),
    (404, "no such subscriber, webhook, delivery or dataset, or not yours to know of"),
)
HOOK = Operation(tag="webhooks", security=LOGGED_IN, answer="Webhook", statuses=((200, "done"), *NOT_MANAGED))
DISABLED = (409, "the webhook is disabled: enable it again first")
WEBHOOK_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/webhooks/{owner}"): replace(
        HOOK,
        body="NewWebhook",
        answer="MadeWebhook",
        statuses=(
            (201, "made: the one answer with its secret"),
            *NOT_MANAGED,
            (409, "there already, or there are too many"),
            (422, "no webhook goes to this address"),
        ),
    ),
    ("GET", "/webhooks/{owner}"): replace(HOOK, answer="Webhooks", statuses=((200, "found"), *NOT_MANAGED)),
    ("DELETE", "/webhooks/{owner}/{webhook}"): replace(
        HOOK, answer=None, answer_type=None, statuses=((204, "removed"), *NOT_MANAGED)
    ),
    ("POST", "/webhooks/{owner}/{webhook}/rotate"): replace(HOOK, answer="MadeWebhook"),
    ("POST", "/webhooks/{owner}/{webhook}/enable"): HOOK,
    ("GET", "/webhooks/{owner}/{webhook}/deliveries"): replace(
        HOOK,
        query=(("state", "waiting, delivered or parked"),),
        answer="WebhookDeliveries",
        statuses=((200, "found"), *NOT_MANAGED, (422, "there is no such state")),
    ),
    ("POST", "/webhooks/{owner}/{webhook}/replay"): replace(
        HOOK,
        body="Replay",
        answer="Replayed",
        statuses=((200, "on their way"), *NOT_MANAGED, DISABLED, (422, "what is wrong with it")),
    ),
    ("POST", "/webhooks/{owner}/{webhook}/ping"): replace(
        HOOK, answer="Pinged", statuses=((200, "on its way"), *NOT_MANAGED, DISABLED)
    ),
}
