"""Stickers: printing sheets, taking them along, giving them to owners, the photo on the wall."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, Keyboard, button, column, grid
from nobs_bot.cameras import stickers
from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.sheets import SHEETS, pages_of
from nobs_bot.cameras.sticker import LabelSize, Sticker, StickerBatch, StickerState
from nobs_bot.cameras.wording import sheet_of
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import officer_name, person
from nobs_bot.people.roles import covers
from nobs_bot.texts import Words

from .desk import Desk
from .filters import At, Brings, Tap, Typed, number, word
from .scanning import show_record
from .states import Sticking

router = Router(name="stickers")

_MOST_AREAS = 20
_MOST_ROWS = 24
_MARKS = {
    StickerState.PRINTED: "🖨",
    StickerState.HANDED: "🤝",
    StickerState.PLACED: "✅",
    StickerState.EXPIRED: "✖️",
}


@router.message(Command("stiker", "sticker"))
async def stickers_command(message: TelegramMessage, desk: Desk) -> None:
    await _overview(desk)


@router.callback_query(Tap("stk.home"))
async def stickers_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _overview(desk)


async def _overview(desk: Desk) -> None:
    """How many cameras have no sticker, and where the others' stickers are."""
    codes = await stickers.areas_printed(desk.work, desk.who)
    desk.dialogue.end()
    words = desk.words
    stock = (await stickers.stock(desk.work, codes)).values()
    lacking = sum(each.lacking for each in stock)
    text = words(
        "sticker.overview",
        area="; ".join(desk.areas.name(code) for code in codes),
        lacking=lacking,
        printed=sum(each.printed for each in stock),
        handed=sum(each.handed for each in stock),
        placed=sum(each.placed for each in stock),
    )
    if as_of := await stickers.STOCK.as_of(desk.work):
        text += "\n\n" + words("progress.as_of", moment=words.moment(as_of))
    keyboard = column(
        button(words("sticker.print_button"), "stk.areas") if lacking else None,
        button(words("sticker.batches_button"), "stk.batches"),
        button(words("home_button"), "home"),
    )
    desk.reply.show(Message(text=text, keyboard=keyboard))


# printing


@router.callback_query(Tap("stk.areas"))
async def areas_shown(query: CallbackQuery, desk: Desk) -> None:
    """For which area: each kelurahan where a sticker is lacking, and the whole of one's own."""
    words = desk.words
    codes = await stickers.areas_printed(desk.work, desk.who)
    stock = await stickers.stock(desk.work, codes)
    lacking = {code: each.lacking for code, each in stock.items() if each.lacking}
    if not lacking:
        raise Refusal("sticker.none_lacking")
    wholes = [
        _area(desk, code, sum(count for area, count in lacking.items() if covers(code, area)))
        for code in codes
        if code not in lacking
    ]
    most = sorted(lacking, key=lambda code: -lacking[code])[:_MOST_AREAS]
    parts = [_area(desk, code, lacking[code]) for code in sorted(most, key=desk.areas.name)]
    back = button(words("back_button"), "stk.home")
    desk.show("sticker.area_ask", (*column(*wholes), *grid(parts, 2), (back,)))


def _area(desk: Desk, code: str, count: int) -> Button:
    area = desk.areas.get(code)
    return button(f"{area.name if area else code} · {count}", "stk.size", code)


@router.callback_query(Tap("stk.size"))
async def sizes_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await stickers.areas_printed(desk.work, desk.who)
    code = word(args)
    keyboard = (*_sizes(desk.words, "stk.print", code), _back(desk.words, "stk.areas"))
    desk.show("sticker.size_ask", keyboard, area=desk.areas.name(code))


def _sizes(words: Words, action: str, subject: object) -> Keyboard:
    return column(
        *(button(words(f"sticker.size.{size}"), action, subject, size.value) for size in LabelSize)
    )


def _back(words: Words, action: str, *args: object) -> tuple[Button, ...]:
    return (button(words("back_button"), action, *args),)


def _size(args: tuple[str, ...]) -> LabelSize:
    if word(args, 1) not in tuple(LabelSize):
        raise Refusal("buttons.stale")
    return LabelSize(args[1])


@router.callback_query(Tap("stk.print"))
async def printed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    batch = await stickers.print_batch(desk.work, desk.who, word(args), _size(args))
    await _send_sheet(desk, batch)


@router.callback_query(Tap("stk.again"))
async def sheet_again(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """The same stickers once more, where the printer has eaten the sheet."""
    await _send_sheet(desk, await stickers.batch_for(desk.work, number(args), desk.who))


@router.callback_query(Tap("stk.first"))
async def first_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """Labels are dear: a page that was begun can be used up."""
    batch = await stickers.batch_for(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Sticking.FIRST.value, batch=batch.id)
    desk.reply.clear_buttons()
    cancel = column(button(desk.words("cancel_button"), "stk.cancel"))
    desk.say("sticker.first_ask", cancel, most=SHEETS[batch.size].count)


@router.message(At(Sticking.FIRST), Typed())
async def first_given(message: TelegramMessage, desk: Desk) -> None:
    batch = await stickers.batch_for(desk.work, int(desk.memory["batch"]), desk.who)
    said = (message.text or "").strip()
    first = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0
    await _send_sheet(desk, batch, skipped=first - 1)
    desk.dialogue.end()


async def _send_sheet(desk: Desk, batch: StickerBatch, *, skipped: int = 0) -> None:
    words = desk.words
    found = await stickers.stickers_in(desk.work, batch)
    good = [pair for pair in found if pair[0].state is not StickerState.EXPIRED]
    if not good:
        raise Refusal("sticker.batch_over", batch=batch.name)
    sheet = sheet_of(desk.work, batch.size, good, desk.around.bot_name, skipped=skipped)
    text = words.plural(
        "sticker.sheet",
        len(good),
        batch=batch.name,
        area=desk.areas.name(batch.area_code),
        pages=pages_of(batch.size, skipped + len(good)),
    )
    keyboard = column(
        button(words("sticker.receive_button"), "stk.receive", batch.id)
        if batch.received_by is None
        else None,
        button(words("sticker.first_button"), "stk.first", batch.id),
        button(words("sticker.open_batch_button"), "stk.batch", batch.id),
        button(words("home_button"), "home"),
    )
    file = Picture(kind=PictureKind.STICKERS, about=sheet.model_dump(mode="json"))
    name = f"{words('sticker.file_name')}-{batch.name}.pdf"
    desk.reply.clear_buttons()
    desk.reply.say(Message(text=text, keyboard=keyboard, pictures=(file,), document=name))


# what was printed


@router.callback_query(Tap("stk.batches"))
async def batches_shown(query: CallbackQuery, desk: Desk) -> None:
    words = desk.words
    found = await stickers.batches(desk.work, desk.who)
    rows = [
        button(
            f"{each.name} · {desk.areas.name(each.area_code)} · {each.count}", "stk.batch", each.id
        )
        for each in found
    ]
    key = "sticker.batches" if found else "sticker.no_batches"
    desk.show(key, (*column(*rows), _back(words, "stk.home")))


@router.callback_query(Tap("stk.batch"))
async def batch_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _show_batch(desk, await stickers.batch_for(desk.work, number(args), desk.who))


@router.callback_query(Tap("stk.receive"))
async def batch_received(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    batch = await stickers.receive(desk.work, number(args), desk.who)
    desk.reply.toast(desk.words("sticker.received", batch=batch.name))
    await _show_batch(desk, batch)


async def _show_batch(desk: Desk, batch: StickerBatch) -> None:
    words, work = desk.words, desk.work
    found = await stickers.stickers_in(work, batch)
    printer = officer_name(work, await person(work, batch.printed_by)) or words("log.an_officer")
    lines = [
        words(
            "sticker.batch",
            batch=batch.name,
            area=desk.areas.name(batch.area_code),
            count=batch.count,
            officer=printer,
            moment=words.moment(batch.printed_at),
        )
    ]
    if batch.received_by is not None and batch.received_at is not None:
        receiver = officer_name(work, await person(work, batch.received_by))
        lines.append(
            words(
                "sticker.batch_received",
                officer=receiver or words("log.an_officer"),
                moment=words.moment(batch.received_at),
            )
        )
    else:
        lines.append(words("sticker.batch_here"))
    lines += [
        words(f"sticker.count.{state}", count=count)
        for state in StickerState
        if (count := sum(sticker.state is state for sticker, _ in found))
    ]
    desk.reply.show(Message(text="\n".join(lines), keyboard=_batch_keyboard(words, batch, found)))


def _batch_keyboard(
    words: Words, batch: StickerBatch, found: list[tuple[Sticker, Camera]]
) -> Keyboard:
    """Those that are not on the wall first; what is over is left out."""
    open_ones = [pair for pair in found if pair[0].state is not StickerState.EXPIRED]
    open_ones.sort(key=lambda pair: pair[0].state is StickerState.PLACED)
    rows = [
        button(f"{_MARKS[sticker.state]} {camera.name}", "stk.show", sticker.id)
        for sticker, camera in open_ones[:_MOST_ROWS]
    ]
    actions = column(
        button(words("sticker.receive_button"), "stk.receive", batch.id)
        if batch.received_by is None
        else None,
        button(words("sticker.again_button"), "stk.again", batch.id) if open_ones else None,
    )
    return (*actions, *grid(rows, 3), _back(words, "stk.batches"))


# one sticker


@router.callback_query(Tap("stk.show"))
async def sticker_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    desk.dialogue.end()
    _, camera, role = await stickers.sticker_for(desk.work, number(args), desk.who)
    await show_record(desk, camera, role)


@router.callback_query(Tap("stk.hand"))
async def handed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await stickers.hand(desk.work, number(args), desk.who)
    await _changed(desk, number(args), "sticker.handed")


@router.callback_query(Tap("stk.back"))
async def taken_back(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await stickers.take_back(desk.work, number(args), desk.who)
    await _changed(desk, number(args), "sticker.taken_back")


async def _changed(desk: Desk, sticker_id: int, key: str) -> None:
    _, camera, role = await stickers.sticker_for(desk.work, sticker_id, desk.who)
    desk.reply.toast(desk.words(key, camera=camera.name))
    await show_record(desk, camera, role)


@router.callback_query(Tap("stk.new"))
async def reprint_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    sticker, camera, _ = await stickers.sticker_for(desk.work, number(args), desk.who)
    words = desk.words
    keyboard = (*_sizes(words, "stk.reprint", sticker.id), _back(words, "stk.show", sticker.id))
    desk.reply.clear_buttons()
    desk.say("sticker.reprint_ask", keyboard, camera=camera.name)


@router.callback_query(Tap("stk.reprint"))
async def reprinted(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    batch = await stickers.reprint(desk.work, desk.who, number(args), _size(args))
    await _send_sheet(desk, batch)


# the photo on the wall, by an officer or the owner


@router.callback_query(Tap("stk.photo"))
async def photo_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    sticker, camera = await stickers.placeable(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Sticking.PHOTO.value, sticker=sticker.id)
    desk.reply.clear_buttons()
    cancel = column(button(desk.words("cancel_button"), "stk.cancel"))
    desk.say("sticker.photo_ask", cancel, camera=camera.name)


@router.callback_query(Tap("stk.cancel"), At(*Sticking))
async def cancelled(query: CallbackQuery, desk: Desk) -> None:
    desk.leave_off()


@router.message(At(Sticking.PHOTO), Brings("photo"))
async def photo_sent(message: TelegramMessage, desk: Desk) -> None:
    assert message.photo
    largest = message.photo[-1]
    _, camera = await stickers.place(
        desk.work,
        int(desk.memory["sticker"]),
        desk.who,
        largest.file_id,
        largest.file_unique_id,
    )
    desk.dialogue.end()
    words = desk.words
    is_owner = camera.owner_id == desk.who.id
    next_step = (
        button(words("cameras.open_button"), "cam.show", camera.id)
        if is_owner
        else button(words("sticker.batches_button"), "stk.batches")
    )
    keyboard = column(next_step, button(words("home_button"), "home"))
    desk.say("sticker.placed", keyboard, camera=camera.name)
