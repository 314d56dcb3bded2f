"""Who may do what, where; and how one comes to it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.errors import Refusal
from nobs_bot.footage.trail import Sought, trail
from nobs_bot.people import privacy
from nobs_bot.people.invitations import START_PREFIX, Invitation, invite, redeem
from nobs_bot.people.persons import (
    Person,
    name_of,
    officer_name,
    person,
    set_name,
    set_service_name,
)
from nobs_bot.people.renaming import name_officer, rename
from nobs_bot.people.roles import (
    Grant,
    Role,
    areas_of,
    covers,
    end_grant,
    grant,
    grants_in,
    grants_of,
    held_by,
    holders,
    holds,
    require,
    require_at,
)
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Work
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, OTHER_KECAMATAN, House


@pytest.mark.parametrize(
    ("area", "place", "covered"),
    [
        ("31.73", "31.73", True),
        ("31.73", "31.73.04", True),
        ("31.73", "31.73.04.1006", True),
        ("31.73.04", "31.73.04.1006", True),
        ("31.73.04.1006", "31.73.04.1006", True),
        ("31.73.04.1006", "31.73.04", False),
        ("31.73.04", "31.73", False),
        # a prefix of the text, and yet another place
        ("31.7", "31.73", False),
        ("31.7", "31.73.04.1006", False),
        ("31.73.0", "31.73.04", False),
        ("31.73.04.100", "31.73.04.1006", False),
        ("31.73.04.1006", "31.73.04.10060", False),
        ("31.73.04", "31.73.05.1001", False),
        ("31.73.04", "131.73.04", False),
        ("", "31.73", False),
        ("31.73.04", "", False),
    ],
)
def test_an_area_covers_what_lies_inside_and_nothing_else(
    area: str, place: str, covered: bool
) -> None:
    assert covers(area, place) is covered


@pytest.mark.parametrize(
    ("name", "role", "place", "wanted"),
    [
        ("Dewi", Role.REVIEWER, KELURAHAN, True),
        ("Dewi", Role.REVIEWER, KECAMATAN, True),
        ("Dewi", Role.REVIEWER, DISTRICT, False),
        ("Dewi", Role.REVIEWER, OTHER_KECAMATAN, False),
        ("Dewi", Role.INVESTIGATOR, KELURAHAN, False),
        ("Kartika", Role.SUPERVISOR, OTHER_KECAMATAN, True),
        ("Kartika", Role.REVIEWER, KELURAHAN, False),
        ("Sari", Role.REVIEWER, KELURAHAN, False),
        *(("Citra", role, KELURAHAN, False) for role in Role),
    ],
)
async def test_each_of_the_cast_holds_their_role_in_their_area_only(
    house: House, name: str, role: Role, place: str, wanted: bool
) -> None:
    async with house.acting(name) as (work, who):
        assert await holds(work, who.id, role, place) is wanted
        if wanted:
            await require_at(work, who.id, role, place)
            return
        with pytest.raises(Refusal, match=r"roles\.not_here"):
            await require_at(work, who.id, role, place)


async def test_a_role_is_needed_somewhere(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        assert await require(work, dewi.id, Role.REVIEWER) == [KECAMATAN]
        with pytest.raises(Refusal, match=r"roles\.needed"):
            await require(work, dewi.id, Role.ADMINISTRATOR)


async def test_holders_are_found_from_every_level_once(house: House) -> None:
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.REVIEWER, DISTRICT, granted_by=None)
        await grant(work, kartika, Role.REVIEWER, KELURAHAN, granted_by=None)
    async with house.office.look() as work:
        ids = {house.ids[name]: name for name in house.ids}
        found = [ids[each.id] for each in await holders(work, Role.REVIEWER, KELURAHAN)]
        assert sorted(found) == ["Dewi", "Kartika"]
        elsewhere = await holders(work, Role.REVIEWER, OTHER_KECAMATAN)
        assert [ids[each.id] for each in elsewhere] == ["Kartika"]


async def test_an_ended_role_is_no_role(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        [held] = await grants_of(work, dewi.id)
        held.ended_at = work.now
    async with house.acting("Dewi") as (work, dewi):
        assert await areas_of(work, dewi.id, Role.REVIEWER) == []
        assert await holders(work, Role.REVIEWER, KELURAHAN) == []


async def test_the_same_role_twice_is_one(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        [held] = await grants_of(work, dewi.id)
        again = await grant(work, dewi, Role.REVIEWER, KECAMATAN, granted_by=None)
        assert again.id == held.id


# invitations


async def only(work: Work, table: Any) -> Any:
    return (await work.session.execute(select(table))).scalar_one()


async def an_invitation(house: House, role: Role = Role.REVIEWER, area: str = KECAMATAN) -> str:
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        return invite(work, role, area, created_by=kartika.id)


async def test_an_invitation_gives_its_role_and_says_who_gave_it(house: House) -> None:
    start = await an_invitation(house)
    async with house.acting("Citra") as (work, citra):
        given = await redeem(work, citra, start)
        assert (given.role, given.area_code) == (Role.REVIEWER, KECAMATAN)
        assert given.granted_by == house.ids["Kartika"]
        lines = (await work.session.execute(select(AuditLine.act, AuditLine.actor_id))).all()
        assert (Act.INVITED, house.ids["Kartika"]) in [tuple(line) for line in lines]
        assert (Act.ROLE_GRANTED, house.ids["Kartika"]) in [tuple(line) for line in lines]


async def test_its_link_fits_telegram_and_only_a_digest_is_kept(house: House) -> None:
    start = await an_invitation(house)
    assert start.startswith(START_PREFIX)
    assert len(start) <= 64
    assert set(start) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    async with house.office.look() as work:
        [kept] = (await work.session.execute(select(Invitation))).scalars().all()
        assert start.removeprefix(START_PREFIX).encode() not in kept.token_index


async def test_an_invitation_works_once(house: House) -> None:
    start = await an_invitation(house)
    async with house.acting("Citra") as (work, citra):
        await redeem(work, citra, start)
    for name in ("Budi", "Citra"):
        with pytest.raises(Refusal, match=r"invitation\.not_valid"):
            async with house.acting(name) as (work, who):
                await redeem(work, who, start)
    async with house.acting("Budi") as (work, budi):
        assert await grants_of(work, budi.id) == []


async def test_an_invitation_expires(house: House) -> None:
    start = await an_invitation(house)
    house.clock.advance(timedelta(hours=72))
    with pytest.raises(Refusal, match=r"invitation\.not_valid"):
        async with house.acting("Citra") as (work, citra):
            await redeem(work, citra, start)


async def test_an_invitation_is_good_until_its_last_second(house: House) -> None:
    start = await an_invitation(house)
    house.clock.advance(timedelta(hours=72) - timedelta(seconds=1))
    async with house.acting("Citra") as (work, citra):
        assert (await redeem(work, citra, start)).role is Role.REVIEWER


@pytest.mark.parametrize("start", ["inv_", "inv_wrong", "", "inv_" + "A" * 300])
async def test_a_made_up_link_gives_nothing(house: House, start: str) -> None:
    await an_invitation(house)
    with pytest.raises(Refusal, match=r"invitation\.not_valid"):
        async with house.acting("Citra") as (work, citra):
            await redeem(work, citra, start)


async def test_of_many_who_redeem_at_once_one_gets_the_role(any_house: House) -> None:
    start = await an_invitation(any_house)
    names = ["Sari", "Budi", "Wayan", "Rahmat", "Citra"]

    async def redeems(name: str) -> bool:
        try:
            async with any_house.acting(name) as (work, who):
                await redeem(work, who, start)
        except Refusal:
            return False
        return True

    assert sorted(await asyncio.gather(*map(redeems, names))) == [False] * 4 + [True]
    async with any_house.office.look() as work:
        found = await holders(work, Role.REVIEWER, KELURAHAN)
        assert len(found) == 2
        [invitation] = (await work.session.execute(select(Invitation))).scalars().all()
        winner = await work.session.get(Person, invitation.used_by)
        assert winner is not None
        assert winner.id in {each.id for each in found}


async def test_an_invitation_ends_with_the_role_of_who_gave_it(house: House) -> None:
    async with house.acting("Citra") as (work, citra):
        given = await grant(work, citra, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        start = invite(work, Role.ADMINISTRATOR, DISTRICT, created_by=citra.id)
        other = invite(work, Role.REVIEWER, KECAMATAN, created_by=None)
    async with house.office.work() as work:
        (await work.session.get(Grant, given.id)).ended_at = work.now
    async with house.acting("Citra") as (work, citra):
        with pytest.raises(Refusal, match=r"invitation\.not_valid"):
            await redeem(work, citra, start)
    async with house.acting("Citra") as (work, citra):
        assert await grants_of(work, citra.id) == []
        assert (await redeem(work, citra, other)).role is Role.REVIEWER


# names that others read


async def called(house: House, name: str) -> str:
    async with house.acting(name) as (work, who):
        return officer_name(work, who)


async def test_an_officer_is_called_as_the_invitation_says_whatever_they_type(
    any_house: House,
) -> None:
    house = any_house
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        named = {"created_by": kartika.id, "name": "Aipda Citra Dewi"}
        start = invite(work, Role.REVIEWER, KECAMATAN, **named)
        assert b"Citra" not in (await only(work, Invitation)).name
    async with house.acting("Citra") as (work, citra):
        await redeem(work, citra, start, account_name="Kapolri")
        set_name(work, citra, "Kapolri")
    assert await called(house, "Citra") == "Aipda Citra Dewi"
    async with house.office.look() as work:
        citra = await person(work, house.ids["Citra"])
        assert name_of(work, citra) == "Kapolri"
        held = [held_by(work, each) for each in await grants_in(work, [DISTRICT])]
        assert "Aipda Citra Dewi" in held
        assert "Kapolri" not in held


async def test_without_a_name_the_account_says_it_and_says_it_once(house: House) -> None:
    async with house.office.work() as work:
        first = invite(work, Role.REVIEWER, KECAMATAN, created_by=None)
        second = invite(work, Role.INVESTIGATOR, KECAMATAN, created_by=None)
    async with house.acting("Citra") as (work, citra):
        await redeem(work, citra, first, account_name="Citra L. " + "x" * 100)
        await redeem(work, citra, second, account_name="Kapolri")
    assert await called(house, "Citra") == ("Citra L. " + "x" * 100)[:80]


async def test_what_an_account_calls_itself_is_in_no_line_of_the_log(house: House) -> None:
    async with house.office.work() as work:
        start = invite(work, Role.REVIEWER, KECAMATAN, created_by=house.ids["Kartika"])
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    async with house.acting("Citra") as (work, citra):
        await redeem(work, citra, start, account_name="Citra di sini")
    assert await called(house, "Citra") == "Citra di sini"
    async with house.office.look() as work:
        lines = (await work.session.execute(select(AuditLine))).scalars().all()
        assert Act.ROLE_GRANTED in {each.act for each in lines}
        assert "Citra" not in str([each.read_details(work) for each in lines])


async def test_who_looked_can_be_told_after_they_were_erased(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        set_service_name(work, dewi, "Bripka Dewi Lestari")
        await privacy.erase(work, dewi, ())
        assert dewi.name is None
    assert await called(house, "Dewi") == "Bripka Dewi Lestari"


async def test_an_administrator_corrects_a_name_and_the_log_keeps_the_former(
    any_house: House,
) -> None:
    house = any_house
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        [held] = await grants_of(work, house.ids["Dewi"])
        await rename(work, held.id, kartika, "  Bripka   Dewi Lestari ")
    assert await called(house, "Dewi") == "Bripka Dewi Lestari"
    [told] = await house.messages("Dewi")
    assert "Bripka Dewi Lestari" in told.text
    async with house.acting("Kartika") as (work, kartika):
        await rename(work, held.id, kartika, "Bripka Dewi Lestari")
        await rename(work, held.id, kartika, "Aipda Dewi Lestari")
    lines = await namings(house)
    assert [(each.get("former"), each["name"]) for each in lines] == [
        (None, "Bripka Dewi Lestari"),
        ("Bripka Dewi Lestari", "Aipda Dewi Lestari"),
    ]


async def namings(house: House) -> list[dict[str, Any]]:
    """What the log says of every name that was given, the oldest first."""
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.OFFICER_NAMED).order_by(AuditLine.id)
        lines = (await work.session.execute(query)).scalars()
        return [each.read_details(work) for each in lines]


async def read_of_roles(house: House) -> list[str]:
    """What those who answer for the district read of roles that were ended, the oldest first."""
    words = house.office.texts.of("id")
    async with house.office.look() as work:
        sought = Sought(act=Act.ROLE_ENDED)
        lines = await trail(work, words, house.areas, [DISTRICT], sought)
    return [each.details for each in reversed(lines)]


async def test_no_line_keeps_a_name_that_its_erased_bearer_had_given_themselves(
    any_house: House,
) -> None:
    house = any_house
    async with house.acting("Citra") as (work, citra):
        dewi, kartika = [await person(work, house.ids[name]) for name in ("Dewi", "Kartika")]
        name_officer(work, kartika, "AKP Kartika", area_code=DISTRICT, named_by=citra.id)
        for who in (dewi, kartika):
            [held] = await grants_of(work, who.id)
            end_grant(work, held, who, citra)
    of_dewi, of_kartika = await read_of_roles(house)
    assert "nama: Dewi" in of_dewi
    assert "nama: AKP Kartika" in of_kartika
    async with house.office.work() as work:
        for name in ("Dewi", "Kartika"):
            await privacy.erase(work, await person(work, house.ids[name]), ())
    of_dewi, of_kartika = await read_of_roles(house)
    assert "nama: petugas" in of_dewi
    assert "nama: AKP Kartika" in of_kartika
    async with house.office.look() as work:
        lines = (await work.session.execute(select(AuditLine))).scalars()
        kept = [each.read_details(work) for each in lines]
    assert {each["name"] for each in kept if "name" in each} == {"AKP Kartika"}
    assert not any("former" in each for each in kept)


@pytest.mark.parametrize("name", ["", " ", "x", "12345", "a" * 81])
async def test_what_is_no_name_changes_nothing(house: House, name: str) -> None:
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        [held] = await grants_of(work, house.ids["Dewi"])
        with pytest.raises(Refusal, match=r"enrol\.name\.wrong"):
            await rename(work, held.id, kartika, name)
    assert await called(house, "Dewi") == "Dewi"


async def test_nobody_names_themselves_or_an_officer_of_elsewhere(house: House) -> None:
    async with house.acting("Kartika") as (work, kartika):
        own = await grant(work, kartika, Role.ADMINISTRATOR, OTHER_KECAMATAN, granted_by=None)
        [dewis] = await grants_of(work, house.ids["Dewi"])
        for held, key in ((own, "roles.own"), (dewis, "roles.not_here")):
            with pytest.raises(Refusal, match=key):
                await rename(work, held.id, kartika, "Kombes Kartika")


async def test_nobody_names_themselves_by_another_role_or_an_own_invitation(house: House) -> None:
    async with house.acting("Kartika") as (work, kartika):
        set_service_name(work, kartika, "AKP Kartika")
        [supervisor] = await grants_of(work, kartika.id)
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        with pytest.raises(Refusal, match=r"roles\.own_name"):
            await rename(work, supervisor.id, kartika, "Kapolri")
        start = invite(work, Role.REVIEWER, DISTRICT, created_by=kartika.id, name="Kapolri")
        await redeem(work, kartika, start, account_name="Kapolri")
    assert await called(house, "Kartika") == "AKP Kartika"


async def test_a_name_by_a_second_invitation_is_in_the_log_with_the_former(house: House) -> None:
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        start = invite(work, Role.REVIEWER, KECAMATAN, created_by=kartika.id, name="Aipda Dewi")
    async with house.acting("Dewi") as (work, dewi):
        set_service_name(work, dewi, "Bripda Dewi")
        await redeem(work, dewi, start)
    async with house.office.look() as work:
        query = select(AuditLine.actor_id).where(AuditLine.act == Act.OFFICER_NAMED)
        assert (await work.session.execute(query)).scalar_one() == house.ids["Kartika"]
    [details] = await namings(house)
    assert (details["former"], details["name"]) == ("Bripda Dewi", "Aipda Dewi")
