"""Health: when cameras are looked at, whom it is told, and how much of the time they answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from math import ceil

import pytest
from sqlalchemy import func, select, text

from nobs_bot.cameras import rights, ward
from nobs_bot.cameras.atlas import COLUMNS, HEALTH, Sight, changes, shown
from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.connection import read_address, set_stream
from nobs_bot.cameras.drift import note_drift
from nobs_bot.cameras.health import Health, health_of, look_soon, network_index, next_turn
from nobs_bot.cameras.outages import OURS, Outage, open_outages
from nobs_bot.cameras.progress import progress, within
from nobs_bot.cameras.record import Camera, Drift, State
from nobs_bot.cameras.rounds import HealthRounds, keep_books
from nobs_bot.cameras.uptime import CameraDay, forget_old_days, uptime_by_area, uptime_of
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, lines_about
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.pulse import Pulse, neighbourhood
from nobs_bot.streams.report import Failure
from tests.cast import KECAMATAN, KELURAHAN, MONDAY, OTHER_KECAMATAN, SHOP, House

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
IDLE = timedelta(minutes=15)
# a step while all is well, for which no minute matters
CALM = timedelta(minutes=5)


class Cameras:
    """How the cameras of the world answer, by host; those that are not named are well."""

    def __init__(self) -> None:
        self.failing: dict[str, Failure] = {}
        self.looks: Counter[str] = Counter()
        self.all_fail: Failure | None = None

    async def __call__(self, address: StreamAddress) -> Pulse:
        self.looks[address.host] += 1
        failure = self.all_fail or self.failing.get(address.host)
        return Pulse(failure, neighbourhood(address.host))


async def connected(house: House, host: str, owner: str = "Sari") -> int:
    """A camera that takes part with a stream."""
    camera_id = await house.approved(owner)
    async with house.office.work() as work:
        address = read_address(f"rtsp://admin:tops3cret@{host}/1")
        set_stream(work, await house.camera(work, camera_id), address)
    return camera_id


async def many(house: House, hosts: list[str], area_code: str = KELURAHAN) -> list[int]:
    """Many connected cameras, each with an owner who is Sari: only their rows matter here."""
    ids = []
    async with house.office.work() as work:
        for nth, host in enumerate(hosts, start=2001):
            number = nth + 1000 * int(host.split(".")[0])
            camera = Camera(
                # when each is looked at hangs on its id, and what is noticed first on that
                id=10**15 + number,
                number=number,
                owner_id=house.ids["Sari"],
                state=State.APPROVED,
                lat=SHOP[0],
                lon=SHOP[1],
                area_code=area_code,
                created_at=work.now,
                touched_at=work.now,
                submitted_at=work.now,
            )
            work.session.add(camera)
            set_stream(work, camera, read_address(f"rtsp://admin:x@{host}/1"))
            ids.append(camera.id)
    return ids


async def live(
    house: House, cameras: Cameras, span: timedelta, *, step: timedelta = MINUTE
) -> None:
    """
    Let time go by, step by step, with the workers at work.

    Of the steps in which nothing is due they get one in `IDLE`.
    """
    health = HealthRounds(house.office, cameras)
    end = house.clock.now() + span
    while house.clock.now() < end:
        async with house.office.work() as work:
            await keep_books(work)
        while await health.start_due():
            await health.wait()
        ahead = min(await next_due(house), house.clock.now() + IDLE, end) - house.clock.now()
        house.clock.advance(step * max(1, ceil(ahead / step)))


async def next_due(house: House) -> datetime:
    """When a camera is to be looked at, or an owner to be told."""
    async with house.office.look() as work:
        query = select(func.min(Health.due_at), func.min(Health.tell_at))
        due = [each for each in (await work.session.execute(query)).one() if each]
    return min(due, default=house.clock.now() + IDLE)


async def health(house: House, camera_id: int) -> Health:
    async with house.office.look() as work:
        found = await health_of(work, camera_id)
        assert found is not None
        return found


# when


def test_well_cameras_are_spread_evenly_and_keep_their_turn() -> None:
    turns = [next_turn(MONDAY, camera_id, 60) for camera_id in range(6000)]
    assert all(MONDAY < turn <= MONDAY + HOUR for turn in turns)
    by_minute = Counter(turn.minute for turn in turns)
    assert len(by_minute) == 60
    assert max(by_minute.values()) < 1.6 * 100
    assert min(by_minute.values()) > 0.5 * 100
    for camera_id, turn in enumerate(turns[:200]):
        # a look that takes a few seconds, or begins late, does not move the next one
        for late_s in (0, 0.5, 30):
            after = next_turn(turn + timedelta(seconds=late_s), camera_id, 60)
            assert abs(after - turn - HOUR) < timedelta(seconds=1)


async def test_a_well_camera_is_looked_at_once_a_round(any_house: House) -> None:
    cameras = Cameras()
    camera_id = await connected(any_house, "cam.example")
    await live(any_house, cameras, 6 * HOUR)
    assert cameras.looks["cam.example"] == 6
    found = await health(any_house, camera_id)
    assert (found.is_up, found.trouble_since) == (True, None)


async def test_trouble_is_looked_at_sooner_and_the_dead_ever_more_seldom(house: House) -> None:
    cameras = Cameras()
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await connected(house, "cam.example")
    await live(house, cameras, HOUR)
    await live(house, cameras, 23 * MINUTE)
    first = cameras.looks["cam.example"]
    assert first >= 4
    await live(house, cameras, 24 * HOUR, step=5 * MINUTE)
    day = cameras.looks["cam.example"] - first
    assert 6 <= day <= 20
    await live(house, cameras, timedelta(days=10), step=HOUR)
    before = cameras.looks["cam.example"]
    await live(house, cameras, timedelta(days=5), step=HOUR)
    assert 4 <= cameras.looks["cam.example"] - before <= 6


async def test_only_what_is_connected_is_looked_at(house: House) -> None:
    cameras = Cameras()
    camera_id = await connected(house, "cam.example")
    await house.approved("Budi", at=(SHOP[0] + 0.0004, SHOP[1]))
    await live(house, cameras, 2 * HOUR)
    async with house.acting("Sari") as (work, sari):
        rights.pause(work, await house.camera(work, camera_id), sari)
    looks = cameras.looks["cam.example"]
    await live(house, cameras, 3 * HOUR)
    assert cameras.looks["cam.example"] == looks
    async with house.acting("Sari") as (work, sari):
        rights.resume(work, await house.camera(work, camera_id), sari)
    await live(house, cameras, 2 * HOUR)
    assert cameras.looks["cam.example"] > looks
    assert set(cameras.looks) == {"cam.example"}


async def test_what_was_seen_of_another_address_is_not_kept(house: House) -> None:
    camera_id = await connected(house, "old.example")

    class Moving(Cameras):
        async def __call__(self, address: StreamAddress) -> Pulse:
            if address.host == "old.example":
                async with house.office.work() as work:
                    fresh = read_address("rtsp://admin:x@new.example/1")
                    set_stream(work, await house.camera(work, camera_id), fresh)
                return Pulse(Failure.NO_ANSWER, "old")
            return await super().__call__(address)

    await live(house, Moving(), 2 * HOUR)
    found = await health(house, camera_id)
    assert (found.is_up, found.drops) == (True, 0)


async def test_a_killed_workers_camera_is_taken_up_again(house: House) -> None:
    cameras = Cameras()
    camera_id = await connected(house, "cam.example")
    async with house.office.work() as work:
        await keep_books(work)
    house.clock.advance(HOUR)

    class Killed(Cameras):
        async def __call__(self, address: StreamAddress) -> Pulse:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    killed = HealthRounds(house.office, Killed())
    assert await killed.start_due() == 1
    await killed.stop()
    worker = HealthRounds(house.office, cameras)
    assert await worker.start_due() == 0
    house.clock.advance(2 * MINUTE)
    assert await worker.start_due() == 1
    await worker.wait()
    assert (await health(house, camera_id)).is_up


# whom it is told


async def test_a_dead_cameras_owner_hears_once_with_what_to_do(any_house: House) -> None:
    house, cameras = any_house, Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, 2 * HOUR)
    cameras.failing["cam.example"] = Failure.WRONG_PASSWORD
    await live(house, cameras, 5 * HOUR)
    [message] = [each for each in await house.messages("Sari") if "tidak menjawab" in each.text]
    assert "kata sandinya ditolak" in message.text
    assert message.keyboard[0][0].label.startswith("🔑")
    del cameras.failing["cam.example"]
    await live(house, cameras, 5 * HOUR)
    over = [each for each in await house.told("Sari") if "menjawab lagi" in each]
    assert len(over) == 1
    async with house.office.look() as work:
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
    assert acts[:2] == [Act.HEARD_AGAIN, Act.FELL_SILENT]


async def test_a_hiccup_is_told_to_nobody(house: House) -> None:
    cameras = Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, HOUR)
    for _ in range(4):
        cameras.failing["cam.example"] = Failure.NO_ANSWER
        looks = cameras.looks["cam.example"]
        while cameras.looks["cam.example"] == looks:
            await live(house, cameras, MINUTE)
        del cameras.failing["cam.example"]
        await live(house, cameras, 3 * HOUR)
    assert not [each for each in await house.told("Sari") if "menjawab" in each]


async def test_coming_and_going_makes_one_message_and_not_twenty(house: House) -> None:
    cameras = Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, HOUR)
    for _ in range(20):
        cameras.failing["cam.example"] = Failure.NO_ANSWER
        await live(house, cameras, 20 * MINUTE)
        del cameras.failing["cam.example"]
        await live(house, cameras, 20 * MINUTE)
    told = [each for each in await house.told("Sari") if "jawab" in each or "putus" in each]
    assert len(told) == 1
    await live(house, cameras, 12 * HOUR)
    told = [each for each in await house.told("Sari") if "jawab" in each or "putus" in each]
    assert len(told) == 2
    assert "menjawab lagi" in told[1]


async def test_nobody_is_woken_at_night(house: House) -> None:
    cameras = Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, 2 * HOUR)
    house.clock.advance(timedelta(hours=12))
    # it is midnight
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, timedelta(hours=6))
    assert not [each for each in await house.told("Sari") if "tidak menjawab" in each]
    await live(house, cameras, 90 * MINUTE)
    assert len([each for each in await house.told("Sari") if "tidak menjawab" in each]) == 1


async def test_what_is_well_again_in_the_morning_is_not_told(house: House) -> None:
    cameras = Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, 2 * HOUR)
    house.clock.advance(timedelta(hours=12))
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, 2 * HOUR)
    del cameras.failing["cam.example"]
    await live(house, cameras, timedelta(hours=12))
    assert not [each for each in await house.told("Sari") if "jawab" in each]


async def test_a_regular_check_and_health_do_not_tell_the_same(house: House) -> None:
    cameras = Cameras()
    camera_id = await connected(house, "cam.example")
    await live(house, cameras, HOUR)
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, 3 * HOUR)
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        check = Check(camera_id=camera_id, tell_owner=False, asked_at=work.now, attempts=0)
        await note_drift(work, camera, check, Drift.DEAD)
        assert camera.drift is Drift.DEAD
    assert len([each for each in await house.told("Sari") if "tidak menjawab" in each]) == 1


# outages


def hosts(prefix: str, count: int) -> list[str]:
    return [f"{prefix}.{number // 250}.{number % 250 + 1}" for number in range(count)]


async def test_a_providers_outage_is_told_to_officers_and_to_no_owner(house: House) -> None:
    cameras = Cameras()
    down = hosts("36.68", 30)
    await many(house, down)
    await many(house, hosts("103.28", 30))
    await live(house, cameras, 2 * HOUR, step=CALM)
    cameras.failing = dict.fromkeys(down, Failure.NO_ANSWER)
    await live(house, cameras, 2 * HOUR)
    async with house.office.look() as work:
        [outage] = (await open_outages(work)).values()
        assert not outage.is_ours
    told = [each for each in await house.told("Kartika") if "penyedia internetnya" in each]
    assert len(told) == 1
    assert not [each for each in await house.told("Sari") if "jawab" in each]
    cameras.failing = {}
    await live(house, cameras, HOUR)
    async with house.office.look() as work:
        assert await open_outages(work) == {}
    assert len([each for each in await house.told("Kartika") if "menjawab lagi" in each]) == 1
    await live(house, cameras, 12 * HOUR, step=IDLE)
    assert not [each for each in await house.told("Sari") if "jawab" in each]


async def test_our_own_outage_counts_against_nobody(house: House) -> None:
    cameras = Cameras()
    ids = await many(house, hosts("36.68", 30)) + await many(house, hosts("103.28", 30))
    await live(house, cameras, 3 * HOUR, step=CALM)
    cameras.all_fail = Failure.NAME_NOT_RESOLVED
    await live(house, cameras, 3 * HOUR)
    async with house.office.look() as work:
        assert OURS in await open_outages(work)
    cameras.all_fail = None
    await live(house, cameras, 3 * HOUR, step=CALM)
    async with house.office.look() as work:
        assert await open_outages(work) == {}
        everything = (await work.session.execute(select(Outage))).scalars().all()
        assert [each.is_ours for each in everything] == [True]
        shares = [(await uptime_of(work, camera_id)).share for camera_id in ids]
    # but for the minutes until it was noticed
    assert all(share is not None and share > 0.75 for share in shares)
    assert sum(share for share in shares if share) / len(shares) > 0.9
    for officer in ("Kartika",):
        told = await house.told(officer)
        assert len([each for each in told if "Server kami" in each]) == 2
    assert not [each for each in await house.told("Sari") if "jawab" in each]


async def test_who_stays_silent_after_an_outage_hears_of_it(house: House) -> None:
    cameras = Cameras()
    down = hosts("36.68", 20)
    await many(house, down)
    await many(house, hosts("103.28", 20))
    await live(house, cameras, 2 * HOUR, step=CALM)
    cameras.failing = dict.fromkeys(down, Failure.NO_ANSWER)
    await live(house, cameras, HOUR)
    cameras.failing = {down[0]: Failure.NO_ANSWER}
    await live(house, cameras, 4 * HOUR)
    assert len([each for each in await house.told("Sari") if "tidak menjawab" in each]) == 1


async def test_some_dead_cameras_are_no_outage(house: House) -> None:
    cameras = Cameras()
    everyone = hosts("36.68", 40)
    await many(house, everyone)
    await many(house, hosts("103.28", 20))
    await live(house, cameras, 2 * HOUR, step=CALM)
    # a wrong password is no line that is down, however many have it
    cameras.failing = dict.fromkeys(everyone[:10], Failure.NO_ANSWER)
    cameras.failing |= dict.fromkeys(everyone[10:30], Failure.WRONG_PASSWORD)
    await live(house, cameras, 3 * HOUR)
    async with house.office.look() as work:
        assert await open_outages(work) == {}


async def test_outages_of_elsewhere_are_told_to_nobody_here(house: House) -> None:
    cameras = Cameras()
    async with house.office.work() as work:
        from nobs_bot.people.persons import person

        citra = await person(work, house.ids["Citra"])
        await grant(work, citra, Role.SUPERVISOR, OTHER_KECAMATAN, granted_by=None)
    down = hosts("36.68", 20)
    await many(house, down)
    await many(house, hosts("103.28", 20))
    await live(house, cameras, 2 * HOUR, step=CALM)
    cameras.failing = dict.fromkeys(down, Failure.NO_ANSWER)
    await live(house, cameras, 2 * HOUR)
    assert [each for each in await house.told("Kartika") if "penyedia" in each]
    assert await house.told("Citra") == []


# uptime


async def test_uptime_is_kept_by_day_and_weighs_time_not_looks(any_house: House) -> None:
    house, cameras = any_house, Cameras()
    camera_id = await connected(house, "cam.example")
    await live(house, cameras, timedelta(days=1), step=5 * MINUTE)
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, timedelta(days=1), step=5 * MINUTE)
    async with house.office.look() as work:
        uptime = await uptime_of(work, camera_id)
        assert uptime.share == pytest.approx(0.5, abs=0.05)
        by_area = await uptime_by_area(work)
        assert {code.rpartition(".")[0] for code in by_area} == {KECAMATAN}
        assert sum(by_area.values(), type(uptime)()) == uptime
        rows = (await work.session.execute(select(CameraDay))).scalars().all()
        # from Monday morning to Wednesday morning, whatever number of looks there was
        assert [row.day for row in rows] == [date(2026, 11, day) for day in (16, 17, 18)]
        assert all(row.up_s + row.down_s <= 86400 for row in rows)


async def test_time_in_which_nobody_looked_is_unknown(house: House) -> None:
    cameras = Cameras()
    camera_id = await connected(house, "cam.example")
    await live(house, cameras, 2 * HOUR)
    async with house.office.look() as work:
        before = await uptime_of(work, camera_id)
    # the machine was off
    house.clock.advance(timedelta(hours=10))
    await live(house, cameras, 5 * MINUTE)
    async with house.office.look() as work:
        after = await uptime_of(work, camera_id)
    assert after.up_s - before.up_s < 3600


async def test_old_days_are_forgotten_and_a_withdrawn_camera_leaves_none(any_house: House) -> None:
    house, cameras = any_house, Cameras()
    camera_id = await connected(house, "cam.example")
    await live(house, cameras, 3 * HOUR)
    async with house.office.work() as work:
        work.session.add(CameraDay(camera_id=camera_id, day=date(2026, 1, 1), up_s=5, down_s=5))
    async with house.office.work() as work:
        assert await forget_old_days(work) == 1
    async with house.acting("Sari") as (work, sari):
        days = (await work.session.execute(select(CameraDay.day))).scalars().all()
        assert date(2026, 1, 1) not in days
        await rights.withdraw(work, await house.camera(work, camera_id), sari)
    async with house.office.look() as work:
        assert (await work.session.execute(select(CameraDay))).all() == []
        assert (await work.session.execute(select(Health))).all() == []


async def test_no_address_can_be_read_from_what_is_kept(house: House) -> None:
    cameras = Cameras()
    cameras.failing["36.68.12.7"] = Failure.NO_ANSWER
    await connected(house, "36.68.12.7")
    await live(house, cameras, 2 * HOUR)
    async with house.office.look() as work:
        for table in ("camera_health", "camera_days", "outages"):
            rows = (await work.session.execute(text(f"SELECT * FROM {table}"))).all()
            assert "36.68" not in str(rows)
            assert "tops3cret" not in str(rows)


# officers


async def test_officers_see_their_areas_cameras_and_owners_read_of_it(house: House) -> None:
    cameras = Cameras()
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await connected(house, "cam.example")
    await live(house, cameras, 2 * HOUR)
    async with house.acting("Wayan") as (work, wayan):
        codes = await ward.areas_watched(work, wayan)
        [whole] = (await ward.wards(work, codes)).values()
        assert (whole.connected, whole.silent, whole.unknown) == (1, 1, 0)
        [(_, camera)] = await ward.silent_cameras(work, wayan, codes)
        assert camera.owner_id == house.ids["Sari"]
        assert await ward.wards(work, [OTHER_KECAMATAN]) == {}
    async with house.acting("Sari") as (work, sari):
        assert (await lines_about(work, sari.id))[0].act is Act.HEALTH_SEEN
        with pytest.raises(Refusal):
            await ward.areas_watched(work, sari)


async def test_progress_counts_what_answers_as_healthy(house: House, areas: Areas) -> None:
    cameras = Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, 2 * HOUR)

    async def healthy() -> int:
        async with house.office.look() as work:
            return within(await progress(work, areas), KECAMATAN).healthy

    assert await healthy() == 1
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, 2 * HOUR)
    assert await healthy() == 0


async def test_a_mistake_of_ours_is_put_off_and_told_in_no_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    camera_id = await connected(house, "cam.example")

    class Mistaken(Cameras):
        async def __call__(self, address: StreamAddress) -> Pulse:
            self.looks[address.host] += 1
            raise ValueError("a mistake")

    mistaken = Mistaken()
    await live(house, mistaken, HOUR + MINUTE)
    await live(house, mistaken, HOUR)
    assert mistaken.looks["cam.example"] <= 9
    found = await health(house, camera_id)
    assert (found.last_error, found.is_up) == ("ValueError", None)
    assert "tops3cret" not in caplog.text
    assert not [each for each in await house.told("Sari") if "jawab" in each]


async def test_a_check_that_was_asked_for_has_health_look_again_soon(house: House) -> None:
    cameras = Cameras()
    camera_id = await connected(house, "cam.example")
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, timedelta(days=3), step=10 * MINUTE)
    del cameras.failing["cam.example"]
    async with house.office.work() as work:
        await look_soon(work, camera_id)
    await live(house, cameras, 2 * MINUTE)
    assert (await health(house, camera_id)).is_up


async def test_officers_read_which_network_is_down(house: House) -> None:
    cameras = Cameras()
    down = hosts("36.68", 20)
    await many(house, down)
    await many(house, hosts("103.28", 20))
    await live(house, cameras, 2 * HOUR, step=CALM)
    cameras.failing = dict.fromkeys(down, Failure.NO_ANSWER)
    await live(house, cameras, HOUR)
    [told] = [each for each in await house.told("Kartika") if "penyedia" in each]
    assert "36.68.0.0/16" in told
    async with house.office.look() as work:
        assert await ward.in_outage(work, [KECAMATAN]) >= 5
        assert await ward.in_outage(work, [OTHER_KECAMATAN]) == 0


async def test_maps_are_told_when_a_camera_falls_silent_and_not_of_hiccups(
    any_house: House,
) -> None:
    house, cameras = any_house, Cameras()
    camera_id = await connected(house, "cam.example")
    sight = Sight(areas=(KECAMATAN,), before=())
    column = COLUMNS.index("health")

    async def on_the_map() -> tuple[str, int]:
        async with house.office.look() as work:
            [one] = await shown(work, sight)
            return HEALTH[one.row[column]], one.change_id

    assert (await on_the_map())[0] == "unwell"
    await live(house, cameras, HOUR + MINUTE)
    state, well = await on_the_map()
    assert state == "healthy"
    await live(house, cameras, 3 * HOUR)
    assert await on_the_map() == (state, well)
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    looks = cameras.looks["cam.example"]
    while cameras.looks["cam.example"] < looks + 2:
        await live(house, cameras, MINUTE)
    assert await on_the_map() == (state, well)
    await live(house, cameras, 10 * MINUTE)
    state, silent = await on_the_map()
    assert (state, silent > well) == ("unwell", True)
    async with house.office.look() as work:
        assert await changes(work, well) == {camera_id: silent}
    del cameras.failing["cam.example"]
    await live(house, cameras, HOUR)
    assert (await on_the_map())[0] == "healthy"


async def test_two_workers_keep_the_same_books_without_a_clash(any_house: House) -> None:
    house, cameras = any_house, Cameras()
    down = hosts("36.68", 12)
    await many(house, down)
    await many(house, hosts("103.28", 12))

    async def books() -> None:
        async with house.office.work() as work:
            await keep_books(work)

    await asyncio.gather(books(), books(), books())
    async with house.office.look() as work:
        assert len((await work.session.execute(select(Health.id))).all()) == 24
    await live(house, cameras, 2 * HOUR)
    async with house.office.work() as work:
        rows = (await work.session.execute(select(Health))).scalars().all()
        dead = {network_index(work, neighbourhood(host)) for host in down[:1]}
        for row in rows:
            row.pulse_at = work.now
            if row.network in dead:
                row.failure, row.failures, row.silent_since = Failure.NO_ANSWER, 1, work.now
    await asyncio.gather(books(), books(), books())
    async with house.office.look() as work:
        assert len((await work.session.execute(select(Outage.id))).all()) == 1
    assert len([each for each in await house.told("Kartika") if "penyedia" in each]) == 1


async def test_a_long_outage_is_not_over_because_some_were_never_down(house: House) -> None:
    cameras = Cameras()
    everyone = hosts("36.68", 36)
    await many(house, everyone)
    await many(house, hosts("103.28", 20))
    await live(house, cameras, 2 * HOUR)
    cameras.failing = dict.fromkeys(everyone[6:], Failure.NO_ANSWER)
    await live(house, cameras, 6 * HOUR, step=2 * MINUTE)
    async with house.office.look() as work:
        assert len(await open_outages(work)) == 1
        assert len((await work.session.execute(select(Outage.id))).all()) == 1
    assert not [each for each in await house.told("Sari") if "jawab" in each]


async def test_an_outage_of_which_nobody_is_left_is_over(house: House) -> None:
    cameras = Cameras()
    down = hosts("36.68", 8)
    ids = await many(house, down)
    await many(house, hosts("103.28", 20))
    await live(house, cameras, 2 * HOUR)
    cameras.failing = dict.fromkeys(down, Failure.NO_ANSWER)
    await live(house, cameras, 2 * HOUR)
    async with house.acting("Sari") as (work, sari):
        assert len(await open_outages(work)) == 1
        for camera_id in ids:
            await rights.withdraw(work, await house.camera(work, camera_id), sari)
    await live(house, cameras, 2 * MINUTE)
    async with house.office.look() as work:
        assert await open_outages(work) == {}
