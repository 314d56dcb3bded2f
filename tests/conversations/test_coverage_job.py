"""
Stage 2, whole: a hotspot, the blind spots, the worklist, an owner who agrees and turns the camera.

The camera is one of the sandbox's, over RTSP, which serves a turned picture once it was turned.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.surveyor import standing
from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.cameras import DemoCameras
from nobs_bot.streams.address import parse_address
from tests.conversations.enrolling import consent, submit, until_sharing
from tests.installation import Installation, installation
from tests.phone import Phone

# beside Jembatan Dua in Tambora: to the east there is little road, to the south-east a lot
CORNER = (-6.14271, 106.79329)


# the other conversations run on SQLite, and the use cases on both
@pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
async def test_a_hotspot_leads_to_a_camera_that_was_turned(
    sandbox: SandboxServer, tmp_path: Path, scenes: Path, database_url: str | None
) -> None:
    cameras = DemoCameras()
    infos = {info.key: info for info in await cameras.start(cache_dir=scenes)}
    corner = infos["corner"]
    address = parse_address(corner.url).with_credentials(corner.username, corner.password)
    try:
        async with installation(sandbox, tmp_path, database_url=database_url) as here:
            sari, wayan = here.phone("Sari"), here.phone("Wayan")
            await wayan.start()
            await _enrol(here, sari, address.url)
            await _hotspot(here.phone("Kartika"))
            await _blind_spots(here.phone("Kartika"))
            turn = await _worklist(here, wayan)
            assert "45° ke kanan, menghadap tenggara" in turn
            assert "Jembatan Dua" in turn
            await _agree(sari, wayan)
            await sari.tap("Sudah diputar")
            await sari.expect("masih sama seperti sebelumnya", timeout_s=30)
            await cameras.turn("corner", 105)
            await sari.tap("Sudah diputar")
            told = await sari.expect("bergeser sekitar 15°", timeout_s=30)
            assert "45° ke kanan" in told["text"]
            await cameras.turn("corner", 135)
            await sari.tap("Sudah diputar")
            thanks = await sari.expect("sekarang menghadap ke arah yang disarankan", timeout_s=30)
            assert "jalan lebih banyak terlihat, di Tubagus Angke" in thanks["caption"]
            assert thanks["photo"]
            confirmed = await wayan.expect("sudah menghadap ke arah yang disarankan")
            assert confirmed["photo"]
            await _gain_shows(here)
            await sari.send("/riwayat")
            log = (await sari.expect("Siapa melihat apa"))["text"]
            for line in ("Wayan", "Kartika", "pada peta cakupan", "boleh diarahkan ulang"):
                assert line in log
            assert corner.password not in here.logged.getvalue()
    finally:
        await cameras.stop()


async def _enrol(here: Installation, sari: Phone, url: str) -> None:
    await consent(sari)
    await until_sharing(sari, CORNER, heading="timur", nudge="", reach="40 m")
    await sari.tap("Gambar contoh")
    await sari.expect("Apa yang boleh kami lakukan")
    await sari.tap("Lanjut")
    await sari.expect("mencapai siaran kameranya")
    await sari.tap("alamat lengkap")
    await sari.expect("Kirim alamat siaran lengkap")
    await sari.send(url)
    await sari.expect("Apakah ini yang dilihat kamera Anda", timeout_s=25)
    await sari.tap("Ya, benar")
    await sari.expect("Ringkasan")
    await submit(sari)
    dewi = here.phone("Dewi")
    await dewi.start()
    await dewi.send("/antrean")
    await dewi.tap("Ambil yang paling lama")
    await dewi.expect("Ibu Sari")
    await dewi.tap("Setujui")
    await sari.expect("sudah disetujui")


async def _hotspot(kartika: Phone) -> None:
    await kartika.start()
    await kartika.send("/rawan")
    await kartika.tap("Titik rawan baru")
    await kartika.tap("begal")
    await kartika.expect("Di mana?")
    await kartika.send(f"{CORNER[0]}, {CORNER[1]}")
    for question, choice in (
        ("Seberapa luas?", "100 m"),
        ("Pada jam berapa?", "21.00–03.00"),
        ("Pada hari apa?", "setiap hari"),
        ("Seberapa berat?", "5"),
        ("Sampai kapan", "seterusnya"),
    ):
        await kartika.expect(question)
        await kartika.tap(choice)
    await kartika.expect("H-1001 dicatat")


async def _blind_spots(kartika: Phone) -> None:
    """The chart of the hotspot close up, then of the kecamatan, from which the list is ordered."""
    await kartika.send("/cakupan")
    await kartika.expect("Cakupan wilayah mana")
    await kartika.tap("Lihat dari dekat")
    await kartika.location(*CORNER)
    near = await kartika.expect("Cakupan: sekitar 300 m", timeout_s=40)
    assert near["has_protected_content"]
    assert near["photo"]
    assert "H-1001 begal" in near["caption"]
    assert "batas atas" not in near["caption"]
    await kartika.send("/cakupan")
    await kartika.tap("Per kecamatan")
    await kartika.tap("Tambora")
    whole = await kartika.expect("Cakupan: Tambora", timeout_s=40)
    assert "Paling sedikit terlihat" in whole.get("caption", "") + whole.get("text", "")
    await kartika.tap("Hitung daftar kerja baru")
    await kartika.expect("1 kamera sebaiknya diarahkan ulang", timeout_s=40)


async def _worklist(here: Installation, wayan: Phone) -> str:
    await wayan.expect("Ada daftar kerja baru: 1 kamera")
    await wayan.tap("Buka daftar kerja")
    task = await wayan.expect("Tugas 1 dari 1")
    assert task["photo"]
    assert task["has_protected_content"]
    await wayan.tap("Tanya pemiliknya")
    await wayan.expect("sudah ditanya")
    return str(task["caption"])


async def _agree(sari: Phone, wayan: Phone) -> None:
    asked = await sari.expect("Bolehkah kamera Anda K-1001")
    assert "Menjawab bersifat sukarela" in asked["caption"]
    assert asked["photo"]
    await sari.tap("Boleh, saya putar")
    await sari.expect("Setelah selesai, ketuk tombol")
    await wayan.expect("setuju kameranya diarahkan ulang")


async def _gain_shows(here: Installation) -> None:
    async with here.foundation.office.look() as work:
        stands = await standing(work)
        camera = (await work.session.execute(select(Camera))).scalar_one()
        assert camera.heading_deg == pytest.approx(135, abs=3)
    figures = await here.app.surveyor.ask("figures", stands, areas=["31.73.04"])
    assert figures["whole"]["seen_m"] > 30
