"""Each guard of the delivery taken away in a copy, one by one: a test must fail; `python -m bench.unguarded`"""

from __future__ import annotations

import sys

from bench.plants import Plant, missed

CONTRACT, WORKERS = "tests/contract", "tests/workers"

PLANTS = (
    Plant(
        "no inbox: whoever claims a message may act on it",
        "messages/outbox.py", 'return status.endswith(" 1")', "return True",
        f"{CONTRACT}/test_outbox.py::test_two_claims_at_the_same_time_have_one_winner",
    ),
    Plant(
        "no inbox: the MetaStore acts on a message each time it comes",
        "workers/writers/metastore.py", "if not await claim(connection, CONSUMER, message.id):",
        "if not await claim(connection, CONSUMER, message.id) and not message.id:",
        f"{WORKERS}/test_writers.py::test_index_keeps_the_highest_revision_and_says_so_once",
    ),
    Plant(
        "no row lock: two last resources each think the other one is the last",
        "workers/writers/flow.py", "        for update of flow\n", "",
        f"{WORKERS}/test_writers.py::test_interleaved_ends_wait_for_each_other",
    ),
    Plant(
        "no lock is given back: rescue and recollection stand still in every other session",
        "messages/database.py", 'await _told(connection, "select pg_advisory_unlock($1)", lock)', "pass",
        f"{WORKERS}/test_alone.py::test_a_lock_that_cannot_be_given_back_goes_with_its_connection",
    ),
    Plant(
        "no confirm: the broker is not asked whether it has taken a message",
        "messages/transport/rabbitmq/publisher.py", "confirms=True", "confirms=False",
        f"{CONTRACT}/test_delivery.py::test_a_job_that_no_queue_takes_is_refused[rabbitmq]",
    ),
    Plant(
        "no confirm: the relay forgets what it could not say",
        "messages/outbox.py", 'gone = [row["id"] for row, error in outcomes if error is None]',
        'gone = [row["id"] for row, error in outcomes]',
        f"{CONTRACT}/test_outbox.py::test_an_unroutable_row_holds_nothing_back_and_goes_when_its_queue_is_there"
        "[postgres]",
    ),
    Plant(
        "no late ack: PostgreSQL",
        "messages/transport/postgres/consumer.py", "            handling = self._held[claimed]",
        "            await self._deliveries.ack(claimed)\n            handling = self._held[claimed]",
        f"{CONTRACT}/test_crashes.py::test_what_a_killed_process_held_comes_again[postgres]",
    ),
    Plant(
        "no late ack: RabbitMQ",
        "messages/transport/rabbitmq/consumer.py", "partial(self._received, tap))",
        "partial(self._received, tap), no_ack=True)",
        f"{CONTRACT}/test_crashes.py::test_what_a_killed_process_held_comes_again[rabbitmq]",
    ),
    Plant(
        "no fencing: a taker whose lease ran out settles what is another's by now",
        "messages/transport/postgres/deliveries.py",
        '_ACK = "delete from delivery where id = $1 and lease_owner = $2',
        '_ACK = "delete from delivery where id = $1 and $2::text is not null',
        f"{CONTRACT}/test_leases.py::test_a_taker_whose_lease_ran_out_settles_nothing[ack]",
    ),
    Plant(
        "no fencing: what was on its way before a rescue ends the resource of after it",
        "workers/writers/flow.py", "and round = $5 and", "and $5::int is not null and",
        f"{WORKERS}/test_writers.py::test_flow_that_stands_still_starts_again_in_a_new_round",
    ),
    Plant(
        "no session: a killed taker's message waits for its lease",
        "messages/transport/postgres/doorbell.py",
        "self._deliveries.session = await connection.fetchval(SESSION, self._session)\n", "pass\n",
        f"{CONTRACT}/test_leases.py::test_what_a_killed_process_held_does_not_wait_for_its_lease",
    ),
    Plant(
        "no suspects: what works beside a killer dies with it each time",
        "messages/transport/postgres/consumer.py", "if claimed is not None and claimed.is_suspect:", "if not claimed:",
        f"{CONTRACT}/test_crashes.py::test_innocents_that_work_beside_a_killer_are_never_set_aside[postgres]",
    ),
    Plant(
        "no connection of its own: an alarm that blocks publishing blocks consuming, too",
        "messages/transport/rabbitmq/__init__.py", 'self._publishing = Link(url, "dh publisher")',
        "self._publishing = self._consuming",
        f"{CONTRACT}/test_limits.py::test_an_alarm_delays_what_is_published_and_nothing_else[memory]",
    ),
    Plant(
        "no second cancellation: one that passes for a lost connection is lost itself",
        "messages/ending.py", "while running := [", "if running := [",
        f"{CONTRACT}/test_links.py::test_whoever_is_stopped_while_he_asks_anew_stops",
    ),
    Plant(
        "no suspects: what works beside a killer dies with it each time, RabbitMQ",
        "messages/transport/rabbitmq/work.py", "if self._suspects.examined:", "if not deaths:",
        f"{CONTRACT}/test_crashes.py::test_innocents_that_work_beside_a_killer_are_never_set_aside[rabbitmq]",
    ),
    Plant(
        "no inbox: an event that comes again is told to webhooks that were made since",
        "workers/writers/webhooks.py", "if not await claim(connection, CONSUMER, message.id):",
        "if not await claim(connection, CONSUMER, message.id) and not message.id:",
        f"{WORKERS}/test_webhooks.py::test_event_that_comes_again_is_no_news_to_a_webhook_that_was_made_since",
    ),
    Plant(
        "no fencing: a sender whose lease ran out ends a delivery that is another's by now",
        "workers/webhooks/sender.py", "    leased_until = null\nwhere id = $1 and lease = $2",
        "    leased_until = null\nwhere id = $1 and $2::text is not null",
        f"{WORKERS}/test_webhooks.py::test_lease_that_ran_out_is_not_settled_by_who_had_it",
    ),
    Plant(
        "no memory: whether the broker has lost its messages is not asked",
        "workers/recollection.py", "if await self._transport.remembers():", "if self._transport:",
        f"{WORKERS}/test_recollection.py::test_what_moves_is_started_again_once_for_each_loss",
    ),
    Plant(
        "no first look: a broker that takes nothing has everything started again at each look",
        "workers/recollection.py", "if self._noticed is None:", "if self._transport:",
        f"{WORKERS}/test_recollection.py::test_a_broker_that_takes_nothing_for_a_while_does_not_start_all_again_each_time",
    ),
)  # fmt: skip


def main() -> int:
    return 1 if missed(PLANTS) else 0


if __name__ == "__main__":
    sys.exit(main())
