"""
Live view, whole: a camera over RTSP, an officer in a real browser, and the owner's one tap.

Chromium plays what the camera sends; that it is a picture is read from the video element itself.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.cameras import DemoCameras
from nobs_bot.streams.address import parse_address
from tests.conversations.enrolling import approve, consent, until_sharing, watchable
from tests.footage.live.looking import CASE
from tests.installation import Installation, free_port, installation
from tests.phone import Phone

pytestmark = pytest.mark.browser


@asynccontextmanager
async def watched_shop(
    sandbox: SandboxServer, folder: Path, scenes: Path
) -> AsyncIterator[tuple[Installation, str]]:
    """An installation where Sari's camera takes part and may be watched, and its password."""
    cameras = DemoCameras()
    infos = {info.key: info for info in await cameras.start(cache_dir=scenes)}
    good = infos["good"]
    address = parse_address(good.url).with_credentials(good.username, good.password)
    port = free_port()
    pages = {"listen_port": port, "console_url": f"http://127.0.0.1:{port}"}
    try:
        async with installation(sandbox, folder, **pages) as here:
            sari = here.phone("Sari")
            await consent(sari)
            await until_sharing(sari)
            await watchable(sari, address.url)
            await approve(here.phone("Dewi"), sari)
            yield here, good.password
    finally:
        await cameras.stop()


async def sign_in(page: Page, officer: Phone) -> None:
    await officer.start()
    await officer.send("/konsol")
    message = await officer.expect("pusat komando")
    url = message["reply_markup"]["inline_keyboard"][0][0]["url"]
    await page.goto(url)
    await page.get_by_role("button", name="Masuk").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Selamat bertugas")


async def begin(page: Page) -> None:
    pages = page.get_by_role("navigation", name="Halaman")
    await pages.get_by_role("link", name="Pantauan langsung").click()
    await page.get_by_role("link", name="Pantau K-1001").click()
    await page.get_by_label("Nomor perkara").fill(CASE)
    await page.get_by_label("Keperluan").select_option(label="begal atau perampokan")
    await page.get_by_role("button", name="Mulai pantauan").click()


async def test_an_officer_watches_until_the_owner_stops_it(
    sandbox: SandboxServer, tmp_path: Path, scenes: Path, browser: Browser
) -> None:
    async with watched_shop(sandbox, tmp_path, scenes) as (here, password):
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        await sign_in(page, here.phone("Rahmat"))
        await begin(page)
        video = page.locator("video")
        await expect(video).to_be_visible()
        await expect(page.get_by_role("status")).to_contain_text("Langsung")
        before = await video.evaluate("it => it.currentTime")
        await page.wait_for_function(
            "t => document.querySelector('video').currentTime > t + 1", arg=before
        )
        assert await video.evaluate("it => [it.videoWidth, it.videoHeight]") == [1280, 720]
        assert len(await colours(page)) > 50, "it shows a street, not one colour"
        assert password not in await page.content()

        sari = here.phone("Sari")
        told = await sari.expect("sedang melihat kamera Anda K-1001")
        assert CASE in told["text"]
        await sari.tap("Hentikan sekarang")
        begun = time.monotonic()
        await expect(page.get_by_role("status")).to_contain_text(
            "Pemilik menghentikan", timeout=2000
        )
        assert time.monotonic() - begun < 1
        await expect(video).to_be_hidden()
        await sari.expect("Pantauan langsung K-1001 oleh Rahmat (penyidik) sudah selesai")
        assert complaints == []
        # nobody begins another at once, and the owner reads all of it
        await page.goto(page.url.partition("/lihat/")[0])
        await page.get_by_role("link", name="Pantau K-1001").click()
        await expect(page.get_by_text("baru saja menghentikan")).to_be_visible()
        await sari.send("/riwayat")
        log = (await sari.expect("Siapa melihat apa"))["text"]
        assert f"melihat K-1001 secara langsung untuk perkara {CASE}" in log
        assert password not in here.logged.getvalue()


async def colours(page: Page) -> set[str]:
    """Colours of some points of what the video shows now."""
    return set(
        await page.evaluate(
            """() => {
                const video = document.querySelector("video");
                const canvas = document.createElement("canvas");
                canvas.width = 64; canvas.height = 36;
                const pen = canvas.getContext("2d");
                pen.drawImage(video, 0, 0, 64, 36);
                const data = pen.getImageData(0, 0, 64, 36).data;
                const points = Array.from({ length: 64 * 36 }, (_, at) => 4 * at);
                return points.map((at) => data.slice(at, at + 3).join());
            }"""
        )
    )


async def test_a_browser_that_cannot_play_it_shows_stills(
    sandbox: SandboxServer, tmp_path: Path, scenes: Path, browser: Browser
) -> None:
    async with watched_shop(sandbox, tmp_path, scenes) as (here, _):
        page = await browser.new_page(viewport={"width": 390, "height": 800})
        await page.add_init_script("MediaSource.isTypeSupported = () => false")
        await sign_in(page, here.phone("Rahmat"))
        await begin(page)
        image = page.locator("#cuplikan")
        await expect(image).to_be_visible()
        await page.wait_for_function(
            "() => document.getElementById('cuplikan').naturalWidth === 1280"
        )
        first = await image.get_attribute("src")
        await page.wait_for_function(
            "src => document.getElementById('cuplikan').src !== src", arg=first
        )
        await expect(page.get_by_role("status")).to_contain_text("Cuplikan setiap detik")
        await page.get_by_role("button", name="Akhiri pantauan").click()
        await expect(page.get_by_text("Anda sudah mengakhiri")).to_be_visible()
        await here.phone("Sari").expect("Petugas sudah selesai melihat")


async def test_the_owner_sets_the_terms(
    sandbox: SandboxServer, tmp_path: Path, scenes: Path
) -> None:
    async with watched_shop(sandbox, tmp_path, scenes) as (here, _):
        sari, budi = here.phone("Sari"), here.phone("Budi")
        await sari.send("/kamera")
        await sari.tap("K-1001")
        await sari.tap("Yang dibagikan")
        await sari.tap("Atur pantauan langsung")
        shown = await sari.expect("Diizinkan kapan saja")
        assert "tidak ada yang melihatnya" in shown["text"]
        await sari.tap("Ubah jam")
        await sari.expect("Jam berapa K-1001")
        await sari.send("malam saja ya")
        await sari.expect("Saya belum mengerti jam itu")
        await sari.send("22-5")
        await sari.expect("pukul 22.00–05.00")
        await sari.tap("Ubah jam")
        await sari.tap("Siang")
        await sari.expect("pukul 06.00–18.00")
        await sari.tap("Hanya keadaan darurat")
        await sari.expect("Hanya dalam keadaan darurat")
        await sari.tap("Matikan pantauan langsung")
        off = await sari.expect("Dimatikan")
        await sari.tap("Izinkan pantauan langsung")
        await sari.expect("pukul 06.00–18.00")
        # another's camera: every button answers as if there were none
        await budi.start()
        welcome = await budi.expect("Selamat datang")
        payloads = [
            each["callback_data"]
            for row in off["reply_markup"]["inline_keyboard"]
            for each in row
            if each["callback_data"].startswith("live.")
        ]
        camera = payloads[0].rpartition(":")[2]
        for action in ("terms", "screen", "switch", "urgent", "again", "hours", "at", "back"):
            await budi.tap_data(welcome["message_id"], f"live.{action}:{camera}")
            await budi.expect_toast("tidak ada dalam daftar")
        await budi.tap_data(welcome["message_id"], f"live.stop:{camera}")
        await budi.expect_toast("bukan dari kamera Anda")
