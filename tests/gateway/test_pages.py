"""The pages as a browser without a script gets them: what they say, what they escape, how they are built."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser

import pytest
import pytest_asyncio
from typing_extensions import override

from gateway.leftout import NO_REPORT, NOT_A_TABLE
from gateway.pages import text
from gateway.pages.readme import Readme
from gateway.pages.report import report_of
from gateway.pkgstore import ResourceRun
from gateway.status import UNFINDABLE
from messages.datapackage import BlobRef, Resource
from tabular.words import sentence_of
from tests.gateway.conftest import Answer, Gateway, Publisher
from tests.gateway.seeds import Seeds, Table

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}</title></script>"
BAD_ROW = {"rule": "type-error", "message": 'type is "number/default"', "row": 3, "field": "price", "cell": "two"}


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


async def page(gateway: Gateway, path: str, token: str | None = None) -> str:
    """The page at a path, as somebody logged in or nobody."""
    cookie = {"Cookie": f"dh_session={token}"} if token else {}
    answer = await gateway.get(path, headers={**BROWSER, **cookie})
    assert answer.status == 200, (path, answer.status)
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.body.decode()


class Outline(HTMLParser):
    """Elements of a page: tags with their attributes, in order."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


async def test_what_was_skipped_is_missing_or_capped_is_said_on_every_page(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    skipped = {stage: {"skipped": "not a table"} for stage in ("encoding", "csvkind", "validate")}
    await seeds.revision(ada.id, "gold", tables=[Table(), Table(name="notes", facts=skipped)])
    await gateway.pool.execute("update flow_resource set tabular = false where name = 'notes'")
    run = await page(gateway, "/ada/gold/v/1")
    assert run.count('<span class="stage-state">skipped</span>') == 3
    assert run.count(NOT_A_TABLE) == 1
    dataset = await page(gateway, "/ada/gold")
    assert "One file is no table: what is in it was not checked, and it is published as uploaded." in dataset
    (_, notes) = (await gateway.get(f"/source/{ada.id}/gold/1")).json()["resources"]
    assert notes["left_out"] == [NOT_A_TABLE]

    letter = "insert into dead_letter (id, queue, flow_id, body, reason, attempts) values ('x', $1, $2, '', '', 3)"
    await gateway.pool.execute(letter, "dh.writer.metastore", f"{ada.id}/gold/1")
    assert UNFINDABLE in await page(gateway, "/ada/gold/v/1")
    assert UNFINDABLE in await page(gateway, "/ada/gold", ada.token)
    assert UNFINDABLE not in await page(gateway, "/ada/gold")

    early = Table(state="FAILED", stage="csvkind", reason="This is a PNG image.", rule="not-csv")
    late_facts = {"rows": 9, "truncated": True, "limits": {"errors": 1_000}}
    late = Table(name="late", state="FAILED", stage="validate", rule="type-error", errors=5_000, reason="bad",
                 findings=[BAD_ROW], facts={"validate": late_facts})  # fmt: skip
    await seeds.revision(ada.id, "bad", state="FAILED", reason="x", tables=[early, late])
    capped = "The report ends after 1,000 of 5,000 errors, the server&#39;s limit (DH_REPORTED_ERRORS)."
    for path in ("/ada/bad/v/1", "/ada/bad/v/1/report/prices"):
        assert NO_REPORT in await page(gateway, path)
    for path in ("/ada/bad/v/1", "/ada/bad/v/1/report/late"):
        assert capped in await page(gateway, path)


async def test_dataset_page_shows_rows_columns_hashes_evidence_and_ways_to_get_it(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    fields = [
        {"name": "date", "type": "date", "constraints": {"required": True}, "description": "The day"},
        {"name": "price", "type": "number", "constraints": {"minimum": 0, "enum": [1, 2]}},
    ]
    await seeds.revision(
        *(ada.id, "gold"),
        tables=[Table(fields=fields)],
        title="Gold prices",
        readme="# About\n\nSome *words*.",
        licenses=[{"name": "ODC", "title": "Open", "path": "https://example.org/licence"}],
    )
    document = await page(gateway, "/ada/gold")
    for shown in (
        *("<h1>Gold prices</h1>", "2018-01-01", "1.5", "All rows.", "The day", "required", "at least 0, one of 1, 2"),
        *("dh get ada/gold", f"{gateway.url}/ada/gold/r/prices.csv", "<em>words</em>", "every byte is plain ASCII"),
        '<a href="https://example.org/licence" rel="noopener nofollow ugc">Open</a>',
        "39 B",
    ):
        assert shown in document or html.escape(shown) in document, shown
    assert len(re.findall(r"\b[0-9a-f]{64}\b", document)) >= 1
    island = re.search(r'<script type="application/ld\+json">(.*?)</script>', document, re.DOTALL)
    assert island
    described = json.loads(island[1])
    assert (described["@type"], described["name"]) == ("Dataset", "Gold prices")
    assert described["distribution"][0]["contentUrl"] == f"{gateway.url}/ada/gold/r/prices.csv?v=1"


async def test_dataset_page_says_what_is_in_doubt_and_which_sheets_there_are(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    found = {"sure": False, "confidence": 0.9, "note": "The encoding was guessed: cp1252."}
    found["candidates"] = [{"encoding": "cp1252", "sample": "Ærø", "by": ["letters"]}]
    guess = {"encoding": "cp1252", "source": "guess", "certain": False, "evidence": found}
    sheet = {"sheet": "Prices", "area": "A1:B3", "others": ["<Old>"], "notes": ["2 merged cells."]}
    await seeds.revision(ada.id, "gold", tables=[Table(facts={"encoding": guess, "load": {"sheet": sheet}})])
    document = await page(gateway, "/ada/gold")
    for shown in (
        *("was guessed and is in doubt", '<details class="evidence" open>', "cp1252: guessed from the bytes, 90% sure"),
        *("Ærø (the letters of its language)", "The encoding was guessed: cp1252.", "Prices, cells A1:B3"),
        *("The sheet “Prices” of a workbook. Not shown: “&lt;Old&gt;”", "2 merged cells."),
    ):
        assert shown in document, shown
    await seeds.revision(ada.id, "sure", tables=[Table()])
    plain = await page(gateway, "/ada/sure")
    assert "in doubt" not in plain
    assert '<details class="evidence">' in plain


async def test_a_dataset_without_a_title_goes_by_its_name(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "plain", tables=[Table()])
    await gateway.pool.execute("update flow set package = package - 'title' where dataset = 'plain'")
    assert "<h1>plain</h1>" in await page(gateway, "/ada/plain")


async def test_text_of_strangers_is_text_on_every_page(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    table = Table(
        header=(EVIL.replace(",", ""), "b"),
        rows=[(EVIL, "\x1b[31m\u202eevil")],
        fields=[{"name": EVIL, "type": EVIL, "description": EVIL, "constraints": {"pattern": EVIL}}],
        descriptor={"title": EVIL, "description": EVIL},
    )
    await seeds.revision(
        *(ada.id, "evil"),
        tables=[table],
        title=EVIL,
        description=EVIL,
        readme=EVIL + "\n\n# " + EVIL,
        keywords=[EVIL],
        homepage="javascript:alert(1)",
        sources=[{"title": EVIL, "path": "data:text/html,<script>alert(1)</script>"}],
    )
    finding = {"rule": EVIL, "message": EVIL, "row": 1, "field": EVIL, "cell": EVIL}
    failed = Table(
        state="FAILED", stage="validate", reason=EVIL, rule=EVIL, findings=[finding], report={"valid": False}
    )
    await seeds.revision(ada.id, "evil", state="FAILED", reason=EVIL, tables=[failed], title=EVIL)
    paths = ["/", "/search?q=" + "%3Cscript%3Ealert(1)%3C/script%3E", "/search", "/ada", "/ada/evil", "/ada/evil/v/1"]
    for path in [*paths, "/ada/evil/v/2", "/ada/evil/v/2/report/prices"]:
        document = await page(gateway, path)
        outline = Outline(document)
        scripts = [script for script in outline.all("script") if script.get("type") != "application/ld+json"]
        assert all((script.get("src") or "").startswith("/static/") for script in scripts), path
        assert "alert(1)</script>" not in re.sub(r"&lt;.*?&gt;", "", document), path
        assert {tag for tag, _ in outline.elements}.isdisjoint({"iframe", "object", "embed", "style", "base"}), path
        for _, attributes in outline.elements:
            assert not any(name.startswith("on") or name == "style" for name in attributes), path
            assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:", "//")), path
        assert [image["src"] for image in outline.all("img")] == [outline.all("img")[0]["src"]]
    shown = await page(gateway, "/ada/evil")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert 'title="U+202E"' in shown


async def test_run_page_says_which_stage_failed_why_and_where(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    table = Table(state="FAILED", stage="validate", reason="one error", rule="type-error", findings=[BAD_ROW], errors=3)
    await seeds.revision(ada.id, "gold")
    await seeds.revision(ada.id, "gold", state="FAILED", reason="prices failed", tables=[table, Table(name="other")])
    document = await page(gateway, "/ada/gold/v/2")
    for shown in ("Not published", "1 of 2 files", "Readers still see revision 1", "This is not a number.", "two"):
        assert shown in document, shown
    states = re.findall(r'<li class="(\w+)" data-stage="(\w+)"', document)
    assert states[:5] == [
        *(("succeeded", "load"), ("succeeded", "encoding"), ("succeeded", "csvkind")),
        *(("failed", "validate"), ("skipped", "dump")),
    ]
    assert 'href="/ada/gold/v/2/report/prices"' in document
    assert "run.js" not in " ".join(script["src"] or "" for script in Outline(document).all("script"))


async def test_run_page_of_a_moving_flow_follows_it_and_works_without_a_script(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    tables = [Table(state="INPROGRESS", stage="encoding"), Table(name="other", state="QUEUED", stage="load")]
    await seeds.revision(ada.id, "gold", state="INPROGRESS", tables=tables)
    document = await page(gateway, "/ada/gold/v/1")
    assert f'data-events="/source/{ada.id}/gold/1/events"' in document
    assert 'href="/ada/gold/v/1">Refresh</a>' in document
    assert "Being processed" in document
    assert 'aria-current="step"' in document
    assert 'aria-live="polite"' in document


async def test_report_page_groups_problems_by_rule(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    errors = [
        {"type": "type-error", "message": 'type is "date/%d.%m.%Y"', "rowNumber": row, "fieldName": "date", "cell": "x"}
        for row in range(2, 5)
    ]
    errors.append({"type": "extra-cell", "message": "extra", "rowNumber": 9, "fieldNumber": 3, "cell": "5"})
    report = {"valid": False, "stats": {"errors": 4}, "warnings": [], "errors": [], "tasks": [{"errors": errors}]}
    table = Table(state="FAILED", stage="validate", reason="bad", report=report, errors=4)
    await seeds.revision(ada.id, "gold", state="FAILED", tables=[table])
    document = await page(gateway, "/ada/gold/v/1/report/prices")
    assert "4 problems found" in document
    headings = re.findall(r'<h2 id="rule-\d+"[^>]*>(.*?) <span class="count">(\d+)', document)
    assert headings == [("Values of the wrong type", "3"), ("Rows with too many cells", "1")]
    assert "This is not a date (as %d.%m.%Y)." in document
    assert "no. 3" in document
    assert (await gateway.get("/ada/gold/v/1/report/nothing", headers=BROWSER)).status == 404


async def test_table_without_a_readable_preview_says_so_and_the_page_stands(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    await gateway.pool.execute(
        "update flow_resource set resource = replace(resource::text, 'preview.json', 'lost.json')::jsonb"
    )
    document = await page(gateway, "/ada/gold")
    assert "The preview cannot be read right now" in document
    assert "/ada/gold/r/prices.csv" in document


async def test_wide_table_is_shown_in_part_and_says_so(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    wide = Table(header=[f"column{number}" for number in range(300)], rows=[["1"] * 300], fields=[])
    await seeds.revision(ada.id, "wide", tables=[wide])
    document = await page(gateway, "/ada/wide")
    assert "column59" in document
    assert "column60" not in document
    assert "Only the first 60 columns are shown." in document


async def test_dataset_of_many_tables_shows_the_first_and_links_to_the_others(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "many", tables=[Table(name=f"t{number}") for number in range(12)])
    document = await page(gateway, "/ada/many")
    assert document.count('class="scroll preview"') == 8
    assert 'href="/ada/many?table=t9"' in document
    assert (await page(gateway, "/ada/many?table=t9")).count('class="scroll preview"') == 1


async def test_owner_sees_a_first_run_where_others_see_nothing(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold", state="QUEUED", tables=[Table(state="QUEUED", stage="load")])
    assert (await gateway.get("/ada/gold", headers=BROWSER)).status == 404
    answer = await gateway.get("/ada/gold", headers={**BROWSER, "Cookie": f"dh_session={ada.token}"})
    assert (answer.status, answer.headers["Location"]) == (303, "/ada/gold/v/1")


async def test_failed_runs_are_listed_for_the_owner_alone(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    await seeds.revision(ada.id, "gold", state="FAILED", tables=[Table(state="FAILED", stage="load")])
    assert "/ada/gold/v/2" not in await page(gateway, "/ada/gold")
    assert "/ada/gold/v/2" in await page(gateway, "/ada/gold", ada.token)


async def test_dashboard_lists_ones_own_and_asks_others_to_log_in(
    gateway: Gateway, ada: Publisher, bob: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "plans", findability="private")
    await seeds.revision(bob.id, "theirs")
    document = await page(gateway, "/dashboard", ada.token)
    assert "You alone" in document
    assert "theirs" not in document
    answer = await gateway.get("/dashboard", headers=BROWSER)
    assert (answer.status, answer.headers["Location"]) == (303, "/auth/login?next=/dashboard")


async def test_publisher_page_hides_private_datasets_and_their_number(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    await seeds.revision(ada.id, "plans", findability="private")
    document = await page(gateway, "/ada")
    assert "1 dataset<" in document
    assert "plans" not in document
    assert "plans" in await page(gateway, "/ada", ada.token)


async def test_address_with_a_slash_at_its_end_moves_for_good(gateway: Gateway) -> None:
    for path, target in (("/a/b/", "/a/b"), ("/a/b/?x=1", "/a/b?x=1"), ("//evil.example/", "/evil.example")):
        answer = await gateway.get(path)
        assert (answer.status, answer.headers["Location"]) == (301, target)


async def test_error_is_a_page_for_browsers_and_json_for_programs(gateway: Gateway) -> None:
    drawn = await gateway.get("/nobody/nothing", headers=BROWSER)
    assert (drawn.status, drawn.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"There is nothing here" in drawn.body
    assert (await gateway.get("/nobody/nothing")).headers["Content-Type"].startswith("application/problem+json")


async def test_assets_are_kept_for_ever_and_pages_by_nobody(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    answer = await gateway.get("/ada/gold", headers=BROWSER)
    assert answer.headers["Cache-Control"] == "no-store"
    for link in Outline(answer.body.decode()).all("link"):
        href = link["href"] or ""
        if href.startswith("/static/"):
            asset = await gateway.get(href)
            assert (asset.status, asset.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    assert (await gateway.get("/static/site.000000000000.css")).status == 404
    assert (await gateway.get("/static/..%2f..%2fapp.py")).status == 404


def has_security_headers(answer: Answer) -> bool:
    policy = answer.headers["Content-Security-Policy"]
    return "default-src 'self'" in policy and "unsafe" not in policy and "X-Content-Type-Options" in answer.headers


async def test_pages_are_built_for_keyboard_and_screen_reader(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    table = Table(state="FAILED", stage="validate", reason="bad", findings=[BAD_ROW])
    await seeds.revision(ada.id, "gold", readme="# One\n\n#### Two")
    await seeds.revision(ada.id, "gold", state="FAILED", tables=[table])
    paths = ["/", "/search", "/ada", "/ada/gold", "/ada/gold/v/2", "/ada/gold/v/2/report/prices", "/auth/login"]
    for path in [*paths, "/dashboard"]:
        answer = await gateway.get(path, headers={**BROWSER, **_cookie(ada, path)})
        assert answer.status == 200, path
        assert has_security_headers(answer), path
        outline = Outline(answer.body.decode())
        assert [len(outline.all(tag)) for tag in ("main", "h1", "title")] == [1, 1, 1], path
        assert outline.all("html")[0]["lang"] == "en"
        skip = next(link for link in outline.all("a") if link.get("class") == "skip")
        assert skip["href"] == f"#{outline.all('main')[0]['id']}"
        ids = [element["id"] for _, element in outline.elements if "id" in element]
        assert len(ids) == len(set(ids)), path
        for label in outline.all("label"):
            assert label["for"] in ids, path
        for field in outline.all("input"):
            labelled = field.get("type") == "hidden" or field["id"] in [label["for"] for label in outline.all("label")]
            assert labelled, path
        for _, element in outline.elements:
            assert set((element.get("aria-labelledby") or "").split()) <= set(ids), path
        assert all(cell.get("scope") in ("col", "row") for cell in outline.all("th")), path
        levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1, path
        for nav in outline.all("nav"):
            assert nav["aria-label"], path


def _cookie(publisher: Publisher, path: str) -> dict[str, str]:
    return {} if path == "/auth/login" else {"Cookie": f"dh_session={publisher.token}"}


@pytest.mark.parametrize(
    ("source", "gone"),
    [
        ("<script>alert(1)</script>", "script"),
        ("<img src=x onerror=alert(1)>", "onerror"),
        ("<svg onload=alert(1)><a xlink:href='javascript:x'>", "svg"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("<a href='jav&#x09;ascript:alert(1)'>x</a>", "ascript:"),
        ("<a href='//evil.example'>x</a>", "evil.example"),
        ("<a href='\\\\evil.example'>x</a>", "evil.example"),
        ("<a href='data:text/html;base64,eA=='>x</a>", "data:"),
        ("<iframe src='https://evil.example'></iframe>", "iframe"),
        ("<form action='https://evil.example'><input name=q></form>", "form"),
        ("<style>*{display:none}</style><p style='position:fixed'>x</p>", "style"),
        (
            "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
            "<img",
        ),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<img"),
        ("<h1 id=main class=hidden>x</h1>", "id="),
        ("![pixel](https://evil.example/p.gif)", "<img"),
        ("<b>" * 20_000, "script"),
        ("[" * 5_000 + "](" * 5_000, "script"),
    ],
)
async def test_readme_of_a_stranger_can_neither_act_nor_fetch(source: str, gone: str) -> None:
    assert gone not in (await Readme().render(source)).lower()


async def test_readme_keeps_what_a_text_needs() -> None:
    rendered = await Readme().render(
        "# Title\n\nA [link](https://example.org) and `code`.\n\n|a|\n|-|\n|1|\n\n![Map](https://e.org/m.png)"
    )
    for kept in ("<h3>Title</h3>", "<code>code</code>", "<td>1</td>", ">[Map]</a>"):
        assert kept in rendered
    assert '<a href="https://example.org" rel="noopener nofollow ugc">link</a>' in rendered
    assert Readme().opening("# Title\n\nFirst *words* of\n`it`.\n\nMore.") == "First words of it."


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://example.org/a?b=c#d", True),
        ("http://example.org", True),
        *[(address, False) for address in ("javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x")],
        *[
            (address, False)
            for address in ("//evil", "\\\\evil", "/local", "https:evil", "jav\tascript:x", "", None, 5)
        ],
        *[
            (address, False)
            for address in ("https://user:pass@example.org", "https://exa mple.org", "https://[", "ftp://x")
        ],
    ],
)
def test_only_plain_web_addresses_become_links(address: object, safe: bool) -> None:
    assert (text.safe_url(address) is not None) is safe


def test_invisible_characters_are_shown_and_letters_of_all_languages_kept() -> None:
    assert text.visible("a\u202eb") == 'a<span class="control" title="U+202E">U+202E</span>b'
    assert ">ESC<" in text.visible("\x1b[0m")
    assert ">NUL<" in text.visible("\x00")
    assert text.visible("<b>&") == "&lt;b&gt;&amp;"
    for word in ("Łódź", "日本語", "क्षि", "می\u200cروم", "👩\u200d🔬"):
        assert text.visible(word) == word
    assert len(text.visible("e" + "\u0301" * 1_000_000)) < 1_000
    assert text.plain("a\x00\u202e\n b") == "a b"


def test_numbers_are_written_for_people() -> None:
    assert [text.size(count) for count in (0, 999, 1_000, 1_250_000, 123_400_000, 5 * 10**12)] == [
        *("0 B", "999 B", "1.0 kB", "1.2 MB", "123 MB", "5.0 TB"),
    ]
    assert (text.number(1_234_567), text.number(None), text.size(None)) == ("1,234,567", "", "")


def test_data_island_cannot_end_its_script_element() -> None:
    island = text.data_island({"a": "</script><!--\u2028&"})
    assert not set("<>&\u2028") & set(island)
    assert json.loads(island) == {"a": "</script><!--\u2028&"}


def test_messages_of_checks_become_plain_words() -> None:
    assert sentence_of("type-error", 'type is "integer/default"') == "This is not a whole number."
    assert sentence_of("constraint-error", 'constraint "minimum" is "0"') == "Must be at least 0."
    assert sentence_of("unknown-rule", "", "as it is") == "as it is"


def test_report_that_is_not_one_is_told_from_what_the_database_knows() -> None:
    resource = Resource(
        index=0, name="a", path="a.csv", descriptor={}, source=BlobRef(bucket="b", key="k", size=1), tabular=True
    )
    run = ResourceRun(
        index=0,
        name="a",
        tabular=True,
        stage="validate",
        state="FAILED",
        resource=resource,
        facts={},
        rows=None,
        reason="broken",
        rule="type-error",
        errors=7,
        findings=(BAD_ROW,),
        report=None,
    )
    documents: list[object] = [[], {}, {"valid": False}, {"tasks": []}, "text"]
    for document in documents:
        report = report_of(document, run)
        assert (report.valid, report.errors, report.groups[0].rule) == (False, 7, "type-error")
