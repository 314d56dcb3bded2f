"""Which cameras of an area answer, how much of the time, and which are silent."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column, grid
from nobs_bot.cameras import ward
from nobs_bot.cameras.health import Health
from nobs_bot.cameras.outages import OURS, open_outages
from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.uptime import DAYS_SHOWN, Uptime
from nobs_bot.cameras.ward import Ward
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import covers
from nobs_bot.texts import Markup, Words

from .desk import Desk
from .filters import Tap, word

router = Router(name="health")

_MOST_ROWS = 24


@router.message(Command("kesehatan", "health"))
async def health_command(message: TelegramMessage, desk: Desk) -> None:
    await _first(desk)


@router.callback_query(Tap("hlt.start"))
async def health_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _first(desk)


async def _first(desk: Desk) -> None:
    codes = await ward.areas_watched(desk.work, desk.who)
    await _show(desk, codes, codes[0] if len(codes) == 1 else None)


@router.callback_query(Tap("hlt.area"))
async def area_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    codes = await ward.areas_watched(desk.work, desk.who)
    await _show(desk, codes, _allowed(codes, word(args)))


def _allowed(codes: list[str], code: str) -> str:
    if not any(covers(each, code) for each in codes):
        raise Refusal("roles.not_here")
    return code


async def _show(desk: Desk, codes: list[str], code: str | None) -> None:
    """One area with what lies right below it; None for the officer's areas side by side."""
    desk.dialogue.end()
    words = desk.words
    found = await ward.wards(desk.work, [code] if code else codes)
    below = desk.areas.below(code) if code else [desk.areas.get(each) for each in codes]
    parts = [
        (area, part)
        for area in below
        if area is not None and (part := _within(found, area.code)).connected
    ]
    # the worst first: that is where to go
    parts.sort(key=lambda pair: _worth(pair[1].uptime))
    whole = sum(found.values(), Ward())
    name = desk.areas.name(code) if code else words("progress.own_areas")
    lines = [_whole(words, name, whole)]
    if as_of := await ward.WARDS.as_of(desk.work):
        lines.append(words("progress.as_of", moment=words.moment(as_of)))
    if OURS in await open_outages(desk.work):
        lines.append(words("health.ours_down"))
    elif count := await ward.in_outage(desk.work, [code] if code else codes):
        lines.append(words("health.network_down", count=count))
    if parts:
        lines.append("\n".join(_row(words, area.name, part) for area, part in parts[:_MOST_ROWS]))
    deeper = [button(a.name, "hlt.area", a.code) for a, _ in parts if desk.areas.below(a.code)]
    up = _above(codes, code)
    silent = (code,) if code else ()
    more = column(
        button(words("health.silent_button"), "hlt.silent", *silent) if whole.silent else None,
        button(words("progress.up_button"), "hlt.area", up) if up else None,
        button(words("home_button"), "home"),
    )
    desk.reply.show(Message(text="\n\n".join(lines), keyboard=(*grid(deeper, 2), *more)))


def _within(found: dict[str, Ward], code: str) -> Ward:
    return sum((each for at, each in found.items() if covers(code, at)), Ward())


def _worth(uptime: Uptime) -> float:
    share = uptime.share
    return 2.0 if share is None else share


def _above(codes: list[str], code: str | None) -> str | None:
    above = code.rpartition(".")[0] if code else ""
    return above if any(covers(each, above) for each in codes) else None


def _whole(words: Words, name: str, whole: Ward) -> str:
    if not whole.connected:
        return words("health.none", area=name)
    text = words(
        "health.whole",
        area=name,
        connected=whole.connected,
        answering=whole.answering,
        silent=whole.silent,
        unknown=whole.unknown,
    )
    return "\n".join([text, *share_lines(words, whole.uptime)])


def _row(words: Words, name: str, part: Ward) -> str:
    count = words("health.row", area=name, answering=part.answering, connected=part.connected)
    known = _percent(words, part.uptime)
    return f"{count} · {known}" if known else count


def share_lines(words: Words, uptime: Uptime) -> list[str]:
    """How much of the time is answered, as a sentence; none where nothing is known yet."""
    known = _percent(words, uptime)
    return [words("health.share", percent=known, days=DAYS_SHOWN)] if known else []


def _percent(words: Words, uptime: Uptime) -> str:
    """The share of the known time as people write it; 99,96% is not all."""
    if uptime.share is None:
        return ""
    return f"{words.number(int(1000 * uptime.share) / 10)}%"


@router.callback_query(Tap("hlt.silent"))
async def silent_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """Those that do not answer, since when and why."""
    words = desk.words
    codes = await ward.areas_watched(desk.work, desk.who)
    chosen = [_allowed(codes, args[0])] if args else codes
    found = await ward.silent_cameras(desk.work, desk.who, chosen)
    down = await open_outages(desk.work)
    back = ("hlt.area", chosen[0]) if args else ("hlt.start",)
    keyboard = column(
        button(words("back_button"), *back),
        button(words("home_button"), "home"),
    )
    if not found:
        desk.show("health.none_silent", keyboard)
        return
    lines = [
        _silence(desk, health, camera, is_out=health.network in down) for health, camera in found
    ]
    text = words("health.silent_head") + "\n\n" + "\n\n".join(lines)
    desk.reply.show(Message(text=text, keyboard=keyboard))


def _silence(desk: Desk, health: Health, camera: Camera, *, is_out: bool) -> str:
    words = desk.words
    since = health.silent_since or desk.work.now
    reason = words("health.in_outage") if is_out else words(f"check.short.{health.failure}")
    return words(
        "health.silent_row",
        camera=camera.name,
        area=desk.areas.name(camera.area_code),
        since=words.moment(since),
        reason=Markup(reason),
    )
