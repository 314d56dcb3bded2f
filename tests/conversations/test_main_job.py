"""The whole main job over HTTP, with a camera behind digest auth on a real RTSP server."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from nobs_bot.app import Foundation
from nobs_bot.sandbox import SandboxServer
from tests.conversations.enrolling import consent, submit, until_sharing
from tests.installation import Installation, installation
from tests.phone import Phone
from tests.rtsp import start_rtsp_camera

PASSWORD = "p@ss:w/rd%#?1"
SPELLINGS = (PASSWORD, "p%40ss%3Aw%2Frd%25%23%3F1", "p@ss:w/rd%25#?1", "cEBzczp3L3JkJSM/MQ")
FOOTAGE = bytes(range(256)) * 5_000


@pytest.mark.rtsp
@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
async def test_a_volunteered_camera_becomes_an_answered_request(
    sandbox: SandboxServer, tmp_path: Path, database_url: str | None, webhook: bool
) -> None:
    with start_rtsp_camera(password=PASSWORD, path="/stream") as camera:
        async with installation(
            sandbox, tmp_path, webhook=webhook, database_url=database_url
        ) as here:
            sari = here.phone("Sari")
            await consent(sari)
            await until_sharing(sari)
            await _share_stream(sari, camera.port, camera.username, "/stream")
            await submit(sari)
            await _review(here.phone("Dewi"))
            await sari.expect("sudah disetujui")
            await _request(here.phone("Rahmat"))
            await _answer(sari)
            await _close(here)
            await sari.expect("membantu penyidikan")
            await sari.send("/riwayat")
            log = (await sari.expect("Siapa melihat apa"))["text"]
            for line in ("Dewi", "Rahmat", "membuka rekaman K-1001", "meminta rekaman K-1001"):
                assert line in log
            await _nowhere(here, tmp_path)


async def _share_stream(sari: Phone, port: int, username: str, path: str) -> None:
    await sari.tap("Gambar contoh")
    await sari.expect("Apa yang boleh kami lakukan")
    await sari.tap("Lanjut")
    await sari.expect("mencapai siaran kameranya")
    await sari.tap("alamat lengkap")
    await sari.expect("Kirim alamat siaran lengkap")
    await sari.send(f"rtsp://{username}:{PASSWORD}@127.0.0.1:{port}{path}")
    await sari.expect("sudah saya hapus")
    await sari.expect("Apakah ini yang dilihat kamera Anda", timeout_s=25)
    await sari.tap("Ya, benar")
    await sari.expect("Ringkasan")


async def _review(dewi: Phone) -> None:
    await dewi.start()
    await dewi.expect("Selamat datang")
    await dewi.tap("Antrean pemeriksaan")
    await dewi.expect("1 kamera menunggu")
    await dewi.tap("Ambil yang paling lama")
    dossier = await dewi.expect("Ibu Sari")
    assert "bekerja dengan baik" in dossier["text"]
    await dewi.tap("Setujui")
    await dewi.expect("disetujui")


async def _request(rahmat: Phone) -> None:
    await rahmat.start()
    await rahmat.expect("Selamat datang")
    await rahmat.send("/minta")
    await rahmat.expect("Di mana kejadiannya")
    await rahmat.send("-6.15345, 106.79815")
    await rahmat.expect("Dalam jarak berapa")
    await rahmat.tap("100 m")
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.send("kemarin 21.30–22.15")
    await rahmat.expect("Nomor perkaranya")
    await rahmat.send("LP/B/1042/XI/2026/SPKT")
    await rahmat.expect("Untuk perkara apa")
    await rahmat.tap("begal")
    await rahmat.expect("Apa yang dicari")
    await rahmat.send("Motor hitam tanpa pelat")
    preview = await rahmat.expect("1 kamera akan ditanya")
    assert "menghadap ke lokasi" in preview["caption"]
    await rahmat.tap("Kirim kepada pemilik")
    await rahmat.expect("sudah dikirim")


async def _answer(sari: Phone) -> None:
    asked = await sari.expect("meminta bantuan Anda")
    for part in ("R-1001", "begal", "LP/B/1042", "21.30–22.15", "menimpa", "sukarela"):
        assert part in asked["text"]
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")
    await sari.document(FOOTAGE, "kamera-depan.dav", "application/octet-stream")
    receipt = await sari.expect("SHA-256", timeout_s=20)
    assert sha256(FOOTAGE).hexdigest() in receipt["text"]
    await sari.tap("Sudah semua")
    await sari.expect("mendengar hasilnya")


async def _close(here: Installation) -> None:
    rahmat = here.phone("Rahmat")
    await rahmat.expect("rekaman dari K-1001 sudah diterima")
    await rahmat.tap("Buka rekaman")
    opened = await rahmat.expect("Rekaman asli")
    file_id = opened["document"]["file_id"]
    assert await rahmat.fetch(file_id) == FOOTAGE
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("punya rekaman")
    await rahmat.tap("Selesai, beri tahu pemilik")
    await rahmat.expect("apa hasilnya")
    await rahmat.tap("Rekaman membantu")
    await rahmat.expect("ditutup")


async def _nowhere(here: Installation, folder: Path) -> None:
    """The password is in no table, no file, no log and no chat."""
    haystacks = {"log": here.logged.getvalue()}
    for name in ("Sari", "Dewi", "Rahmat", "Kartika"):
        haystacks[f"chat of {name}"] = str(await here.phone(name).messages())
    haystacks["database"] = await _dump(here.foundation)
    for path in folder.rglob("*"):
        if path.is_file():
            haystacks[str(path)] = path.read_bytes().decode("latin-1")
    for where, content in haystacks.items():
        for spelling in SPELLINGS:
            assert spelling not in content, where
    assert "Ibu Sari" not in haystacks["database"]


async def _dump(foundation: Foundation) -> str:
    """Every value of every table."""
    async with foundation.database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert "cameras" in tables
        rows = []
        for table in tables:
            found = await connection.execute(text(f'SELECT * FROM "{table}"'))
            rows += [
                value.decode("latin-1") if isinstance(value, bytes) else str(value)
                for row in found
                for value in row
            ]
    return "\n".join(rows)
