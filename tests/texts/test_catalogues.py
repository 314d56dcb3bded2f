"""Every sentence is there in both languages, fits Telegram, and is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message

from handlers.hotspots import _DAYS
from handlers.menu import COMMANDS
from handlers.states import Spotting
from nobs_bot.cameras import findings
from nobs_bot.cameras.atlas import HEALTH
from nobs_bot.cameras.progress import Count
from nobs_bot.cameras.record import Drift, PlaceKind, State, Turning, Width
from nobs_bot.cameras.review import CHANGE_FIELDS, RejectReason
from nobs_bot.cameras.rights import SHARES
from nobs_bot.cameras.sticker import LabelSize, StickerState
from nobs_bot.cameras.stickers import Standing
from nobs_bot.console.compass_page import KEYS as COMPASS_KEYS
from nobs_bot.coverage.hotspots import HotspotKind
from nobs_bot.coverage.turn import TurnState
from nobs_bot.footage.breach import Kind
from nobs_bot.footage.formats import REFUSED
from nobs_bot.footage.live.record import Ending
from nobs_bot.footage.matching import Reason
from nobs_bot.footage.request import ClipState, Outcome, Purpose, Reply, RequestState
from nobs_bot.footage.trail import DETAILS
from nobs_bot.people.roles import Role
from nobs_bot.people.tokens import Scope
from nobs_bot.settings import Settings
from nobs_bot.storage import retention
from nobs_bot.storage.audit import Act
from nobs_bot.streams.address import AddressProblem
from nobs_bot.streams.check import Failure, Finding, Stage
from nobs_bot.texts import LANGUAGES, Texts
from nobs_bot.texts.catalogue import read_catalogue

ROOT = Path(__file__).parents[2]
CATALOGUES: dict[str, Catalog] = {language: read_catalogue(language) for language in LANGUAGES}
# Telegram's tags, https://core.telegram.org/bots/api#html-style
TAGS = {"b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
TEXT_LIMIT, LABEL_LIMIT = 4096, 64
# what placeholders may grow to: an officer's words, and besides them names and places
LONGEST_WORDS, LONG_VALUE = 500, 200
NOT_A_LABEL = {"fallback.needs_button"}
LIVE = [state for state in StickerState if state is not StickerState.EXPIRED]


def messages(language: str) -> dict[str, Message]:
    found = {}
    for message in CATALOGUES[language]:
        if message.id:
            found[message.id if isinstance(message.id, str) else message.id[0]] = message
    return found


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def every() -> Iterator[tuple[str, str, str]]:
    """(language, key, sentence) of every form."""
    for language in LANGUAGES:
        for key, message in messages(language).items():
            for form in forms(message):
                yield language, key, form


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


class Tags(HTMLParser):
    """The tags of a sentence, in the order in which they open; complains where they do not nest."""

    def __init__(self, sentence: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[str] = []
        self.open: list[str] = []
        self.feed(sentence)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"Telegram knows no <{tag}>"
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


# completeness


def test_both_languages_have_the_same_messages() -> None:
    assert set(messages("id")) == set(messages("en"))


def test_no_sentence_is_empty_or_marked_as_unsure() -> None:
    for language in LANGUAGES:
        for key, message in messages(language).items():
            assert all(form.strip() for form in forms(message)), f"{language}: {key}"
            assert "fuzzy" not in message.flags, f"{language}: {key}"


@pytest.mark.parametrize("key", sorted(messages("id")))
def test_placeholders_and_tags_are_the_same_in_both_languages(key: str) -> None:
    one, other = messages("id")[key], messages("en")[key]
    assert bool(one.pluralizable) == bool(other.pluralizable)
    wanted = set().union(*(placeholders(form) for form in forms(one)))
    for form in (*forms(one), *forms(other)):
        assert placeholders(form) == wanted
    assert sorted(Tags(forms(one)[-1]).seen) == sorted(Tags(forms(other)[-1]).seen)


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_as_many_forms_as_the_language(language: str) -> None:
    wanted = {"id": 1, "en": 2}[language]
    assert CATALOGUES[language].num_plurals == wanted
    plurals = [each for each in messages(language).values() if each.pluralizable]
    assert plurals
    for message in plurals:
        assert message.id[1] == f"{message.id[0]}.many"
        assert len(forms(message)) == wanted
        assert all("count" in placeholders(form) for form in forms(message))


# Telegram


def test_every_sentence_is_html_that_telegram_takes() -> None:
    for language, key, sentence in every():
        try:
            Tags(sentence)
        except AssertionError as exc:
            raise AssertionError(f"{language} {key}: {exc}") from None
        stray = re.search(r"<(?![/a-z])|&(?!(?:lt|gt|amp|quot|#\d+);)", sentence)
        assert not stray, f"{language} {key}: {sentence}"


def test_no_message_is_over_telegrams_limit_even_with_long_values() -> None:
    for language, key, sentence in every():
        length = len(sentence.encode("utf-16-le")) // 2
        values = len(placeholders(sentence))
        length += LONGEST_WORDS * (values > 0) + LONG_VALUE * max(0, values - 1)
        assert length <= TEXT_LIMIT, f"{language} {key}: {length}"


def test_labels_of_buttons_fit() -> None:
    for language, key, sentence in every():
        if key.endswith("_button") and key not in NOT_A_LABEL:
            values = dict.fromkeys(placeholders(sentence), "K-1001 nama")
            label = sentence.format(**values)
            assert len(label) <= LABEL_LIMIT, f"{language} {key}: {label}"
            assert "\n" not in label
            assert not Tags(sentence).seen, f"{language} {key}: a label shows tags as they are"


def test_commands_of_the_menu_are_what_telegram_takes() -> None:
    for what, names in COMMANDS.items():
        for name in names:
            assert re.fullmatch(r"[a-z0-9_]{1,32}", name)
        for language in LANGUAGES:
            [about] = forms(messages(language)[f"menu.{what}"])
            assert 3 <= len(about) <= 256


# tone


def test_indonesian_is_polite() -> None:
    for key, message in messages("id").items():
        for form in forms(message):
            words = set(re.findall(r"\w+", form.casefold()))
            assert not words & {"kamu", "kau", "gue", "lu", "elo", "aku"}, key
            assert "anda" not in re.findall(r"\w+", form), f"{key}: Anda takes a capital"


def test_no_sentence_is_stretched_with_dashes_or_shouted() -> None:
    for language, key, sentence in every():
        assert "—" not in sentence, f"{language} {key}"
        assert "!!" not in sentence, f"{language} {key}"


def test_a_message_carries_few_emoji() -> None:
    emoji = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff]")
    for language, key, sentence in every():
        assert len(emoji.findall(sentence)) <= 2 + sentence.count("📎"), f"{language} {key}"


def test_commands_named_in_a_sentence_exist_in_its_language() -> None:
    at = {"id": 0, "en": 1}
    for language, key, sentence in every():
        plain = re.sub(r"https?://\S+|<[^>]+>|\{[^}]*\}", " ", sentence)
        for named in re.findall(r"(?<![\w/.:])/([a-z]{2,})\b", plain):
            names = {"start"} | {names[at[language]] for names in COMMANDS.values()}
            assert named in names, f"{language} {key}: /{named}"


# the code and the catalogues


VALUES: dict[str, Any] = {
    "role": [*Role],
    "place": [*PlaceKind],
    "width": [*Width],
    "state": [*State, "paused"],
    "share": SHARES,
    "field": [*CHANGE_FIELDS, "place", "name", "sharing"],
    "reason": [*Reason],
    "purpose": [*Purpose],
    "act": [*Act],
    "retention": [*retention.Kind],
    "menu": list(COMMANDS),
    "language": list(LANGUAGES),
    "help": [*Role],
    "audit.detail": [*DETAILS],
    "console.coverage": ["seen", "worth", "twice", "night"],
    "console.turn": ["planned", "asked", "done", "seen"],
    "console.clip": [*ClipState],
    "console.audit": ["moment", "who", "role", "what", "details"],
    "console.drift": [*Drift],
    "breach.kind": [*Kind],
    "breach.column": ["name", "phone", "reachable", "cameras", "kinds"],
    "console.health": [*HEALTH],
    "compass": [str(angle) for angle in range(0, 360, 45)],
    "range": ["10", "20", "40", "80"],
    "check": list(findings._ACTIONS),
    "progress.column": [each.name for each in fields(Count)],
    "check.stage": [*Stage],
    "check.failure": [*Failure],
    "check.finding": [*Finding],
    "check.short": [*Failure, *Finding, "good", "none"],
    "stream.address": [*AddressProblem],
    "evidence.refused": [*REFUSED],
    "outcome": [*Outcome, "expired"],
    "outcome.short": [*Outcome],
    "live.ending": [*Ending],
    "compass.page": COMPASS_KEYS,
    "system.scope": [each.value.partition(":")[0] for each in Scope],
    "live.over": [*Ending],
    "reply": [*(each for each in Reply), "unreachable", "not_sent_yet"],
    "reply.told": [*Reply],
    "request.state": [*RequestState],
    "figures": [
        *("requests", "emergencies", "needless", "agreed", "declined", "asked", "silent"),
        *("clips", "erased"),
    ],
    "request.limit": ["area", "radius", "hours", "owners"],
    "review": ["approved", "change_asked", "rejected", "released"],
    "review.reason": [*RejectReason],
    "review.reason_short": [*RejectReason],
    "ask": ["has", "saved"],
    "ask.done": [Reply.NOTHING, Reply.REFUSED, Reply.HELP, Reply.SAVED, Reply.NOT_MINE],
    "request": ["place", "radius", "window", "case", "purpose", "note"],
    "coverage.legend": ["seen", "partly", "missed", "urgent"],
    "drift.ask": [*Drift],
    "drift.told": [*Drift],
    "hotspot.kind": [*HotspotKind],
    "hotspot.days": list(_DAYS),
    "hotspot": [step.partition(".")[2] for step in Spotting],
    "sticker.standing": [*Standing],
    "sticker.meaning": [*Standing],
    "sticker.size": [*LabelSize],
    "sticker.count": [*StickerState],
    "sticker.state": [*LIVE, "none"],
    "sticker.owner": [*LIVE],
    "turn.state": [*TurnState],
    "turn.told": [Turning.WILLING, Turning.UNWILLING, Turning.FIXED],
    "weekday": [str(day) for day in range(7)],
}


# prefixes whose f-strings go on after the value, or that are other things than keys of messages
QUESTIONS = {"request", "check", "ask", "hotspot"}
NOT_KEYS = {"enrol."}


def source_files() -> list[Path]:
    folders = [ROOT / "nobs_bot", ROOT / "handlers"]
    found = [path for folder in folders for path in folder.rglob("*.py")]
    return [path for path in found if "sandbox" not in path.parts]


def said_by_templates() -> set[str]:
    """Keys of the pages' templates; one that ends in a dot goes on after it."""
    folder = ROOT / "nobs_bot" / "console" / "templates"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.html"))
    return set(re.findall(r'say(?:_html|_many)?\(\s*"([a-z_.]+)"', text))


def literals() -> tuple[set[str], list[tuple[str, str]]]:
    """Every string of the code, and (what comes before, what comes after) of each f-string key."""
    plain: set[str] = set()
    patterns: list[tuple[str, str]] = []
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain.add(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else None for part in node.values
                ]
                shape = [str(part) for part in parts if part is not None]
                is_key = re.fullmatch(r"[a-z_.]+\.", shape[0]) if shape and parts[0] else None
                if is_key and parts.count(None) == 1:
                    patterns.append((shape[0], shape[1] if len(shape) > 1 else ""))
    said = said_by_templates()
    plain |= {key for key in said if not key.endswith(".")}
    patterns += [(key, "") for key in said if key.endswith(".")]
    return plain, patterns


def text_of(value: object) -> str:
    return value.value if isinstance(value, StrEnum) else str(value)


def keys_of_patterns(patterns: list[tuple[str, str]]) -> set[str]:
    return {
        f"{before}{text_of(value)}{after}"
        for before, after in patterns
        for value in VALUES.get(before.rstrip("."), ())
    }


def test_every_value_of_an_enum_has_its_message() -> None:
    for prefix, values in VALUES.items():
        if prefix in QUESTIONS:
            continue
        for value in values:
            for language in LANGUAGES:
                assert f"{prefix}.{text_of(value)}" in messages(language), f"{prefix}.{value}"


def test_every_key_of_the_code_has_a_message() -> None:
    called = set()
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = ast.unparse(node.func)
            is_words = re.search(r"(?:^|\.)(?:words|plural|_say|say|show|toast)$", name)
            first = node.args[0]
            is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if (is_words or name == "Refusal") and is_text:
                called.add((first.value, path.name))  # type: ignore[attr-defined]
    assert len(called) > 150
    called |= {(key, "a template") for key in said_by_templates() if not key.endswith(".")}
    assert sorted(key for key in called if key[0] not in messages("id")) == []


def test_every_message_is_used_by_the_code() -> None:
    plain, patterns = literals()
    used = plain | keys_of_patterns(patterns)
    unused = sorted(set(messages("id")) - used)
    assert unused == []


def test_every_f_string_key_is_known_to_this_test() -> None:
    _, patterns = literals()
    roots = {key.rpartition(".")[0] for key in messages("id")}
    unknown = {
        before
        for before, _ in patterns
        if before.rstrip(".") in roots - {key.rstrip(".") for key in NOT_KEYS}
        and before.rstrip(".") not in VALUES
    }
    assert unknown == set()


def test_the_consent_says_how_long_drafts_are_kept_as_the_settings_do() -> None:
    days = Settings.model_fields["draft_days"].default
    texts = Texts(Settings(_env_file=None).zone)
    for words in texts:
        assert str(days) in words("consent.body", district="X", contact="1")
