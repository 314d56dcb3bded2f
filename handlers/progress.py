"""How far the programme has come, area by area, and what supervisors aim at."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column, grid
from nobs_bot.cameras import progress
from nobs_bot.cameras.progress import Count
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.roles import Role, areas_of, covers
from nobs_bot.places.areas import Area
from nobs_bot.texts import Markup, Words

from .desk import Desk
from .filters import At, Tap, Typed, word
from .states import Progressing

router = Router(name="progress")

_BAR_CELLS = 5


@router.message(Command("kemajuan", "progress"))
async def progress_command(message: TelegramMessage, desk: Desk) -> None:
    await _first(desk)


@router.callback_query(Tap("prg.start"))
async def progress_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _first(desk)


async def _first(desk: Desk) -> None:
    """The officer's one area; of several the largest that holds them all is not theirs to see."""
    codes = await progress.areas_seen(desk.work, desk.who)
    await _show(desk, codes, codes[0] if len(codes) == 1 else None)


@router.callback_query(Tap("prg.area"))
async def area_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    codes = await progress.areas_seen(desk.work, desk.who)
    if not any(covers(code, word(args)) for code in codes):
        raise Refusal("roles.not_here")
    await _show(desk, codes, word(args))


async def _show(desk: Desk, codes: list[str], code: str | None) -> None:
    """One area with what lies right below it; None for the officer's areas side by side."""
    desk.dialogue.end()
    words = desk.words
    counts = await progress.progress(desk.work, desk.areas)
    below = desk.areas.below(code) if code else [desk.areas.get(each) for each in codes]
    parts = [area for area in below if area is not None]
    whole = sum((progress.within(counts, each) for each in ([code] if code else codes)), Count())
    name = desk.areas.name(code) if code else words("progress.own_areas")
    text = _whole(words, name, whole)
    if as_of := await progress.COUNTING.as_of(desk.work):
        text += "\n" + words("progress.as_of", moment=words.moment(as_of))
    if parts:
        rows = [_row(words, area, progress.within(counts, area.code)) for area in parts]
        text += "\n\n" + "\n".join([words("progress.rows_head"), *rows])
    deeper = [button(a.name, "prg.area", a.code) for a in parts if desk.areas.below(a.code)]
    up = _above(codes, code)
    supervises = bool(await areas_of(desk.work, desk.who.id, Role.SUPERVISOR))
    more = column(
        button(words("progress.up_button"), "prg.area", up) if up else None,
        button(words("progress.table_button"), "prg.csv"),
        button(words("progress.aims_button"), "prg.aims") if supervises else None,
        button(words("home_button"), "home"),
    )
    desk.reply.show(Message(text=text, keyboard=(*grid(deeper, 2), *more)))


def _above(codes: list[str], code: str | None) -> str | None:
    if code is None:
        return None
    above = code.rpartition(".")[0]
    return above if any(covers(each, above) for each in codes) else None


def _whole(words: Words, name: str, count: Count) -> str:
    lines = [
        words(
            "progress.whole",
            area=name,
            recorded=words.number(count.recorded),
            waiting=words.number(count.waiting),
            consented=words.number(count.consented),
            approved=words.number(count.approved),
            connected=words.number(count.connected),
            healthy=words.number(count.healthy),
        )
    ]
    lines.append(words("progress.stickered", count=words.number(count.stickered)))
    if count.target and count.share is not None:
        lines.append(
            words(
                "progress.target",
                target=words.number(count.target),
                bar=_bar(count.share),
                percent=words.number(round(100 * count.share)),
            )
        )
    if count.per_thousand is not None:
        rate = words.number(round(count.per_thousand, 1))
        lines.append(words("progress.residents", rate=rate))
    if count.officers:
        each = words.number(round(count.recorded / count.officers, 1))
        lines.append(words("progress.officers", count=words.number(count.officers), each=each))
    if count.points or count.points_named:
        lines.append(_points(words, count))
    return "\n".join(lines)


def _points(words: Words, count: Count) -> str:
    """How many points have a connected camera, of those that are aimed at where that is known."""
    key = "progress.points_target" if count.points else "progress.points_named"
    return words(
        key,
        watched=count.points_watched,
        named=count.points_named,
        target=count.points or 0,
    )


def _row(words: Words, area: Area, count: Count) -> str:
    chain = "progress.row" if count.share is None else "progress.row_target"
    return words(
        chain,
        area=area.name,
        recorded=words.number(count.recorded),
        consented=words.number(count.consented),
        connected=words.number(count.connected),
        bar=Markup(_bar(count.share or 0)),
        percent=words.number(round(100 * (count.share or 0))),
    )


def _bar(share: float) -> str:
    full = min(_BAR_CELLS, round(share * _BAR_CELLS))
    return "▰" * full + "▱" * (_BAR_CELLS - full)


@router.callback_query(Tap("prg.csv"))
async def table_tapped(query: CallbackQuery, desk: Desk) -> None:
    words = desk.words
    codes = await progress.areas_seen(desk.work, desk.who)
    counts = await progress.progress(desk.work, desk.areas)
    text = progress.as_csv(words, desk.areas, counts, codes)
    file = Picture(kind=PictureKind.TEXT, about={"text": text})
    day = f"{desk.work.now.astimezone(desk.work.settings.zone):%Y-%m-%d}"
    name = f"{words('progress.file_name')}-{day}.csv"
    desk.reply.say(Message(text=words("progress.table_sent"), pictures=(file,), document=name))


@router.callback_query(Tap("prg.aims"))
async def aims_tapped(query: CallbackQuery, desk: Desk) -> None:
    if not await areas_of(desk.work, desk.who.id, Role.SUPERVISOR):
        raise Refusal("roles.needed")
    desk.dialogue.end()
    desk.dialogue.go(Progressing.AIMS.value)
    desk.show("progress.aims_ask", column(button(desk.words("cancel_button"), "prg.start")))


@router.message(At(Progressing.AIMS), Typed())
async def aims_given(message: TelegramMessage, desk: Desk) -> None:
    count = await progress.set_aims(desk.work, desk.who, desk.areas, message.text or "")
    desk.dialogue.end()
    desk.reply.say(Message(text=desk.words.plural("progress.aims_set", count)))
    await _first(desk)
