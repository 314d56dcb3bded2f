"""Points in the chat: named, found again, renamed, removed and brought back."""

from __future__ import annotations

from nobs_bot.people.roles import Role, grant
from tests.conversations.enrolling import SHOP
from tests.conversations.standing import approved_camera, the_person
from tests.installation import Installation
from tests.phone import labels_of


async def test_a_point_from_its_name_to_its_removal_and_back(here: Installation) -> None:
    await approved_camera(here)
    wayan, kartika = here.phone("Wayan"), here.phone("Kartika")
    await wayan.start()
    await wayan.expect("Selamat datang")
    await wayan.send("/titik")
    await wayan.expect("Belum ada titik")
    await wayan.tap("Titik baru")
    await wayan.expect("Apa nama titiknya")
    await wayan.send("x")
    await wayan.expect("3 sampai 60 huruf")
    await wayan.send("Pintu utara Pasar Duri")
    await wayan.expect("Di mana titiknya")
    await wayan.sticker()
    await wayan.expect("koordinat")
    await wayan.location(*SHOP)
    made = await wayan.expect("disimpan")
    assert "1 kamera ikut serta, 0 di antaranya tersambung" in made["caption"]
    assert made["photo"]
    await wayan.tap("150 m")
    await wayan.expect("Dalam 150 m")
    await wayan.tap("Ubah nama")
    await wayan.expect("Nama baru untuk")
    await wayan.send("Gerbang Pasar Duri")
    await wayan.expect("diubah menjadi Gerbang Pasar Duri")
    await kartika.start()
    await kartika.expect("Selamat datang")
    await kartika.send("/kemajuan")
    await kartika.expect("Titik: 0 dari 1 punya kamera tersambung")
    await wayan.tap("Hapus titik")
    await wayan.expect("dihapus dari daftar")
    await kartika.send("/titik")
    await kartika.expect("Belum ada titik")
    await wayan.tap("Kembalikan")
    await wayan.expect("ada lagi di daftar")
    await kartika.send("/titik")
    shown = await kartika.expect("0 dari 1 titik")
    assert "⬜ Gerbang Pasar Duri" in labels_of(shown)


async def test_leaving_off_keeps_nothing(here: Installation) -> None:
    wayan = here.phone("Wayan")
    await wayan.start()
    await wayan.expect("Selamat datang")
    await wayan.send("/titik")
    await wayan.tap("Titik baru")
    await wayan.send("Simpang Duri")
    await wayan.expect("Di mana titiknya")
    keyboard = await wayan.keyboard()
    assert keyboard is not None
    await wayan.press(keyboard["keyboard"][1][0]["text"])
    await wayan.send("/titik")
    await wayan.expect("Belum ada titik")


async def test_others_have_no_say_and_no_sight(here: Installation) -> None:
    async with here.foundation.office.work() as work:
        budi = await the_person(work, "Budi")
        await grant(work, budi, Role.SUPERVISOR, "31.73.01", granted_by=None)
    wayan, budi, dewi, citra = (here.phone(name) for name in ("Wayan", "Budi", "Dewi", "Citra"))
    await wayan.start()
    await wayan.expect("Selamat datang")
    await wayan.send("/titik")
    await wayan.tap("Titik baru")
    await wayan.send("Simpang Duri")
    await wayan.expect("Di mana titiknya")
    await wayan.send("-6.1534, 106.7981")
    made = await wayan.expect("disimpan")
    point = next(
        button["callback_data"].split(":")[1]
        for row in made["reply_markup"]["inline_keyboard"]
        for button in row
        if button["callback_data"].startswith("pnt.rename")
    )
    await budi.start()
    welcome = await budi.expect("Selamat datang")
    await budi.send("/titik")
    await budi.expect("Belum ada titik")
    for action in ("show", "rename", "remove", "restore"):
        await budi.tap_data(welcome["message_id"], f"pnt.{action}:{point}")
        assert (await budi.expect_toast(""))["text"]
    # a reviewer of the area sees it and cannot change it
    await dewi.start()
    await dewi.send("/titik")
    await dewi.tap("Simpang Duri")
    shown = await dewi.expect("Dalam 100 m")
    assert not any("Hapus" in label for label in labels_of(shown))
    await citra.start()
    await citra.expect("Selamat datang")
    await citra.send("/titik")
    await citra.expect("petugas")
