"""Hotspots in the chat: entered question by question, as a table, ended, taken back."""

from __future__ import annotations

from nobs_bot.coverage.hotspots import HotspotKind, current
from tests.conversations.enrolling import SHOP
from tests.conversations.standing import approved_camera
from tests.installation import Installation


async def enter_brawl(here: Installation) -> None:
    """Kartika enters a brawl at the shop, 150 m around, at night."""
    kartika = here.phone("Kartika")
    await kartika.start()
    await kartika.expect("Selamat datang")
    await kartika.send("/rawan")
    await kartika.expect("Belum ada titik rawan")
    await kartika.tap("Titik rawan baru")
    await kartika.expect("Titik rawan apa?")
    await kartika.tap("tawuran")
    await kartika.expect("Di mana?")
    await kartika.location(*SHOP)
    await kartika.expect("Seberapa luas?")
    await kartika.send("150")
    await kartika.expect("Pada jam berapa?")
    await kartika.tap("21.00–03.00")
    await kartika.expect("Pada hari apa?")
    await kartika.tap("Sabtu–Minggu")
    await kartika.expect("Seberapa berat?")
    await kartika.tap("5")
    await kartika.expect("Sampai kapan")
    await kartika.tap("90 hari")


async def test_a_supervisor_enters_one_sees_it_and_takes_it_back(here: Installation) -> None:
    await approved_camera(here, "Sari")
    await enter_brawl(here)
    kartika = here.phone("Kartika")
    shown = await kartika.expect("H-1001 dicatat")
    for words in ("tawuran", "150 m", "21.00–03.00", "Sabtu–Minggu", "5 dari 5"):
        assert words in shown["caption"]
    assert "Kamera yang menghadap ke sana: 1" in shown["caption"]
    assert shown["photo"]
    async with here.foundation.office.look() as work:
        [hotspot] = await current(work)
        assert hotspot.kind is HotspotKind.BRAWL
        assert (hotspot.radius_m, hotspot.weight, hotspot.days) == (150, 5, 0b110_0000)
    await kartika.tap("Hapus dari daftar")
    await kartika.expect("tidak dihitung lagi")
    await kartika.tap("Kembalikan")
    await kartika.expect("Titik rawan H-1001")
    async with here.foundation.office.look() as work:
        assert len(await current(work)) == 1


async def test_wrong_answers_say_what_to_do_and_lose_nothing(here: Installation) -> None:
    kartika = here.phone("Kartika")
    await kartika.start()
    await kartika.send("/hotspots")
    await kartika.tap("Titik rawan baru")
    await kartika.tap("begal")
    await kartika.send("di pojok jalan")
    await kartika.expect("belum dapat saya baca")
    await kartika.send("-6.9, 107.6")
    await kartika.expect("di luar wilayah")
    await kartika.send(f"{SHOP[0]}, {SHOP[1]}")
    await kartika.expect("Seberapa luas?")
    await kartika.send("5 km")
    await kartika.expect("10 sampai 1.000 meter")
    await kartika.tap("100 m")
    await kartika.expect("Pada jam berapa?")
    await kartika.send("malam-malam")
    await kartika.expect("Jamnya belum jelas")
    await kartika.send("22.30-4")
    await kartika.expect("Pada hari apa?")
    await kartika.send("89")
    await kartika.expect("1 Senin sampai 7 Minggu")
    await kartika.tap("Kembali")
    await kartika.expect("Pada jam berapa?")
    await kartika.tap("sepanjang hari")
    await kartika.expect("Pada hari apa?")
    await kartika.send("567")
    await kartika.expect("Seberapa berat?")
    await kartika.tap("2")
    await kartika.tap("seterusnya")
    shown = await kartika.expect("dicatat")
    assert "Jumat, Sabtu, Minggu" in shown["caption"]
    assert "sepanjang hari" in shown["caption"]


async def test_a_table_comes_as_a_file_or_as_text(here: Installation) -> None:
    kartika = here.phone("Kartika")
    await kartika.start()
    await kartika.send("/rawan")
    await kartika.tap("Kirim tabel")
    await kartika.expect("kind,lat,lon")
    table = "kind,lat,lon,radius_m\nbrawl,-6.1534,106.7981,150\nparty,-6.15,106.79,80\n"
    await kartika.document(table.encode(), "rawan.csv", "text/csv")
    await kartika.expect("Baris 3, kolom kind")
    await kartika.send("/rawan")
    await kartika.tap("Kirim tabel")
    await kartika.expect("kind,lat,lon")
    await kartika.document(table.replace("party", "drugs").encode(), "rawan.csv", "text/csv")
    await kartika.expect("2 titik rawan dicatat")
    await kartika.tap("Semua titik rawan")
    await kartika.expect("2 titik rawan di wilayah Anda")
    await kartika.tap("Kirim tabel")
    await kartika.expect("kind,lat,lon")
    await kartika.send("kind;lat;lon;radius_m\nrobbery;-6,16;106,80;60")
    await kartika.expect("1 titik rawan dicatat")


async def test_others_look_but_do_not_touch_and_citra_sees_nothing(here: Installation) -> None:
    await enter_brawl(here)
    await here.phone("Kartika").expect("H-1001 dicatat")
    wayan, citra = here.phone("Wayan"), here.phone("Citra")
    await wayan.start()
    await wayan.send("/rawan")
    listed = await wayan.expect("1 titik rawan di wilayah Anda")
    assert "spot.new" not in str(listed["reply_markup"])
    await wayan.tap("H-1001")
    shown = await wayan.expect("Titik rawan H-1001")
    assert "spot.end" not in str(shown["reply_markup"])
    async with here.foundation.office.look() as work:
        [hotspot] = await current(work)
    await wayan.tap_data(shown["message_id"], f"spot.end:{hotspot.id}")
    await wayan.expect_toast("wilayah")
    await citra.start()
    await citra.send("/rawan")
    await citra.expect("petugas")
    last = (await citra.last())["message_id"]
    for data in (f"spot.show:{hotspot.id}", "spot.new", f"spot.again:{hotspot.id}", "spot.table"):
        await citra.tap_data(last, data)
    assert not any("H-1001" in str(each) for each in await citra.messages())


async def test_an_investigator_asks_for_footage_at_a_hotspot(here: Installation) -> None:
    await approved_camera(here, "Sari")
    await enter_brawl(here)
    await here.phone("Kartika").expect("H-1001 dicatat")
    rahmat = here.phone("Rahmat")
    await rahmat.start()
    await rahmat.send("/rawan")
    await rahmat.tap("H-1001")
    await rahmat.expect("Titik rawan H-1001")
    await rahmat.tap("Minta rekaman di sini")
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.send("/minta")
    await rahmat.send("H-1001")
    await rahmat.expect("Kapan kejadiannya")
