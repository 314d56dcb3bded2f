"""What an owner may always do: pause, change what is shared, withdraw, copy, be forgotten."""

from __future__ import annotations

import json

from sqlalchemy import func, select

from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.photos import Photo
from nobs_bot.cameras.record import Camera, State
from nobs_bot.people.persons import Person
from nobs_bot.storage.audit import Act, lines_about, record
from nobs_bot.streams.address import parse_address
from tests.conversations.standing import approved_camera, camera, the_person
from tests.conversations.test_requests import sent
from tests.installation import Installation
from tests.phone import labels_of


async def test_pause_and_resume(here: Installation) -> None:
    camera_id = await approved_camera(here)
    sari = here.phone("Sari")
    await sari.send("/kamera")
    await sari.tap("K-1001")
    await sari.expect("ikut serta")
    await sari.tap("Jeda dulu")
    await sari.expect("dijeda")
    assert not (await camera(here, camera_id)).is_active
    await sari.tap("Aktifkan lagi")
    await sari.expect("ikut serta")
    assert (await camera(here, camera_id)).is_active


async def test_what_needs_a_stream_is_not_shared_without_one(here: Installation) -> None:
    camera_id = await approved_camera(here)
    sari = here.phone("Sari")
    await sari.send("/kamera")
    await sari.tap("K-1001")
    await sari.expect("ikut serta")
    await sari.tap("Yang dibagikan")
    await sari.expect("Langsung berlaku")
    await sari.tap("Pantauan langsung")
    await sari.expect_toast("perlu alamat siaran")
    assert not (await camera(here, camera_id)).share_live


async def test_withdrawing_erases_at_once_and_stops_an_open_request(here: Installation) -> None:
    rahmat, sari = await sent(here), here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    async with here.foundation.office.work() as work:
        found = (await work.session.execute(select(Camera))).scalar_one()
        set_stream(work, found, parse_address("rtsp://sari:rahasia-sekali@192.0.2.7/1"))
    await sari.send("/kamera")
    await sari.tap("K-1001")
    await sari.expect("ikut serta")
    await sari.tap("Tarik kamera")
    await sari.expect("tidak bisa dikembalikan")
    await sari.tap("Ya, tarik sekarang")
    await sari.expect("sudah ditarik")
    gone = await camera(here, found.id)
    assert gone.state is State.WITHDRAWN
    kept = (gone.stream, gone.stream_index, gone.contact, gone.lat, gone.lon, gone.heading_deg)
    assert kept == (None,) * 6
    async with here.foundation.office.look() as work:
        photos = select(func.count()).select_from(Photo)
        assert (await work.session.execute(photos)).scalar_one() == 0
    await rahmat.expect("sudah ditarik dari program")
    await sari.tap("Saya punya")
    await sari.expect_toast("sudah ditutup")


async def test_a_copy_of_ones_data_is_a_file_without_secrets(here: Installation) -> None:
    await approved_camera(here)
    async with here.foundation.office.work() as work:
        found = (await work.session.execute(select(Camera))).scalar_one()
        set_stream(work, found, parse_address("rtsp://sari:rahasia-sekali@192.0.2.7/1"))
    sari = here.phone("Sari")
    await sari.send("/privasi")
    await sari.tap("Unduh data saya")
    told = await sari.expect("semua data yang kami simpan")
    whole = json.loads(await sari.fetch(told["document"]["file_id"]))
    assert whole["cameras"][0]["stream"] == "rtsp://192.0.2.7/1"
    assert whole["cameras"][0]["contact"]["name"] == "Ibu Sari"
    assert whole["consents"][0]["withdrawn_at"] is None
    assert "rahasia-sekali" not in json.dumps(whole)


async def test_to_be_forgotten_leaves_nothing_personal(here: Installation) -> None:
    await sent(here)
    sari = here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.send("/privasi")
    await sari.tap("Hapus semua")
    await sari.expect("tidak bisa dibatalkan")
    await sari.tap("Ya, hapus semuanya")
    await sari.expect("sudah dihapus")
    async with here.foundation.office.look() as work:
        erased = (
            await work.session.execute(select(Person).where(Person.erased_at.is_not(None)))
        ).scalar_one()
        assert (erased.telegram_id, erased.name, erased.phone) == (None, None, None)
        states = (await work.session.execute(select(Camera.state))).scalars().all()
        assert states == [State.WITHDRAWN]
    await sari.start()
    await sari.expect("Selamat datang")
    await sari.send("/kamera")
    await sari.expect("belum mendaftarkan kamera")


async def test_somebody_elses_camera_is_not_to_be_had(here: Installation) -> None:
    camera_id = await approved_camera(here)
    citra = here.phone("Citra")
    await citra.start()
    welcome = (await citra.expect("Selamat datang"))["message_id"]
    for action in (
        "cam.show",
        "cam.pause",
        "cam.withdrawn",
        "cam.check",
        "enrol.resume",
        "enrol.anew",
        "enrol.stream",
        "enrol.check",
        "enrol.nostream",
        "enrol.seen",
        "enrol.cred",
    ):
        await citra.tap_data(welcome, f"{action}:{camera_id}")
        await citra.expect_toast("tidak ada dalam daftar Anda")
    for data in (
        f"cam.share:footage:{camera_id}",
        f"enrol.edit:{camera_id}:stream",
        "cam.show:",
        "cam.show:x",
        "rev.because:1:own",
        "fld.contact:1",
        "adm.role:administrator",
        "nonsense",
        "enrol.at:1:2",
    ):
        await citra.tap_data(welcome, data)
        await citra.expect_toast("")
    assert (await camera(here, camera_id)).is_active
    async with here.foundation.office.look() as work:
        await the_person(work, "Citra")


async def test_the_log_is_read_to_its_first_line(here: Installation) -> None:
    camera_id = await approved_camera(here)
    async with here.foundation.office.work() as work:
        sari, rahmat = await the_person(work, "Sari"), await the_person(work, "Rahmat")
        for at in range(40):
            about = {"actor_role": "investigator", "owner_id": sari.id, "camera_id": camera_id}
            record(work, Act.ASKED, actor_id=rahmat.id, request=f"R-{2000 + at}", **about)
        first = (await lines_about(work, sari.id, limit=1000))[-1]
        assert first.act is Act.CONSENTED
    phone = here.phone("Sari")
    await phone.send("/riwayat")
    pages = [await phone.expect("Siapa melihat apa")]
    while any("Lebih lama" in label for label in labels_of(pages[-1])):
        await phone.tap("Lebih lama")
        pages.append(await phone.expect("Siapa melihat apa"))
    wanted = [f"R-{2000 + at}" for at in range(40)]
    assert [name for name in wanted for page in pages if name in page["text"]] == wanted
    assert len({page["message_id"] for page in pages}) == 1, "in its place"
    assert "menyetujui syarat program" in pages[-1]["text"]
    await phone.tap("Ke yang terbaru")
    newest = await phone.expect("Siapa melihat apa")
    assert newest["text"] == pages[0]["text"]
