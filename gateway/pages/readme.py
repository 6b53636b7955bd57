"""READMEs: Markdown of strangers, rendered to HTML that can neither act nor fetch anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

LONGEST = 100_000
"""Characters that are rendered; the whole text can always be downloaded."""
LONGEST_OPENING = 5_000
KEPT = 32
"""Rendered READMEs in memory: a revision's never changes."""

TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "kbd", "samp", "var", "em", "strong", "b", "i", "u", "s", "del"),
    *("ins", "mark", "small", "sub", "sup", "abbr", "q", "cite", "dfn", "h3", "h4", "h5", "h6", "ul", "ol", "li"),
    *("dl", "dt", "dd", "a", "table", "thead", "tbody", "tr", "th", "td", "caption", "details", "summary"),
}
REMOVED_WHOLE = {"script", "style", "title", "iframe", "object", "embed", "noscript", "template", "svg", "math"}
ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "ol": {"start"}, "th": {"align"}, "td": {"align"}}
DEMOTION = 2
"""A README's first heading is the page's third level: under the page's title and the section's heading."""


class Readme:
    """Renders Markdown (CommonMark and tables) to sanitised HTML."""

    def __init__(self) -> None:
        self._markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self._markdown.add_render_rule("image", _image_as_link)
        self._markdown.core.ruler.push("demote_headings", lambda state: _demote(state.tokens))
        self._rendered = lru_cache(KEPT)(self._render)

    async def render(self, text: object) -> Markup:
        """Safe HTML: no script, style, form, frame or remote image; links marked as strangers' own.

        A hostile text of this length takes a second to render: once, and beside the event loop.
        """
        if not isinstance(text, str) or not text.strip():
            return Markup("")
        return await asyncio.to_thread(self._rendered, text[:LONGEST])

    def _render(self, text: str) -> Markup:
        return Markup(  # noqa: S704 sanitised by nh3
            nh3.clean(
                self._markdown.render(text),
                tags=TAGS,
                clean_content_tags=REMOVED_WHOLE,
                attributes=ATTRIBUTES,
                url_schemes={"http", "https", "mailto"},
                url_relative="deny",
                link_rel="noopener nofollow ugc",
            )
        )

    def opening(self, text: object) -> str:
        """The words of the first paragraph; empty where there is none."""
        if not isinstance(text, str):
            return ""
        for opened, inline in pairwise(self._markdown.parse(text[:LONGEST_OPENING])):
            words = " ".join("".join(_words(inline)).split())
            if words and opened.type == "paragraph_open" and opened.level == 0:
                return words
        return ""


def _words(inline: Token) -> Iterator[str]:
    for child in inline.children or ():
        if child.type in ("text", "code_inline"):
            yield child.content
        elif child.type in ("softbreak", "hardbreak"):
            yield " "


def _demote(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + DEMOTION, 6)}"


def _image_as_link(
    self: RendererHTML, tokens: Sequence[Token], position: int, options: OptionsDict, env: EnvType
) -> str:
    """A picture on another host would tell that host who reads this page; its address is shown instead."""
    token = tokens[position]
    source = escape(token.attrGet("src") or "")
    name = escape(self.renderInlineAsText(token.children or [], options, env) or "image")
    return f'<a href="{source}">[{name}]</a>'


def summary(text: object, longest: int = 240) -> str:
    """The first words of a description, cut at a word."""
    words = " ".join(text.split()) if isinstance(text, str) else ""
    if len(words) <= longest:
        return words
    return words[:longest].rsplit(" ", 1)[0] + "…"
