"""A message's text: its markup read, its limits kept, its links and commands found."""

from __future__ import annotations

import re

from nobs_bot.sandbox.html import in_order, parse_html
from nobs_bot.sandbox.markdown import parse_markdown_v2
from nobs_bot.sandbox.wire import Json, Params, bad_request, units

MAX_TEXT = 4096
MAX_CAPTION = 1024
OPAQUE = {"code", "pre", "text_link", "text_mention", "custom_emoji"}
TOP = "com|org|net|id|me|io|info|biz|dev|app|gov|edu|co|tv"
FOUND = re.compile(
    r"(?P<email>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b)"
    rf"|(?P<url>(?:https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]|\b(?:[\w-]+\.)+(?:{TOP})\b(?:/[^\s<>\"]*[^\s<>\".,;:!?)\]])?))"
    r"|(?<![\w@])(?P<mention>@[A-Za-z][A-Za-z0-9_]{3,31})\b"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/])"
    r"|(?<!\w)(?P<hashtag>#\w*[^\W\d]\w*)"
    r"|(?<![\w+])(?P<phone_number>\+\d[\d -]{7,16}\d)(?!\w)"
)


def read_text(params: Params) -> Json:
    """
    ``text`` and ``entities`` of a text message.

    Raises:
        BotApiError: Empty, too long, or its markup cannot be read.
    """
    text, entities = _formatted(params, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def read_caption(params: Params) -> Json:
    """``caption`` and ``caption_entities``, or nothing where there is no caption."""
    text, entities = _formatted(params, "caption", "caption_entities")
    if units(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text} | ({"caption_entities": entities} if entities else {})


def typed(text: str, field: str = "text") -> Json:
    """What a person typed: plain text, in which links and commands are found."""
    entities = found(text, [])
    name = "entities" if field == "text" else "caption_entities"
    return {field: text} | ({name: entities} if entities else {})


def found(text: str, given: list[Json]) -> list[Json]:
    """*given* and, outside code and links, what Telegram recognises by itself."""
    taken = [
        (entity["offset"], entity["offset"] + entity["length"])
        for entity in given
        if entity["type"] in OPAQUE
    ]
    more = []
    for match in FOUND.finditer(text):
        begin, length = units(text[: match.start()]), units(match.group())
        if not any(begin < end and start < begin + length for start, end in taken):
            more.append({"type": match.lastgroup, "offset": begin, "length": length})
    return in_order(given + more)


def _formatted(params: Params, name: str, entities_name: str) -> tuple[str, list[Json]]:
    source = params.text(name).replace("\r", "").replace("\0", "")
    given = params.objects(entities_name)
    mode = params.text("parse_mode").lower()
    if given:
        text, entities = source, _checked(given, source)
    elif mode == "html":
        text, entities = parse_html(source)
    elif mode == "markdownv2":
        text, entities = parse_markdown_v2(source)
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        text, entities = source, []
    text, entities = _trimmed(text, entities)
    return text, found(text, entities)


def _checked(given: list[Json], text: str) -> list[Json]:
    limit = units(text)
    for entity in given:
        kind, offset, length = entity.get("type"), entity.get("offset"), entity.get("length")
        if not isinstance(kind, str):
            raise bad_request('can\'t parse entities: Field "type" must be of type String')
        if not isinstance(offset, int) or not isinstance(length, int) or length <= 0:
            words = "specified entity has invalid length or offset"
            raise bad_request(f"can't parse entities: {words}")
        if offset < 0 or offset + length > limit:
            raise bad_request("can't parse entities: specified entity is out of the text's bounds")
    return [dict(entity) for entity in given]


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Cut blanks at both ends, as Telegram does, and move the entities with the text."""
    cut = units(text) - units(text.lstrip())
    text = text.strip()
    limit = units(text)
    kept = []
    for entity in entities:
        begin = max(entity["offset"] - cut, 0)
        end = min(entity["offset"] + entity["length"] - cut, limit)
        if end > begin:
            kept.append(entity | {"offset": begin, "length": end - begin})
    return text, kept
