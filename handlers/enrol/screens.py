"""What each question looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nobs_bot.buttons import Button, Keyboard, button, column, grid
from nobs_bot.cameras.checks import last_check
from nobs_bot.cameras.connection import stream_of
from nobs_bot.cameras.describing import retention_text, sharing_text, view_text
from nobs_bot.cameras.findings import short_finding
from nobs_bot.cameras.photos import MOST_PHOTOS, photo_count
from nobs_bot.cameras.record import Camera, PlaceKind, State, Width, contact_of
from nobs_bot.console.compass_page import PATH as COMPASS_PATH
from nobs_bot.coverage.cones import cone_of
from nobs_bot.coverage.drawing import Cone, MapView
from nobs_bot.messaging.message import Message
from nobs_bot.texts import Markup, Words

from ..desk import Desk, map_picture
from ..states import Enrol

COMPASS = ((315, 0, 45), (270, None, 90), (225, 180, 135))
RANGES_M = (10, 20, 40, 80)
RETENTION_DAYS = (3, 7, 14, 30)
PIN_SPAN_M = 240.0
# a phone that owns to more may point at the neighbour's house
COARSE_M = 20.0
NUDGES_M = (5, 25)

# the dialogue is an officer's, who writes down another's camera
_ON_FOOT = "on_foot"

Screen = Callable[[Desk, Camera], Awaitable[Message]]


def is_on_foot(desk: Desk) -> bool:
    """Whether an officer records another's camera, and not an owner their own."""
    return bool(desk.memory.get(_ON_FOOT))


def go_on_foot(desk: Desk) -> None:
    """From now on until the dialogue ends, an officer records another's camera."""
    desk.memory[_ON_FOOT] = True


async def screen(desk: Desk, camera: Camera, step: Enrol) -> Message:
    """The message that asks a question."""
    return await _SCREENS[step](desk, camera)


def footer(words: Words, *, first: bool = False) -> Keyboard:
    """Back and cancel, at the bottom of every question."""
    cancel = button(words("cancel_button"), "enrol.cancel")
    return ((cancel,),) if first else ((button(words("back_button"), "enrol.back"), cancel),)


def way_back(words: Words) -> tuple[str, ...]:
    """The same, as labels beside a button that hands over a number or a place."""
    return words("back_button"), words("cancel_button")


async def _place(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    kinds = [button(words(f"place.{kind}"), "enrol.place", kind.value) for kind in PlaceKind]
    first = not desk.memory.get("editing")
    return _asked(desk, Enrol.PLACE, "enrol.place.ask", grid(kinds, 2), first=first)


async def _name(desk: Desk, camera: Camera) -> Message:
    known = contact_of(desk.work, camera).name
    keep = button(desk.words("enrol.name.keep_button", name=known), "enrol.keep") if known else None
    if is_on_foot(desk):
        keep = keep or button(desk.words("record.skip_button"), "enrol.keep")
        return _asked(desk, Enrol.NAME, "record.name.ask", column(keep))
    return _asked(desk, Enrol.NAME, "enrol.name.ask", column(keep))


async def _phone(desk: Desk, camera: Camera) -> Message:
    words, known = desk.words, contact_of(desk.work, camera).phone
    if is_on_foot(desk):
        label = (
            words("enrol.phone.keep_button", phone=known) if known else words("record.skip_button")
        )
        return _asked(desk, Enrol.PHONE, "record.phone.ask", column(button(label, "enrol.keep")))
    if known:
        keep = button(words("enrol.phone.keep_button", phone=known), "enrol.keep")
        return _asked(desk, Enrol.PHONE, "enrol.phone.ask_known", column(keep))
    asked = _asked(desk, Enrol.PHONE, "enrol.phone.ask", ())
    return asked.model_copy(
        update={
            "keyboard": (),
            "ask_contact": words("enrol.phone.contact_button"),
            "words_to_tap": way_back(desk.words),
        }
    )


async def _location(desk: Desk, camera: Camera) -> Message:
    key = "enrol.location.ask_address" if desk.around.has_geocoder else "enrol.location.ask"
    asked = _asked(desk, Enrol.LOCATION, key, ())
    return asked.model_copy(
        update={
            "keyboard": (),
            "ask_location": desk.words("enrol.location.here_button"),
            "words_to_tap": way_back(desk.words),
        }
    )


async def _pin(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    steps = ((0, 1, "↑"), (-1, 0, "←"), (1, 0, "→"), (0, -1, "↓"))
    # no-break spaces: four buttons a row leave no room for a second line
    small, large = (
        [
            button(
                f"{arrow}\N{NO-BREAK SPACE}{metres}\N{NO-BREAK SPACE}m",
                "enrol.nudge",
                east * metres,
                north * metres,
            )
            for east, north, arrow in steps
        ]
        for metres in NUDGES_M
    )
    keyboard = (
        (button(words("enrol.pin.yes_button"), "enrol.pin"),),
        tuple(small),
        tuple(large),
        *footer(words),
    )
    assert camera.lat is not None
    assert camera.lon is not None
    view = MapView(
        lat=camera.lat,
        lon=camera.lon,
        span_m=PIN_SPAN_M,
        pin=True,
        north=words("map.north"),
    )
    road = desk.around.base.nearest_road(camera.lat, camera.lon)
    area = desk.areas.name(camera.area_code)
    text = words("enrol.pin.ask", area=area, road=road or "–")
    if camera.accuracy_m is not None and camera.accuracy_m > COARSE_M:
        text += "\n\n" + words("record.coarse", metres=round(camera.accuracy_m))
    return Message(text=text, keyboard=keyboard, pictures=(map_picture(view),))


async def _photos(desk: Desk, camera: Camera) -> Message:
    count = await photo_count(desk.work, camera.id)
    if count:
        return photos_so_far(desk, count)
    skip: Keyboard = ()
    if is_on_foot(desk):
        skip = column(button(desk.words("record.no_photos_button"), "enrol.photos"))
    return _asked(desk, Enrol.PHOTOS, "enrol.photos.ask", skip, most=MOST_PHOTOS)


def photos_so_far(desk: Desk, count: int) -> Message:
    """How many photos there are; one message for a whole album, changed in place."""
    words = desk.words
    keyboard = (
        (button(words("continue_button"), "enrol.photos"),),
        (button(words("enrol.photos.anew_button"), "enrol.photos_anew"),),
        *footer(words),
    )
    text = words.plural("enrol.photos.so_far", count, most=MOST_PHOTOS)
    return Message(text=text, keyboard=keyboard, slot="enrol.photos")


async def _heading(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    if "panning" in desk.memory:
        return _panning(desk)
    rows = [
        tuple(
            button("📷", "enrol.noop")
            if heading is None
            else button(words(f"compass.{heading}"), "enrol.heading", heading)
            for heading in row
        )
        for row in COMPASS
    ]
    unknown = button(words("enrol.heading.unknown_button"), "enrol.heading", "unknown")
    pans = button(words("enrol.panning.button"), "enrol.panning")
    point = _compass(desk)
    rows = [*rows, (point,)] if point else rows
    return _asked(desk, Enrol.HEADING, "enrol.heading.ask", (*rows, (pans,), (unknown,)))


def _compass(desk: Desk) -> Button | None:
    """Opens the phone's compass; Telegram opens nothing inside of itself but by https."""
    pages = desk.work.settings.pages
    if not pages or not pages.startswith("https://"):
        return None
    address = f"{pages}{COMPASS_PATH}/?lang={desk.words.language}"
    return Button(label=desk.words("enrol.heading.compass_button"), url=address, in_app=True)


def _panning(desk: Desk) -> Message:
    """The directions between which the camera pans, as switches round it."""
    words, chosen = desk.words, set(desk.memory["panning"])
    rows = [
        tuple(
            button("📷", "enrol.noop")
            if heading is None
            else button(
                ("✅ " if heading in chosen else "") + words(f"compass.{heading}"),
                "enrol.pan",
                heading,
            )
            for heading in row
        )
        for row in COMPASS
    ]
    more = column(
        button(words("continue_button"), "enrol.panned"),
        button(words("enrol.panning.one_way_button"), "enrol.one_way"),
    )
    return _asked(desk, Enrol.HEADING, "enrol.panning.ask", (*rows, *more))


async def _width(desk: Desk, camera: Camera) -> Message:
    widths = [button(desk.words(f"width.{each}"), "enrol.width", each.value) for each in Width]
    return _asked(desk, Enrol.WIDTH, "enrol.width.ask", column(*widths))


async def _range(desk: Desk, camera: Camera) -> Message:
    ranges = [button(desk.words(f"range.{each}"), "enrol.range", each) for each in RANGES_M]
    return _asked(desk, Enrol.RANGE, "enrol.range.ask", column(*ranges))


async def _indoors(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    choices = [
        button(words("indoors.no"), "enrol.indoors", "no"),
        button(words("indoors.yes"), "enrol.indoors", "yes"),
    ]
    return _asked(desk, Enrol.INDOORS, "enrol.indoors.ask", grid(choices, 2))


async def _view(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    good = button(words("enrol.view.yes_button"), "enrol.view")
    turns: tuple[Button, ...] = ()
    has_one_way = camera.heading_deg is not None and not camera.is_panning
    if has_one_way and camera.width is not Width.ALL_ROUND:
        turns = (
            button("↺ 15°", "enrol.turn", -15),
            button("15° ↻", "enrol.turn", 15),
        )
    keyboard = tuple(row for row in ((good,), turns, *footer(words)) if row)
    is_drawn = camera.heading_deg is not None or camera.width is Width.ALL_ROUND
    key = "enrol.view.ask" if is_drawn else "enrol.view.unknown"
    picture = map_picture(camera_map(words, camera))
    return Message(text=words(key), keyboard=keyboard, pictures=(picture,))


def camera_map(
    words: Words, camera: Camera, others: tuple[Cone, ...] = (), *, own: str = "map.own"
) -> MapView:
    """A map of the camera with its cone, and of others near it."""
    assert camera.lat is not None
    assert camera.lon is not None
    cone = cone_of(camera)
    legend = [("own", words(own))]
    if others:
        legend.append(("other", words("map.others")))
    return MapView(
        lat=camera.lat,
        lon=camera.lon,
        span_m=max(140.0, (camera.range_m or 20.0) * 5),
        cones=(*others, cone),
        legend=tuple(legend),
        north=words("map.north"),
    )


async def _retention(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    days = [button(words.plural("days", each), "enrol.retention", each) for each in RETENTION_DAYS]
    unknown = button(words("enrol.retention.none_button"), "enrol.retention", 0)
    return _asked(desk, Enrol.RETENTION, "enrol.retention.ask", (*grid(days, 2), (unknown,)))


async def _sharing(desk: Desk, camera: Camera) -> Message:
    keyboard = (
        *sharing_switches(desk.words, camera, "enrol.share"),
        (button(desk.words("continue_button"), "enrol.shared"),),
    )
    return _asked(desk, Enrol.SHARING, "enrol.sharing.ask", keyboard)


def sharing_switches(words: Words, camera: Camera, action: str) -> Keyboard:
    """A switch for each thing that can be shared, with its present position."""
    return tuple(
        (
            button(
                ("✅ " if getattr(camera, f"share_{what}") else "⬜ ") + words(f"share.{what}"),
                action,
                what,
                *([camera.id] if action != "enrol.share" else []),
            ),
        )
        for what in ("footage", "stills", "live")
    )


async def _stream(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    keyboard = column(
        button(words("stream.make_button"), "stream.make"),
        button(words("stream.url_button"), "stream.url"),
        button(words("check.without_button"), "enrol.nostream", camera.id),
    )
    return _asked(desk, Enrol.STREAM, "stream.ask", keyboard)


async def _summary(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    fields = ["place", "name", "phone", "location", "photos", "view", "retention", "sharing"]
    if camera.needs_stream:
        fields.append("stream")
    edits = [button("✏️ " + words(f"field.{each}"), "enrol.field", each) for each in fields]
    again = camera.state is not State.DRAFT
    submit = button(words("enrol.summary.submit_button"), "enrol.submit", camera.id)
    cancel = button(words("close_button" if again else "cancel_button"), "enrol.cancel")
    text = await summary_text(desk, camera)
    return Message(text=text, keyboard=((submit,), *grid(edits, 2), (cancel,)))


async def summary_text(desk: Desk, camera: Camera) -> str:
    """All fields of a camera, for its owner."""
    words, contact = desk.words, contact_of(desk.work, camera)
    return words(
        "enrol.summary.text",
        place=Markup(words(f"place.{camera.place_kind}") if camera.place_kind else "–"),
        name=contact.name or "–",
        phone=contact.phone or "–",
        verified=Markup(" ✅" if contact.phone_verified else ""),
        area=desk.areas.name(camera.area_code) or "–",
        photos=await photo_count(desk.work, camera.id),
        view=Markup(view_text(words, camera)),
        retention=Markup(retention_text(words, camera)),
        sharing=Markup(sharing_text(words, camera)),
        stream=Markup(await stream_text(desk, camera)),
    )


async def stream_text(desk: Desk, camera: Camera) -> str:
    """Whether there is a stream and what the last check found; never its address."""
    words = desk.words
    if stream_of(desk.work, camera) is None:
        return words("stream.none")
    check = await last_check(desk.work, camera)
    return short_finding(words, check.report if check else None)


def _asked(
    desk: Desk,
    step: Enrol,
    key: str,
    keyboard: Keyboard,
    *,
    first: bool = False,
    **params: object,
) -> Message:
    """A question with its place in the order and the way back."""
    words = desk.words
    text = words(key, **params)
    if not desk.memory.get("editing"):
        chapters = _CHAPTERS_ON_FOOT if is_on_foot(desk) else _CHAPTERS
        text = f"<i>{_place_in_order(words, chapters, step)}</i>\n\n{text}"
    return Message(text=text, keyboard=(*keyboard, *footer(words, first=first)))


_CHAPTERS = ("place", "name", "phone", "location", "photos", "heading", "retention", "sharing")
_SAME_CHAPTER = {
    "pin": "location",
    "width": "heading",
    "range": "heading",
    "indoors": "heading",
    "view": "heading",
    "stream": "sharing",
}


_CHAPTERS_ON_FOOT = ("place", "location", "photos", "heading", "name", "phone")


def _place_in_order(words: Words, chapters: tuple[str, ...], step: Enrol) -> str:
    name = step.value.split(".")[1]
    chapter = chapters.index(_SAME_CHAPTER.get(name, name)) + 1
    return words("enrol.step", number=chapter, total=len(chapters))


_SCREENS: dict[Enrol, Screen] = {
    Enrol.PLACE: _place,
    Enrol.NAME: _name,
    Enrol.PHONE: _phone,
    Enrol.LOCATION: _location,
    Enrol.PIN: _pin,
    Enrol.PHOTOS: _photos,
    Enrol.HEADING: _heading,
    Enrol.WIDTH: _width,
    Enrol.RANGE: _range,
    Enrol.INDOORS: _indoors,
    Enrol.VIEW: _view,
    Enrol.RETENTION: _retention,
    Enrol.SHARING: _sharing,
    Enrol.STREAM: _stream,
    Enrol.SUMMARY: _summary,
}
