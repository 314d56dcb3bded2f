"""From the chat to the upload page and back: the link, the file, the receipt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from nobs_bot.sandbox import SandboxServer
from tests.console.conftest import free_port
from tests.console.test_tus import MB, begun, patch
from tests.conversations.standing import approved_camera
from tests.conversations.test_main_job import _dump
from tests.conversations.test_requests import sent
from tests.installation import Installation, installation
from tests.phone import Message, Phone, labels_of


@pytest.fixture
async def paged(sandbox: SandboxServer, tmp_path: Path) -> AsyncIterator[Installation]:
    """The app with an address for browsers."""
    port = free_port()
    pages = f"http://127.0.0.1:{port}"
    async with installation(sandbox, tmp_path, listen_port=port, console_url=pages) as running:
        yield running


async def has_it(here: Installation) -> tuple[Phone, Message]:
    """Sari was asked and has the footage; what the bot says to that."""
    await sent(here)
    sari = here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Saya punya")
    return sari, await sari.expect("sebagai berkas")


def address_in(message: Message) -> str:
    [[opens]] = message["reply_markup"]["inline_keyboard"]
    return str(opens["url"])


async def test_a_large_file_goes_by_a_link_of_ones_own(paged: Installation, tmp_path: Path) -> None:
    sari, shown = await has_it(paged)
    assert "🔗 Berkas lebih dari 20 MB" in labels_of(shown)
    await sari.tap("Berkas lebih dari 20 MB")
    told = await sari.expect("halaman unggah untuk permintaan")
    for part in ("R-1001", "20 GB", "hanya untuk Anda", "WIB"):
        assert part in told["text"]
    address, content = address_in(told), os.urandom(25 * MB)
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        session.post(address) as page,
    ):
        assert page.status == 200
        [cookie] = [f"{each.key}={each.value}" for each in session.cookie_jar]
        headers = {"Cookie": cookie, "Tus-Resumable": "1.0.0"}
        url = await begun(f"{page.url}berkas/", headers, len(content), "ch3.dav")
        assert (await patch(url, headers, 0, content)).status == 204
    receipt = await sari.expect("SHA-256", timeout_s=20)
    assert hashlib.sha256(content).hexdigest() in receipt["text"]
    assert "ch3.dav" in receipt["text"]
    await paged.phone("Rahmat").expect("rekaman dari K-1001 sudah diterima", timeout_s=30)
    await sari.send("/riwayat")
    await sari.expect("halaman unggah untuk R-1001 dibuka")
    secrets = [address.rpartition("/")[2], cookie.partition("=")[2]]
    database = await _dump(paged.foundation)
    for secret in secrets:
        assert secret not in database
        assert secret not in paged.logged.getvalue()
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


async def test_a_file_that_telegram_keeps_back_is_answered_with_the_way_round(
    paged: Installation,
) -> None:
    sari, _ = await has_it(paged)
    await sari.document(bytes(21 * MB), "besar.dav")
    refused = await sari.expect("21 MB; lewat Telegram paling besar 20 MB")
    assert labels_of(refused) == ["🔗 Berkas lebih dari 20 MB"]
    await sari.tap("Berkas lebih dari 20 MB")
    await sari.expect("halaman unggah untuk permintaan")


async def test_a_link_asked_for_too_late_is_refused(paged: Installation) -> None:
    sari, shown = await has_it(paged)
    rahmat = paged.phone("Rahmat")
    await rahmat.tap("Lihat permintaan")
    await rahmat.tap("Selesai, beri tahu pemilik")
    await rahmat.tap("Rekaman membantu")
    await rahmat.expect("ditutup")
    link = next(
        each["callback_data"]
        for row in shown["reply_markup"]["inline_keyboard"]
        for each in row
        if each["callback_data"].startswith("ans.link")
    )
    await sari.tap_data(shown["message_id"], link)
    await sari.expect_toast("sudah ditutup")


async def test_nobody_gets_anothers_link(paged: Installation) -> None:
    _, shown = await has_it(paged)
    link = next(
        each["callback_data"]
        for row in shown["reply_markup"]["inline_keyboard"]
        for each in row
        if each["callback_data"].startswith("ans.link")
    )
    await approved_camera(paged, "Budi")
    budi = paged.phone("Budi")
    [*_, own] = [each for each in await budi.messages() if "reply_markup" in each]
    await budi.tap_data(own["message_id"], link)
    await budi.expect_toast("bukan untuk Anda")


async def test_without_an_address_for_browsers_the_words_stay_as_they_are(
    here: Installation,
) -> None:
    sari, shown = await has_it(here)
    assert not any("20 MB" in label for label in labels_of(shown))
    await sari.document(bytes(21 * MB), "besar.dav")
    refused = await sari.expect("Potong menjadi bagian yang lebih pendek")
    assert labels_of(refused) == []
