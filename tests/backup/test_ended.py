"""No restore gives back a role or a key that was ended after the backup was made."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, text

from nobs_bot.backup.making import make_backup
from nobs_bot.leaving import KEPT, Departures
from nobs_bot.people.discharging import discharge
from nobs_bot.people.roles import Role, grant, grants_of
from nobs_bot.people.sessions import ConsoleSession, enter, make_link
from nobs_bot.people.tokens import ApiToken, end_token
from nobs_bot.settings import Settings
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.chain import seal_lines, verify_chain
from nobs_bot.storage.departures import Departure, DepartureList, Kind
from nobs_bot.storage.work import Office
from tests.backup.conftest import Said
from tests.backup.test_leaving import Elsewhere, of_list, restored
from tests.cast import DISTRICT, KECAMATAN, OTHER_KECAMATAN, House
from tests.people.test_tokens import make, seat


async def discharged(house: House, grant_id: int) -> None:
    async with house.acting("Citra") as (work, citra):
        await discharge(work, grant_id, citra, house.areas, lambda *_: [])


async def roles_of(office: Office, person_id: int) -> list[tuple[Role, str]]:
    async with office.look() as work:
        return [(each.role, each.area_code) for each in await grants_of(work, person_id)]


async def good_keys(office: Office) -> list[str]:
    async with office.look() as work:
        keys = (await work.session.execute(select(ApiToken))).scalars()
        return [each.name for each in keys if each.is_good(work.now)]


async def test_what_was_ended_since_the_backup_ends_again(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    await seat(house)
    await seat(house, OTHER_KECAMATAN)
    ended, _ = await make(house, name="Ended")
    await make(house, name="Orphaned")
    await make(house, name="Kept", area_code=OTHER_KECAMATAN)
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    async with house.acting("Budi") as (work, budi):
        his = await grant(work, budi, Role.INVESTIGATOR, KECAMATAN, granted_by=None)
        [here] = [
            each
            for each in await grants_of(work, house.ids["Kartika"])
            if each.area_code == KECAMATAN
        ]
        await work.session.flush()
        token = await make_link(work, budi)
    async with house.office.work() as work:
        await enter(work, token, "Firefox", "a browser")
    await seal_lines(house.office)
    assert await make_backup(settings, archive, Said()) == 0

    house.clock.advance(timedelta(hours=3))
    async with house.acting("Kartika") as (work, kartika):
        await end_token(work, ended, kartika)
    await discharged(house, here.id)
    await discharged(house, his.id)
    assert await good_keys(house.office) == ["Kept"]
    assert await Departures(house.office).keep() == 4
    assert sorted(of_list(house.office).values()) == [Kind.KEY, Kind.KEY, Kind.ROLE, Kind.ROLE]

    async with restored(house, elsewhere(), archive) as office:
        assert len(await good_keys(office)) == 3, "the backup has them"
        assert await Departures(office).erase_again() == 4
        assert await Departures(office).erase_again() == 0
        assert await good_keys(office) == ["Kept"]
        assert await roles_of(office, house.ids["Budi"]) == []
        areas = [
            area
            for role, area in await roles_of(office, house.ids["Kartika"])
            if role is Role.ADMINISTRATOR
        ]
        assert areas == [OTHER_KECAMATAN]
        async with office.look() as work:
            session = (await work.session.execute(select(ConsoleSession))).scalar_one()
            assert session.ended_at is not None
            lines = select(AuditLine).where(AuditLine.act.in_((Act.ROLE_ENDED, Act.KEY_ENDED)))
            found = (await work.session.execute(lines)).scalars().all()
            assert [(each.actor_id, each.actor_role) for each in found] == [(None, None)] * 4
            roles = [each.read_details(work) for each in found if each.act == Act.ROLE_ENDED]
            assert {each["person"] for each in roles} == {
                house.ids["Budi"],
                house.ids["Kartika"],
            }
            messages = text("SELECT count(*) FROM outbox")
            assert (await work.session.execute(messages)).scalar() == 0, "they were told then"
        await seal_lines(office)
        assert (await verify_chain(office)).findings == []


async def test_a_role_that_was_given_anew_stays(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    async with house.acting("Budi") as (work, budi):
        before = await grant(work, budi, Role.REVIEWER, KECAMATAN, granted_by=None)
    await discharged(house, before.id)
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.REVIEWER, KECAMATAN, granted_by=None)
    assert await make_backup(settings, archive, Said()) == 0
    assert await Departures(house.office).keep() == 1
    async with restored(house, elsewhere(), archive) as office:
        assert await Departures(office).erase_again() == 0
        assert await roles_of(office, house.ids["Budi"]) == [(Role.REVIEWER, KECAMATAN)]


async def test_lines_of_a_later_version_are_kept_until_they_are_old(house: House) -> None:
    now = house.clock.now()
    known = DepartureList(house.office.settings, house.office.vault)
    known.add([Departure(Kind.CAMERA, "7", now)], now - KEPT)
    later = f"satellite 8 {now.isoformat()} {'0' * 64}\n"
    known.path.write_text(known.path.read_text() + later)
    known.add([Departure(Kind.CAMERA, "9", now)], now - KEPT)
    assert later in known.path.read_text()
    known.add([], now + timedelta(seconds=1))
    assert known.path.read_text() == ""
