"""The programme's numbers: what each step counts, for whom, and against which aim."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from nobs_bot.cameras import progress
from nobs_bot.cameras.connection import read_address, set_stream
from nobs_bot.cameras.progress import Count, within
from nobs_bot.cameras.record import Drift
from nobs_bot.cameras.rights import pause, withdraw
from nobs_bot.errors import Refusal
from tests.cameras.test_recording import recorded
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, House


async def counts(house: House) -> dict[str, Count]:
    async with house.office.look() as work:
        return await progress.progress(work, house.areas)


async def connected(house: House, owner: str, *, well: bool) -> int:
    camera_id = await house.approved(owner)
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        set_stream(work, camera, read_address(f"rtsp://{owner}:x9Kp2@cam.example/1"))
        camera.checked_at = work.now
        camera.drift = None if well else Drift.DEAD
    return camera_id


async def test_each_step_counts_what_came_so_far(any_house: House) -> None:
    await recorded(any_house)
    await recorded(any_house, whole=False)
    await any_house.draft("Citra")
    await any_house.waiting("Budi")
    await any_house.approved("Sari")
    await connected(any_house, "Sari", well=True)
    await connected(any_house, "Sari", well=False)
    paused, gone = await any_house.approved("Sari"), await any_house.approved("Sari")
    async with any_house.acting("Sari") as (work, sari):
        pause(work, await any_house.camera(work, paused), sari)
        await withdraw(work, await any_house.camera(work, gone), sari)
    here = (await counts(any_house))[KELURAHAN]
    # one record, one draft, one in the queue, four approved of which one is paused
    assert (here.recorded, here.waiting, here.by_officers) == (7, 1, 1)
    assert (here.consented, here.approved, here.connected, here.healthy) == (5, 3, 2, 1)
    assert (here.target, here.share) == (None, None)


async def test_kelurahan_add_up(any_house: House) -> None:
    await any_house.approved("Sari")
    await any_house.approved("Budi", at=(-6.1700, 106.7300))
    found = await counts(any_house)
    assert len(found) == 56
    assert within(found, KELURAHAN).approved == 1
    assert within(found, KECAMATAN).approved == 1
    assert within(found, DISTRICT).approved == 2


async def test_aims_are_kept_and_corrected(any_house: House) -> None:
    await any_house.approved("Sari")
    async with any_house.acting("Kartika") as (work, kartika):
        table = "Kelurahan;Target;Penduduk;Petugas\nJembatan Besi;4;15.210;12\ntambora;10;;\n"
        assert await progress.set_aims(work, kartika, any_house.areas, table) == 2
    here = (await counts(any_house))[KELURAHAN]
    assert (here.target, here.residents, here.officers, here.points) == (4, 15210, 12, None)
    assert (here.share, here.per_thousand) == (0.25, pytest.approx(0.0657, abs=1e-4))
    async with any_house.acting("Kartika") as (work, kartika):
        await progress.set_aims(work, kartika, any_house.areas, "area,target\nJembatan Besi,8")
    here = (await counts(any_house))[KELURAHAN]
    assert (here.target, here.residents) == (8, 15210)
    whole = within(await counts(any_house), DISTRICT)
    assert (whole.target, whole.residents) == (18, 15210)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("", "progress.table.columns"),
        ("Jembatan Besi;4", "progress.table.columns"),
        ("kelurahan;target", "progress.table.columns"),
        ("kelurahan;target\nJembatan Besi;4\nAtlantis;5", "progress.table.area"),
        ("kelurahan;target\nJembatan Besi;4\nKembangan;5", "progress.table.area"),
        ("kelurahan;target\nJembatan Besi;-4", "progress.table.number"),
        ("kelurahan;target\nJembatan Besi;99999999999", "progress.table.number"),
    ],
)
async def test_a_wrong_table_keeps_nothing(any_house: House, table: str, key: str) -> None:
    with pytest.raises(Refusal, match=key):
        async with any_house.acting("Kartika") as (work, kartika):
            await progress.set_aims(work, kartika, any_house.areas, table)
    assert all(each.target is None for each in (await counts(any_house)).values())


async def test_only_supervisors_aim_and_only_officers_look(any_house: House) -> None:
    async with any_house.acting("Dewi") as (work, dewi):
        table = "kelurahan;target\nJembatan Besi;4"
        with pytest.raises(Refusal, match=r"roles\.not_here"):
            await progress.set_aims(work, dewi, any_house.areas, table)
        assert await progress.areas_seen(work, dewi) == [KECAMATAN]
    async with any_house.acting("Sari") as (work, sari):
        with pytest.raises(Refusal, match=r"roles\.needed"):
            await progress.areas_seen(work, sari)


async def test_the_table_holds_the_officers_kelurahan_only(any_house: House) -> None:
    await any_house.approved("Sari")
    words = any_house.office.texts.of("id")
    text = progress.as_csv(words, any_house.areas, await counts(any_house), [KECAMATAN])
    header, *rows = csv.reader(StringIO(text.lstrip("\ufeff")), delimiter=";")
    assert len(rows) == len(any_house.areas.below(KECAMATAN)) > 1
    [here] = [row for row in rows if row[0].startswith("Jembatan Besi")]
    assert here[header.index("Ikut serta")] == "1"
