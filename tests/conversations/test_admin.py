"""An administrator sees who may do what, and ends it; the officer's menu changes with it."""

from __future__ import annotations

from nobs_bot.people.roles import Role, grant, grants_of
from tests.conversations.standing import the_person
from tests.installation import Installation
from tests.phone import labels_of


async def administrator(here: Installation, name: str, area: str = "31.73") -> None:
    async with here.foundation.office.work() as work:
        await grant(work, await the_person(work, name), Role.ADMINISTRATOR, area, granted_by=None)


async def test_a_role_is_ended_and_is_of_no_use_at_once(here: Installation) -> None:
    await administrator(here, "Kartika")
    kartika, dewi = here.phone("Kartika"), here.phone("Dewi")
    await dewi.start()
    await dewi.expect("Selamat datang")
    assert "antrean" in {each["command"] for each in await dewi.menu()}
    await kartika.start()
    await kartika.expect("Selamat datang")
    await kartika.send("/petugas")
    await kartika.expect("peran di wilayah Anda")
    await kartika.tap("Dewi")
    await kartika.expect("Sejak")
    await kartika.tap("Akhiri peran ini")
    asked = await kartika.expect("milik Dewi?")
    assert "pemeriksa" in asked["text"]
    await kartika.tap("Kembali")
    await kartika.expect("Sejak")
    await kartika.tap("Akhiri peran ini")
    asked = await kartika.expect("milik Dewi?")
    [yes], _ = asked["reply_markup"]["inline_keyboard"]
    await kartika.tap("Ya, akhiri sekarang")
    await kartika.expect_toast("sudah diakhiri")
    await kartika.tap_data(asked["message_id"], yes["callback_data"])
    await kartika.expect_toast("sudah berakhir")
    await dewi.expect("sudah diakhiri oleh administrator")
    assert "antrean" not in {each["command"] for each in await dewi.menu()}
    await dewi.send("/antrean")
    await dewi.expect("hanya untuk petugas")
    listed = await kartika.last()
    assert not any("Dewi" in label for label in labels_of(listed))


async def test_nobody_ends_the_own_administration(here: Installation) -> None:
    await administrator(here, "Kartika")
    kartika = here.phone("Kartika")
    await kartika.start()
    await kartika.send("/petugas")
    await kartika.expect("peran di wilayah Anda")
    await kartika.tap("Kartika · administrator")
    await kartika.expect_toast("tidak bisa diakhiri sendiri")


async def test_another_areas_role_is_out_of_reach(here: Installation) -> None:
    await administrator(here, "Citra", "31.73.01")
    async with here.foundation.office.look() as work:
        dewi = await the_person(work, "Dewi")
        [held] = await grants_of(work, dewi.id)
    citra, budi = here.phone("Citra"), here.phone("Budi")
    for phone in (citra, budi):
        await phone.start()
        await phone.expect("Selamat datang")
    await citra.send("/petugas")
    listed = await citra.expect("peran di wilayah Anda")
    assert not any("Dewi" in label for label in labels_of(listed))
    of_one = [f"{each}:{held.id}" for each in ("adm.officer", "adm.end", "adm.end_now")]
    for data in of_one:
        await citra.tap_data(listed["message_id"], data)
        await citra.expect_toast("wilayah")
    welcome = await budi.last()
    for data in ("adm.officers:0", *of_one):
        await budi.tap_data(welcome["message_id"], data)
    async with here.foundation.office.look() as work:
        assert len(await grants_of(work, dewi.id)) == 1


async def test_a_supervisor_reads_the_report(here: Installation) -> None:
    kartika, dewi = here.phone("Kartika"), here.phone("Dewi")
    await kartika.start()
    await kartika.expect("Selamat datang")
    await kartika.send("/laporan")
    await kartika.expect("Permintaan rekaman: 0")
    table = await kartika.expect("tanpa data pribadi")
    assert b"Permintaan rekaman;0" in await kartika.fetch(table["document"]["file_id"])
    await dewi.start()
    await dewi.send("/laporan")
    await dewi.expect("hanya untuk petugas")


async def test_an_officer_is_invited_by_name_and_the_owner_reads_it(here: Installation) -> None:
    await administrator(here, "Kartika")
    kartika, citra = here.phone("Kartika"), here.phone("Citra")
    await kartika.start()
    await kartika.expect("Selamat datang")
    await kartika.send("/undang")
    await kartika.expect("Untuk peran apa")
    await kartika.tap("petugas pemeriksa")
    await kartika.expect("Di wilayah mana")
    await kartika.send("Tambora")
    await kartika.expect("Untuk siapa")
    await kartika.send("7")
    await kartika.expect("Mohon ketik nama orang")
    await kartika.send("Aipda Citra <Dewi>")
    said = await kartika.expect("Tautan undangan untuk")
    assert "Aipda Citra <Dewi>" in said["text"]
    await citra.start(said["text"].rpartition("start=")[2].split()[0])
    await citra.expect("nama Anda tertulis Aipda Citra <Dewi>")
    await kartika.send("/petugas")
    await kartika.expect("peran di wilayah Anda")
    await kartika.tap("Aipda Citra <Dewi>")
    await kartika.expect("Sejak")
    await kartika.tap("Perbaiki nama")
    await kartika.expect("Sekarang tertulis")
    await kartika.send("Aiptu Citra Dewi")
    await kartika.expect("Nama petugas sekarang Aiptu Citra Dewi")
    await citra.expect("mengubah nama dinas Anda menjadi Aiptu Citra Dewi")
    listed = await kartika.expect("peran di wilayah Anda")
    assert any("Aiptu Citra Dewi" in label for label in labels_of(listed))
