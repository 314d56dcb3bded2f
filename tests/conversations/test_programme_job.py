"""
The whole programme: recorded on foot, taken over by QR, connected with a sticker, watched live.

The phones are the sandbox's, the officer of the command centre sits at a real browser, and the
camera is one of the sandbox's over RTSP. Codes are read off pictures, as a phone's camera would.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.cameras import DemoCameras
from nobs_bot.streams.address import parse_address
from tests.conversations.enrolling import SHOP, approve, photo, watchable
from tests.conversations.test_live import sign_in
from tests.conversations.test_recording import record
from tests.conversations.test_stickers import code_of, sheet
from tests.footage.live.looking import CASE
from tests.installation import Installation, free_port, installation
from tests.phone import Phone

pytestmark = pytest.mark.browser


async def test_from_the_officers_walk_to_the_live_picture_and_its_end(
    sandbox: SandboxServer, tmp_path: Path, scenes: Path, browser: Browser
) -> None:
    cameras = DemoCameras()
    infos = {info.key: info for info in await cameras.start(cache_dir=scenes)}
    good = infos["good"]
    address = parse_address(good.url).with_credentials(good.username, good.password)
    port = free_port()
    pages = {"listen_port": port, "console_url": f"http://127.0.0.1:{port}"}
    try:
        async with installation(sandbox, tmp_path, **pages) as here:
            wayan, sari = here.phone("Wayan"), here.phone("Sari")
            await claim(sari, await record(wayan), address.url)
            await wayan.expect("mengambil alih 1 kamera")
            await approve(here.phone("Dewi"), sari)
            await connect(here, wayan, sari)
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            complaints: list[str] = []
            page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await sign_in(page, here.phone("Rahmat"))
            await on_the_map(page, f"http://127.0.0.1:{port}/konsol")
            await watched(page)
            await stopped(page, sari)
            assert complaints == []
            assert good.password not in here.logged.getvalue()
    finally:
        await cameras.stop()


async def claim(sari: Phone, link: str, url: str) -> None:
    """The owner scans the code, consents, fills the gaps, and lets the camera be watched."""
    await sari.start(link)
    await sari.expect("Wayan mencatat 1 kamera")
    await sari.tap("Ya, kamera saya")
    await sari.expect("UU No. 27/2022")
    await sari.tap("Saya setuju")
    await sari.expect("kini menjadi milik Anda")
    await sari.expect("Sejauh apa")
    await sari.tap("20 m")
    await sari.expect("di dalam atau di luar")
    await sari.tap("di luar")
    await sari.expect("bidang pandangnya")
    await sari.tap("Sudah sesuai")
    await sari.expect("Berapa hari perekam")
    await sari.tap("14 hari")
    await sari.expect("Apa yang boleh kami lakukan")
    await watchable(sari, url)


async def connect(here: Installation, wayan: Phone, sari: Phone) -> None:
    """Printed, read back from the PDF's picture, handed over, and on the wall."""
    kartika = here.phone("Kartika")
    start = await code_of(kartika, await sheet(kartika))
    await wayan.start(start)
    await wayan.expect("belum diserahkan")
    await wayan.tap("Sudah saya serahkan")
    await sari.expect("sudah diserahkan kepada Anda")
    await sari.tap("Kirim foto stiker terpasang")
    await sari.expect("Tempelkan stiker K-1001")
    await sari.photo(photo(11))
    await sari.expect("tercatat terpasang")
    await kartika.send("/kemajuan")
    await kartika.expect("Tersambung: 1")


async def on_the_map(page: Page, root: str) -> None:
    await page.goto(f"{root}/peta#18/{SHOP[0]}/{SHOP[1]}")
    await page.wait_for_function("() => document.querySelector('main').dataset.drawn")
    await expect(page.get_by_text("1 kamera di layar dari 1")).to_be_visible()
    await page.get_by_label("Cari tempat").fill("K-1001")
    await page.get_by_role("button", name="Cari").click()
    panel = page.locator("#panel")
    await expect(panel.get_by_role("heading", name="K-1001")).to_be_visible()


async def watched(page: Page) -> None:
    """From the camera's panel on the map to a picture that moves."""
    await page.locator("#panel").get_by_role("link", name="Pantau langsung").click()
    await page.get_by_label("Nomor perkara").fill(CASE)
    await page.get_by_label("Keperluan").select_option(label="begal atau perampokan")
    await page.get_by_role("button", name="Mulai pantauan").click()
    video = page.locator("video")
    await expect(video).to_be_visible()
    before = await video.evaluate("it => it.currentTime")
    await page.wait_for_function(
        "before => document.querySelector('video').currentTime > before + 1", arg=before
    )
    assert await video.evaluate("it => [it.videoWidth, it.videoHeight]") == [1280, 720]


async def stopped(page: Page, sari: Phone) -> None:
    told = await sari.expect("sedang melihat kamera Anda K-1001")
    assert CASE in told["text"]
    await sari.tap("Hentikan sekarang")
    begun = time.monotonic()
    status = page.get_by_role("status")
    await expect(status).to_contain_text("Pemilik menghentikan", timeout=2000)
    assert time.monotonic() - begun < 1
    await expect(page.locator("video")).to_be_hidden()
