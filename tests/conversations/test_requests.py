"""Asking for footage, answering, and hearing what came of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.footage.answers import expire_requests
from nobs_bot.footage.request import FootageRequest
from tests.conversations.standing import approved_camera
from tests.installation import Installation
from tests.phone import Message, Phone, words_of


async def ask(
    rahmat: Phone, *, radius: str = "100 m", when: str = "kemarin 21.30–22.15", place: str = ""
) -> None:
    """Everything up to the preview."""
    await rahmat.send("/minta")
    await rahmat.expect("Di mana kejadiannya")
    await rahmat.send(place or "-6.15345, 106.79815")
    await rahmat.expect("Dalam jarak berapa")
    await rahmat.tap(radius)
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.send(when)
    await rahmat.expect("Nomor perkaranya")
    await rahmat.send("LP/B/1042/XI/2026/SPKT")
    await rahmat.expect("Untuk perkara apa")
    await rahmat.tap("pencurian")
    await rahmat.expect("Apa yang dicari")
    await rahmat.tap("Lewati")
    await rahmat.expect("akan ditanya")


async def sent(here: Installation) -> Phone:
    """A request that Sari and Rahmat have before them; Rahmat's phone."""
    await approved_camera(here)
    rahmat = here.phone("Rahmat")
    await rahmat.start()
    await ask(rahmat)
    await rahmat.tap("Kirim kepada pemilik")
    await rahmat.expect("sudah dikirim")
    return rahmat


async def test_nothing_recorded_refusal_and_a_change_of_mind(here: Installation) -> None:
    rahmat, sari = await sent(here), here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Tidak ada")
    await sari.expect("Terima kasih sudah memeriksa")
    await rahmat.expect("tidak ada rekaman")
    await sari.tap("Ubah jawaban")
    await sari.expect("apa jawaban Anda")
    await sari.tap("Saya menolak")
    await sari.expect("itu hak Anda")
    await rahmat.expect("tidak bersedia", timeout_s=40)


async def test_help_brings_the_field_officer_who_sees_the_contact_once_asked(
    here: Installation,
) -> None:
    wayan = here.phone("Wayan")
    await wayan.start()
    await wayan.expect("Selamat datang")
    await sent(here)
    sari = here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Perlu bantuan")
    await sari.expect("akan menghubungi Anda")
    await wayan.expect("memerlukan bantuan")
    await wayan.tap("Lihat kontaknya")
    shown = await wayan.expect("+6281255501234")
    assert "Ibu Sari" in shown["text"]
    await sari.send("/riwayat")
    log = await sari.expect("Siapa melihat apa")
    assert "Wayan (Bhabinkamtibmas)" in log["text"]


async def test_a_video_is_taken_and_marked_as_recompressed(here: Installation) -> None:
    await sent(here)
    sari = here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")
    await sari.sticker()
    await sari.expect("menunggu rekaman")
    await sari.video(b"\x00\x00\x00\x18ftypmp42" + b"v" * 4000, "a.mp4")
    receipt = await sari.expect("SHA-256", timeout_s=15)
    assert "memampatkannya" in receipt["text"]
    await sari.document(b"second clip", "b.dav", "application/octet-stream")
    await sari.expect("b.dav", timeout_s=15)


async def wished_for(here: Installation) -> Message:
    """Kartika is asked to agree to what Rahmat asks for beyond the limits; her message."""
    await approved_camera(here)
    rahmat, kartika = here.phone("Rahmat"), here.phone("Kartika")
    await rahmat.start()
    await kartika.start()
    await kartika.expect("Selamat datang")
    await ask(rahmat, radius="1 km", when="kemarin 09.00–21.00")
    await rahmat.tap("Minta persetujuan atasan")
    return await kartika.expect("memohon persetujuan")


async def test_beyond_the_limits_a_supervisor_agrees_with_a_reason(here: Installation) -> None:
    rahmat, kartika = here.phone("Rahmat"), here.phone("Kartika")
    wish = await wished_for(here)
    await rahmat.expect("menunggu persetujuan atasan")
    assert "jarak terlalu jauh" in wish["text"]
    assert "waktunya terlalu panjang" in wish["text"]
    await kartika.tap("Setujui")
    await kartika.expect("mengapa disetujui")
    await kartika.send("Pelaku lari ke beberapa arah")
    await kartika.expect("disetujui dan dikirim")
    await rahmat.expect("Pelaku lari ke beberapa arah")
    await here.phone("Sari").expect("meminta bantuan Anda")
    await kartika.tap_data(wish["message_id"], (await _data(wish, "Tolak")))
    await kartika.expect_toast("sudah diputuskan")


async def test_who_takes_a_decision_back_decides_nothing_by_the_next_words(
    here: Installation,
) -> None:
    kartika = here.phone("Kartika")
    await wished_for(here)
    await kartika.tap("Setujui")
    await kartika.expect("mengapa disetujui")
    await kartika.tap("Batal")
    await kartika.expect("dibatalkan")
    await kartika.send("maaf, salah tekan, tidak jadi")
    await asyncio.sleep(1)
    said = " ".join(words_of(each) for each in await kartika.messages())
    assert "disetujui dan dikirim" not in said


async def _data(message: dict, label: str) -> str:  # type: ignore[type-arg]
    rows = message["reply_markup"]["inline_keyboard"]
    return next(each["callback_data"] for row in rows for each in row if label in each["text"])


async def test_a_declined_request_reaches_nobody(here: Installation) -> None:
    await approved_camera(here)
    rahmat, kartika = here.phone("Rahmat"), here.phone("Kartika")
    await rahmat.start()
    await kartika.start()
    await kartika.expect("Selamat datang")
    await ask(rahmat, radius="1 km")
    await rahmat.tap("Minta persetujuan atasan")
    await kartika.expect("memohon persetujuan")
    await kartika.tap("Tolak")
    await kartika.expect("mengapa ditolak")
    await kartika.send("Terlalu luas")
    await kartika.expect("penyidik sudah diberi tahu")
    await rahmat.expect("Terlalu luas")
    shown = str(await here.phone("Sari").messages())
    assert "meminta bantuan Anda" not in shown


async def test_what_is_overwritten_paused_or_own_is_left_out_with_its_reason(
    here: Installation,
) -> None:
    await approved_camera(here, "Sari")
    budi = await approved_camera(here, "Budi", (-6.1536, 106.7983))
    await approved_camera(here, "Rahmat", (-6.1533, 106.7982))
    async with here.foundation.office.work() as work:
        camera = await work.session.get(Camera, budi)
        assert camera is not None
        camera.paused_at = work.now
    rahmat = here.phone("Rahmat")
    await rahmat.send("/minta")
    await rahmat.expect("Di mana kejadiannya")
    await rahmat.send("K-1001")
    await rahmat.expect("Dalam jarak berapa")
    await rahmat.send("150 m")
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.send("besok 9-10")
    await rahmat.expect("belum jelas")
    day = (await _today(here)) - timedelta(days=20)
    await rahmat.send(f"{day.day}/{day.month} 10.00-11.00")
    await rahmat.expect("Nomor perkaranya")
    await rahmat.send("?")
    await rahmat.expect("tidak dikenal")
    await rahmat.send("LP/B/1042/XI/2026/SPKT")
    await rahmat.expect("Untuk perkara apa")
    await rahmat.tap("tawuran")
    await rahmat.expect("Apa yang dicari")
    await rahmat.tap("Lewati")
    preview = await rahmat.expect("0 kamera akan ditanya")
    for reason in ("sudah tertimpa", "dijeda pemiliknya", "kamera Anda sendiri"):
        assert reason in preview["caption"]


async def _today(here: Installation):  # type: ignore[no-untyped-def]
    settings = here.foundation.settings
    return here.foundation.clock.now().astimezone(settings.zone).date()


async def test_an_expired_request_is_told_to_everybody(here: Installation) -> None:
    rahmat, sari = await sent(here), here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    async with here.foundation.office.work() as work:
        request = (await work.session.execute(select(FootageRequest))).scalar_one()
        request.expires_at = work.now - timedelta(seconds=1)
        await work.session.flush()
        assert await expire_requests(work) == 1
        assert await expire_requests(work) == 0
    await sari.expect("sudah lewat waktu dan ditutup")
    await rahmat.expect("lewat waktu")
    await sari.tap("Saya punya")
    await sari.expect_toast("sudah ditutup")


async def test_an_owner_who_blocked_the_bot_is_shown_as_unreachable(here: Installation) -> None:
    await approved_camera(here)
    await here.phone("Sari").block()
    rahmat = here.phone("Rahmat")
    await rahmat.start()
    await ask(rahmat)
    await rahmat.tap("Kirim kepada pemilik")
    await rahmat.expect("sudah dikirim")
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("bot diblokir")


async def test_somebody_else_cannot_answer_open_or_close(here: Installation) -> None:
    await sent(here)
    sari, citra = here.phone("Sari"), here.phone("Citra")
    asked = await sari.expect("meminta bantuan Anda")
    await citra.start()
    welcome = (await citra.expect("Selamat datang"))["message_id"]
    await citra.tap_data(welcome, await _data(asked, "Saya punya"))
    await citra.expect_toast("bukan untuk Anda")
    async with here.foundation.office.look() as work:
        request = (await work.session.execute(select(FootageRequest))).scalar_one()
    for action in ("req.show", "req.close", "req.clip"):
        await citra.tap_data(welcome, f"{action}:{request.id}")
        await citra.expect_toast("hanya untuk petugas")
    await citra.send("/minta")
    await citra.expect("hanya untuk petugas")
    await citra.send("/antrean")
    await citra.expect("hanya untuk petugas")
    await citra.send("/undang")
    await citra.expect("hanya untuk petugas")
