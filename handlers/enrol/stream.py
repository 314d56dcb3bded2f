"""The stream: a whole address, or make and model first; then the check and what came of it."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column, grid
from nobs_bot.cameras.checks import ask_check, is_being_checked, slot_of
from nobs_bot.cameras.connection import (
    read_address,
    refuse_factory_password,
    set_stream,
    stream_of,
)
from nobs_bot.cameras.enrolment import decline_stream, touch
from nobs_bot.cameras.findings import progress_text
from nobs_bot.cameras.record import Camera, camera_of
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import tell
from nobs_bot.streams.address import AddressFault, StreamAddress
from nobs_bot.streams.check import Stage
from nobs_bot.streams.makes import MAKES, Make, build_address

from ..desk import Desk
from ..filters import At, Brings, Tap, Typed, number, word
from ..states import Enrol, Stream
from . import steps
from .screens import footer

router = Router(name="enrol.stream")

_DEFAULT_USER = "admin"


@router.callback_query(Tap("enrol.stream"))
async def stream_reopened(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """From the result of a check, which may be an old message."""
    camera = await _camera(desk, args)
    await steps.ask(desk, camera, Enrol.STREAM)


async def _camera(desk: Desk, args: tuple[str, ...]) -> Camera:
    """The camera of a button that may be old: the dialogue is about it again."""
    camera = await camera_of(desk.work, number(args), desk.who.id)
    if desk.memory.get("camera") != camera.id:
        desk.dialogue.end()
        desk.memory.update(camera=camera.id, editing="stream")
    return camera


@router.callback_query(Tap("stream.url"), At(Enrol.STREAM))
async def whole_address(query: CallbackQuery, desk: Desk) -> None:
    desk.dialogue.go(Stream.URL.value)
    desk.show("stream.url.ask", footer(desk.words))


@router.message(At(Stream.URL), Typed())
async def url_given(message: TelegramMessage, desk: Desk) -> None:
    await _keep(desk, read_address((message.text or "").strip()))


@router.callback_query(Tap("stream.make"), At(Enrol.STREAM))
async def makes_shown(query: CallbackQuery, desk: Desk) -> None:
    desk.dialogue.go(Stream.MAKE.value)
    makes = [button(make.label, "stream.of", make.key) for make in MAKES.values()]
    desk.show("stream.make.ask", (*grid(makes, 2), *footer(desk.words)))


@router.callback_query(Tap("stream.of"), At(Stream.MAKE))
async def make_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    make = MAKES.get(word(args))
    if make is None:
        raise Refusal("buttons.stale")
    words = desk.words
    desk.memory["parts"] = {"make": make.key}
    keyboard = column(
        button(words("stream.main_button"), "stream.which", "main"),
        button(words("stream.sub_button"), "stream.which", "sub"),
    )
    desk.show("stream.which.ask", (*keyboard, *footer(words)), make=make.label)


@router.callback_query(Tap("stream.which"), At(Stream.MAKE))
async def which_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if word(args) not in ("main", "sub") or "parts" not in desk.memory:
        raise Refusal("buttons.stale")
    desk.memory["parts"]["stream"] = args[0]
    desk.dialogue.go(Stream.HOST.value)
    desk.show("stream.host.ask", footer(desk.words))


@router.message(At(Stream.HOST), Typed())
async def host_given(message: TelegramMessage, desk: Desk) -> None:
    host = (message.text or "").strip()
    if "://" in host:
        await _keep(desk, read_address(host))
        return
    # host:port in one go is how routers show it
    name, _, port = host.partition(":")
    read_address(f"rtsp://{name}/")
    desk.memory["parts"]["host"] = name
    if port:
        _keep_port(desk, port)
        _ask_user(desk)
        return
    desk.dialogue.go(Stream.PORT.value)
    make = _make(desk)
    usual = button(desk.words("stream.port.usual_button", port=str(make.port)), "stream.port")
    desk.say("stream.port.ask", ((usual,), *footer(desk.words)))


@router.callback_query(Tap("stream.port"), At(Stream.PORT))
async def usual_port(query: CallbackQuery, desk: Desk) -> None:
    _keep_port(desk, str(_make(desk).port))
    _ask_user(desk)


@router.message(At(Stream.PORT), Typed())
async def port_given(message: TelegramMessage, desk: Desk) -> None:
    _keep_port(desk, (message.text or "").strip())
    _ask_user(desk)


def _make(desk: Desk) -> Make:
    return MAKES[desk.memory["parts"]["make"]]


def _keep_port(desk: Desk, text: str) -> None:
    if not (text.isdigit() and 1 <= int(text) <= 65535):
        raise Refusal("stream.port.wrong")
    desk.memory["parts"]["port"] = int(text)


def _ask_user(desk: Desk) -> None:
    desk.dialogue.go(Stream.USER.value)
    usual = button(_DEFAULT_USER, "stream.user")
    desk.show("stream.user.ask", ((usual,), *footer(desk.words)))


@router.callback_query(Tap("stream.user"), At(Stream.USER))
async def usual_user(query: CallbackQuery, desk: Desk) -> None:
    _ask_password(desk, _DEFAULT_USER)


@router.message(At(Stream.USER), Typed())
async def user_given(message: TelegramMessage, desk: Desk) -> None:
    user = (message.text or "").strip()
    if len(user) > 100 or "\n" in user:
        raise Refusal("stream.user.wrong")
    _ask_password(desk, user)


def _ask_password(desk: Desk, user: str) -> None:
    desk.memory.setdefault("parts", {})["user"] = user
    desk.dialogue.go(Stream.PASSWORD.value)
    desk.show("stream.password.ask", footer(desk.words))


# a password may begin with a slash; only a known command is one, and those routers come first
@router.message(At(Stream.PASSWORD), Brings("text"))
async def password_given(message: TelegramMessage, desk: Desk) -> None:
    password = (message.text or "").strip()
    if len(password) > 200 or "\n" in password:
        raise Refusal("stream.password.wrong")
    parts = desk.memory.get("parts") or {}
    if "make" in parts:
        address = _assembled(parts, password)
    else:
        camera = await steps.camera_at_hand(desk)
        known = stream_of(desk.work, camera)
        if known is None:
            raise Refusal("buttons.stale")
        try:
            address = known.with_credentials(parts.get("user", ""), password)
        except AddressFault:  # a control character, or too long once encoded
            raise Refusal("stream.password.wrong") from None
    await _keep(desk, address, parts.get("make"))


def _assembled(parts: dict[str, object], password: str) -> StreamAddress:
    try:
        return build_address(
            str(parts["make"]),
            str(parts["host"]),
            int(str(parts["port"])),
            str(parts["user"]),
            password,
            stream="sub" if parts["stream"] == "sub" else "main",
        )
    except AddressFault as fault:
        raise Refusal(f"stream.address.{fault.kind.value}") from None


async def _keep(desk: Desk, address: StreamAddress, make_key: str | None = None) -> None:
    refuse_factory_password(address, make_key)
    camera = await steps.camera_at_hand(desk)
    set_stream(desk.work, camera, address)
    touch(desk.work, camera)
    desk.memory.pop("parts", None)
    await start_check(desk, camera)


async def start_check(desk: Desk, camera: Camera) -> None:
    """Put the check into the queue and show that it has begun."""
    check = await ask_check(desk.work, camera, tell_owner=True)
    desk.dialogue.go(Stream.CHECKING.value, camera=camera.id)
    # through the outbox, so that it comes before the stages that follow in the same slot
    first = Message(text=progress_text(desk.words, next(iter(Stage))), slot=slot_of(check.id))
    desk.reply.clear_buttons()
    await tell(desk.work, desk.who, first, f"check:{check.id}:begun")


@router.callback_query(Tap("enrol.check"))
async def checked_again(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await _camera(desk, args)
    if stream_of(desk.work, camera) is None:
        raise Refusal("buttons.stale")
    if await is_being_checked(desk.work, camera.id):
        desk.reply.toast(desk.words("check.running"))
        return
    await start_check(desk, camera)


@router.callback_query(Tap("enrol.cred"))
async def credentials_again(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await _camera(desk, args)
    if stream_of(desk.work, camera) is None:
        raise Refusal("buttons.stale")
    desk.memory["parts"] = {}
    _ask_user(desk)


@router.callback_query(Tap("enrol.seen"))
async def picture_confirmed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await _camera(desk, args)
    await steps.ask(desk, camera, Enrol.SUMMARY)


@router.callback_query(Tap("enrol.nostream"))
async def stream_declined(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await _camera(desk, args)
    decline_stream(desk.work, camera)
    camera.share_footage = True
    desk.reply.toast(desk.words("stream.declined"))
    await steps.ask(desk, camera, Enrol.SUMMARY)


@router.callback_query(Tap("enrol.access"))
async def access_explained(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await _camera(desk, args)
    words = desk.words
    desk.say(
        "stream.open_access",
        column(
            button(words("check.without_button"), "enrol.nostream", camera.id),
            button(words("check.edit_button"), "enrol.stream", camera.id),
        ),
    )


@router.message(At(Stream.CHECKING))
async def still_checking(message: TelegramMessage, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    if await is_being_checked(desk.work, camera.id):
        desk.say("check.running")
    else:
        await steps.ask(desk, camera, Enrol.SUMMARY)
