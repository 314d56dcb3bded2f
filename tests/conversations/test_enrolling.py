"""Enrolling, with everything that people type, tap and send on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from nobs_bot.cameras.enrolment import erase_silent_drafts
from nobs_bot.cameras.photos import Photo
from nobs_bot.cameras.record import Camera, State, contact_of
from nobs_bot.people.consent import Consent
from nobs_bot.sandbox import SandboxServer
from tests.conversations.enrolling import (
    SHOP,
    consent,
    photo,
    submit,
    until_heading,
    until_sharing,
    without_stream,
)
from tests.conversations.standing import camera, whole_draft
from tests.installation import Installation, installation


async def _count(here: Installation, table: type) -> int:
    async with here.foundation.office.look() as work:
        return int(
            (await work.session.execute(select(func.count()).select_from(table))).scalar_one()
        )


async def test_a_camera_without_a_stream_is_enrolled(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await until_sharing(sari)
    await without_stream(sari)
    await submit(sari)
    async with here.foundation.office.look() as work:
        found = (await work.session.execute(select(Camera))).scalar_one()
        contact = contact_of(work, found)
    assert found.state is State.WAITING
    assert (found.heading_deg, found.retention_days, found.number) == (150, 14, 1001)
    assert here.foundation.areas.name(found.area_code) == "Jembatan Besi, Tambora"
    assert contact.name == "Ibu Sari"
    assert contact.phone_verified
    assert found.stream is None


async def test_without_consent_nothing_is_kept(here: Installation) -> None:
    sari = here.phone("Sari")
    await sari.start()
    await sari.tap("Daftarkan kamera")
    await sari.expect("UU No. 27/2022")
    await sari.tap("Tidak sekarang")
    await sari.expect("Tidak ada data kamera yang disimpan")
    assert await _count(here, Camera) == 0
    assert await _count(here, Consent) == 0


async def test_consent_is_kept_with_its_version_and_the_hash_of_its_words(
    here: Installation,
) -> None:
    await consent(here.phone("Sari"))
    async with here.foundation.office.look() as work:
        given = (await work.session.execute(select(Consent))).scalar_one()
    assert len(given.text_sha256) == 64
    assert given.language == "id"
    assert given.withdrawn_at is None


async def test_english_by_choice_and_back(here: Installation) -> None:
    sari = here.phone("Sari")
    await sari.start()
    await sari.tap("English")
    await sari.expect("Welcome to")
    assert "enrol" in {each["command"] for each in await sari.menu()}
    await sari.send("/bahasa")
    await sari.tap("Bahasa Indonesia")
    await sari.expect("Selamat datang")
    assert "daftar" in {each["command"] for each in await sari.menu()}


async def test_a_place_outside_the_district_is_declined_kindly_and_not_kept(
    here: Installation,
) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await sari.send("Ibu Sari")
    await sari.expect("Nomor telepon")
    await sari.send("0812 3456 7890")
    await sari.expect("Di mana kameranya")
    await sari.location(-6.1754, 106.8272)
    await sari.expect("di luar wilayah")
    async with here.foundation.office.look() as work:
        found = (await work.session.execute(select(Camera))).scalar_one()
    assert found.lat is None
    await sari.send("https://maps.app.goo.gl/abcdef")
    await sari.expect("tidak memuat koordinat")
    await sari.send("entah di mana")
    await sari.expect("belum bisa saya baca")
    await sari.send("RQWX+2F Tambora")
    await sari.expect("Apakah pinnya tepat")
    before = await camera(here, found.id)
    await sari.tap("→\u00a05\u00a0m")
    moved = await _until(here, found.id, lambda each: each.lon != before.lon)
    assert moved.lon > before.lon


async def _until(here: Installation, camera_id: int, holds: Callable[[Camera], bool]) -> Camera:
    for _ in range(100):
        found = await camera(here, camera_id)
        if holds(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the camera did not change as expected")


async def test_somebody_elses_contact_is_not_taken_for_ones_own(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await sari.send("Ibu Sari")
    await sari.expect("Nomor telepon")
    await sari.contact(own=False)
    await sari.expect("kontak orang lain")
    await sari.send("12")
    await sari.expect("tidak bisa dihubungi")
    await sari.send("+62 812-3456-7890")
    await sari.expect("Di mana kameranya")


@pytest.mark.parametrize("what", ["sticker", "voice", "long", "forward", "document"])
async def test_anything_at_all_gets_an_answer_that_fits(here: Installation, what: str) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    first = await sari.last()
    if what == "long":
        await sari.send("a" * 4096)
    elif what == "forward":
        await sari.forward(first["message_id"])
    elif what == "document":
        await sari.document(b"%PDF-1.4", "a.pdf", "application/pdf")
    else:
        await getattr(sari, what)()
    answer = await sari.expect("")
    assert "/batal" in answer["text"]


async def test_only_pictures_are_taken_as_photos(here: Installation) -> None:
    sari = here.phone("Sari")
    draft = await whole_draft(here, "Sari")
    await sari.send("/daftar")
    await sari.expect("belum selesai")
    await sari.tap("Lanjutkan")
    await sari.expect("Ringkasan")
    await sari.tap("✏️ Foto")
    await sari.expect("1 foto diterima")
    await sari.document(b"%PDF-1.4", "a.pdf", "application/pdf")
    await sari.expect("hanya menerima foto")
    await sari.document(photo(3), "a.jpg", "image/jpeg")
    await sari.expect("2 foto diterima")
    await sari.document(b"no picture at all", "b.jpg", "image/jpeg")
    await sari.expect("bukan gambar", timeout_s=15)
    async with here.foundation.office.look() as work:
        query = select(Photo).where(Photo.camera_id == draft)
        assert len((await work.session.execute(query)).scalars().all()) == 2


async def test_ten_taps_at_once_count_once(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko", times=10)
    await sari.expect("Siapa yang dapat kami hubungi")
    await sari.send("Ibu Sari")
    await sari.expect("Nomor telepon")
    assert await _count(here, Camera) == 1


async def test_an_old_button_says_that_it_is_old(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    question = await sari.expect("dipasang di mana")
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await sari.tap_data(question["message_id"], "enrol.place:home")
    await sari.expect_toast("tidak berlaku")


async def test_two_messages_at_once_are_read_one_after_the_other(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await asyncio.gather(sari.send("Ibu Sari"), sari.send("081234567890"))
    await sari.expect("Di mana kameranya")


async def test_back_and_cancel_at_every_question(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await sari.tap("Kembali")
    await sari.expect("dipasang di mana")
    await sari.tap("Rumah")
    await sari.expect("Siapa")
    await sari.send("Ibu Sari")
    await sari.expect("Nomor telepon")
    await sari.press("⬅️ Kembali")
    await sari.expect("Siapa")
    await sari.tap("Tetap “Ibu Sari”")
    await sari.expect("Nomor telepon")
    await sari.press("✖️ Batal")
    await sari.expect("disimpan 14 hari")
    assert await sari.keyboard() is None
    await sari.tap("Lanjutkan")
    await sari.expect("Nomor telepon")


async def test_the_draft_survives_a_restart_and_is_erased_after_fourteen_days(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    async with installation(sandbox, tmp_path) as here:
        sari = here.phone("Sari")
        await consent(sari)
        await sari.tap("Toko")
        await sari.expect("Siapa")
    async with installation(sandbox, tmp_path) as here:
        sari = here.phone("Sari")
        await sari.send("Ibu Sari")
        await sari.expect("Nomor telepon")
        async with here.foundation.office.work() as work:
            draft = (await work.session.execute(select(Camera))).scalar_one()
            draft.touched_at -= timedelta(days=13)
            assert await erase_silent_drafts(work) == 0
            draft.touched_at -= timedelta(days=2)
            await work.session.flush()
            assert await erase_silent_drafts(work) == 1
        await sari.send("081234567890")
        await sari.expect("sudah selesai atau dihapus")


async def test_every_field_of_the_summary_can_be_edited(here: Installation) -> None:
    sari = here.phone("Sari")
    draft = await whole_draft(here, "Sari")
    await sari.send("/daftar")
    await sari.tap("Lanjutkan")
    await sari.expect("Ringkasan")
    await sari.tap("✏️ Tempat")
    await sari.expect("dipasang di mana")
    await sari.tap("Kantor/usaha")
    await sari.expect("Ringkasan")
    await sari.tap("✏️ Arah hadap")
    await sari.expect("menghadap ke arah mana")
    await sari.tap("Saya tidak tahu")
    await sari.expect("Seberapa lebar")
    await sari.tap("lebar (")
    await sari.expect("Sejauh apa")
    await sari.tap("80 m")
    await sari.expect("di dalam atau")
    await sari.tap("di dalam")
    await sari.expect("Arahnya akan dilihat petugas")
    await sari.tap("Sudah sesuai")
    summary = await sari.expect("Ringkasan")
    assert "arah belum diketahui, lebar" in summary["text"]
    await sari.tap("✏️ Lama simpan")
    await sari.expect("Berapa hari")
    await sari.send("sembilan")
    await sari.expect("satu angka")
    await sari.send("9 hari")
    await sari.expect("Ringkasan")
    await sari.tap("✏️ Lokasi")
    await sari.expect("Di mana kameranya")
    await sari.send(f"{SHOP[0]}, {SHOP[1] + 0.001}")
    await sari.expect("pinnya tepat")
    await sari.tap("Sudah tepat")
    await sari.expect("Ringkasan")
    await sari.tap("✏️ Telepon")
    await sari.expect("Nomor telepon")
    await sari.send("021 5555 1234")
    await sari.expect("Ringkasan")
    found = await camera(here, draft)
    assert (found.retention_days, found.indoors, found.heading_deg) == (9, True, None)
    await submit(sari)


async def test_nothing_shared_is_not_accepted(here: Installation) -> None:
    sari = here.phone("Sari")
    await whole_draft(here, "Sari")
    await sari.send("/daftar")
    await sari.tap("Lanjutkan")
    await sari.expect("Ringkasan")
    await sari.tap("✏️ Yang dibagikan")
    await sari.expect("Apa yang boleh")
    await sari.tap("Permintaan rekaman")
    await sari.tap("⬜ Permintaan rekaman")  # on again …
    await sari.tap("✅ Permintaan rekaman")  # … and off
    await sari.tap("Lanjut")
    await sari.expect_toast("paling sedikit satu")


async def test_markup_in_a_name_stays_text(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await sari.send("<b>Sari</b> & Anak")
    await sari.expect("Nomor telepon")
    await sari.press("⬅️ Kembali")
    await sari.expect("Siapa")
    await sari.tap("Tetap “<b>Sari</b> & Anak”")
    await sari.expect("Nomor telepon")


async def test_a_camera_that_pans_has_several_directions(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await until_heading(sari)
    await sari.tap("Berputar sendiri")
    await sari.expect("Ke arah mana saja")
    await sari.tap("Lanjut")
    await sari.expect_toast("paling sedikit dua arah")
    for way in ("timur laut", "selatan", "barat daya", "selatan"):
        await sari.tap(way)
        await sari.expect("Ke arah mana saja")
    await sari.tap("Lanjut")
    await sari.expect("Seberapa lebar")
    async with here.foundation.office.look() as work:
        found = (await work.session.execute(select(Camera))).scalar_one()
    assert (found.heading_deg, found.other_headings) == (45, [225])
    # one direction again, and nothing of the others stays
    await sari.tap("Kembali")
    await sari.expect("menghadap ke arah mana")
    await sari.tap("tenggara")
    await sari.expect("Seberapa lebar")
    async with here.foundation.office.look() as work:
        found = (await work.session.execute(select(Camera))).scalar_one()
    assert (found.heading_deg, found.other_headings) == (135, None)
