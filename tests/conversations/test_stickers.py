"""Stickers in the chat: printed, taken along, handed over, on the wall; and scanned by all."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from nobs_bot.cameras.stickers import live_sticker
from nobs_bot.people.roles import Role, grant
from nobs_bot.sandbox.scanning import payload_of, read_code
from tests.conversations.enrolling import photo
from tests.conversations.standing import approved_camera, the_person
from tests.installation import Installation
from tests.phone import Phone, labels_of


async def sheet(kartika: Phone, size: str = "24 per lembar") -> Any:
    """From the command to the message with the PDF."""
    await kartika.start()
    await kartika.expect("Selamat datang")
    await kartika.send("/stiker")
    await kartika.expect("Belum punya stiker: 1")
    await kartika.tap("Cetak stiker")
    await kartika.expect("wilayah mana")
    await kartika.tap("Jembatan Besi · 1")
    await kartika.expect("Kertas label apa")
    await kartika.tap(size)
    return await kartika.expect("Cetak dengan ukuran asli")


async def code_of(phone: Phone, message: Any) -> str:
    """What the first code of the PDF says: what comes after `?start=`."""
    pdf = await phone.fetch(message["document"]["file_id"])
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=150 / 72).to_pil()
    form = page.crop((0, 0, page.width // 2, page.height // 4))
    out = io.BytesIO()
    form.convert("RGB").save(out, "PNG")
    return payload_of(read_code(out.getvalue()))


async def test_from_the_sheet_to_the_wall(here: Installation) -> None:
    camera_id = await approved_camera(here)
    kartika, wayan, sari = (here.phone(name) for name in ("Kartika", "Wayan", "Sari"))
    sent = await sheet(kartika)
    assert sent["document"]["file_name"] == "stiker-S-1001.pdf"
    start = await code_of(kartika, sent)
    await wayan.start()
    await wayan.send("/stiker")
    await wayan.expect("Sudah dicetak: 1")
    await wayan.tap("Lembar yang sudah dicetak")
    await wayan.expect("terakhir dicetak")
    await wayan.tap("S-1001")
    await wayan.expect("Belum diserahkan: 1")
    await wayan.tap("Saya bawa lembar ini")
    await wayan.expect("Dibawa Wayan")
    # at the camera: its sticker opens its record
    await wayan.start(start)
    record = await wayan.expect("belum diserahkan")
    assert "K-1001" in record["caption"]
    assert "Ibu Sari" not in record["caption"]
    assert "0812" not in record["caption"]
    await wayan.tap("Sudah saya serahkan")
    await wayan.expect_toast("Pemilik diberi tahu")
    await wayan.tap("Batal, belum diserahkan")
    await wayan.expect("belum diserahkan")
    await wayan.tap("Sudah saya serahkan", times=3)
    await wayan.expect("belum ada fotonya")
    # the owner puts it up
    await sari.expect("sudah diserahkan kepada Anda")
    await sari.tap("Kirim foto stiker terpasang")
    await sari.expect("Tempelkan stiker K-1001")
    await sari.send("sudah saya tempel ya")
    await sari.expect("Kirim sebagai foto")
    await sari.photo(photo(11))
    await sari.expect("tercatat terpasang")
    await sari.send("/riwayat")
    log = await sari.expect("mengirim foto stiker K-1001")
    assert "Wayan (Bhabinkamtibmas)" in log["text"]
    assert "membuka data kamera K-1001" in log["text"]
    await kartika.send("/stiker")
    await kartika.expect("Terpasang: 1")
    async with here.foundation.office.look() as work:
        sticker = await live_sticker(work, camera_id)
        assert sticker is not None
        assert sticker.placed_at is not None


async def test_each_one_who_scans_sees_what_is_theirs(here: Installation) -> None:
    await approved_camera(here)
    start = await code_of(here.phone("Kartika"), await sheet(here.phone("Kartika")))
    sari, dewi, citra = (here.phone(name) for name in ("Sari", "Dewi", "Citra"))
    await sari.start(start)
    menu = await sari.expect("Stiker sudah dicetak")
    assert any("Jeda" in label for label in labels_of(menu))
    # a reviewer reads, and has no say over stickers
    await dewi.start(start)
    record = await dewi.expect("K-1001")
    assert labels_of(record) == ["🏠 Menu utama"]
    # anybody else reads that it is valid and whom to call, and nothing of the owner
    await citra.start(start)
    told = await citra.expect("Stiker ini berlaku")
    assert "terhubung dengan Pusat Komando" in told["text"]
    assert "110" in told["text"]
    for private in ("Sari", "Jembatan Besi", "0812", "Toko"):
        assert private not in told["text"]
    await citra.start("s_1001-1-AAAAAAAA")
    await citra.expect("bukan stiker kami")


async def test_another_areas_officer_is_anybody(here: Installation) -> None:
    await approved_camera(here)
    start = await code_of(here.phone("Kartika"), await sheet(here.phone("Kartika")))
    async with here.foundation.office.work() as work:
        budi = await the_person(work, "Budi")
        await grant(work, budi, Role.FIELD_OFFICER, "31.73.01", granted_by=None)
    budi = here.phone("Budi")
    await budi.start(start)
    told = await budi.expect("Stiker ini berlaku")
    assert "Pandangan" not in told["text"]
    # nor do the buttons of others work
    async with here.foundation.office.look() as work:
        sticker = await live_sticker(work, await _only_camera(here))
    assert sticker is not None
    for action in ("show", "hand", "back", "new", "photo"):
        await budi.tap_data(told["message_id"], f"stk.{action}:{sticker.id}")
        await budi.expect_toast("wilayah")
    await budi.tap_data(told["message_id"], f"stk.batch:{sticker.batch_id}")
    await budi.expect_toast("wilayah")
    await budi.tap_data(told["message_id"], "stk.print:31.73.04:24")
    await budi.expect_toast("wilayah")
    citra = here.phone("Citra")
    await citra.start()
    await citra.expect("Selamat datang")
    await citra.send("/stiker")
    await citra.expect("petugas")


async def _only_camera(here: Installation) -> int:
    from sqlalchemy import select

    from nobs_bot.cameras.record import Camera

    async with here.foundation.office.look() as work:
        return int((await work.session.execute(select(Camera.id))).scalar_one())


async def test_withdrawing_makes_it_expire_at_once(here: Installation) -> None:
    await approved_camera(here)
    start = await code_of(here.phone("Kartika"), await sheet(here.phone("Kartika")))
    sari, citra, wayan = (here.phone(name) for name in ("Sari", "Citra", "Wayan"))
    await sari.start(start)
    await sari.tap("Tarik kamera")
    await sari.tap("Ya, tarik")
    await sari.expect("sudah ditarik")
    for phone in (citra, sari, wayan):
        await phone.start(start)
        await phone.expect("tidak berlaku lagi")


async def test_a_lost_one_is_printed_anew_and_the_old_one_tells_so(here: Installation) -> None:
    await approved_camera(here)
    kartika, citra = here.phone("Kartika"), here.phone("Citra")
    old = await code_of(kartika, await sheet(kartika))
    await kartika.start(old)
    await kartika.tap("cetak ulang")
    await kartika.expect("Yang lama langsung tidak berlaku")
    await kartika.tap("4 per lembar")
    again = await kartika.expect("S-1002")
    pdf = await kartika.fetch(again["document"]["file_id"])
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil()
    assert isinstance(page, Image.Image)
    await citra.start(old)
    await citra.expect("tidak berlaku lagi")
    # whoever deals with it is told which one counts
    await kartika.start(old)
    await kartika.expect("Mohon lepaskan stiker lama")


async def test_forged_and_outlived_buttons_are_refused(here: Installation) -> None:
    await approved_camera(here)
    kartika = here.phone("Kartika")
    sent = await sheet(kartika)
    for data in (
        "stk.print:31.73.04.1006:7",
        "stk.print:31.73.04.1006",
        "stk.print",
        "stk.show:abc",
        "stk.show:1",
        "stk.batch:9",
        "stk.reprint:1:24",
        "stk.photo:1",
        "stk.cancel",
    ):
        await kartika.tap_data(sent["message_id"], data)
        assert (await kartika.expect_toast(""))["text"]


@pytest.mark.parametrize("language", ["en"])
async def test_in_english(here: Installation, language: str) -> None:
    await approved_camera(here)
    kartika = here.phone("Kartika")
    await kartika.start()
    await kartika.send("/bahasa")
    await kartika.tap("English")
    await kartika.send("/sticker")
    await kartika.expect("Without a sticker: 1")
