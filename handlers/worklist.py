"""The worklist of turns: for officers one camera at a time, for owners the question itself."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, Keyboard, button, column
from nobs_bot.cameras.record import Camera, Turning
from nobs_bot.coverage import worklist
from nobs_bot.coverage.turn import Turn, TurnState, gain_words, how_far, turn_picture
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import Role, acting_as, areas_of
from nobs_bot.storage.audit import Act, record
from nobs_bot.texts import Markup

from .desk import Desk
from .filters import At, Brings, Says, Tap, number, shared_place
from .states import Walking

router = Router(name="worklist")


@router.message(Command("tugas", "worklist"))
async def worklist_command(message: TelegramMessage, desk: Desk) -> None:
    await _first(desk)


@router.callback_query(Tap("turn.list"))
async def list_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _first(desk)


async def _first(desk: Desk, near: tuple[float, float] | None = None) -> None:
    """The camera that comes first, and how many there are."""
    desk.dialogue.end()
    words = desk.words
    rows = await worklist.worklist(desk.work, desk.who, near=near)
    if not rows:
        may_plan = bool(await areas_of(desk.work, desk.who.id, Role.SUPERVISOR))
        plan = button(words("worklist.plan_button"), "cov.plans") if may_plan else None
        desk.show("turn.none", column(plan, button(words("home_button"), "home")))
        return
    await _show(desk, *rows[0], place=(1, len(rows)), near=near)


@router.callback_query(Tap("turn.next"))
async def next_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """The one after the one that was shown; after the last the first again."""
    near = _near(args)
    rows = await worklist.worklist(desk.work, desk.who, near=near)
    if not rows:
        raise Refusal("turn.over")
    ids = [turn.id for turn, _ in rows]
    shown = number(args)
    at = (ids.index(shown) + 1) % len(ids) if shown in ids else 0
    await _show(desk, *rows[at], place=(at + 1, len(rows)), near=near)


@router.callback_query(Tap("turn.show"))
async def shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    turn, camera = await worklist.turn_for(desk.work, number(args), desk.who)
    await _show(desk, turn, camera)


async def _show(
    desk: Desk,
    turn: Turn,
    camera: Camera,
    *,
    place: tuple[int, int] | None = None,
    near: tuple[float, float] | None = None,
) -> None:
    words = desk.words
    if camera.owner_id != desk.who.id:
        record(
            desk.work,
            Act.COVERAGE_SEEN,
            actor_id=desk.who.id,
            actor_role=await acting_as(desk.work, desk.who.id, turn.area_code),
            owner_id=camera.owner_id,
            camera_id=camera.id,
        )
    assert camera.lat is not None
    assert camera.lon is not None
    road = desk.around.base.nearest_road(camera.lat, camera.lon)
    area = desk.areas.name(camera.area_code)
    text = words(
        "turn.task",
        camera=camera.name,
        place=f"{road}, {area}" if road else area,
        link=Markup(f"https://www.google.com/maps?q={camera.lat:.6f},{camera.lon:.6f}"),
        how=Markup(how_far(words, turn)),
        gain=Markup(gain_words(words, turn)),
        state=Markup(words(f"turn.state.{turn.state}")),
    )
    if place is not None:
        text = words("turn.place", at=place[0], count=place[1]) + "\n" + text
    desk.reply.clear_buttons()
    desk.reply.say(
        Message(
            text=text,
            keyboard=(*_steps(desk, turn), *_walk(desk, turn, near)),
            pictures=(turn_picture(words, turn, camera),),
            protected=True,
        )
    )


def _steps(desk: Desk, turn: Turn) -> Keyboard:
    """What the officer can do about it now."""
    words = desk.words
    steps: dict[TurnState, tuple[Button, ...]] = {
        TurnState.PROPOSED: (button(words("turn.ask_button"), "turn.ask", turn.id),),
        TurnState.AGREED: (
            button(words("turn.done_button"), "turn.done", turn.id),
            button(words("turn.eye_button"), "turn.eye", turn.id),
        ),
        TurnState.TURNED: (button(words("turn.eye_button"), "turn.eye", turn.id),),
    }
    return column(*steps.get(turn.state, ()))


def _walk(desk: Desk, turn: Turn, near: tuple[float, float] | None) -> Keyboard:
    words = desk.words
    here = (f"{near[0]:.5f}", f"{near[1]:.5f}") if near else ()
    return column(
        button(words("turn.next_button"), "turn.next", turn.id, *here),
        button(words("turn.near_button"), "turn.near"),
        button(words("home_button"), "home"),
    )


def _near(args: tuple[str, ...]) -> tuple[float, float] | None:
    try:
        lat, lon = (float(each) for each in args[1:3])
    except ValueError:
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


# by nearness


@router.callback_query(Tap("turn.near"))
async def near_asked(query: CallbackQuery, desk: Desk) -> None:
    await worklist.areas_walked(desk.work, desk.who)
    desk.dialogue.end()
    desk.ask_place("turn.near_ask", Walking.HERE)


@router.message(At(Walking.HERE), Says("cancel_button"))
async def near_cancelled(message: TelegramMessage, desk: Desk) -> None:
    desk.leave_off()


@router.message(At(Walking.HERE), Brings("location", "venue"))
async def near_shared(message: TelegramMessage, desk: Desk) -> None:
    await _first(desk, shared_place(message))


# what is done about one


@router.callback_query(Tap("turn.ask"))
async def owner_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    turn = await worklist.ask_owner(desk.work, number(args), desk.who)
    await _said(desk, turn, "turn.asked")


@router.callback_query(Tap("turn.eye"))
async def seen_by_eye(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    turn, _ = await worklist.seen_by_eye(desk.work, number(args), desk.who)
    await _said(desk, turn, "turn.seen")


@router.callback_query(Tap("turn.done"))
async def done(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    turn, will_show = await worklist.done(desk.work, number(args), desk.who)
    await _said(desk, turn, "turn.looking" if will_show else "turn.will_look")


@router.callback_query(Tap("turn.yes", "turn.no", "turn.fixed"))
async def answered(query: CallbackQuery, desk: Desk, action: str, args: tuple[str, ...]) -> None:
    reply = {
        "turn.yes": Turning.WILLING,
        "turn.no": Turning.UNWILLING,
        "turn.fixed": Turning.FIXED,
    }[action]
    turn = await worklist.answer(desk.work, number(args), desk.who, reply)
    if reply is Turning.WILLING:
        words = desk.words
        desk.reply.clear_buttons()
        keyboard = column(button(words("turn.done_button"), "turn.done", turn.id))
        desk.say("turn.agreed", keyboard, how=Markup(how_far(words, turn)))
        return
    await _said(desk, turn, "turn.declined")


async def _said(desk: Desk, turn: Turn, key: str) -> None:
    words = desk.words
    camera = await desk.work.session.get(Camera, turn.camera_id)
    assert camera is not None
    is_owner = camera.owner_id == desk.who.id
    keyboard = column(
        None if is_owner else button(words("turn.next_button"), "turn.next", turn.id),
        button(words("home_button"), "home"),
    )
    desk.reply.clear_buttons()
    desk.say(key, keyboard, camera=camera.name)
