"""Carrying out what officers wait for: coverage, a worklist, places to recruit."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.cameras.photos import TelegramFiles
from nobs_bot.coverage import worklist
from nobs_bot.coverage.chart import FAR_M, SIZE_PX, Chart
from nobs_bot.coverage.exporting import as_geojson, cameras_in, note_exported
from nobs_bot.coverage.history import keep_figures, since_last_week
from nobs_bot.coverage.hotspots import Hotspot, current, enter_all, known_areas, read_table
from nobs_bot.coverage.orders import CoverageOrder, Wanted
from nobs_bot.coverage.shown import let_owners_know
from nobs_bot.coverage.surveyor import Standing, Surveyor, standing
from nobs_bot.coverage.telling import Reckoned, after_coverage, coverage_text, recruit_message
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, covers, holders, holds, require, require_at
from nobs_bot.places.areas import Areas
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import doom
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import backoff, claim, held, holding, postpone
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import Words

log = logging.getLogger(__name__)

RECRUITED = 12
AIM_S = 8.0
MOST_TABLE_BYTES = 512 * 1024
_LEASE = timedelta(minutes=4)
_MOST_ATTEMPTS = 3
# as long as a message may wait in the outbox
_PICTURE_KEPT = timedelta(days=3)


# ordering


async def order(
    work: Work,
    officer: Person,
    what: Wanted,
    area_code: str,
    place: tuple[float, float, float] | None = None,
) -> bool:
    """
    Have something reckoned; it comes as a message.

    Args:
        place: (lat, lon, radius in metres) for a look close up.

    Returns:
        Whether the order is new; one that still waits is not given twice.

    Raises:
        Refusal: the officer has no say in this area.
    """
    await allowed(work, officer, what, area_code)
    lat, lon, radius_m = place or (None, None, None)
    same = select(CoverageOrder.id).where(
        CoverageOrder.what == what,
        CoverageOrder.officer_id == officer.id,
        CoverageOrder.area_code == area_code,
        CoverageOrder.lat == lat,
        CoverageOrder.lon == lon,
        CoverageOrder.radius_m == radius_m,
    )
    if (await work.session.execute(same)).first() is not None:
        return False
    work.session.add(
        CoverageOrder(
            id=new_id(),
            what=what,
            officer_id=officer.id,
            area_code=area_code,
            lat=lat,
            lon=lon,
            radius_m=radius_m,
            ordered_at=work.now,
            due_at=work.now,
            attempts=0,
        )
    )
    return True


async def order_table(work: Work, officer: Person, file_id: str) -> None:
    """Have a table of hotspots fetched and taken in; raises `Refusal` where it may not be."""
    [area, *_] = await require(work, officer.id, Role.SUPERVISOR)
    work.session.add(
        CoverageOrder(
            id=new_id(),
            what=Wanted.TABLE,
            officer_id=officer.id,
            area_code=area,
            source=file_id,
            ordered_at=work.now,
            due_at=work.now,
            attempts=0,
        )
    )


async def allowed(work: Work, officer: Person, what: Wanted, area_code: str) -> None:
    """Raises `Refusal` where the officer may not have this of the area."""
    if what in (Wanted.WORKLIST, Wanted.EXPORT, Wanted.TABLE):
        await require_at(work, officer.id, Role.SUPERVISOR, area_code)
        return
    if not any(covers(area, area_code) for area in await known_areas(work, officer)):
        raise Refusal("roles.not_here")


# carrying out


@dataclass(frozen=True)
class Means:
    """What carrying out takes."""

    office: Office
    files: FileStore
    surveyor: Surveyor
    areas: Areas
    downloads: TelegramFiles


async def carry_out(means: Means) -> int:
    """Carry one order out; returns how many were worked on."""
    office = means.office
    async with office.work() as work:
        rows = await claim(work, CoverageOrder, lease=_LEASE, limit=1)
    for row in rows:
        async with holding(office, CoverageOrder, row.id, row.attempts, _LEASE):
            try:
                await _Carrying(means, row).run()
            except Refusal as refusal:
                await _cannot(office, row, refusal)
            except Exception as exc:
                if not isinstance(exc, ExternalError):
                    log.exception("an order for coverage broke off")
                await _again(office, row, type(exc).__name__)
    return len(rows)


class _Carrying:
    """One order under way."""

    def __init__(self, means: Means, row: CoverageOrder) -> None:
        self._office = means.office
        self._files = means.files
        self._surveyor = means.surveyor
        self._areas = means.areas
        self._downloads = means.downloads
        self._row = row

    async def run(self) -> None:
        async with self._office.look() as work:
            officer = await person(work, self._row.officer_id)
            await allowed(work, officer, self._row.what, self._row.area_code)
            stand = await standing(work) if self._row.what is not Wanted.TABLE else None
        if stand is None:
            await self._table()
            return
        match self._row.what:
            case Wanted.COVERAGE:
                await self._coverage(stand)
            case Wanted.WORKLIST:
                await self._worklist(stand)
            case Wanted.RECRUIT:
                await self._recruit(stand)
            case Wanted.EXPORT:
                await self._export()

    async def _coverage(self, stand: Standing) -> None:
        row = self._row
        async with self._office.look() as work:
            officer = await person(work, row.officer_id)
            words = words_for(work, officer)
            # a circle may reach over the border; beyond the officer's own areas nothing is told
            areas = await known_areas(work, officer) if row.radius_m else [row.area_code]
            hotspots = await current(work, areas)
            chart = self._chart(words, hotspots, areas)
        circle = {"lat": row.lat, "lon": row.lon, "radius_m": row.radius_m}
        figures = await self._surveyor.ask("figures", stand, areas=areas, **circle)
        drawn = chart.model_dump(mode="json")
        picture = await self._surveyor.draw("picture", stand, chart=drawn)
        name = f"coverage/{self._row.id}-{self._row.attempts}"
        async with self._office.work() as work:
            doom(work, name, after=_PICTURE_KEPT)
        await self._files.put(name, picture)
        async with self._office.work() as work:
            if not await self._settled(work):
                return
            officer = await person(work, self._row.officer_id)
            await allowed(work, officer, self._row.what, self._row.area_code)
            may_plan = await holds(work, officer.id, Role.SUPERVISOR, self._row.area_code)
            await keep_figures(work, figures)
            await let_owners_know(work, officer, row, areas, stand)
            change_m = None
            if self._row.radius_m is None:
                change_m = await since_last_week(work, self._row.area_code, figures)
            reckoned = Reckoned(self._row, figures, hotspots, change_m)
            text = coverage_text(words, self._areas, reckoned)
            message = Message(
                text=text,
                pictures=(Picture(kind=PictureKind.FILE, name=name),),
                keyboard=after_coverage(words, self._row, may_plan=may_plan),
                protected=True,
            )
            await tell(work, officer, message, f"coverage:{self._row.id}")

    def _chart(self, words: Words, hotspots: list[Hotspot], areas: list[str]) -> Chart:
        row = self._row
        names: tuple[tuple[float, float, str], ...] = ()
        if row.radius_m is not None:
            assert row.lat is not None
            assert row.lon is not None
            lat, lon, span_m = row.lat, row.lon, row.radius_m * 2.8
        else:
            lat, lon, radius_m = self._areas.circle(row.area_code)
            # the circle holds the area's box; the picture is as wide as the box is, and a bit
            span_m = radius_m * 2 * SIZE_PX[0] / (SIZE_PX[0] ** 2 + SIZE_PX[1] ** 2) ** 0.5 * 1.25
            if span_m > FAR_M:
                below = self._areas.below(row.area_code)
                names = tuple((*self._areas.circle(each.code)[:2], each.name) for each in below)
        styles = (
            ("seen", "partly", "missed", "urgent") if hotspots else ("seen", "partly", "missed")
        )
        return Chart(
            lat=lat,
            lon=lon,
            span_m=span_m,
            legend=tuple((style, words(f"coverage.legend.{style}")) for style in styles),
            north=words("map.north"),
            areas=tuple(areas),
            names=names,
            labels={
                each.id: f"{each.name} {words(f'hotspot.kind.{each.kind}')}" for each in hotspots
            },
        )

    async def _worklist(self, stand: Standing) -> None:
        async with self._office.work() as work:
            await worklist.drop_stale(work)
            ids = await worklist.turnable(work, self._row.area_code)
        plan = await self._surveyor.ask(
            "plan", stand, turnable=ids, seconds=AIM_S, areas=[self._row.area_code]
        )
        async with self._office.work() as work:
            if not await self._settled(work):
                return
            officer = await person(work, self._row.officer_id)
            await allowed(work, officer, self._row.what, self._row.area_code)
            made = await worklist.replace_proposals(work, self._row.area_code, plan["moves"])
            words = words_for(work, officer)
            key = "worklist.made" if made else "worklist.nothing"
            text = words(
                key,
                area=self._areas.name(self._row.area_code),
                count=made,
                metres=words.distance(sum(each["gain_m"] for each in plan["moves"])),
                gap=round(plan["gap"] * 100, 1),
                cameras=len(ids),
            )
            keyboard = column(
                button(words("worklist.open_button"), "turn.list") if made else None,
                button(words("home_button"), "home"),
            )
            message = Message(text=text, keyboard=keyboard, protected=True)
            await tell(work, officer, message, f"worklist:{self._row.id}")
            await _tell_walkers(work, officer, self._row, made)

    async def _recruit(self, stand: Standing) -> None:
        places = await self._surveyor.ask(
            "recruit", stand, count=RECRUITED, areas=[self._row.area_code]
        )
        async with self._office.work() as work:
            if not await self._settled(work):
                return
            officer = await person(work, self._row.officer_id)
            await allowed(work, officer, self._row.what, self._row.area_code)
            words = words_for(work, officer)
            message = recruit_message(words, self._areas, self._row, places)
            await tell(work, officer, message, f"recruit:{self._row.id}")

    async def _export(self) -> None:
        name = f"coverage/{self._row.id}-{self._row.attempts}"
        async with self._office.work() as work:
            cameras = await cameras_in(work, self._row.area_code)
            doom(work, name, after=_PICTURE_KEPT)
        await self._files.put(name, as_geojson(cameras))
        async with self._office.work() as work:
            if not await self._settled(work):
                return
            officer = await person(work, self._row.officer_id)
            await allowed(work, officer, self._row.what, self._row.area_code)
            await note_exported(work, cameras, officer.id, Role.SUPERVISOR)
            words = words_for(work, officer)
            area = self._areas.name(self._row.area_code)
            message = Message(
                text=words("coverage.exported", area=area, count=len(cameras)),
                pictures=(Picture(kind=PictureKind.FILE, name=name),),
                document=words("coverage.export_name"),
                protected=True,
            )
            await tell(work, officer, message, f"cameras:{self._row.id}")

    async def _table(self) -> None:
        assert self._row.source is not None
        content = bytearray()
        async for block in self._downloads.stream(self._row.source):
            content += block
            if len(content) > MOST_TABLE_BYTES:
                raise Refusal("hotspot.table.too_large")
        try:
            spots = read_table(content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise Refusal("hotspot.table.unreadable") from None
        async with self._office.work() as work:
            if not await self._settled(work):
                return
            officer = await person(work, self._row.officer_id)
            await enter_all(work, officer, self._areas, spots)
            words = words_for(work, officer)
            text = words.plural("hotspot.table.done", len(spots))
            keyboard = column(button(words("hotspot.list_button"), "spot.list"))
            await tell(
                work, officer, Message(text=text, keyboard=keyboard), f"table:{self._row.id}"
            )

    async def _settled(self, work: Work) -> bool:
        """Whether the order is still ours; then it is done."""
        order = await held(work, CoverageOrder, self._row.id, self._row.attempts)
        if order is not None:
            await work.session.delete(order)
        return order is not None


async def _tell_walkers(work: Work, supervisor: Person, row: CoverageOrder, made: int) -> None:
    """The field officers of the area hear that there is a list to walk."""
    if not made:
        return
    for officer in await holders(work, Role.FIELD_OFFICER, row.area_code):
        if officer.id != supervisor.id:
            words = words_for(work, officer)
            text = words.plural("worklist.told", made)
            keyboard = column(button(words("worklist.open_button"), "turn.list"))
            message = Message(text=text, keyboard=keyboard, protected=True)
            await tell(work, officer, message, f"worklist:{row.id}:{officer.id}")


async def _cannot(office: Office, row: CoverageOrder, refusal: Refusal) -> None:
    async with office.work() as work:
        order = await held(work, CoverageOrder, row.id, row.attempts)
        if order is None:
            return
        await work.session.delete(order)
        officer = await person(work, row.officer_id)
        text = words_for(work, officer)(refusal.text_key, **refusal.params)
        await tell(work, officer, Message(text=text), f"coverage-cannot:{row.id}")


async def _again(office: Office, row: CoverageOrder, error: str) -> None:
    if row.attempts >= _MOST_ATTEMPTS:
        await _cannot(office, row, Refusal("coverage.not_now"))
        return
    async with office.work() as work:
        order = await held(work, CoverageOrder, row.id, row.attempts)
        if order is not None:
            postpone(work, order, backoff(order.attempts), error)
