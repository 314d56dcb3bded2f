"""The reviewers' queue."""

from __future__ import annotations

from nobs_bot.cameras.record import Camera, State
from nobs_bot.people.invitations import invite
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import lines_about
from tests.conversations.standing import approved_camera, camera, the_person, waiting_camera
from tests.installation import Installation


async def _open(here: Installation, officer: str) -> None:
    phone = here.phone(officer)
    await phone.send("/antrean")
    await phone.expect("menunggu")
    await phone.tap("Ambil yang paling lama")


async def test_a_change_is_asked_for_and_leads_straight_to_the_field(here: Installation) -> None:
    camera_id = await waiting_camera(here)
    dewi, sari = here.phone("Dewi"), here.phone("Sari")
    await dewi.start()
    await _open(here, "Dewi")
    await dewi.expect("Ibu Sari")
    await dewi.tap("Minta perbaikan")
    await dewi.expect("bagian mana")
    await dewi.tap("Foto")
    await dewi.expect("Tulis pesan singkat")
    await dewi.send("ok")
    await dewi.expect("3 sampai 500 huruf")
    await dewi.send("Fotonya <gelap>, mohon ulangi siang hari.")
    await dewi.expect("sudah dikirim kepada pemiliknya")
    told = await sari.expect("meminta satu perbaikan")
    assert "Fotonya <gelap>, mohon ulangi siang hari." in told["text"]
    await sari.tap("Perbaiki: Foto")
    await sari.expect("1 foto diterima")
    await sari.tap("Lanjut")
    await sari.expect("Ringkasan")
    await sari.tap("📨 Kirim")
    await sari.expect("sudah masuk antrean")
    assert (await camera(here, camera_id)).state is State.WAITING
    await dewi.expect("Kamera baru menunggu")


async def test_a_rejection_names_its_reason(here: Installation) -> None:
    await waiting_camera(here)
    dewi = here.phone("Dewi")
    await dewi.start()
    await _open(here, "Dewi")
    await dewi.expect("Ibu Sari")
    await dewi.tap("Tolak")
    await dewi.expect("mengapa ditolak")
    await dewi.tap("Mengarah ke ruang pribadi")
    await dewi.expect("ditolak, dan pemiliknya")
    told = await here.phone("Sari").expect("belum dapat diterima")
    assert "ruang pribadi orang lain" in told["text"]


async def test_two_officers_never_hold_one_camera_and_one_decision_wins(
    here: Installation,
) -> None:
    camera_id = await waiting_camera(here)
    await _also_reviews(here, "Kartika")
    dewi, kartika = here.phone("Dewi"), here.phone("Kartika")
    await dewi.start()
    await kartika.start()
    await _open(here, "Dewi")
    dossier = await dewi.expect("Ibu Sari")
    await _open(here, "Kartika")
    await kartika.expect("Tidak ada yang bebas")
    await kartika.tap_data((await kartika.last())["message_id"], f"rev.approve:{camera_id}")
    await kartika.expect_toast("sedang diperiksa petugas lain")
    await dewi.tap("Setujui")
    await dewi.expect("disetujui")
    await dewi.tap_data(dossier["message_id"], f"rev.reject:{camera_id}")
    await dewi.expect_toast("sudah diputuskan")


async def _also_reviews(here: Installation, name: str) -> None:
    async with here.foundation.office.work() as work:
        who = await the_person(work, name)
        district = here.foundation.areas.district.code
        await grant(work, who, Role.REVIEWER, district, granted_by=None)


async def test_an_officer_never_decides_on_their_own_camera(here: Installation) -> None:
    camera_id = await waiting_camera(here, "Dewi")
    dewi = here.phone("Dewi")
    await _open(here, "Dewi")
    await dewi.expect("Tidak ada yang bebas")
    await dewi.tap_data((await dewi.last())["message_id"], f"rev.approve:{camera_id}")
    await dewi.expect_toast("kamera Anda sendiri")
    assert (await camera(here, camera_id)).state is State.WAITING


async def test_look_alikes_are_shown_to_the_reviewer(here: Installation) -> None:
    await approved_camera(here, "Sari")
    await waiting_camera(here, "Budi", (-6.15345, 106.79812))
    dewi = here.phone("Dewi")
    await dewi.start()
    await _open(here, "Dewi")
    dossier = await dewi.expect("Ibu Budi")
    assert "Mungkin sama dengan K-1001" in dossier["text"]


async def test_the_owner_reads_who_opened_the_camera(here: Installation) -> None:
    await waiting_camera(here)
    dewi, sari = here.phone("Dewi"), here.phone("Sari")
    await dewi.start()
    await _open(here, "Dewi")
    await dewi.expect("Ibu Sari")
    await sari.send("/riwayat")
    log = await sari.expect("Siapa melihat apa")
    assert "Dewi (petugas pemeriksa)" in log["text"]


async def test_an_invitation_gives_a_role_once(here: Installation) -> None:
    async with here.foundation.office.work() as work:
        tambora = here.foundation.areas.find("Tambora")
        assert tambora is not None
        start = invite(work, Role.REVIEWER, tambora.code, created_by=None)
    budi, citra = here.phone("Budi"), here.phone("Citra")
    await budi.start(start)
    await budi.expect("Anda sekarang petugas pemeriksa")
    assert "antrean" in {each["command"] for each in await budi.menu()}
    await citra.start(start)
    await citra.expect("sudah dipakai")
    assert "antrean" not in {each["command"] for each in await citra.menu()}


async def test_a_reviewer_of_elsewhere_sees_nothing_of_it(here: Installation) -> None:
    camera_id = await waiting_camera(here)
    async with here.foundation.office.work() as work:
        kembangan = here.foundation.areas.find("Kembangan")
        assert kembangan is not None
        who = await the_person(work, "Budi")
        await grant(work, who, Role.REVIEWER, kembangan.code, granted_by=None)
    budi = here.phone("Budi")
    await budi.start()
    await budi.send("/antrean")
    await budi.expect("Tidak ada kamera yang menunggu")
    await budi.tap_data((await budi.last())["message_id"], f"rev.approve:{camera_id}")
    await budi.expect_toast("di luar wilayah tugas")
    async with here.foundation.office.look() as work:
        sari = await the_person(work, "Sari")
        assert all(line.actor_role is None for line in await lines_about(work, sari.id))
        assert (await work.session.get(Camera, camera_id)).state is State.WAITING  # type: ignore[union-attr]
