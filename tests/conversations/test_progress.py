"""Officers look at how far the programme has come; supervisors aim."""

from __future__ import annotations

from tests.conversations.test_recording import record
from tests.installation import Installation
from tests.phone import labels_of


async def test_from_the_district_down_to_a_target(here: Installation) -> None:
    wayan, kartika, sari = here.phone("Wayan"), here.phone("Kartika"), here.phone("Sari")
    await record(wayan)
    await kartika.start()
    await kartika.send("/kemajuan")
    whole = await kartika.expect("Tercatat: 1 (menunggu pemilik: 1)")
    assert "Tambora: 1 → 0 → 0" in whole["text"]
    await kartika.tap("Ubah target")
    await kartika.expect("kelurahan;target")
    await kartika.send("kelurahan;target\nAtlantis;3")
    await kartika.expect("“Atlantis” bukan kelurahan")
    await kartika.send("kelurahan;target;penduduk\nJembatan Besi;4;35.210")
    await kartika.expect("Target 1 kelurahan disimpan")
    await kartika.expect("Target 4: ▱▱▱▱▱ 0%")
    await kartika.tap("Tambora")
    shown = await kartika.expect("Jembatan Besi: 1 → 0 → 0 (▱▱▱▱▱ 0%)")
    await kartika.tap("Tabel")
    table = await kartika.expect("tanpa data pribadi")
    text = (await kartika.fetch(table["document"]["file_id"])).decode("utf-8-sig")
    assert "Jembatan Besi, Tambora;1;" in text
    # a field officer sees the own areas and aims at nothing
    await wayan.send("/kemajuan")
    seen = await wayan.expect("Tercatat: 1")
    assert not any("target" in label.lower() for label in labels_of(seen))
    await wayan.tap_data(seen["message_id"], "prg.aims")
    await wayan.expect_toast("hanya untuk petugas")
    await sari.start()
    await sari.expect("Selamat datang")
    welcome = await sari.last()
    for data in ("prg.start", "prg.csv", "prg.area:31.73.04"):
        await sari.tap_data(welcome["message_id"], data)
        await sari.expect_toast("hanya untuk petugas")
    assert "31.73.04" not in str(shown["reply_markup"])
