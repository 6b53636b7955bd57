"""A database that takes no writes for a while still lets everybody read who shows a secret of which uses are noted."""

from __future__ import annotations

from tests.gateway.conftest import Gateway, Publisher
from tests.gateway.seeds import Seeds

# What PostgreSQL says to whoever writes meanwhile; of these two tables alone, so that the rest can be set up.
REFUSE = """
create function refuse() returns trigger language plpgsql as $$
begin raise read_only_sql_transaction using message = 'cannot execute UPDATE in a read-only transaction'; end $$;
create trigger refuse before update on api_token for each row execute function refuse();
create trigger refuse before update on preview_link for each row execute function refuse();
"""


async def test_a_use_that_cannot_be_noted_is_a_use(gateway: Gateway, ada: Publisher) -> None:
    await Seeds(gateway.pool, gateway.parts.blobs).revision(ada.id, "gold", findability="private")
    shown = {"Auth-Token": ada.token}
    wanted = {"name": "reader", "access": "read"}
    token = (await gateway.post("/auth/tokens", json=wanted, headers=shown)).json()
    link = (await gateway.post("/sharing/ada/gold/links", json={}, headers=shown)).json()
    await gateway.pool.execute(REFUSE)

    answer = await gateway.get("/ada/gold/datapackage.json", headers={"Auth-Token": token["token"]})
    assert answer.status == 200, answer.body
    secret = link["url"].partition("?")[2]
    answer = await gateway.get(f"/ada/gold/datapackage.json?{secret}")
    assert answer.status == 200, answer.body
    assert await gateway.pool.fetchval("select count(*) from api_token where last_used_at is not null") == 0
    assert await gateway.pool.fetchval("select count(*) from preview_link where used_at is not null") == 0
