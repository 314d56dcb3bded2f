"""Markup becomes text and entities, counted in UTF-16 units, or a complaint."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.utils.text_decorations import html_decoration, markdown_decoration
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.sandbox.html import parse_html
from nobs_bot.sandbox.markdown import parse_markdown_v2
from nobs_bot.sandbox.prose import typed
from nobs_bot.sandbox.wire import BotApiError, units


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length} | more


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>a</b> &lt;b&gt; &amp; &quot;", 'a <b> & "', [entity("bold", 0, 1)]),
        ("👮‍♂️<i>x</i>", "👮‍♂️x", [entity("italic", 5, 1)]),
        (
            "<b>a<i>b</i></b><u>c</u><s>d</s>",
            "abcd",
            [
                entity("bold", 0, 2),
                entity("italic", 1, 1),
                entity("underline", 2, 1),
                entity("strikethrough", 3, 1),
            ],
        ),
        (
            '<a href="https://contoh.id/?a=1&amp;b=2">x</a>',
            "x",
            [entity("text_link", 0, 1, url="https://contoh.id/?a=1&b=2")],
        ),
        (
            '<a href="tg://user?id=7">x</a>',
            "x",
            [entity("text_mention", 0, 1, user={"id": 7})],
        ),
        ('<a href="nonsense">x</a>', "x", []),
        (
            '<pre><code class="language-py">x</code></pre>',
            "x",
            [entity("pre", 0, 1, language="py")],
        ),
        ("<code>x</code>", "x", [entity("code", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [entity("spoiler", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [entity("expandable_blockquote", 0, 1)]),
        ("&nbsp; &#128247; &#x41;", "&nbsp; 📷 A", []),
        ("<b></b>x", "x", []),
        ("<B>x</B>", "x", [entity("bold", 0, 1)]),
        ("a > b", "a > b", []),
    ],
)
def test_html_is_read(source: str, text: str, entities: list[Any]) -> None:
    assert parse_html(source) == (text, entities)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("é<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("a << b", 'Unsupported start tag "<" at byte offset 2'),
        ("1 <2", "Unclosed start tag at byte offset 2"),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href>x</a>", "Expected equal sign in declaration of an attribute of the tag"),
    ],
)
def test_html_is_refused_with_the_byte_where_it_went_wrong(source: str, words: str) -> None:
    with pytest.raises(BotApiError) as caught:
        parse_html(source)
    assert caught.value.description.startswith(f"Bad Request: can't parse entities: {words}")


@given(st.text())
def test_quoted_text_passes_html_unchanged(text: str) -> None:
    assert parse_html(html_decoration.quote(text)) == (text, [])


@given(st.text())
def test_quoted_text_passes_markdown_unchanged(text: str) -> None:
    assert parse_markdown_v2(markdown_decoration.quote(text)) == (text, [])


@given(st.text(alphabet=st.sampled_from("<>/&;ab =\"'#é📷")))
def test_any_html_is_read_or_refused(text: str) -> None:
    try:
        plain, entities = parse_html(text)
    except BotApiError as exc:
        plain, entities = exc.description, []
        complained = plain.startswith("Bad Request: can't parse entities: ")
    else:
        complained = False
    assert complained or all(e["offset"] + e["length"] <= units(plain) for e in entities)


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        (
            "*a* _b_ ~c~",
            "a b c",
            [entity("bold", 0, 1), entity("italic", 2, 1), entity("strikethrough", 4, 1)],
        ),
        ("__a__||b||", "ab", [entity("underline", 0, 1), entity("spoiler", 1, 1)]),
        (r"1\.5 \- 2\!", "1.5 - 2!", []),
        ("`a*b`", "a*b", [entity("code", 0, 3)]),
        ("```py\nx = 1```", "x = 1", [entity("pre", 0, 5, language="py")]),
        (r"[x](https://a.id/\))", "x", [entity("text_link", 0, 1, url="https://a.id/)")]),
        (">a\n>b\nc", "a\nb\nc", [entity("blockquote", 0, 3)]),
        ("📍*a*", "📍a", [entity("bold", 2, 1)]),
        ("*a_b_*", "ab", [entity("bold", 0, 2), entity("italic", 1, 1)]),
    ],
)
def test_markdown_is_read(source: str, text: str, entities: list[Any]) -> None:
    assert parse_markdown_v2(source) == (text, entities)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1.5", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a-b", "Character '-' is reserved and must be escaped with the preceding '\\'"),
        ("é *a", "Can't find end of Bold entity at byte offset 3"),
        ("[x](https://a.id", "Can't find end of a URL at byte offset 4"),
    ],
)
def test_markdown_is_refused(source: str, words: str) -> None:
    with pytest.raises(BotApiError) as caught:
        parse_markdown_v2(source)
    assert caught.value.description == f"Bad Request: can't parse entities: {words}"


def test_what_a_person_types_is_searched_for_links_and_commands() -> None:
    text = "/start@NoBlindspotBot lihat t.me/x, tulis a@b.id atau @sari_toko #aman +62 812 5550 101"
    kinds = [found["type"] for found in typed(text)["entities"]]
    assert kinds == ["bot_command", "url", "email", "mention", "hashtag", "phone_number"]
    assert "entities" not in typed("1/2 dan a/b")
