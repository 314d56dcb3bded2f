"""Telegram's MarkdownV2: text and entities out of marks, and its complaints."""

from __future__ import annotations

from dataclasses import dataclass, field

from nobs_bot.sandbox.html import cannot_parse, in_order, link_entity
from nobs_bot.sandbox.wire import BotApiError, Json, units

RESERVED = set("_*[]()~`>#+-=|{}.!")
NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
MARKS = (
    ("||", "spoiler"),
    ("__", "underline"),
    ("_", "italic"),
    ("*", "bold"),
    ("~", "strikethrough"),
)


@dataclass
class _Open:
    kind: str
    offset: int
    at: int
    begin: int
    language: str = ""


@dataclass
class _Reader:
    source: str
    pos: int = 0
    out: list[str] = field(default_factory=list)
    offset: int = 0
    stack: list[_Open] = field(default_factory=list)
    entities: list[Json] = field(default_factory=list)

    def emit(self, text: str) -> None:
        self.out.append(text)
        self.offset += units(text)

    def sees(self, mark: str) -> bool:
        return self.source.startswith(mark, self.pos)

    def open(self, kind: str, width: int, language: str = "") -> None:
        self.stack.append(_Open(kind, self.offset, self.pos, len(self.out), language))
        self.pos += width

    def byte(self, at: int) -> int:
        return len(self.source[:at].encode())

    def inside(self, kind: str) -> bool:
        return any(opened.kind == kind for opened in self.stack)


def parse_markdown_v2(source: str) -> tuple[str, list[Json]]:
    """
    Plain text and its entities, offsets and lengths in UTF-16 units.

    Raises:
        BotApiError: A reserved character stands alone, or an entity has no end.
    """
    reader = _Reader(source)
    while reader.pos < len(source):
        _step(reader)
    if reader.stack and reader.stack[-1].kind == "blockquote":
        _finish(reader, "blockquote")
    if reader.stack:
        raise _unended(reader, reader.stack[-1])
    return "".join(reader.out), in_order(reader.entities)


def _step(reader: _Reader) -> None:
    char = reader.source[reader.pos]
    inner = reader.stack[-1].kind if reader.stack else ""
    following = reader.source[reader.pos + 1 : reader.pos + 2]
    if char == "\\" and following and 0 < ord(following) <= 126:
        reader.emit(following)
        reader.pos += 2
    elif inner in ("code", "pre"):
        _in_code(reader, inner)
    elif char == "\n":
        _line_end(reader)
    elif char not in RESERVED:
        reader.emit(char)
        reader.pos += 1
    else:
        _mark(reader, char, inner)


def _in_code(reader: _Reader, inner: str) -> None:
    mark = "```" if inner == "pre" else "`"
    if reader.sees(mark):
        _finish(reader, inner)
        reader.pos += len(mark)
    elif reader.sees("`"):
        raise _reserved("`")
    else:
        reader.emit(reader.source[reader.pos])
        reader.pos += 1


def _line_end(reader: _Reader) -> None:
    reader.pos += 1
    quoting = reader.inside("blockquote")
    if quoting and not reader.sees(">"):
        if reader.stack[-1].kind != "blockquote":
            raise _unended(reader, reader.stack[-1])
        _finish(reader, "blockquote")
        quoting = False
    reader.emit("\n")
    if quoting and reader.sees(">"):
        reader.pos += 1


def _mark(reader: _Reader, char: str, inner: str) -> None:
    if char == "`":
        _open_code(reader)
    elif _starts_quote(reader):
        width = 3 if reader.sees("**>") else 1
        reader.open("blockquote", width)
    elif char == "[" or reader.sees("!["):
        reader.open("text_link" if char == "[" else "custom_emoji", 1 if char == "[" else 2)
    elif char == "]" and inner in ("text_link", "custom_emoji"):
        _close_link(reader, inner)
    else:
        _toggle(reader, char, inner)


def _starts_quote(reader: _Reader) -> bool:
    at_start = reader.pos == 0 or reader.source[reader.pos - 1] == "\n"
    return at_start and (reader.sees(">") or reader.sees("**>"))


def _open_code(reader: _Reader) -> None:
    if not reader.sees("```"):
        reader.open("code", 1)
        return
    first = reader.source[reader.pos + 3 :].split("`", 1)[0].split("\n", 1)
    language = first[0] if len(first) == 2 and first[0] and " " not in first[0] else ""
    reader.open("pre", 3 + len(language), language)
    if reader.sees("\n"):
        reader.pos += 1


def _toggle(reader: _Reader, char: str, inner: str) -> None:
    for mark, kind in MARKS:
        if not reader.sees(mark):
            continue
        if inner == kind:
            _finish(reader, kind)
            reader.pos += len(mark)
        elif kind == "spoiler" and inner == "blockquote" and _ends_line(reader, 2):
            reader.pos += 2
            _finish(reader, "expandable_blockquote")
        else:
            reader.open(kind, len(mark))
        return
    raise _reserved(char)


def _ends_line(reader: _Reader, width: int) -> bool:
    return reader.source[reader.pos + width : reader.pos + width + 1] in ("", "\n")


def _close_link(reader: _Reader, kind: str) -> None:
    reader.pos += 1
    url = "".join(reader.out[reader.stack[-1].begin :])
    if reader.sees("("):
        url = _address(reader)
    elif kind == "custom_emoji":
        raise cannot_parse("Custom emoji entity must contain a tg://emoji URL")
    if kind == "custom_emoji":
        _finish(reader, kind, {"custom_emoji_id": url.rpartition("=")[2]})
        return
    link = link_entity(url)
    if link is None:
        reader.stack.pop()
    else:
        _finish(reader, kind, link)


def _address(reader: _Reader) -> str:
    begin = reader.pos = reader.pos + 1
    out = []
    while reader.pos < len(reader.source) and not reader.sees(")"):
        if reader.sees("\\"):
            reader.pos += 1
        out.append(reader.source[reader.pos : reader.pos + 1])
        reader.pos += 1
    if not reader.sees(")"):
        raise cannot_parse(f"Can't find end of a URL at byte offset {reader.byte(begin)}")
    reader.pos += 1
    return "".join(out)


def _finish(reader: _Reader, kind: str, more: Json | None = None) -> None:
    opened = reader.stack.pop()
    length = reader.offset - opened.offset
    if length:
        language = {"language": opened.language} if opened.language else {}
        entity = {"type": kind, "offset": opened.offset, "length": length}
        reader.entities.append(entity | language | (more or {}))


def _reserved(char: str) -> BotApiError:
    words = f"Character '{char}' is reserved and must be escaped with the preceding '\\'"
    return cannot_parse(words)


def _unended(reader: _Reader, opened: _Open) -> BotApiError:
    where = f"at byte offset {reader.byte(opened.at)}"
    return cannot_parse(f"Can't find end of {NAMES[opened.kind]} entity {where}")
