"""Search: what is found, by whom, and what odd questions are answered with."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest_asyncio

from tests.gateway.conftest import Gateway, Publisher
from tests.gateway.seeds import Seeds, Table


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


async def search(gateway: Gateway, *, kind: str = "", token: str | None = None, **parameters: Any) -> dict[str, Any]:
    """The reply to a search; values are written as JSON, a list as repeated parameters."""
    pairs = [
        f"{quote(name.replace('__', '.').replace('offset', 'from'))}={quote(json.dumps(value))}"
        for name, given in parameters.items()
        for value in (given if isinstance(given, list) else [given])
    ]
    headers = {"Auth-Token": token} if token else {}
    answer = await gateway.get(f"/metastore/search{kind}?{'&'.join(pairs)}", headers=headers)
    assert answer.status == 200
    reply: dict[str, Any] = answer.json()
    return reply


def names(reply: dict[str, Any]) -> list[str]:
    return [result["name"] for result in reply["results"]]


async def test_result_is_the_documented_one(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold", title="Gold prices", description="Per ounce")
    reply = await search(gateway, q="gold")
    assert reply["summary"] == {"total": 1, "totalBytes": 39}
    result = reply["results"][0]
    assert result.keys() == {"id", "name", "title", "description", "certified", "datahub", "datapackage"}
    assert result["id"] == f"{ada.id}/gold"
    assert (result["title"], result["description"], result["certified"]) == ("Gold prices", "Per ounce", False)
    assert result["datahub"]["flowid"] == f"{ada.id}/gold/1"
    assert result["datahub"]["stats"] == {"rowcount": 2, "bytes": 39}
    assert result["datapackage"]["resources"][0]["name"] == "prices"
    assert "error" not in reply


async def test_words_are_found_in_any_form_in_any_case_without_accents_and_while_typed(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", title="Gold prices", readme="Collected by hedgehogs in Zürich")
    await seeds.revision(ada.id, "tea", title="Tea exports")
    for words in ("GOLD", "price", "pricing", "hedgehog", "zurich", "Zürich", "gol", "gold pri", '"gold prices"'):
        assert names(await search(gateway, q=words)) == ["gold"], words
    assert names(await search(gateway, q="prices -gold")) == []
    assert sorted(names(await search(gateway, q="gold or tea exports"))) == ["gold", "tea"]


async def test_title_with_a_typing_mistake_is_found_when_nothing_else_is(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "populations", title="Populations of cities")
    await seeds.revision(ada.id, "tea", title="Tea exports")
    assert names(await search(gateway, q="popluations")) == ["populations"]


async def test_title_counts_more_than_readme(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "copper", title="Copper", readme="mined beside gold")
    await seeds.revision(ada.id, "gold", title="Gold prices")
    await seeds.revision(ada.id, "silver", title="Silver", readme="mined beside gold")
    assert names(await search(gateway, q="gold"))[0] == "gold"


async def test_fields_filter_repeated_ones_widen_and_different_ones_narrow(
    gateway: Gateway, ada: Publisher, bob: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", keywords=["metal", "price"], license="ODC")
    await seeds.revision(ada.id, "tea", keywords=["drink", "price"], version=2)
    await seeds.revision(bob.id, "tin", keywords=["metal"])
    for expected, parameters in (
        (["gold", "tea"], {"datahub__ownerid": ada.id}),
        (["tin"], {"datahub__owner": "bob"}),
        (["gold", "tea", "tin"], {"datahub__owner": ["ada", "bob"]}),
        (["gold"], {"datahub__owner": "ada", "datapackage__keywords": "metal"}),
        (["gold", "tea", "tin"], {"datapackage__keywords": ["drink", "metal"]}),
        (["gold", "tea", "tin"], {"datapackage__resources__name": "prices"}),
        (["tea"], {"datapackage__version": 2}),
        ([], {"datapackage__version": "2"}),
        (["gold"], {"title": "gold"}),
        (["gold"], {"name": "gold"}),
        ([], {"no__such__field": True}),
        (["tea"], {"q": "tea", "datahub__ownerid": ada.id}),
    ):
        assert sorted(names(await search(gateway, **parameters))) == expected, parameters


async def test_pages_do_not_overlap_and_know_the_total(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    for number in range(5):
        await seeds.revision(ada.id, f"set-{number}")
    seen: list[str] = []
    for offset in (0, 2, 4):
        reply = await search(gateway, size=2, offset=offset)
        assert reply["summary"]["total"] == 5
        seen += names(reply)
    assert sorted(seen) == [f"set-{number}" for number in range(5)]
    counted = await search(gateway, size=0)
    assert (counted["results"], counted["summary"]["total"]) == ([], 5)
    assert len(names(await search(gateway, size=1000))) == 5


async def test_private_data_is_found_and_counted_for_its_owner_alone(
    gateway: Gateway, ada: Publisher, bob: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    before = await search(gateway)
    await seeds.revision(ada.id, "secret", findability="private", title="Gold reserves")
    for token in (None, bob.token, "nonsense"):
        assert await search(gateway, token=token) == before
        assert names(await search(gateway, token=token, q="reserves")) == []
        assert names(await search(gateway, token=token, datahub__findability="private")) == []
    mine = await search(gateway, token=ada.token, q="reserves")
    assert (names(mine), mine["summary"]["total"]) == (["secret"], 1)


async def test_dataset_that_is_pushed_as_private_is_no_longer_found_at_once(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    await seeds.revision(ada.id, "gold", findability="private", state="QUEUED", tables=[Table(state="QUEUED")])
    assert (await search(gateway, q="gold"))["summary"]["total"] == 0


ODD_QUERIES = (
    *("q=gold", "q=", 'q="', "q=[1]", 'q={"a":1}', "q=NaN", "q=%22%00%22", "q=%22%5Cud800%22", "q=%FF"),
    *("size=x", "size=-1", "size=1.5", "size=true", "from=-1", "from=99999999999999999999", "from=1e9"),
    *("a.b=1e999", "a.b=" + "9" * 5000, "q=" + "[" * 50_000, "datahub..owner=%22x%22", "%00=1", ".=1", "a%22=1"),
    "&".join(f"f{number}=1" for number in range(30)),
)
HARMLESS_QUERIES = (
    *('q="', 'q="\'"', 'q="a & | ! ( :* <->"', "q=%22%5Cu0000%22", 'q="\\\\"', "q=null", "q=5"),
    *('q="a" "b', 'sort="desc"', "sort=desc", 'a%27b="x"', 'a$.b="$1"', 'datahub.owner="x\' or 1=1 --"'),
)


async def test_odd_question_is_answered_with_an_empty_result(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    for kind in ("", "/events"):
        for query in ODD_QUERIES:
            if len(query) > 8_000:
                continue  # the request line itself is refused
            answer = await gateway.get(f"/metastore/search{kind}?{query}")
            assert answer.status == 200, query[:80]
            reply = answer.json()
            if query != "q=":
                assert reply["results"] == [], query[:80]
            assert reply["summary"]["totalBytes"] == 0, query[:80]
        for query in HARMLESS_QUERIES:
            assert (await gateway.get(f"/metastore/search{kind}?{query}")).status == 200, query


async def test_bad_json_names_the_parameter(gateway: Gateway) -> None:
    reply = (await gateway.get("/metastore/search?q=gold")).json()
    assert "'q'" in reply["error"]
    assert reply["results"] == []


async def test_events_are_filtered_ordered_and_hidden_like_datasets(
    gateway: Gateway, ada: Publisher, bob: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    await seeds.event(ada.id, "gold", "start")
    await seeds.event(ada.id, "gold", "finish")
    await seeds.event(bob.id, "tin", "finish", findability="private")
    reply = await search(gateway, kind="/events", owner="ada", dataset="gold")
    assert [event["event_action"] for event in reply["results"]] == ["finish", "start"]
    assert reply["summary"] == {"total": 2, "totalBytes": 0}
    turned = await search(gateway, kind="/events", sort="asc")
    assert [event["event_action"] for event in turned["results"]] == ["start", "finish"]
    assert (await search(gateway, kind="/events", event_action="finish"))["summary"]["total"] == 1
    assert (await search(gateway, kind="/events", token=bob.token))["summary"]["total"] == 3
