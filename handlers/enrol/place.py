"""Place, contact, location and photos."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.cameras import enrolment
from nobs_bot.cameras.photos import MOST_BYTES, add_photo, drop_photos, photo_count
from nobs_bot.cameras.record import PlaceKind
from nobs_bot.cameras.recording import locate
from nobs_bot.errors import Refusal
from nobs_bot.places.geocode import look_up
from nobs_bot.places.reading import read_location

from ..desk import Desk
from ..filters import At, Brings, Tap, Typed, number, shared_place, word
from ..states import Enrol
from . import steps
from .screens import is_on_foot, photos_so_far

router = Router(name="enrol.place")

MOST_NUDGE_M = 50
LOOKUP_PURPOSE = "enrol"


@router.callback_query(Tap("enrol.place"), At(Enrol.PLACE))
async def place_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    if word(args) not in tuple(PlaceKind):
        raise Refusal("buttons.stale")
    enrolment.set_place_kind(desk.work, camera, PlaceKind(args[0]))
    await steps.forth(desk, camera, Enrol.PLACE)


@router.message(At(Enrol.NAME), Typed())
async def name_given(message: TelegramMessage, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    owner = await steps.owner_at_hand(desk, camera)
    enrolment.set_contact_name(desk.work, camera, owner, message.text or "")
    await steps.forth(desk, camera, Enrol.NAME)


@router.callback_query(Tap("enrol.keep"), At(Enrol.NAME, Enrol.PHONE))
async def kept_as_it_is(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    await steps.forth(desk, camera, Enrol(desk.dialogue.state or ""))


@router.message(At(Enrol.PHONE), Brings("contact"))
async def contact_shared(message: TelegramMessage, desk: Desk) -> None:
    assert message.contact is not None
    phone = message.contact.phone_number
    camera = await steps.camera_at_hand(desk)
    if is_on_foot(desk):
        owner = await steps.owner_at_hand(desk, camera)
        enrolment.set_contact_phone(desk.work, camera, owner, phone, verified=False)
        await steps.forth(desk, camera, Enrol.PHONE)
        return
    # Telegram vouches only for the number of the account that sends it
    is_own = message.contact.user_id == desk.who.telegram_id
    if not is_own:
        raise Refusal("enrol.phone.not_own")
    enrolment.set_contact_phone(desk.work, camera, desk.who, phone, verified=True)
    await steps.forth(desk, camera, Enrol.PHONE)


@router.message(At(Enrol.PHONE), Typed())
async def phone_typed(message: TelegramMessage, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    owner = await steps.owner_at_hand(desk, camera)
    enrolment.set_contact_phone(desk.work, camera, owner, message.text or "", verified=False)
    await steps.forth(desk, camera, Enrol.PHONE)


@router.message(At(Enrol.LOCATION, Enrol.PIN), Brings("location", "venue"))
async def location_shared(message: TelegramMessage, desk: Desk) -> None:
    accuracy_m = message.location.horizontal_accuracy if message.location else None
    await _locate(desk, *shared_place(message), accuracy_m=accuracy_m)


@router.message(At(Enrol.LOCATION, Enrol.PIN), Typed())
async def location_typed(message: TelegramMessage, desk: Desk) -> None:
    point = read_location(message.text or "", desk.areas)
    if point is not None:
        await _locate(desk, point.lat, point.lon)
    elif desk.around.has_geocoder and len(message.text or "") <= 200:
        look_up(desk.work, desk.who.id, LOOKUP_PURPOSE, message.text or "")
        desk.say("location.looking_up")
    else:
        raise Refusal("location.unreadable")


@router.callback_query(Tap("enrol.at"), At(Enrol.LOCATION, Enrol.PIN))
async def address_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _locate(desk, *read_coordinates(args))


def read_coordinates(args: tuple[str, ...]) -> tuple[float, float]:
    """The coordinates in a payload; raises `Refusal` where they are none."""
    try:
        return float(word(args, 0)), float(word(args, 1))
    except ValueError:
        raise Refusal("buttons.stale") from None


async def _locate(desk: Desk, lat: float, lon: float, accuracy_m: float | None = None) -> None:
    camera = await steps.camera_at_hand(desk)
    if is_on_foot(desk):
        await locate(desk.work, camera, desk.who, desk.areas, (lat, lon), accuracy_m=accuracy_m)
    else:
        enrolment.set_location(desk.work, camera, desk.areas, lat, lon)
    await steps.ask(desk, camera, Enrol.PIN)


@router.callback_query(Tap("enrol.nudge"), At(Enrol.PIN))
async def nudged(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    east, north = number(args, 0), number(args, 1)
    if max(abs(east), abs(north)) > MOST_NUDGE_M:
        raise Refusal("buttons.stale")
    camera = await steps.camera_at_hand(desk)
    enrolment.nudge(desk.work, camera, desk.areas, east, north)
    # the pin is by eye now, and no phone vouches for it
    camera.accuracy_m = None
    await steps.ask(desk, camera, Enrol.PIN)


@router.callback_query(Tap("enrol.pin"), At(Enrol.PIN))
async def pin_confirmed(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    await steps.forth(desk, camera, Enrol.PIN)


@router.message(At(Enrol.PHOTOS), Brings("photo"))
async def photo_sent(message: TelegramMessage, desk: Desk) -> None:
    assert message.photo
    largest = message.photo[-1]
    await _take_photo(desk, largest.file_id, largest.file_unique_id)


@router.message(At(Enrol.PHOTOS), Brings("document"))
async def document_sent(message: TelegramMessage, desk: Desk) -> None:
    document = message.document
    assert document is not None
    if not (document.mime_type or "").startswith("image/"):
        raise Refusal("enrol.photos.only_pictures")
    if (document.file_size or 0) > MOST_BYTES:
        raise Refusal("enrol.photos.too_large")
    await _take_photo(desk, document.file_id, document.file_unique_id)


async def _take_photo(desk: Desk, file_id: str, unique_id: str) -> None:
    camera = await steps.camera_at_hand(desk)
    count = await add_photo(desk.work, camera, file_id, unique_id)
    enrolment.touch(desk.work, camera)
    desk.reply.say(photos_so_far(desk, count))


@router.callback_query(Tap("enrol.photos"), At(Enrol.PHOTOS))
async def photos_done(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    if not is_on_foot(desk) and await photo_count(desk.work, camera.id) == 0:
        raise Refusal("enrol.photos.none_yet")
    await steps.forth(desk, camera, Enrol.PHOTOS)


@router.callback_query(Tap("enrol.photos_anew"), At(Enrol.PHOTOS))
async def photos_dropped(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    await drop_photos(desk.work, camera.id)
    enrolment.touch(desk.work, camera)
    await desk.work.session.flush()
    await steps.ask(desk, camera, Enrol.PHOTOS)
