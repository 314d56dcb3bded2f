"""Health in the chat: a real camera that answers and then does not, for its owner and officers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.health import Health, enlist
from nobs_bot.people.roles import Role, grant
from nobs_bot.sandbox.cameras import DemoCameras
from nobs_bot.streams.address import parse_address
from tests.conversations.standing import approved_camera, the_person
from tests.conversations.standing import camera as camera_row
from tests.installation import Installation


async def looked_at(here: Installation) -> Health:
    """The camera's health after the workers have looked at it once more."""
    office = here.foundation.office
    async with office.work() as work:
        await enlist(work)
        await work.session.flush()
        row = (await work.session.execute(select(Health))).scalar_one()
        row.due_at, before = work.now, row.attempts
    async with asyncio.timeout(20):
        while True:
            async with office.look() as work:
                row = (await work.session.execute(select(Health))).scalar_one()
                if row.attempts > before and row.lease_until is None:
                    return row
            await asyncio.sleep(0.1)


async def test_a_camera_answers_and_falls_silent(here: Installation, scenes: Path) -> None:
    cameras = DemoCameras()
    infos = await cameras.start(cache_dir=scenes)
    good = next(info for info in infos if info.key == "good")
    camera_id = await approved_camera(here)
    wayan, sari, citra = (here.phone(name) for name in ("Wayan", "Sari", "Citra"))
    async with here.foundation.office.work() as work:
        row = await camera_row(here, camera_id)
        row = await work.session.merge(row)
        address = parse_address(good.url).with_credentials(good.username, good.password)
        set_stream(work, row, address)
    assert (await looked_at(here)).is_up
    await wayan.start()
    await wayan.expect("Selamat datang")
    await wayan.send("/kesehatan")
    shown = await wayan.expect("Menjawab: 1")
    assert "Tambora: 1 dari 1 menjawab" in shown["text"]
    await wayan.tap("Tambora")
    await wayan.expect("Jembatan Besi: 1 dari 1 menjawab")
    await sari.send("/kamera")
    await sari.tap("K-1001")
    await sari.expect("💓 Menjawab")
    # the power goes
    await cameras.stop()
    for _ in range(3):
        assert not (await looked_at(here)).is_up
    async with here.foundation.office.work() as work:
        row = (await work.session.execute(select(Health))).scalar_one()
        assert row.tell_at is not None
        row.tell_at = work.now - timedelta(seconds=1)
    await here.app._keep_up()
    told = await sari.expect("tidak menjawab sejak")
    assert "Sambungan ditolak" in told["text"]
    await sari.send("/kamera")
    await sari.tap("K-1001")
    await sari.expect("⚠️ Tidak menjawab sejak")
    await wayan.send("/kesehatan")
    await wayan.expect("Tidak menjawab: 1")
    await wayan.tap("Yang tidak menjawab")
    await wayan.expect("sambungan ditolak")
    await sari.send("/riwayat")
    log = await sari.expect("dalam daftar kamera yang tidak menjawab")
    assert "Wayan (Bhabinkamtibmas)" in log["text"]
    assert "mencatat bahwa K-1001 tidak menjawab" in log["text"]
    # nobody else sees any of it
    await citra.start()
    await citra.expect("Selamat datang")
    await citra.send("/kesehatan")
    await citra.expect("petugas")


async def test_another_areas_officer_sees_nothing_of_it(here: Installation) -> None:
    async with here.foundation.office.work() as work:
        budi = await the_person(work, "Budi")
        await grant(work, budi, Role.FIELD_OFFICER, "31.73.01", granted_by=None)
    budi = here.phone("Budi")
    await budi.start()
    await budi.expect("Selamat datang")
    await budi.send("/kesehatan")
    shown = await budi.expect("Belum ada kamera")
    for forged in ("hlt.area:31.73.04", "hlt.silent:31.73.04", "hlt.area:31.73", "hlt.area"):
        await budi.tap_data(shown["message_id"], forged)
        assert (await budi.expect_toast(""))["text"]
