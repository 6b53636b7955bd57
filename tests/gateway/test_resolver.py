"""The resolver, as original clients ask it."""

from __future__ import annotations

from tests.gateway.conftest import Gateway, Publisher


async def test_path_of_a_dataset_is_resolved_whether_it_exists_or_not(gateway: Gateway, ada: Publisher) -> None:
    for path in ("ada/gold", "Ada/gold", "/ada/gold/"):
        answer = await gateway.get(f"/resolver/resolve?path={path}")
        assert answer.json() == {"userid": ada.id, "packageid": "gold"}


async def test_unknown_name_has_no_id_and_odd_paths_are_refused(gateway: Gateway) -> None:
    assert (await gateway.get("/resolver/resolve?path=nobody/gold")).json() == {"userid": None, "packageid": "gold"}
    assert (await gateway.get("/resolver/resolve?path=a%00/gold")).json() == {"userid": None, "packageid": "gold"}
    assert (await gateway.get("/resolver/resolve")).json() == {}
    assert (await gateway.get("/resolver/resolve?path=ada")).status == 400
