"""Whose data was exposed, and that they are told."""

from __future__ import annotations

import csv
import stat
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from nobs_bot.auditing import Breach, report_breach
from nobs_bot.footage.breach import (
    Incident,
    Kind,
    as_table,
    in_a_copy,
    report,
    seen_by,
    tell_affected,
)
from nobs_bot.people.persons import set_phone
from nobs_bot.people.roles import Role
from nobs_bot.storage.audit import Act, record
from tests.cast import MONDAY, House

HOUR = timedelta(hours=1)


async def looked(house: House, act: Act, owner: str, camera_id: int | None, officer: str) -> None:
    async with house.office.work() as work:
        record(
            work,
            act,
            actor_id=house.ids[officer],
            actor_role=Role.INVESTIGATOR,
            owner_id=house.ids[owner],
            camera_id=camera_id,
        )


def incident(house: House, **about: Any) -> Incident:
    now = house.clock.now()
    given = {
        "since": MONDAY,
        "until": now,
        "found_at": now,
        "how": "Akun petugas dipakai orang lain.",
    }
    return Incident(**given | {"measures": "Akses dicabut."} | about)


async def test_what_an_officer_saw_and_nothing_else(any_house: House) -> None:
    house = any_house
    shop, home = await house.approved(), await house.approved("Budi", at=(-6.1475, 106.7305))
    await looked(house, Act.CAMERA_OPENED, "Sari", shop, "Rahmat")
    await looked(house, Act.OWNER_SHOWN, "Sari", shop, "Rahmat")
    await looked(house, Act.CLIP_OPENED, "Budi", home, "Dewi")
    house.clock.advance(2 * HOUR)
    await looked(house, Act.CLIP_OPENED, "Budi", home, "Rahmat")
    async with house.office.look() as work:
        early = await seen_by(work, house.ids["Rahmat"], MONDAY, MONDAY + HOUR)
        assert [(each.who.id, each.told_kinds, each.cameras) for each in early] == [
            (house.ids["Sari"], [Kind.PLACE, Kind.NAME], ["K-1001"])
        ]
        late = await seen_by(work, house.ids["Rahmat"], MONDAY, house.clock.now())
        assert {each.who.id: each.kinds for each in late}[house.ids["Budi"]] == {Kind.PICTURES}
        assert await seen_by(work, house.ids["Citra"], MONDAY, house.clock.now()) == []


async def test_what_a_copy_holds_with_and_without_the_keys(house: House) -> None:
    await house.approved()
    async with house.office.look() as work:
        sealed = {
            each.who.id: each for each in await in_a_copy(work, house.clock.now(), with_keys=False)
        }
        whole = {
            each.who.id: each for each in await in_a_copy(work, house.clock.now(), with_keys=True)
        }
        assert await in_a_copy(work, MONDAY - HOUR, with_keys=True) == []
    sari, citra = house.ids["Sari"], house.ids["Citra"]
    assert sealed[sari].kinds == {Kind.PLACE, Kind.ACCOUNT}
    assert whole[sari].kinds == set(Kind)
    assert whole[citra].kinds == {Kind.ACCOUNT, Kind.NAME}


async def test_everybody_concerned_is_told_once_and_the_rest_stand_in_the_table(
    house: House,
) -> None:
    camera_id = await house.approved()
    await looked(house, Act.CAMERA_OPENED, "Sari", camera_id, "Rahmat")
    await looked(house, Act.OWNER_SHOWN, "Budi", None, "Rahmat")
    async with house.acting("Budi") as (work, budi):
        budi.telegram_id = None
        set_phone(work, budi, "+628125550102", verified=False)
    told = incident(house)
    for _ in range(2):
        async with house.office.work() as work:
            found = await seen_by(work, house.ids["Rahmat"], MONDAY, house.clock.now())
            assert await tell_affected(work, told, found) == 1
    letters = [text for text in await house.told("Sari") if "data pribadi" in text]
    assert len(letters) == 1
    assert "letak dan arah kamera" in letters[0]
    assert told.how in letters[0]
    async with house.office.look() as work:
        words = house.office.texts.of("id")
        text = report(work, words, told, found)
        assert "Subjek data: 2 orang, 1 terjangkau" in text
        assert words.moment(told.found_at + timedelta(hours=72)) in text
        rows = list(
            csv.reader(StringIO(as_table(work, words, found).decode("utf-8-sig")), delimiter=";")
        )
    assert rows[1] == ["Ibu Sari", "'+628125550101", "ya", "K-1001", "letak dan arah kamera"]
    assert rows[2][:3] == ["Budi", "'+628125550102", "tidak"]


async def test_the_command(house: House, tmp_path: Path) -> None:
    camera_id = await house.approved()
    await looked(house, Act.CAMERA_OPENED, "Sari", camera_id, "Rahmat")
    settings = house.office.settings.model_copy(
        update={"database_url": str(house.office.database.url)}
    )
    (tmp_path / "keys").write_text("1:" + "QUJD" * 10 + "QUI=")
    settings = settings.model_copy(update={"data_dir": tmp_path})
    day = datetime.now().date()
    given: dict[str, Any] = {
        "folder": tmp_path / "laporan",
        "since": "2026-11-16T09:00",
        "until": f"{day + timedelta(days=1)}T09:00",
        "officer": 710_000_005,
        "with_keys": False,
        "how": "x",
        "measures": "y",
        "tell": True,
    }
    for wrong in ({"since": "kemarin"}, {"officer": 5}, {"until": "2026-11-01T09:00"}):
        assert await report_breach(settings, Breach(**given | wrong)) == 2
        assert not (tmp_path / "laporan").exists()
    assert await report_breach(settings, Breach(**given)) == 0
    table = tmp_path / "laporan" / "warga.csv"
    assert "Sari" in table.read_text("utf-8-sig")
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    assert any("data pribadi" in text for text in await house.told("Sari"))
    assert await report_breach(settings, Breach(**given)) == 2, "nothing is written over"


@pytest.mark.parametrize("act", [Act.ASKED, Act.APPROVED, Act.CHECKED])
async def test_what_shows_nothing_concerns_nobody(house: House, act: Act) -> None:
    await looked(house, act, "Sari", None, "Rahmat")
    async with house.office.look() as work:
        assert await seen_by(work, house.ids["Rahmat"], MONDAY, house.clock.now()) == []


@pytest.mark.parametrize("act", [Act.API_READ, Act.GROUND_ASKED, Act.FOUND_BY_REQUEST])
async def test_what_was_read_by_whatever_way_is_told(house: House, act: Act) -> None:
    camera_id = await house.approved()
    async with house.acting("Rahmat") as (work, rahmat):
        ids = {"owner_id": house.ids["Sari"], "camera_id": camera_id}
        record(work, act, actor_id=rahmat.id, actor_role=Role.INVESTIGATOR, **ids)
        await work.session.flush()
        day = timedelta(days=1)
        [found] = await seen_by(work, rahmat.id, work.now - day, work.now + day)
    assert found.who.id == house.ids["Sari"]
