"""An officer records a camera on foot; its owner scans the code and takes it over."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.sandbox.scanning import payload_of, read_code
from tests.conversations.enrolling import SHOP, photo, submit
from tests.installation import Installation
from tests.phone import Phone, labels_of


async def record(wayan: Phone, *, accuracy_m: float = 6) -> str:
    """From the command to the link, which is read off the picture as a phone's camera would."""
    await wayan.start()
    await wayan.expect("Selamat datang")
    await wayan.send("/catat")
    await wayan.expect("Mencatat kamera warga")
    await wayan.tap("Catat kamera baru")
    await wayan.expect("Langkah 1 dari 6")
    await wayan.tap("Toko")
    await wayan.expect("Di mana kameranya")
    await wayan.location(*SHOP, accuracy_m=accuracy_m)
    await wayan.expect("Apakah pinnya tepat")
    await wayan.tap("Sudah tepat")
    await wayan.expect("foto kamera di tempatnya")
    await wayan.photo(photo(1))
    await wayan.expect("1 foto diterima")
    await wayan.tap("Lanjut")
    await wayan.expect("menghadap ke arah mana")
    await wayan.tap("tenggara")
    await wayan.expect("Seberapa lebar")
    await wayan.tap("biasa")
    await wayan.expect("nama pemiliknya")
    await wayan.send("Ibu Sari")
    await wayan.expect("telepon pemiliknya")
    await wayan.contact(own=False, phone="+6281255500101")
    return await scanned(wayan)


async def scanned(wayan: Phone) -> str:
    """What the code in the newest picture says: what comes after `?start=`."""
    shown = await wayan.expect("Kamera tercatat")
    link = read_code(await wayan.fetch(shown["photo"][-1]["file_id"]))
    assert f"{link}\n" in shown["caption"]
    return payload_of(link)


async def test_from_the_officers_phone_to_the_owners(here: Installation) -> None:
    wayan, sari = here.phone("Wayan"), here.phone("Sari")
    link = await record(wayan)
    await sari.start(link)
    shown = await sari.expect("Wayan mencatat 1 kamera")
    assert "tenggara" in shown["caption"]
    await sari.tap("Ya, kamera saya")
    await sari.expect("UU No. 27/2022")
    # what is written instead of a tap must not lose the way
    await sari.send("apa ini?")
    await sari.expect("UU No. 27/2022")
    await sari.tap("Saya setuju")
    await sari.expect("kini menjadi milik Anda")
    await wayan.expect("mengambil alih 1 kamera")
    await sari.expect("Sejauh apa")
    await sari.tap("20 m")
    await sari.expect("di dalam atau di luar")
    await sari.tap("di luar")
    await sari.expect("bidang pandangnya")
    await sari.tap("Sudah sesuai")
    await sari.expect("Berapa hari perekam")
    await sari.tap("14 hari")
    await sari.expect("Apa yang boleh kami lakukan")
    await sari.tap("Lanjut")
    await sari.expect("Ringkasan")
    await submit(sari)
    await sari.send("/riwayat")
    log = await sari.expect("mengambil alih catatan kamera K-1001")
    assert "Wayan (Bhabinkamtibmas)" in log["text"]
    assert "mencatat K-1001 sebelum Anda mendaftar" in log["text"]
    await wayan.send("/catat")
    listed = await wayan.expect("Mencatat kamera warga")
    assert not any("Sari" in label for label in labels_of(listed))


async def test_the_owner_is_asked_for_the_gaps_alone(here: Installation) -> None:
    wayan, budi = here.phone("Wayan"), here.phone("Budi")
    await wayan.start()
    await wayan.send("/catat")
    await wayan.tap("Catat kamera baru")
    await wayan.tap("Toko")
    await wayan.expect("Di mana kameranya")
    await wayan.location(*SHOP)
    await wayan.tap("Sudah tepat")
    await wayan.tap("Tanpa foto")
    await wayan.tap("tenggara")
    await wayan.tap("biasa")
    await wayan.tap("Lewati")
    await wayan.expect("telepon pemiliknya")
    await wayan.tap("Lewati")
    await budi.start(await scanned(wayan))
    await budi.tap("Ya, kamera saya")
    await budi.tap("Saya setuju")
    await budi.expect("Siapa yang dapat kami hubungi")
    await budi.send("Pak Budi")
    await budi.expect("Nomor telepon")
    await budi.contact(own=True)
    await budi.expect("foto kamera di tempatnya")
    await budi.photo(photo(3))
    await budi.tap("Lanjut")
    await budi.expect("Sejauh apa")
    await budi.tap("20 m")
    await budi.tap("di luar")
    await budi.expect("bidang pandangnya")
    await budi.tap("Sudah sesuai")
    await budi.tap("14 hari")
    await budi.expect("Apa yang boleh kami lakukan")
    await budi.tap("Lanjut")
    await budi.expect("Ringkasan")


async def test_a_coarse_place_is_said_and_mended_by_hand(here: Installation) -> None:
    wayan = here.phone("Wayan")
    await wayan.start()
    await wayan.send("/catat")
    await wayan.tap("Catat kamera baru")
    await wayan.tap("Toko")
    await wayan.expect("Di mana kameranya")
    await wayan.location(*SHOP, accuracy_m=65)
    await wayan.expect("meleset sampai 65 m")
    await wayan.tap("↑\N{NO-BREAK SPACE}25\N{NO-BREAK SPACE}m")
    shown = await wayan.expect("Apakah pinnya tepat")
    assert "meleset" not in shown["caption"]


async def test_owners_who_do_not_want_it_have_it_erased(here: Installation) -> None:
    wayan, budi, citra = here.phone("Wayan"), here.phone("Budi"), here.phone("Citra")
    link = await record(wayan)
    await wayan.start(link)
    await wayan.expect("Anda sendiri yang mencatat")
    await budi.start(link)
    offered = await budi.expect("Wayan mencatat 1 kamera")
    await citra.start()
    welcome = await citra.expect("Selamat datang")
    [mine, erase] = [row[0] for row in offered["reply_markup"]["inline_keyboard"]]
    for forged in (mine, erase):
        await citra.tap_data(welcome["message_id"], forged["callback_data"])
        await citra.expect_toast("tidak berlaku lagi")
    await budi.tap("hapus catatannya")
    await budi.expect("dihapus sekarang juga")
    await budi.tap("Hapus sekarang")
    await budi.expect("Catatan sudah dihapus")
    await wayan.expect("mohon tidak dicatat lagi")
    await budi.start(link)
    await budi.expect("tidak berlaku lagi")


async def test_whoever_does_not_consent_may_have_it_erased(here: Installation) -> None:
    wayan, budi = here.phone("Wayan"), here.phone("Budi")
    link = await record(wayan)
    await budi.start(link)
    await budi.tap("Ya, kamera saya")
    await budi.expect("UU No. 27/2022")
    await budi.tap("Tidak sekarang")
    told = await budi.expect("Catatan petugas masih ada")
    assert "Tidak ada data kamera" not in told["text"]
    # read again, refused again, and then erased; the old button is void
    await budi.tap("Baca lagi")
    await budi.expect("UU No. 27/2022")
    await budi.tap("Tidak sekarang")
    again = await budi.expect("Catatan petugas masih ada")
    await budi.tap("Hapus sekarang", times=10)
    await budi.expect("Catatan sudah dihapus")
    await budi.tap_data(
        again["message_id"], told["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    )
    await budi.expect_toast("tidak berlaku lagi")


async def test_what_does_not_fit_is_answered_and_loses_nothing(here: Installation) -> None:
    wayan = here.phone("Wayan")
    await wayan.start()
    await wayan.send("/catat")
    await wayan.tap("Catat kamera baru")
    kinds = await wayan.expect("Langkah 1 dari 6")
    await wayan.sticker()
    await wayan.expect("tombol")
    await wayan.tap_data(kinds["message_id"], "enrol.place:shop")
    await wayan.expect("Di mana kameranya")
    await wayan.voice()
    await wayan.expect("lokasi")
    await wayan.location(-6.9, 107.6)
    await wayan.expect("di luar wilayah")
    await wayan.location(*SHOP)
    await wayan.tap("Sudah tepat")
    await wayan.sticker()
    await wayan.expect("hanya menerima foto")
    await wayan.tap("Tanpa foto")
    await wayan.expect("menghadap ke arah mana")
    await wayan.tap_data(kinds["message_id"], "enrol.place:shop")
    await wayan.expect_toast("tidak berlaku")


async def test_one_can_leave_off_what_the_owner_has_had_erased(here: Installation) -> None:
    wayan, budi = here.phone("Wayan"), here.phone("Budi")
    link = await record(wayan)
    await wayan.tap("Kamera lain pemilik ini")
    await wayan.expect("Di mana kameranya")
    await budi.start(link)
    await budi.tap("hapus catatannya")
    await budi.tap("Hapus sekarang")
    await budi.expect("Catatan sudah dihapus")
    await wayan.location(*SHOP)
    await wayan.expect("Catatan ini tidak ada lagi")
    await wayan.send("/batal")
    await wayan.expect("Baik, dibatalkan")
    async with here.foundation.office.look() as work:
        assert (await work.session.execute(select(Camera))).all() == []


async def test_an_officer_leaves_off_goes_on_and_erases(here: Installation) -> None:
    wayan, rahmat = here.phone("Wayan"), here.phone("Rahmat")
    await rahmat.start()
    await rahmat.send("/catat")
    await rahmat.expect("hanya untuk petugas")
    await wayan.start()
    await wayan.send("/catat")
    await wayan.tap("Catat kamera baru")
    await wayan.expect("Langkah 1 dari 6")
    await wayan.tap("Toko")
    await wayan.expect("Di mana kameranya")
    await wayan.send("/batal")
    await wayan.expect("disimpan sampai")
    await wayan.tap("Lanjutkan mencatat")
    await wayan.expect("Di mana kameranya")
    await wayan.location(*SHOP)
    await wayan.tap("Sudah tepat")
    await wayan.tap("Tanpa foto")
    await wayan.expect("menghadap ke arah mana")
    await wayan.tap("Saya tidak tahu")
    await wayan.tap("biasa")
    await wayan.tap("Lewati")
    await wayan.expect("telepon pemiliknya")
    await wayan.tap("Lewati")
    first = await scanned(wayan)
    await wayan.tap("Kamera lain pemilik ini")
    await wayan.expect("Di mana kameranya")
    await wayan.send("/catat")
    await wayan.expect("Mencatat kamera warga")
    await wayan.tap("⏳")
    assert await scanned(wayan) != first
    await wayan.tap("Hapus catatan")
    await wayan.expect("Tautan yang sudah diberikan ikut mati")
    await wayan.tap("Ya, hapus")
    await wayan.expect_toast("Catatan dihapus")
    async with here.foundation.office.look() as work:
        [left] = (await work.session.execute(select(Camera))).scalars()
        assert (left.state, left.handed_over_at) == (State.RECORDED, None)


async def test_the_code_is_scanned_from_phone_to_phone(here: Installation) -> None:
    wayan, sari, budi = here.phone("Wayan"), here.phone("Sari"), here.phone("Budi")
    with pytest.raises(AssertionError, match="no QR code is in sight"):
        await budi.scan()
    await record(wayan)
    await sari.scan()
    await sari.expect("Wayan mencatat 1 kamera")
