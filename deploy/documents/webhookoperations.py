"""The operations of webhooks, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deploy.documents.operation import FORM_TYPE, HTML, LOGGED_IN, SESSION, Operation, Statuses, page

NOT_MANAGED: Statuses = (
    (401, "not logged in"),
    (403, "you do not manage the webhooks of this organisation"),
    (404, "no such subscriber, webhook, delivery or dataset, or not yours to know of"),
)
HOOK = Operation(tag="webhooks", security=LOGGED_IN, answer="Webhook", statuses=((200, "done"), *NOT_MANAGED))
DISABLED = (409, "the webhook is disabled: enable it again first")
FORM = Operation(
    tag="pages",
    security=("session",),
    body_type=FORM_TYPE,
    answer_type=HTML,
    statuses=(
        (401, "not logged in"),
        (403, "a form of another site, or not yours to do"),
        (404, NOT_MANAGED[2][1]),
        (409, "it cannot be done now"),
        (415, "no form"),
        (422, "the form, with what is wrong"),
    ),
)
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
    ("GET", "/settings/webhooks"): page(
        security=SESSION, statuses=((200, "your webhooks"), (303, "to the log-in page"))
    ),
    ("GET", "/settings/webhooks/{owner}/{webhook}"): page(
        security=SESSION,
        statuses=(
            (200, "what was sent"),
            (303, "to the log-in page"),
            (403, NOT_MANAGED[1][1]),
            (404, NOT_MANAGED[2][1]),
        ),
    ),
    ("POST", "/settings/webhooks"): replace(
        FORM, body="WebhookForm", statuses=((200, "the secret, this once"), *FORM.statuses)
    ),
    ("POST", "/settings/webhooks/act"): replace(
        FORM,
        body="WebhookAct",
        statuses=((200, "the new secret, this once"), (303, "back to the list"), *FORM.statuses),
    ),
}
