"""Pointing the phone: a Mini App that sends the direction into the conversation."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN
from tests.conversations.enrolling import consent, until_heading
from tests.installation import Installation, free_port, installation
from tests.people.test_miniapp import signed
from tests.phone import Phone, labels_of


def opened(phone: Phone, *, token: str = TOKEN, age_s: int = 1) -> str:
    """What Telegram hands to an app that this person opens."""
    user = json.dumps({"id": phone.person_id, "first_name": "Sari"})
    return signed(token, user=user, auth_date=int(time.time()) - age_s)


async def send(port: int, data: str, heading: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{port}/arah/", data={"data": data, "heading": heading}
        ) as answer,
    ):
        return answer.status


async def at_the_heading(here: Installation) -> Phone:
    sari = here.phone("Sari")
    await consent(sari)
    await until_heading(sari)
    return sari


async def test_a_direction_from_the_app_goes_on_with_the_conversation(
    sandbox: SandboxServer, tmp_path: Path, database_url: str | None
) -> None:
    port = free_port()
    pages = {"listen_port": port, "console_url": "https://cctv.example.org"}
    async with installation(sandbox, tmp_path, database_url=database_url, **pages) as here:
        sari = await at_the_heading(here)
        asked = await sari.last()
        buttons = [each for row in asked["reply_markup"]["inline_keyboard"] for each in row]
        (app,) = [each["web_app"]["url"] for each in buttons if "web_app" in each]
        assert app == "https://cctv.example.org/arah/?lang=id"
        assert "🧭 Arahkan dengan ponsel" in labels_of(asked)
        data = opened(sari)
        # a double tap, and a page that sends again, are one answer
        assert await send(port, data, "137") == 200
        assert await send(port, data, "10") == 200
        await sari.expect("Seberapa lebar")
        async with here.foundation.office.look() as work:
            camera = (await work.session.execute(select(Camera))).scalar_one()
            assert camera.heading_deg == 137


async def test_degrees_may_be_typed(here: Installation) -> None:
    sari = await at_the_heading(here)
    assert not any("Arahkan dengan ponsel" in label for label in labels_of(await sari.last()))
    for wrong in ("361", "-5", "utara sekali", "12,5"):
        await sari.send(wrong)
        await sari.expect("angka 0 sampai 360")
    await sari.send("135°")
    await sari.expect("Seberapa lebar")


async def test_what_telegram_did_not_sign_changes_nothing(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    port = free_port()
    pages = {"listen_port": port, "console_url": "https://cctv.example.org"}
    async with installation(sandbox, tmp_path, **pages) as here:
        sari = await at_the_heading(here)
        before = await sari.last()
        for data, heading in (
            ("", "90"),
            (opened(sari, token="4242:another"), "90"),
            (opened(sari, age_s=3600), "90"),
            (opened(sari) + "&user=%7B%22id%22%3A1%7D", "90"),
            (opened(here.phone("Citra")), "90"),
            (opened(sari), "360"),
            (opened(sari), "-1"),
            (opened(sari), "<b>"),
            (opened(sari), ""),
        ):
            assert await send(port, data, heading) == 403, (data, heading)
        assert (await sari.last())["message_id"] == before["message_id"]


@pytest.mark.browser
async def test_the_page_reads_the_phones_compass(
    sandbox: SandboxServer, tmp_path: Path, browser: Browser
) -> None:
    port = free_port()
    pages = {"listen_port": port, "console_url": f"http://127.0.0.1:{port}"}
    async with installation(sandbox, tmp_path, **pages) as here:
        sari = await at_the_heading(here)
        page = await browser.new_page(viewport={"width": 390, "height": 760})
        address = f"http://127.0.0.1:{port}/arah/"
        await page.goto(address)
        await expect(page.get_by_text("dibuka dari obrolan dengan bot")).to_be_visible()
        await page.goto("about:blank")
        data = urlencode({"tgWebAppData": opened(sari)})
        await page.goto(f"{address}#{data}")
        assert "tgWebAppData" not in page.url, "nothing stays in the history"
        begin = page.get_by_role("button", name="Nyalakan kompas")
        await begin.click()
        # a browser may ask for its owner's leave first, and the page hears nothing until then
        await expect(begin).to_be_hidden()
        use = page.get_by_role("button", name="Pakai arah ini")
        await turn(page, [10, 200, 90, 300, 45, 170])
        await expect(use).to_be_disabled()
        await expect(page.get_by_role("status")).to_contain_text("Tahan sebentar")
        await turn(page, [358, 2, 0, 1, 359, 3, 357, 0] * 4)
        await expect(page.locator("#degrees")).to_have_text("0°")
        await turn(page, [136, 138, 137] * 10)
        await expect(page.locator("#degrees")).to_have_text("137°")
        await use.click()
        await expect(page.get_by_role("status")).to_contain_text("Arahnya sudah dikirim")
        await sari.expect("Seberapa lebar")


async def turn(page: Page, headings: list[int]) -> None:
    """What a phone's sensor would report while it is turned."""
    await page.evaluate(
        """headings => {
            for (const each of headings) {
                const event = new Event("deviceorientationabsolute");
                Object.assign(event, { absolute: true, alpha: (360 - each) % 360 });
                dispatchEvent(event);
            }
        }""",
        headings,
    )
