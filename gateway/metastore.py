"""The MetaStore's questions: datasets and events that a viewer may find, by text, by field, by page.

Every value of a query parameter is a JSON literal (`q="gold"`, `size=5`), as the service's clients have always sent
them; odd input is answered with an empty result and an `error`, never with a failure.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.rights import Actor

LARGEST_PAGE = 100
USUAL_PAGE = 50
LARGEST_OFFSET = 10_000_000
LONGEST_QUERY = 500
MOST_FILTERS = 20

Scalar = str | int | float | bool | None


class BadQuery(ValueError):
    """A parameter that is not what it must be; the text names it."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: `filters` are (dotted field, accepted values); different fields must all match."""

    text: str = ""
    size: int = USUAL_PAGE
    offset: int = 0
    ascending: bool = False
    filters: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results and the totals of all of them (`total_bytes`: published bytes)."""

    results: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    total_bytes: int = 0


def query_of(parameters: Mapping[str, Sequence[str]]) -> Query:
    """The query in the parameters of a request (each with all its values); raises BadQuery that names the culprit."""
    given = {name: tuple(_literal(name, text) for text in texts) for name, texts in parameters.items() if name != "jwt"}
    filters = tuple((name, values) for name, values in given.items() if name not in ("q", "size", "from", "sort"))
    if len(filters) > MOST_FILTERS or sum(len(values) for _, values in filters) > 10 * MOST_FILTERS:
        raise BadQuery("too many filters")
    text = given.get("q", ("",))[-1]
    if not isinstance(text, str | None) or len(text or "") > LONGEST_QUERY:
        raise BadQuery(f"q: a text of at most {LONGEST_QUERY} characters is expected")
    return Query(
        text=(text or "").strip(),
        size=min(_count("size", given.get("size", (USUAL_PAGE,))[-1]), LARGEST_PAGE),
        offset=_count("from", given.get("from", (0,))[-1]),
        ascending=given.get("sort", ("desc",))[-1] == "asc",
        filters=filters,
    )


def _literal(name: str, text: str) -> Scalar:
    if name == "sort" and text in ("asc", "desc"):
        return text
    try:
        value = json.loads(text, parse_constant=_no_constant)
        name.encode()
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadQuery(f"{name[:60]!a}: not a JSON value ({type(error).__name__})") from None
    if isinstance(value, dict | list) or (isinstance(value, str) and "\x00" in value) or "\x00" in name:
        raise BadQuery(f"{name[:60]!a}: a text, number or true/false is expected")
    scalar: Scalar = value
    return scalar


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _count(name: str, value: Scalar) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_OFFSET:
        raise BadQuery(f"{name}: a number from 0 to {LARGEST_OFFSET} is expected")
    return value


_DATASETS = """
    from metadata m left join dataset d on d.id = m.dataset_id
    where (m.ownerid = any($1::text[]) or m.dataset_id = any($1::text[])
           or (m.findability = 'published' and coalesce(d.findability, m.findability) = 'published'))
"""
_EVENTS = """
    from event_log e left join dataset d on d.id = e.ownerid || '/' || e.dataset
    where (e.ownerid = any($1::text[]) or d.id = any($1::text[])
           or (e.findability = 'published' and coalesce(d.findability, e.findability) = 'published'))
"""
_SHOWN = "m.*, narrower(m.findability, coalesce(d.findability, m.findability)) as shown"
_DATASET_COLUMNS = {
    "id": "m.dataset_id",
    "name": "m.name",
    "datahub.ownerid": "m.ownerid",
    "datahub.owner": "m.owner",
    "datahub.findability": "m.findability",
}
_DATASET_TEXTS = {
    "title": "m.title",
    "description": "m.description",
    "datapackage.title": "m.title",
    "datapackage.description": "m.description",
    "datapackage.readme": "coalesce(m.package ->> 'readme', '')",
}
_EVENT_COLUMNS = {"owner": "e.owner", "ownerid": "e.ownerid", "dataset": "e.dataset", "findability": "e.findability"}


class MetaStore:
    """Searches as a `viewer`: what is published, and whatever else they may read."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def datasets(self, query: Query, viewer: Actor) -> Found:
        """Datasets, the best match first (without a text: the last published first)."""
        prefix = _any_form_of(query.text)
        found = await self._datasets(query, viewer, prefix)
        if prefix and not found.total:
            # A typing mistake: titles and names that look alike. Not mixed with real matches: it has no index.
            found = await self._datasets(query, viewer, None)
        return found

    async def _datasets(self, query: Query, viewer: Actor, prefix: str | None) -> Found:
        statement = _Statement(_DATASETS, viewer)
        order = "m.indexed_at desc"
        if query.text and prefix is not None:
            words = statement.value(query.text)
            meant = f"(websearch_to_tsquery('dataset_text', {words})"
            meant += f" || to_tsquery('dataset_text', {statement.value(prefix)}))" if prefix else ")"
            statement.require(f"m.document @@ {meant}")
            order = f"ts_rank_cd(m.document, {meant}) desc, m.indexed_at desc"
        elif query.text:
            words = statement.value(query.text)
            statement.require(f"(word_similarity({words}, m.title) > 0.45 or similarity({words}, m.name) > 0.4)")
            order = f"greatest(word_similarity({words}, m.title), similarity({words}, m.name)) desc"
        for name, values in query.filters:
            statement.require(_dataset_filter(statement, name, values))
        return await self._found(statement, query, _SHOWN, "sum(m.size)", f"{order}, m.dataset_id", _document)

    async def events(self, query: Query, viewer: Actor) -> Found:
        """Events, the newest first (or last, `sort=asc`)."""
        statement = _Statement(_EVENTS, viewer)
        for name, values in query.filters:
            column = _EVENT_COLUMNS.get(name)
            condition = _is_any(statement, column, values) if column else _has_any(statement, "e.event", name, values)
            statement.require(condition)
        direction = "asc" if query.ascending else "desc"
        return await self._found(statement, query, "e.event", "0", f"e.at {direction}, e.id", lambda row: row["event"])

    async def _found(
        self,
        statement: _Statement,
        query: Query,
        columns: str,
        total_bytes: str,
        order: str,
        document: Callable[[asyncpg.Record], dict[str, Any]],
    ) -> Found:
        async with (
            self._pool.acquire() as connection,
            connection.transaction(readonly=True, isolation="repeatable_read"),
        ):
            count = f"select count(*) as total, coalesce({total_bytes}, 0)::bigint as bytes {statement.body}"
            sums = await connection.fetchrow(count, *statement.values)
            if not query.size:
                return Found([], sums["total"], sums["bytes"])
            page = f"select {columns} {statement.body} order by {order} limit {query.size} offset {query.offset}"
            rows = await connection.fetch(page, *statement.values)
        return Found([document(row) for row in rows], sums["total"], sums["bytes"])


class _Statement:
    """A statement that grows: conditions, and the values they speak of."""

    def __init__(self, body: str, viewer: Actor) -> None:
        self.body = body
        self.values: list[Any] = [viewer.reach]

    def value(self, value: Any) -> str:
        """The placeholder that stands for a value."""
        self.values.append(value)
        return f"${len(self.values)}::text"

    def require(self, condition: str) -> None:
        self.body += f" and {condition}"


def _any_form_of(text: str) -> str:
    """A tsquery that also finds the beginning of the last word (as one types); empty for anything but plain words."""
    words = text.split()
    if not words or not all(word.isalnum() for word in words):
        return ""
    return " & ".join(words) + ":*"


def _dataset_filter(statement: _Statement, name: str, values: tuple[Scalar, ...]) -> str:
    if name in _DATASET_COLUMNS:
        return _is_any(statement, _DATASET_COLUMNS[name], values)
    if name in _DATASET_TEXTS:
        document = f"to_tsvector('dataset_text', {_DATASET_TEXTS[name]})"
        texts = [statement.value(_text_of(value)) for value in values]
        return _or(f"{document} @@ plainto_tsquery('dataset_text', {text})" for text in texts)
    return _has_any(statement, "m.package", name.removeprefix("datapackage."), values)


def _is_any(statement: _Statement, column: str, values: tuple[Scalar, ...]) -> str:
    return _or(f"{column} = {statement.value(_text_of(value))}" for value in values)


def _has_any(statement: _Statement, column: str, name: str, values: tuple[Scalar, ...]) -> str:
    """A dotted field has one of the values; through lists too (lax mode): `resources.format="csv"` finds any."""
    keys = "".join(f".{json.dumps(key)}" for key in name.split("."))
    paths = [statement.value(f"$ {keys} ? (@ == {json.dumps(value, ensure_ascii=False)})") for value in values]
    return _or(f"{column} @? {path}::jsonpath" for path in paths)


def _or(conditions: Any) -> str:
    return f"({' or '.join(conditions)})"


def _text_of(value: Scalar) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _document(row: asyncpg.Record) -> dict[str, Any]:
    package = row["package"]
    facts = package.get("datahub") if isinstance(package.get("datahub"), dict) else {}
    known = {
        "ownerid": row["ownerid"],
        "owner": row["owner"],
        "findability": row["shown"],
        "flowid": f"{row['dataset_id']}/{row['revision']}",
        "stats": {"rowcount": row["rows"], "bytes": row["size"]},
    }
    return {
        "id": row["dataset_id"],
        "name": row["name"],
        "title": row["title"],
        "description": row["description"],
        "certified": False,
        "datahub": {**facts, **known},
        "datapackage": package,
    }


def routes(metastore: MetaStore) -> list[web.RouteDef]:
    """GET /metastore/search and /metastore/search/events."""

    async def answer(request: web.Request, search: Callable[[Query, Actor], Awaitable[Found]]) -> web.Response:
        error = None
        found = Found()
        try:
            query = query_of({name: request.query.getall(name) for name in request.query})
            found = await search(query, await identify(request, query=True))
        except BadQuery as wrong:
            error = str(wrong)
        except asyncpg.DataError as wrong:
            error = f"not a query: {wrong}"
        body: dict[str, Any] = {
            "results": found.results,
            "summary": {"total": found.total, "totalBytes": found.total_bytes},
        }
        return web.json_response(body if error is None else {**body, "error": error})

    async def datasets(request: web.Request) -> web.Response:
        """Published datasets (and your own) that match `q` and every other parameter, a filter on that field."""
        return await answer(request, metastore.datasets)

    async def events(request: web.Request) -> web.Response:
        """What happened to published datasets (and your own), newest first; every other parameter is a filter."""
        return await answer(request, metastore.events)

    return [web.get("/metastore/search", datasets), web.get("/metastore/search/events", events)]
