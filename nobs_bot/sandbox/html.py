"""Telegram's HTML: text and entities out of tags, and its complaints word for word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nobs_bot.sandbox.markup import is_link
from nobs_bot.sandbox.wire import BotApiError, Json, bad_request, units

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-zA-Z]+));?")
USER_LINK = re.compile(r"tg:(?://)?user\?id=(\d+)$")


@dataclass
class _Open:
    tag: str
    offset: int
    begin: int
    argument: str


@dataclass
class _Reader:
    source: str
    pos: int = 0
    out: list[str] = field(default_factory=list)
    offset: int = 0
    stack: list[_Open] = field(default_factory=list)
    entities: list[Json] = field(default_factory=list)

    def complain(self, words: str, at: int) -> BotApiError:
        byte = len(self.source[:at].encode("utf-8", "surrogatepass"))
        return cannot_parse(words.replace("{at}", f"at byte offset {byte}"))

    def emit(self, text: str) -> None:
        self.out.append(text)
        self.offset += units(text)


def cannot_parse(words: str) -> BotApiError:
    return bad_request(f"can't parse entities: {words}")


def parse_html(source: str) -> tuple[str, list[Json]]:
    """
    Plain text and its entities, offsets and lengths in UTF-16 units.

    Raises:
        BotApiError: "Bad Request: can't parse entities: ...", with the byte offset.

    Source: behaviour of TDLib's parse_html.
    """
    reader = _Reader(source)
    while reader.pos < len(source):
        char = source[reader.pos]
        if char == "&":
            _reference(reader)
        elif char != "<":
            reader.emit(char)
            reader.pos += 1
        elif source.startswith("</", reader.pos):
            _end_tag(reader)
        else:
            _start_tag(reader)
    if reader.stack:
        tag = reader.stack[-1].tag
        raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{tag}"')
    return "".join(reader.out), in_order(reader.entities)


def in_order(entities: list[Json]) -> list[Json]:
    """By place; of two that begin together the outer first."""
    return sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def _reference(reader: _Reader) -> None:
    match = REFERENCE.match(reader.source, reader.pos)
    text = _decoded(match) if match else None
    if match is None or text is None:
        # Telegram leaves what it does not know as it is.
        reader.emit("&")
        reader.pos += 1
        return
    reader.emit(text)
    reader.pos = match.end()


def _decoded(match: re.Match[str]) -> str | None:
    hexadecimal, decimal, name = match.groups()
    if name:
        return NAMED.get(name)
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x10FFFF else None


def _unescape(text: str) -> str:
    return REFERENCE.sub(lambda match: _decoded(match) or match.group(), text)


def _start_tag(reader: _Reader) -> None:
    begin = reader.pos
    match = re.compile(r"<([^\s>]*)").match(reader.source, begin)
    assert match is not None
    if match.end() >= len(reader.source):
        raise reader.complain("Unclosed start tag {at}", begin)
    tag = match.group(1).lower()
    if tag not in KINDS:
        raise reader.complain(f'Unsupported start tag "{tag}" {{at}}', begin)
    reader.pos = match.end()
    argument = _attributes(reader, tag, begin)
    if tag == "span" and argument != "spoiler":
        raise reader.complain('Tag "span" must have class "tg-spoiler" {at}', begin)
    reader.stack.append(_Open(tag, reader.offset, len(reader.out), argument))


def _attributes(reader: _Reader, tag: str, begin: int) -> str:
    argument = ""
    while True:
        _skip_space(reader)
        if reader.source.startswith(">", reader.pos):
            reader.pos += 1
            return argument
        name, value = _attribute(reader, tag, begin)
        if reader.pos >= len(reader.source):
            raise reader.complain("Unclosed start tag {at}", begin)
        argument = _argument(tag, name, value) or argument


def _attribute(reader: _Reader, tag: str, begin: int) -> tuple[str, str]:
    match = re.compile(r"[^\s=>]*").match(reader.source, reader.pos)
    assert match is not None
    name, reader.pos = match.group(), match.end()
    if not name:
        words = f'Empty attribute name in the tag "{tag}" {{at}}'
        raise reader.complain(words, begin)
    _skip_space(reader)
    if not reader.source.startswith("=", reader.pos):
        if tag == "blockquote" and name == "expandable":
            return name, "expandable"
        words = f'Expected equal sign in declaration of an attribute of the tag "{tag}" {{at}}'
        raise reader.complain(words, begin)
    reader.pos += 1
    _skip_space(reader)
    return name, _value(reader, begin)


def _value(reader: _Reader, begin: int) -> str:
    quote = reader.source[reader.pos : reader.pos + 1]
    if quote in ("'", '"') and quote:
        end = reader.source.find(quote, reader.pos + 1)
        if end < 0:
            raise reader.complain("Unclosed start tag {at}", begin)
        raw = reader.source[reader.pos + 1 : end]
        reader.pos = end + 1
        return _unescape(raw)
    at = reader.pos
    match = re.compile(r"[A-Za-z0-9.-]*").match(reader.source, at)
    assert match is not None
    reader.pos = match.end()
    following = reader.source[reader.pos : reader.pos + 1]
    if following and not following.isspace() and following != ">":
        raise reader.complain("Unexpected end of name token {at}", at)
    return match.group().lower()


def _argument(tag: str, name: str, value: str) -> str:
    if (tag, name) in (("a", "href"), ("tg-emoji", "emoji-id"), ("blockquote", "expandable")):
        return value
    if (tag, name) == ("code", "class") and value.startswith("language-"):
        return value.removeprefix("language-")
    if (tag, name) == ("span", "class") and value.startswith("tg-"):
        return value.removeprefix("tg-")
    return ""


def _skip_space(reader: _Reader) -> None:
    while reader.source[reader.pos : reader.pos + 1].isspace():
        reader.pos += 1


def _end_tag(reader: _Reader) -> None:
    begin = reader.pos
    if not reader.stack:
        raise reader.complain("Unexpected end tag {at}", begin)
    match = re.compile(r"</([^\s>]*)\s*").match(reader.source, begin)
    assert match is not None
    if not reader.source.startswith(">", match.end()):
        raise reader.complain("Unclosed end tag {at}", begin)
    found, expected = match.group(1).lower(), reader.stack[-1].tag
    if found and found != expected:
        words = f'Unmatched end tag {{at}}, expected "</{expected}>", found "</{found}>"'
        raise reader.complain(words, begin)
    reader.pos = match.end() + 1
    _close(reader, reader.stack.pop())


def _close(reader: _Reader, opened: _Open) -> None:
    length = reader.offset - opened.offset
    if length == 0:
        return
    entity: Json = {"type": KINDS[opened.tag], "offset": opened.offset, "length": length}
    if opened.tag == "a":
        link = link_entity(opened.argument or "".join(reader.out[opened.begin :]))
        if link is None:
            return
        entity |= link
    elif opened.tag == "tg-emoji":
        if not opened.argument.isdigit() or int(opened.argument) == 0:
            raise cannot_parse("Invalid custom emoji identifier specified")
        entity["custom_emoji_id"] = opened.argument
    elif opened.tag == "blockquote" and opened.argument:
        entity["type"] = "expandable_blockquote"
    elif opened.tag in ("pre", "code") and _merge_code(reader, entity, opened):
        return
    reader.entities.append(entity)


def _merge_code(reader: _Reader, entity: Json, opened: _Open) -> bool:
    """Join ``<pre><code class="language-x">`` into one entity."""
    if opened.tag == "code":
        if opened.argument:
            entity["language"] = opened.argument
            outer = reader.stack[-1] if reader.stack else None
            if outer is None or outer.tag != "pre" or outer.offset != opened.offset:
                del entity["language"]
        return False
    last = reader.entities[-1] if reader.entities else None
    if last is None or last["type"] != "code" or "language" not in last:
        return False
    if (last["offset"], last["length"]) != (entity["offset"], entity["length"]):
        last.pop("language")
        return False
    last["type"] = "pre"
    return True


def link_entity(url: str) -> Json | None:
    """A link's entity fields; None where Telegram drops the link and keeps the text."""
    user = USER_LINK.match(url)
    if user:
        return {"type": "text_mention", "user": {"id": int(user.group(1))}}
    if not is_link(url):
        return None
    full = url if "://" in url else f"http://{url}"
    bare = full.count("/") == 2
    return {"type": "text_link", "url": f"{full}/" if bare and full.startswith("http") else full}
