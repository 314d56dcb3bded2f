"""From the first word to the verdict: save it, ask for it, three owners, the outcome, the proof."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from nobs_bot.footage.request import Ask, Clip
from nobs_bot.sandbox import SandboxServer
from tests.console.test_tus import cut, settled, uploader
from tests.conversations.standing import approved_camera, the_person
from tests.conversations.test_requests import ask
from tests.footage.recordings import video
from tests.installation import Installation, free_port, installation
from tests.phone import Phone, labels_of

MB = 1024 * 1024
BOT = Path(__file__).parents[2] / "bot.py"


# the other conversations run on SQLite, and the use cases on both
@pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
async def test_a_case_from_saving_to_the_proof(
    sandbox: SandboxServer, tmp_path: Path, database_url: str | None
) -> None:
    port = free_port()
    async with installation(
        sandbox,
        tmp_path / "data",
        listen_port=port,
        console_url=f"http://127.0.0.1:{port}",
        database_url=database_url,
    ) as here:
        rahmat = await _ask_to_save(here)
        await _ask_for_it(here, rahmat)
        await _refuse(here.phone("Wayan"))
        await _send_in_the_chat(here.phone("Sari"))
        await _be_reminded(here)
        await _upload(here, tmp_path / "besar.dav")
        await _close(here, rahmat)
        export = await _export(here, rahmat, tmp_path / "bukti.zip")
    empty = tmp_path / "kosong"
    empty.mkdir()
    _verify(export, empty)


async def _ask_to_save(here: Installation) -> Phone:
    for owner, heading in (("Sari", 135), ("Budi", 90), ("Wayan", 180)):
        await approved_camera(here, owner, heading_deg=heading)
    rahmat, kartika = here.phone("Rahmat"), here.phone("Kartika")
    await kartika.start()
    await rahmat.start()
    await ask(rahmat, radius="1 km")
    await rahmat.tap("Minta simpan dulu")
    await rahmat.expect("menunggu persetujuan atasan")
    assert "cukup simpan" not in str(await here.phone("Sari").messages())
    await kartika.expect("jarak terlalu jauh")
    await kartika.tap("Setujui")
    await kartika.expect("mengapa disetujui")
    await kartika.send("perlu, kejadiannya luas")
    await kartika.expect("dikirim kepada para pemilik")
    for owner in ("Sari", "Budi", "Wayan"):
        await here.phone(owner).expect("cukup simpan")
    await here.phone("Sari").tap("Sudah saya simpan")
    await here.phone("Sari").expect("jangan dihapus dulu")
    return rahmat


async def _ask_for_it(here: Installation, rahmat: Phone) -> None:
    await rahmat.expect("sudah menyimpan rekamannya")
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("baru diminta menyimpan")
    await rahmat.tap("Minta rekamannya")
    await rahmat.expect_toast("3 kamera lagi ditanya")
    for owner in ("Sari", "Budi", "Wayan"):
        phone = here.phone(owner)
        asked = await phone.expect("Menjawab bersifat sukarela")
        while not any("Saya punya" in label for label in labels_of(asked)):
            await asyncio.sleep(0.1)
            asked = await phone.expect("Menjawab bersifat sukarela")


async def _refuse(wayan: Phone) -> None:
    await wayan.tap("Saya menolak")
    await wayan.expect("itu hak Anda")


async def _send_in_the_chat(sari: Phone) -> None:
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")
    await sari.document(video(), "kamera-sari.mp4")
    await sari.expect("SHA-256", timeout_s=30)


async def _be_reminded(here: Installation) -> None:
    """Time is the one thing that is made up: the reminder falls due."""
    budi = here.phone("Budi")
    async with here.foundation.office.work() as work:
        person = await the_person(work, "Budi")
        [one] = (await work.session.execute(select(Ask).where(Ask.owner_id == person.id))).scalars()
        assert one.due_at is not None
        one.due_at = work.now - timedelta(seconds=1)
    await budi.expect("Pengingat", timeout_s=30)
    await budi.tap("Saya punya")
    await budi.expect("sebagai berkas")


async def _upload(here: Installation, path: Path) -> None:
    """300 MB through the owner's own page, by a real tus client, cut twice."""
    budi = here.phone("Budi")
    path.write_bytes(b"DHAV" + b"".join(Random(at).randbytes(MB) for at in range(300)))
    await budi.tap("lebih dari 20 MB")
    sent = await budi.expect("halaman unggah untuk permintaan")
    [[opens]] = sent["reply_markup"]["inline_keyboard"]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.post(opens["url"]) as answer:
            assert answer.status == 200
            files = f"{answer.url}berkas/"
        [cookie] = browser.cookie_jar
    headers = {"Cookie": f"{cookie.key}={cookie.value}", "Tus-Resumable": "1.0.0"}
    sending = await asyncio.to_thread(uploader, files, headers, path, None, chunk_size=40 * MB)
    await asyncio.to_thread(sending.upload_chunk)
    content = path.read_bytes()
    for _ in range(2):
        offset = await settled(sending.url, headers)
        await cut(sending.url, headers, offset, content[offset : offset + 21 * MB], 150 * MB)
        assert await settled(sending.url, headers, offset + 1) > offset
    going_on: Any = await asyncio.to_thread(
        uploader, files, headers, path, sending.url, chunk_size=80 * MB
    )
    await asyncio.to_thread(going_on.upload)
    await budi.expect("SHA-256", timeout_s=60)


async def _close(here: Installation, rahmat: Phone) -> None:
    await rahmat.expect("rekaman dari K-1002 sudah diterima", timeout_s=60)
    await rahmat.tap("Lihat permintaan")
    page = await rahmat.expect("tidak bersedia")
    assert page["text"].count("punya rekaman") == 2
    await rahmat.tap("Selesai, beri tahu pemilik")
    await rahmat.expect("apa hasilnya")
    await rahmat.tap("Rekaman membantu")
    await rahmat.expect("ditutup")
    for owner in ("Sari", "Budi", "Wayan"):
        await here.phone(owner).expect("membantu penyidikan", timeout_s=20)


async def _export(here: Installation, rahmat: Phone, path: Path) -> Path:
    await rahmat.send("/permintaan")
    await rahmat.expect("Permintaan rekaman")
    await rahmat.tap("R-1001")
    await rahmat.expect("selesai")
    await rahmat.tap("Ekspor barang bukti")
    sent = await rahmat.expect("dapat diunduh lewat tombol")
    [[opens]] = sent["reply_markup"]["inline_keyboard"]
    async with aiohttp.ClientSession() as browser, browser.get(opens["url"]) as answer:
        assert answer.status == 200
        with path.open("wb") as file:
            async for block in answer.content.iter_chunked(MB):
                file.write(block)
        async with browser.get(opens["url"]) as again:
            assert again.status == 404
    sari = here.phone("Sari")
    await sari.send("/riwayat")
    assert "mengunduh barang bukti R-1001" in (await sari.expect("Siapa melihat"))["text"]
    async with here.foundation.office.look() as work:
        assert len((await work.session.execute(select(Clip))).all()) == 2
    return path


def _verify(export: Path, empty: Path) -> None:
    """On another machine, as it were: nothing but the file, in an empty folder."""

    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(BOT), "verify-evidence", str(export)],
            cwd=empty,
            env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    whole = verify()
    assert whole.returncode == 0, whole.stdout + whole.stderr
    at = 150 * MB
    with export.open("r+b") as file:
        file.seek(at)
        [byte] = file.read(1)
        file.seek(at)
        file.write(bytes((byte ^ 0x10,)))
    broken = verify()
    assert broken.returncode != 0
    assert "byte" in broken.stdout
    assert list(empty.iterdir()) == []
