"""A sticker from the PDF to a passer-by's browser, in Chromium, and from one phone to another."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import cv2
import numpy as np
import pypdfium2
import pytest
from playwright.async_api import Browser, Page, expect

from nobs_bot.sandbox import SandboxServer
from tests.conversations.standing import approved_camera
from tests.conversations.test_stickers import sheet
from tests.installation import Installation, free_port, installation

pytestmark = pytest.mark.browser
# where somebody wants to look at the pages: a folder for pictures of them
PICTURES = os.environ.get("NOBS_PICTURES")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
async def there(sandbox: SandboxServer, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation whose pages browsers can reach."""
    port = free_port()
    more = {"listen_port": port, "console_url": f"http://127.0.0.1:{port}"}
    async with installation(sandbox, tmp_path, **more) as running:
        yield running


async def link_on_the_sheet(there: Installation) -> str:
    """What a telephone reads off the printed page."""
    kartika = there.phone("Kartika")
    sent = await sheet(kartika)
    pdf = await kartika.fetch(sent["document"]["file_id"])
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=150 / 72).to_pil().convert("RGB")
    pixels = cv2.cvtColor(np.asarray(page), cv2.COLOR_RGB2BGR)
    link, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(pixels)
    return link


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def test_from_the_printed_page_to_a_passer_bys_browser(
    there: Installation, browser: Browser
) -> None:
    await approved_camera(there)
    link = await link_on_the_sheet(there)
    assert link.startswith(f"{there.foundation.settings.console_url}/s/1001-1-")
    context = await browser.new_context(viewport=PHONE, locale="id-ID")
    page = await context.new_page()
    complaints: list[str] = []
    foreign: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda each: foreign.append(each.url) if "127.0.0.1" not in each.url else None,
    )
    await page.goto(link)
    await expect(page.get_by_role("heading", name="Stiker ini berlaku")).to_be_visible()
    await expect(page.get_by_text("K-1001")).to_be_visible()
    await expect(page.get_by_text("terhubung dengan Pusat Komando")).to_be_visible()
    call = page.get_by_role("link", name="Hubungi 110")
    assert await call.get_attribute("href") == "tel:110"
    bot = page.get_by_role("link", name="Buka di Telegram")
    start = link.rpartition("/")[2]
    assert await bot.get_attribute("href") == f"https://t.me/NoBlindspotBot?start=s_{start}"
    whole = await page.content()
    for private in ("Sari", "Jembatan Besi", "0812", "5501234", "Toko"):
        assert private not in whole
    await picture(page, "sticker-valid")
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", name="This sticker is valid")).to_be_visible()
    await picture(page, "sticker-english")
    # withdrawn a moment ago
    sari = there.phone("Sari")
    await sari.start(f"s_{start}")
    await sari.tap("Tarik kamera")
    await sari.tap("Ya, tarik")
    await sari.expect("sudah ditarik")
    await page.goto(link)
    await expect(page.get_by_role("heading", name="tidak berlaku lagi")).to_be_visible()
    await expect(page.get_by_text("terhubung dengan")).to_have_count(0)
    await picture(page, "sticker-expired")
    await page.goto(link[:-8] + "AAAAAAAA")
    await expect(page.get_by_role("heading", name="bukan stiker kami")).to_be_visible()
    await expect(page.get_by_role("link", name="Buka di Telegram")).to_have_count(0)
    await picture(page, "sticker-unknown")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(link)
    await picture(page, "sticker-wide")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # the browser itself complains of the page that was not found
    assert [said for said in complaints if "404" not in said] == []
    assert foreign == []
    await context.close()


@pytest.mark.usefixtures("paces_stand_still")
async def test_the_page_can_be_kept_by_nobody_and_does_not_wear_out(there: Installation) -> None:
    await approved_camera(there)
    link = await link_on_the_sheet(there)
    async with aiohttp.ClientSession() as session:
        for _ in range(40):
            async with session.get(link) as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "no-store"
        # forged ones are slowed down, the true one is not
        statuses = []
        for at in range(40):
            async with session.get(link[:-2] + f"{'ABCDEFGHIJ'[at % 10]}2") as answer:
                statuses.append(answer.status)
        assert set(statuses) <= {200, 404, 429}
        assert 429 in statuses
        async with session.get(link) as answer:
            assert answer.status == 200
        async with session.get(link.lower()) as answer:
            assert answer.status == 200
        for strange in ("/s/", "/s/%00", "/s/..%2f..", "/s/" + "A" * 500):
            async with session.get(f"{there.foundation.settings.console_url}{strange}") as answer:
                assert answer.status == 404


async def test_one_phone_scans_the_code_on_another(there: Installation) -> None:
    await approved_camera(there)
    kartika, citra = there.phone("Kartika"), there.phone("Citra")
    await sheet(kartika)
    await kartika.tap("Buka lembar ini")
    await kartika.expect("Belum diserahkan: 1")
    await kartika.tap("K-1001")
    await kartika.expect("belum diserahkan")
    await citra.scan()
    await citra.expect("Stiker ini berlaku")
