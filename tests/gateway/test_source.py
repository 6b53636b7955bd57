"""The pipeline store over HTTP."""

from __future__ import annotations

from tests.gateway.conftest import Publisher


async def test_a_push_becomes_a_revision_with_its_flow_and_first_job(ada: Publisher) -> None:
    accepted = await ada.push("prices")
    assert accepted == {
        "success": True,
        "dataset_id": f"{ada.id}/prices",
        "flow_id": f"{ada.id}/prices/1",
        "errors": [],
    }
    status = (await ada.gateway.get(f"/source/{ada.id}/prices/latest")).json()
    assert status["state"] == "QUEUED"
    kinds = [row["message_id"] for row in await ada.gateway.pool.fetch("select message_id from outbox")]
    assert len(kinds) == 2
