"""Coverage, the worklist and the recruiting list in the command centre."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from nobs_bot.cameras.record import Width
from nobs_bot.coverage.orders import CoverageOrder, Wanted
from nobs_bot.coverage.turn import TurnState
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, OTHER_KECAMATAN
from tests.console.hall import Hall
from tests.coverage.test_worklist import agreed, proposed, the_turn


async def test_figures_are_reckoned_kept_and_shown(any_hall: Hall) -> None:
    await any_hall.house.approved(width=Width.ALL_ROUND, range_m=80.0)
    rahmat = await any_hall.enter("Rahmat")
    _, page = await rahmat.get("cakupan")
    assert "Belum ada angka" in page
    status, page = await rahmat.post(f"cakupan/hitung?wilayah={KECAMATAN}")
    assert status == 200
    for part in ("Angka Senin, 16 November", "Jembatan Besi", "Jalan yang paling banyak luput"):
        assert part in page, part
    assert "<svg" in page
    _, page = await rahmat.get(f"cakupan?wilayah={KELURAHAN}")
    seen = page.partition('class="tiles"')[2].partition("<strong>")[2].partition(" %")[0]
    assert 0 < float(seen.replace(",", ".")) < 50


@pytest.mark.parametrize("code", [OTHER_KECAMATAN, DISTRICT, "99", "31.73.0"])
async def test_other_areas_are_not_shown(hall: Hall, code: str) -> None:
    rahmat = await hall.enter("Rahmat")
    for path in (f"cakupan?wilayah={code}", f"cakupan/rekrut?wilayah={code}"):
        assert (await rahmat.get(path))[0] == 403, path
    assert (await rahmat.post(f"cakupan/hitung?wilayah={code}"))[0] == 403


async def test_places_for_new_cameras(hall: Hall) -> None:
    wayan = await hall.enter("Wayan")
    status, page = await wayan.get(f"cakupan/rekrut?wilayah={KELURAHAN}")
    assert status == 200
    assert page.count("<tr>") > 5


async def test_the_worklist_is_walked_on_the_screen(any_hall: Hall) -> None:
    house = any_hall.house
    [turn_id] = await proposed(house, await house.approved())
    wayan = await any_hall.enter("Wayan")
    _, page = await wayan.get("cakupan/tugas")
    for part in ("K-1001", "37 m", "Jalan Duri Selatan"):
        assert part in page, part
    lines = await lines_of(any_hall)
    assert lines == [Act.COVERAGE_SEEN]
    status, page = await wayan.post(f"cakupan/tugas/{turn_id}/tanya")
    assert (status, "Pemilik sudah ditanya" in page) == (200, True)
    assert (await the_turn(house, turn_id)).state is TurnState.ASKED
    assert any("K-1001" in text for text in await house.told("Sari"))
    assert (await wayan.post(f"cakupan/tugas/{turn_id}/tanya"))[0] == 409


async def lines_of(hall: Hall) -> list[Act]:
    async with hall.house.office.look() as work:
        lines = await lines_about(work, hall.house.ids["Sari"])
    return [line.act for line in lines if line.act is Act.COVERAGE_SEEN]


async def test_an_officer_has_looked(hall: Hall) -> None:
    _, turn_id = await agreed(hall.house)
    kartika = await hall.enter("Kartika")
    assert (await kartika.post(f"cakupan/tugas/{turn_id}/terlihat"))[0] == 200
    assert (await the_turn(hall.house, turn_id)).state is TurnState.CONFIRMED


async def test_nobody_walks_elsewhere(hall: Hall) -> None:
    _, turn_id = await agreed(hall.house)
    async with hall.house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.FIELD_OFFICER, OTHER_KECAMATAN, granted_by=None)
    citra_in = await hall.enter("Citra")
    assert "K-1001" not in (await citra_in.get("cakupan/tugas"))[1]
    for act in ("tanya", "selesai", "terlihat"):
        assert (await citra_in.post(f"cakupan/tugas/{turn_id}/{act}"))[0] == 403, act
    assert (await the_turn(hall.house, turn_id)).state is TurnState.AGREED


async def test_a_supervisor_has_a_list_made(hall: Hall) -> None:
    kartika, wayan = await hall.enter("Kartika"), await hall.enter("Wayan")
    form = {"wilayah": KECAMATAN}
    assert (await wayan.post("cakupan/tugas/susun", form))[0] == 403
    assert (await kartika.post("cakupan/tugas/susun", {"wilayah": "99"}))[0] == 403
    for _ in range(2):
        assert (await kartika.post("cakupan/tugas/susun", form))[0] == 200
    async with hall.house.office.look() as work:
        [row] = (await work.session.execute(select(CoverageOrder))).scalars()
    assert (row.what, row.area_code) == (Wanted.WORKLIST, KECAMATAN)
