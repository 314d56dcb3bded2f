"""Roles and the audit log in the command centre."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy import select

from nobs_bot.cameras import rights
from nobs_bot.console.audit_page import sought_in
from nobs_bot.footage.trail import Sought, as_csv, trail
from nobs_bot.people.invitations import redeem
from nobs_bot.people.persons import meet, officer_name, person, set_name
from nobs_bot.people.roles import Role, grant, grants_of, holds
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, OTHER_KECAMATAN, House
from tests.console.hall import Hall, Visitor
from tests.footage.requests import send

FAR = (-6.1475, 106.7305)


async def administrator(hall: Hall, name: str = "Budi", area: str = KECAMATAN) -> Visitor:
    async with hall.house.acting(name) as (work, who):
        await grant(work, who, Role.ADMINISTRATOR, area, granted_by=None)
    return await hall.enter(name)


async def grant_id(house: House, name: str) -> int:
    async with house.office.look() as work:
        return (await grants_of(work, house.ids[name]))[0].id


async def test_the_list_has_the_roles_of_the_own_areas(hall: Hall) -> None:
    budi = await administrator(hall)
    _, page = await budi.get("petugas")
    for name in ("Wayan", "Dewi", "Rahmat", "Budi"):
        assert f'<th scope="row">{name}</th>' in page
    assert "Kartika" not in page, "she supervises the whole district"
    _, page = await budi.get("petugas?peran=reviewer")
    assert re.findall(r'<th scope="row">(\w+)</th>', page) == ["Dewi"]


async def test_a_long_list_has_pages_and_a_name_is_found(hall: Hall) -> None:
    budi = await administrator(hall, area=DISTRICT)
    async with hall.house.office.work() as work:
        for at in range(60):
            who = meet(work, 700_000_000 + at, None)
            set_name(work, who, f"Petugas {at:02}")
            await work.session.flush()
            await grant(work, who, Role.FIELD_OFFICER, KELURAHAN, granted_by=None)
    _, first = await budi.get("petugas?peran=field_officer")
    shown = re.findall(r'<th scope="row">Petugas (\d\d)</th>', first)
    [after] = re.findall(r'rel="next" href="[^"]*/(petugas\?[^"]+)"', first)
    assert 'rel="prev"' not in first
    _, second = await budi.get(after.replace("&amp;", "&"))
    shown += re.findall(r'<th scope="row">Petugas (\d\d)</th>', second)
    assert shown == [f"{at:02}" for at in range(60)]
    assert ('rel="prev"' in second, 'rel="next"' in second) == (True, False)
    _, found = await budi.get("petugas?nama=gas+17")
    assert re.findall(r'<th scope="row">([^<]+)</th>', found) == ["Petugas 17"]
    for odd in ("0", "-1", "x", "9" * 40, "²"):
        assert (await budi.get(f"petugas?halaman={odd}"))[0] == 200


async def test_an_invitation_is_shown_once_and_works_once(any_hall: Hall) -> None:
    budi = await administrator(any_hall)
    form = {"peran": "reviewer", "wilayah": KELURAHAN, "nama": "Aipda Citra Dewi"}
    status, page = await budi.post("petugas/undang", form)
    found = re.search(r"https://t\.me/nobs_bot\?start=(inv_[\w-]+)", page)
    assert (status, bool(found)) == (200, True)
    assert found is not None
    async with any_hall.house.acting("Citra") as (work, citra):
        await redeem(work, citra, found.group(1))
    async with any_hall.house.office.look() as work:
        citra_id = any_hall.house.ids["Citra"]
        assert await holds(work, citra_id, Role.REVIEWER, KELURAHAN)
        assert not await holds(work, citra_id, Role.REVIEWER, KECAMATAN)
        assert officer_name(work, await person(work, citra_id)) == "Aipda Citra Dewi"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"peran": "reviewer", "wilayah": DISTRICT}, 403),
        ({"peran": "reviewer", "wilayah": OTHER_KECAMATAN}, 403),
        ({"peran": "emperor", "wilayah": KECAMATAN}, 409),
        ({"peran": "reviewer", "wilayah": "99"}, 409),
        ({"peran": "reviewer", "wilayah": KECAMATAN, "nama": ""}, 409),
        ({"peran": "reviewer", "wilayah": KECAMATAN, "nama": "1"}, 409),
        ({}, 409),
    ],
)
async def test_nobody_invites_beyond_their_areas(
    hall: Hall, form: dict[str, str], status: int
) -> None:
    budi = await administrator(hall)
    assert (await budi.post("petugas/undang", {"nama": "Dewi", **form}))[0] == status


async def test_a_name_is_corrected(any_hall: Hall) -> None:
    budi = await administrator(any_hall)
    held = await grant_id(any_hall.house, "Dewi")
    _, page = await budi.get(f"petugas/{held}")
    assert 'value="Dewi"' in page
    status, page = await budi.post(f"petugas/{held}/nama", {"nama": "Bripka Dewi Lestari"})
    assert (status, "sudah diubah" in page) == (200, True)
    assert '<th scope="row">Bripka Dewi Lestari</th>' in page
    assert (await budi.post(f"petugas/{held}/nama", {"nama": " "}))[0] == 409


async def test_a_role_is_ended_and_its_officer_told_and_shown_out(any_hall: Hall) -> None:
    house = any_hall.house
    budi, dewi = await administrator(any_hall), await any_hall.enter("Dewi")
    held = await grant_id(house, "Dewi")
    _, page = await budi.get(f"petugas/{held}")
    assert "berakhir seketika" in page
    status, page = await budi.post(f"petugas/{held}/akhiri")
    assert (status, "Dewi" in page) == (200, False)
    assert (await dewi.get(""))[0] == 401
    assert len(await house.told("Dewi")) == 1
    [told] = await house.messages("Dewi")
    assert told.menu
    assert "antrean" not in dict(told.menu)
    assert (await budi.post(f"petugas/{held}/akhiri"))[0] == 409


async def test_nobody_ends_what_is_not_theirs_to_end(hall: Hall) -> None:
    house = hall.house
    budi = await administrator(hall)
    kartika, dewi = await grant_id(house, "Kartika"), await grant_id(house, "Dewi")
    own = await grant_id(house, "Budi")
    for held, status in ((kartika, 403), (own, 409), (12345, 409)):
        assert (await budi.get(f"petugas/{held}"))[0] == status
        assert (await budi.post(f"petugas/{held}/akhiri"))[0] == status
        assert (await budi.post(f"petugas/{held}/nama", {"nama": "Budi"}))[0] == status
    for name in ("Dewi", "Rahmat", "Wayan", "Kartika"):
        visitor = await hall.enter(name)
        assert (await visitor.get("petugas"))[0] == 403
        assert (await visitor.post(f"petugas/{dewi}/akhiri"))[0] == 403
        assert (await visitor.post("petugas/undang", {}))[0] == 403


# the audit log


async def test_the_log_says_who_did_what_in_the_readers_areas(any_hall: Hall) -> None:
    hall, house = any_hall, any_hall.house
    near, far = await house.approved(), await house.approved("Budi", at=FAR)
    for owner, camera_id in (("Sari", near), ("Budi", far)):
        async with house.acting(owner) as (work, who):
            rights.pause(work, await house.camera(work, camera_id), who)
    await (await hall.enter("Rahmat")).get("kamera/1001")
    tambora = await administrator(hall, "Citra")
    _, page = await tambora.get("catatan?tindakan=camera_opened")
    rows = page.partition("<tbody>")[2]
    assert "Rahmat" in rows
    assert "K-1001" in rows
    _, page = await tambora.get("catatan?tindakan=paused")
    rows = page.partition("<tbody>")[2]
    assert "K-1001" in rows
    assert "K-1002" not in rows, "which hangs in Cengkareng"
    assert "Sari" not in rows, "an owner's name is opened by a press"
    _, page = await tambora.get("catatan")
    assert "masuk ke pusat komando" not in page.partition("<tbody>")[2]
    kartika = await hall.enter("Kartika")
    _, page = await kartika.get("catatan")
    rows = page.partition("<tbody>")[2]
    for part in ("K-1002", "masuk ke pusat komando", "Rahmat"):
        assert part in rows, part


async def test_lines_of_requests_are_their_areas(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    await send(house)
    tambora = await administrator(hall, "Citra")
    elsewhere = await administrator(hall, "Budi", OTHER_KECAMATAN)
    assert "R-1001" in (await tambora.get("catatan?permintaan=R-1001"))[1].partition("<tbody>")[2]
    assert "Tidak ada catatan" in (await elsewhere.get("catatan?permintaan=R-1001"))[1]


async def test_reading_and_exporting_are_logged_with_what_was_sought(hall: Hall) -> None:
    kartika = await hall.enter("Kartika")
    await kartika.get("catatan?kamera=K-1001&dari=2026-11-01")
    form = {"kamera": "K-1001"}
    assert (await kartika.post("catatan/unduh", form))[0] == 200
    async with hall.house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act.in_((Act.AUDIT_READ, Act.AUDIT_EXPORTED)))
        read, exported = (await work.session.execute(query.order_by(AuditLine.id))).scalars()
        assert read.read_details(work) == {"camera": 1001, "first_day": "2026-11-01"}
        assert exported.read_details(work) == {"camera": 1001, "lines": 0}


async def test_an_export_is_a_table_that_runs_no_formula(hall: Hall) -> None:
    house = hall.house
    async with house.acting("Rahmat") as (work, rahmat):
        set_name(work, rahmat, "=HYPERLINK(1)")
    await house.approved()
    await (await hall.enter("Rahmat")).get("kamera/1001")
    kartika = await hall.enter("Kartika")
    async with kartika.session.post(
        f"{hall.root}/catatan/unduh", data={"csrf": kartika.csrf, "tindakan": "camera_opened"}
    ) as answer:
        assert answer.content_type == "text/csv"
        assert "catatan-akses-2026-11-16.csv" in answer.headers["Content-Disposition"]
        text = (await answer.read()).decode("utf-8-sig")
    head, row = csv.reader(StringIO(text), delimiter=";")
    assert head == ["Waktu", "Siapa", "Peran", "Apa", "Rincian"]
    assert row[0] == "2026-11-16T10:00:00+07:00"
    assert row[1] == "'=HYPERLINK(1)"


async def test_pages_and_days(house: House) -> None:
    camera_id = await house.approved()
    for _ in range(3):
        async with house.acting("Sari") as (work, sari):
            camera = await house.camera(work, camera_id)
            rights.pause(work, camera, sari)
            rights.resume(work, camera, sari)
        house.clock.advance(timedelta(days=1))
    words = house.office.texts.of("id")
    async with house.office.look() as work:
        everything = (work, words, house.areas, [DISTRICT])
        whole = await trail(*everything, Sought(camera_number=1001), limit=100)
        first = await trail(*everything, Sought(camera_number=1001), limit=4)
        before = first[-1].line_id
        rest = await trail(*everything, Sought(camera_number=1001), before=before, limit=100)
        assert [each.line_id for each in (*first, *rest)] == [each.line_id for each in whole]
        day = (house.clock.now() - timedelta(days=2)).date()
        sought = Sought(camera_number=1001, first_day=day, last_day=day)
        one = await trail(*everything, sought, limit=100)
        assert [each.at.date() for each in one] == [day, day]
    assert as_csv(words, one).decode("utf-8-sig").count("\r\n") == 3


def test_nonsense_in_an_address_is_left_out() -> None:
    form = {
        "tindakan": "nonsense",
        "petugas": "9" * 25,
        "kamera": "K-99999999999",
        "permintaan": "x",
        "dari": "31-12-2026",
        "sampai": "9999-12-31",
    }
    assert sought_in(form) == Sought(camera_number=-1)


@pytest.mark.parametrize("name", ["Wayan", "Dewi", "Rahmat"])
async def test_the_log_is_not_for_everybody(hall: Hall, name: str) -> None:
    visitor = await hall.enter(name)
    assert (await visitor.get("catatan"))[0] == 403
    assert (await visitor.post("catatan/unduh"))[0] == 403
