"""Evidence in the chat and through the link: copy, export, receipt, key."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from sqlalchemy import select

from nobs_bot.footage.form import fingerprint_of
from nobs_bot.footage.manifest import signing_key
from nobs_bot.footage.request import Clip
from nobs_bot.footage.verify import load_key, verify
from nobs_bot.people.roles import grants_of
from nobs_bot.sandbox import SandboxServer
from tests.conversations.standing import the_person
from tests.conversations.test_requests import sent
from tests.footage.recordings import noise, video
from tests.installation import Installation, installation
from tests.phone import Phone, labels_of


async def with_clip(here: Installation, content: bytes, name: str = "kamera.mp4") -> Phone:
    """Sari has sent one file, and Rahmat has been told; Rahmat's phone."""
    rahmat, sari = await sent(here), here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")
    await sari.document(content, name)
    await sari.expect("SHA-256", timeout_s=20)
    await rahmat.expect("sudah diterima")
    return rahmat


async def fetched(url: str, method: str = "GET") -> tuple[int, bytes, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, await answer.read(), answer.headers


async def test_a_receipt_says_at_any_time_that_the_file_is_whole(here: Installation) -> None:
    await with_clip(here, video())
    sari = here.phone("Sari")
    await sari.tap("Tanda terima")
    told = await sari.expect("disimpan utuh")
    assert "T-" in told["text"]


async def test_an_archive_is_refused_with_a_word(here: Installation) -> None:
    await sent(here)
    sari = here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")
    await sari.document(b"PK\x03\x04" + noise(5000), "rekaman.mp4", "video/mp4")
    refused = await sari.expect("adalah arsip", timeout_s=15)
    assert "Kirim lagi" in labels_of(refused)[0]


async def test_a_copy_is_watched_and_the_owner_reads_it(here: Installation) -> None:
    rahmat = await with_clip(here, video(seconds=3))
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("punya rekaman")
    await rahmat.tap("Lihat salinan 1")
    await rahmat.expect("Salinan sedang dibuat")
    copy = await rahmat.expect("bukan", timeout_s=30)
    with av.open(io.BytesIO(await rahmat.fetch(copy["document"]["file_id"]))) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    sari = here.phone("Sari")
    await sari.send("/riwayat")
    assert "membuka rekaman K-1001" in (await sari.expect("Siapa melihat apa"))["text"]


async def test_what_does_not_play_has_no_copy_button(here: Installation) -> None:
    rahmat = await with_clip(here, noise(9000))
    await rahmat.tap("Lihat permintaan")
    page = await rahmat.expect("punya rekaman")
    labels = labels_of(page)
    assert not any("salinan" in label for label in labels)
    assert "📦 Ekspor barang bukti" in labels


async def test_without_pages_the_export_comes_into_the_chat_alone(
    here: Installation, tmp_path: Path
) -> None:
    rahmat = await with_clip(here, video())
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("punya rekaman")
    await rahmat.tap("Ekspor barang bukti")
    coming = await rahmat.expect("sedang disiapkan")
    assert labels_of(coming) == []
    file = (await rahmat.expect("manifes bertanda tangan", timeout_s=20))["document"]
    path = tmp_path / "export.zip"
    path.write_bytes(await rahmat.fetch(file["file_id"]))
    assert verify(path).is_well


async def linked(rahmat: Phone) -> str:
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("punya rekaman")
    await rahmat.tap("Ekspor barang bukti")
    message = await rahmat.expect("dapat diunduh lewat tombol")
    return str(message["reply_markup"]["inline_keyboard"][0][0]["url"])


@pytest.fixture
def content() -> bytes:
    return b"DHAV" + noise(3_000_000)


async def test_a_link_streams_the_export_once(
    sandbox: SandboxServer, tmp_path: Path, content: bytes
) -> None:
    async with installation(sandbox, tmp_path, webhook=True) as here:
        rahmat = await with_clip(here, content, "kamera.dav")
        url = await linked(rahmat)
        # a look by a link previewer does not use it up
        assert (await fetched(url, "HEAD"))[0] == 405
        status, whole, headers = await fetched(url)
        assert (status, headers["Content-Type"]) == (200, "application/zip")
        assert headers["Cache-Control"] == "no-store"
        assert "R-1001-" in headers["Content-Disposition"]
        path = tmp_path / "export.zip"
        path.write_bytes(whole)
        origin = url.partition("/evidence/")[0]
        status, published, _ = await fetched(f"{origin}/keys/evidence")
        fingerprint, _, pem = published.decode().partition("\n\n")
        key = signing_key(here.foundation.vault).public_key()
        assert (status, fingerprint) == (200, fingerprint_of(key))
        verdict = verify(path, key=load_key(pem.encode()))
        assert (verdict.is_well, verdict.is_pinned) == (True, True)
        status, again, _ = await fetched(url)
        assert status == 404
        assert "sudah dipakai" in again.decode()
        assert "was used" in again.decode()
        token = url.rpartition("/")[2]
        assert token not in here.logged.getvalue()
        sari = here.phone("Sari")
        await sari.send("/riwayat")
        assert "barang bukti" in (await sari.expect("Siapa melihat apa"))["text"]


async def test_a_link_does_not_outlive_its_officers_role(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    async with installation(sandbox, tmp_path, webhook=True) as here:
        url = await linked(await with_clip(here, video()))
        async with here.foundation.office.work() as work:
            for grant in await grants_of(work, (await the_person(work, "Rahmat")).id):
                grant.ended_at = work.now
        status, told, _ = await fetched(url)
        assert status == 403
        assert b"PK" not in told


async def test_an_export_of_changed_bytes_gets_no_end_and_the_damage_is_told(
    sandbox: SandboxServer, tmp_path: Path, content: bytes
) -> None:
    async with installation(sandbox, tmp_path, webhook=True) as here:
        rahmat = await with_clip(here, content, "kamera.dav")
        url = await linked(rahmat)
        [stored] = [each for each in (tmp_path / "files/evidence").rglob("*") if each.is_file()]
        sealed = bytearray(stored.read_bytes())
        sealed[2_500_000] ^= 1
        stored.write_bytes(sealed)
        with pytest.raises(aiohttp.ClientError):
            await fetched(url)
        assert url.rpartition("/")[2] not in here.logged.getvalue()
        await rahmat.expect("rusak di penyimpanan", timeout_s=40)


async def test_forged_taps_lead_nowhere(here: Installation) -> None:
    await with_clip(here, video())
    async with here.foundation.office.look() as work:
        clip = (await work.session.execute(select(Clip))).scalar_one()
    citra = here.phone("Citra")
    await citra.start()
    greeting = await citra.expect("Selamat datang")
    for data, words in (
        (f"evd.view:{clip.id}", "hanya untuk petugas"),
        (f"evd.export:{clip.request_id}", "hanya untuk petugas"),
        (f"evd.receipt:{clip.id}", "bukan untuk Anda"),
        ("evd.receipt:x", "sudah tidak berlaku"),
        ("evd.receipt", "sudah tidak berlaku"),
    ):
        await citra.tap_data(greeting["message_id"], data)
        await refused(citra, words)
    assert not any("document" in each for each in await citra.messages())


async def refused(phone: Phone, words: str) -> None:
    """A refusal comes as a message or over the chat."""
    for _ in range(50):
        said = [*(await phone.toasts()), *(await phone.messages())]
        if any(words in str(each.get("text")) for each in said):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no {words!r} in {said}")
