"""The chat page in a real Chromium, with a small real bot behind it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.filters import CommandStart
from aiogram.types import (
    BotCommand,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
)
from playwright.async_api import Browser, Locator, Page, Route, expect

from nobs_bot.sandbox import SandboxServer, the_cast
from tests.conftest import TOKEN
from tests.sandbox.conftest import a_jpeg

pytestmark = pytest.mark.browser
PAGE = Path(__file__).parents[2] / "nobs_bot" / "sandbox" / "page"


def a_dispatcher() -> Dispatcher:
    """A bot that answers to everything the page can send."""
    dispatcher = Dispatcher()

    @dispatcher.message(CommandStart(deep_link=True))
    async def invited(message: Message, command: Any) -> None:
        await message.answer(f"undangan {command.args}")

    @dispatcher.message(CommandStart())
    async def started(message: Message) -> None:
        rows = [
            [InlineKeyboardButton(text="Daftarkan", callback_data="enrol")],
            [InlineKeyboardButton(text="Penting", callback_data="alert")],
            [InlineKeyboardButton(text="Undangan", url="https://t.me/NoBlindspotBot?start=abc")],
        ]
        markup = InlineKeyboardMarkup(inline_keyboard=rows)
        await message.answer("<b>Selamat datang</b>", parse_mode="HTML", reply_markup=markup)

    @dispatcher.callback_query(F.data == "alert")
    async def alert(query: CallbackQuery) -> None:
        await query.answer("Perlu dibaca", show_alert=True)

    @dispatcher.callback_query()
    async def enrol(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.answer("Tersimpan")
        await query.message.edit_text("Di mana kameranya?")
        button = KeyboardButton(text="Lokasi saya", request_location=True)
        markup = ReplyKeyboardMarkup(keyboard=[[button]])
        await query.message.answer("Kirim lokasi.", reply_markup=markup)

    @dispatcher.message()
    async def anything(message: Message) -> None:
        await message.answer(f"diterima: {message.content_type.value}")

    return dispatcher


@pytest.fixture
async def bot(aio: Bot) -> AsyncIterator[Bot]:
    await aio.set_my_commands([BotCommand(command="start", description="Mulai lagi")])
    await aio.set_my_description("Daftarkan kamera Anda.")
    dispatcher, started = a_dispatcher(), asyncio.Event()
    dispatcher.startup.register(started.set)
    polling = asyncio.create_task(dispatcher.start_polling(aio, handle_signals=False))
    await started.wait()
    yield aio
    await dispatcher.stop_polling()
    await polling


class Visit:
    """A page that is open, and what its console said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def phone(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=f"Ponsel {name}")


async def visited(browser: Browser, sandbox: SandboxServer, **options: Any) -> Visit:
    context = await browser.new_context(**options)
    visit = Visit(await context.new_page())
    own = sandbox.page_url

    def note(request: Any) -> None:
        if not request.url.startswith((own, "blob:")):
            visit.foreign.append(request.url)

    visit.page.on("request", note)
    await visit.page.goto(own)
    return visit


@pytest.fixture
async def desk(browser: Browser, sandbox: SandboxServer, bot: Bot) -> AsyncIterator[Visit]:
    visit = await visited(browser, sandbox, viewport={"width": 1440, "height": 900})
    yield visit
    assert visit.complaints == []
    assert visit.foreign == []


async def test_sari_registers_on_one_phone_while_dewi_stands_beside_her(desk: Visit) -> None:
    sari, dewi = desk.phone("Sari"), desk.phone("Dewi")
    await expect(sari.get_by_text("Daftarkan kamera Anda.")).to_be_visible()
    await sari.get_by_role("button", name="Mulai").click()
    await expect(sari.locator("strong", has_text="Selamat datang")).to_be_visible()
    await expect(dewi.get_by_role("button", name="Mulai")).to_be_visible()

    await sari.get_by_role("button", name="Penting").click()
    alert = sari.get_by_role("alertdialog", name="Perlu dibaca")
    await expect(alert.get_by_role("button")).to_be_focused()
    await alert.press("Enter")
    await expect(alert).to_have_count(0)

    await sari.get_by_role("button", name="Undangan").click()
    await expect(sari.get_by_text("undangan abc")).to_be_visible()

    await sari.get_by_role("button", name="Daftarkan", exact=True).click()
    await expect(sari.get_by_text("Tersimpan")).to_be_visible()
    await expect(sari.get_by_text("Di mana kameranya?")).to_be_visible()
    await expect(sari.get_by_text("diedit")).to_be_visible()
    await sari.get_by_role("button", name="Lokasi saya").click()
    await expect(sari.get_by_text("diterima: location")).to_be_visible()

    await sari.get_by_role("textbox").fill("Halo bot")
    await sari.get_by_role("textbox").press("Enter")
    await expect(sari.get_by_text("diterima: text")).to_be_visible()
    await expect(sari.get_by_role("img", name="diterima bot")).not_to_have_count(0)


async def test_photos_files_and_places_are_sent_from_the_menu(desk: Visit, tmp_path: Path) -> None:
    sari, page = desk.phone("Sari"), desk.page
    await sari.get_by_role("button", name="Mulai").click()
    attach = sari.get_by_role("button", name="Lampirkan")

    await attach.click()
    await sari.get_by_role("button", name="Toko Sari dari depan").click()
    await sari.get_by_role("button", name="Kamera di dinding").click()
    await sari.get_by_role("button", name="Kirim album (2 foto)").click()
    await expect(sari.get_by_text("diterima: photo")).to_have_count(2)
    await expect(sari.locator(".media.count-2 img")).to_have_count(2)
    await sari.get_by_role("button", name="Buka foto").first.click()
    viewer = page.get_by_role("dialog", name="Foto")
    await expect(viewer.get_by_role("img")).to_have_js_property("complete", True)
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)

    own = tmp_path / "toko sendiri.jpg"
    own.write_bytes(a_jpeg())
    await attach.click()
    async with page.expect_file_chooser() as chooser:
        await sari.get_by_role("button", name="Foto atau album sendiri").click()
    await (await chooser.value).set_files(own)
    await expect(sari.get_by_text("diterima: photo")).to_have_count(3)

    await attach.click()
    async with page.expect_file_chooser() as chooser:
        await sari.get_by_role("button", name="Berkas (tidak diubah)").click()
    await (await chooser.value).set_files(own)
    await expect(sari.get_by_text("diterima: document")).to_be_visible()
    async with page.expect_download() as download:
        await sari.get_by_role("link", name="Unduh toko sendiri.jpg").click()
    assert (await (await download.value).path()).read_bytes() == own.read_bytes()

    await attach.click()
    await sari.get_by_role("button", name="Lokasi", exact=True).click()
    place = page.get_by_role("dialog", name="Kirim lokasi")
    await expect(place.get_by_text("Kecamatan Tambora")).to_be_visible()
    await place.get_by_role("button", name="Monas").click()
    await expect(place.get_by_role("status")).to_have_text("Di luar Jakarta Barat")
    await place.get_by_label("Koordinat").fill("di sana")
    await place.get_by_role("button", name="Kirim lokasi ini").click()
    await expect(place.get_by_role("status")).to_contain_text("Tulis seperti")
    await place.get_by_label("Koordinat").fill("-6.1487, 106.7320")
    await place.get_by_role("button", name="Kirim lokasi ini").click()
    await expect(sari.get_by_text("diterima: location")).to_be_visible()
    await expect(sari.get_by_text("-6.14870, 106.73200")).to_be_visible()


# what is called so in the menu arrives as this
REST_OF_THE_MENU = {
    "Video contoh": "video",
    "Video contoh sebagai berkas": "document",
    "Kontak saya": "contact",
    "Kontak orang lain": "contact",
    "Teruskan pesan dari orang lain": "text",
    "Stiker": "sticker",
    "Pesan suara": "voice",
}


async def test_everything_else_of_the_menu_arrives(desk: Visit) -> None:
    sari = desk.phone("Sari")
    await sari.get_by_role("button", name="Mulai").click()
    arrived: Counter[str] = Counter()
    for button, kind in REST_OF_THE_MENU.items():
        await sari.get_by_role("button", name="Lampirkan").click()
        await sari.locator(".attach").get_by_role("button", name=button, exact=True).click()
        arrived[kind] += 1
        await expect(sari.get_by_text(f"diterima: {kind}")).to_have_count(arrived[kind])


async def test_whoever_blocks_the_bot_can_come_back(desk: Visit, bot: Bot) -> None:
    sari = desk.phone("Sari")
    await sari.get_by_role("button", name="Mulai").click()
    await expect(sari.get_by_text("Selamat datang")).to_be_visible()
    await sari.get_by_role("button", name="Menu obrolan").click()
    await sari.get_by_role("menuitem", name="Blokir bot").click()
    await sari.get_by_role("button", name="Buka blokir").click()
    await expect(sari.get_by_role("textbox")).to_be_visible()


async def test_a_view_that_comes_late_takes_no_newer_message_away(desk: Visit, bot: Bot) -> None:
    sari = desk.phone("Sari")
    await sari.get_by_role("button", name="Mulai").click()
    await expect(sari.get_by_role("button", name="Menu", exact=True)).to_be_visible()
    viewed, answered = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        view = await route.fetch()
        viewed.set()
        await answered.wait()
        await route.fulfill(response=view)

    await desk.page.route("**/chat", hold)
    await bot.delete_my_commands()  # makes the page ask for its views anew
    await viewed.wait()
    await sari.get_by_role("textbox").fill("halo")
    await sari.get_by_role("textbox").press("Enter")
    await expect(sari.get_by_text("diterima: text")).to_be_visible()
    answered.set()
    await expect(sari.get_by_role("button", name="Menu", exact=True)).to_be_hidden()
    await expect(sari.get_by_text("diterima: text")).to_be_visible()


async def test_own_messages_can_be_replied_to_forwarded_and_deleted(desk: Visit) -> None:
    sari = desk.phone("Sari")
    await sari.get_by_role("button", name="Mulai").click()
    await sari.get_by_role("textbox").fill("alamat kamera")
    await sari.get_by_role("textbox").press("Enter")
    message = sari.get_by_role("article").filter(has_text="alamat kamera")
    await message.get_by_role("button", name="Lainnya").click()
    await sari.get_by_role("menuitem", name="Teruskan ke bot").click()
    await expect(sari.get_by_text("Diteruskan dari Sari")).to_be_visible()
    await message.first.get_by_role("button", name="Lainnya").click()
    await sari.get_by_role("menuitem", name="Balas").click()
    await sari.get_by_role("textbox").fill("yang ini")
    await sari.get_by_role("textbox").press("Enter")
    await expect(sari.locator(".quote", has_text="alamat kamera")).to_be_visible()
    await message.first.get_by_role("button", name="Lainnya").click()
    await sari.get_by_role("menuitem", name="Hapus").click()
    await expect(
        sari.locator(".message", has_text="alamat kamera").locator(".forwarded")
    ).to_have_count(1)
    await expect(message).to_have_count(2)


async def test_the_menu_is_used_with_the_keyboard_alone(desk: Visit) -> None:
    sari, page = desk.phone("Sari"), desk.page
    await sari.get_by_role("button", name="Mulai").focus()
    await page.keyboard.press("Enter")
    field = sari.get_by_role("textbox")
    await expect(field).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await expect(sari.get_by_role("button", name="Menu", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(sari.get_by_role("menuitem", name="Mulai lagi")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(sari.get_by_text("Selamat datang")).to_have_count(2)


async def test_a_badge_counts_what_others_have_not_read(
    desk: Visit, bot: Bot, sandbox: SandboxServer
) -> None:
    rahmat = next(p for p in sandbox.world.persons.values() if p.name == "Rahmat")
    sandbox.world.start(rahmat)
    await bot.send_message(rahmat.person_id, "Permintaan disetujui")
    member = desk.page.get_by_role("button", name="Rahmat")
    await expect(member.get_by_label("1 belum dibaca")).to_be_visible()
    await member.click()
    await expect(desk.phone("Rahmat").get_by_text("Permintaan disetujui")).to_be_visible()
    await expect(member.locator(".badge")).to_have_count(0)


async def test_the_page_speaks_english_and_remembers_it(desk: Visit) -> None:
    await desk.page.get_by_role("button", name="Switch to English").click()
    await expect(desk.page.get_by_role("heading", name="What is this?")).to_be_visible()
    await desk.page.reload()
    await expect(desk.page.get_by_role("region", name="Sari's phone")).to_be_visible()


async def test_the_policy_holds(desk: Visit, sandbox: SandboxServer) -> None:
    response = await desk.page.goto(sandbox.page_url)
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    injected = """() => new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", (event) =>
            resolve(event.effectiveDirective));
        const button = document.createElement("div");
        button.innerHTML = "<button onclick='window.hit = 1'></button>";
        document.body.append(button);
        button.firstChild.click();
    })"""
    assert await desk.page.evaluate(injected) == "script-src-attr"
    assert await desk.page.evaluate("window.hit") is None
    desk.complaints.clear()


@pytest.mark.parametrize("width", [390, 360])
async def test_on_a_telephone_one_chat_and_a_switcher(
    browser: Browser, sandbox: SandboxServer, bot: Bot, width: int
) -> None:
    size = {"width": width, "height": 844}
    visit = await visited(browser, sandbox, viewport=size, has_touch=True, is_mobile=True)
    page, sari = visit.page, visit.phone("Sari")
    await page.get_by_role("button", name="Mengerti").tap()
    await sari.get_by_role("button", name="Mulai").tap()
    await expect(sari.get_by_text("Selamat datang")).to_be_visible()
    await sari.get_by_role("textbox").fill("x" * 300)
    await sari.get_by_role("button", name="Kirim", exact=True).tap()
    await expect(sari.get_by_text("diterima: text")).to_be_visible()
    await sari.get_by_role("button", name="Lampirkan").tap()
    await sari.get_by_role("button", name="Lokasi", exact=True).tap()
    await page.get_by_role("button", name="Kirim lokasi ini").tap()
    await expect(sari.get_by_text("diterima: location")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    await page.get_by_role("button", name="Budi").tap()
    await expect(visit.phone("Budi").get_by_role("button", name="Mulai")).to_be_visible()
    await expect(sari).to_have_count(0)
    assert (visit.complaints, visit.foreign) == ([], [])
    await page.context.close()


def test_both_languages_have_the_same_words_and_placeholders() -> None:
    source = (PAGE / "words.js").read_text("utf-8")
    halves = source.split("  en: {")
    indonesian, english = (
        dict(re.findall(r'^    (\w+): "(.*)",$', half, re.MULTILINE)) for half in halves
    )
    assert indonesian.keys() == english.keys()
    for key, words in indonesian.items():
        assert re.findall(r"\{\w+\}", words) == re.findall(r"\{\w+\}", english[key]), key
    code = "".join(path.read_text("utf-8") for path in PAGE.glob("*.js"))
    assert set(re.findall(r'\bt\("(\w+)"', code)) <= indonesian.keys()


def test_nothing_of_the_page_comes_from_elsewhere() -> None:
    for path in [*PAGE.glob("*.js"), *PAGE.glob("*.css"), *PAGE.glob("*.html")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(src|href|url|import)\W{1,4}https?://", text), path.name
    assert "<script>" not in (PAGE / "index.html").read_text("utf-8")


class Corner:
    """A camera that can be turned, as far as the page sees it."""

    def __init__(self) -> None:
        self.heading_deg = 90.0

    def headings(self) -> dict[str, float]:
        return {"corner": self.heading_deg}

    async def turn(self, key: str, heading_deg: float) -> float:
        self.heading_deg = heading_deg
        return heading_deg

    async def still(self, key: str) -> bytes:
        return a_jpeg(320, 180)


async def test_a_test_camera_is_turned_behind_the_paper_clip(browser: Browser) -> None:
    corner = Corner()
    sandbox = SandboxServer(TOKEN, cast=the_cast(), cameras=corner)
    await sandbox.start()
    try:
        visit = await visited(browser, sandbox, viewport={"width": 390, "height": 844})
        await visit.page.get_by_role("button", name="Mulai", exact=True).click()
        clip = visit.phone("Sari").get_by_role("button", name="Lampirkan")
        await clip.click()
        await expect(visit.page.get_by_text("menghadap 90°")).to_be_visible()
        right = visit.page.get_by_role("button", name="15° ke kanan")
        await right.click()
        await expect(visit.page.get_by_text("menghadap 105°")).to_be_visible()
        await right.press("Enter")
        await expect(visit.page.get_by_text("menghadap 120°")).to_be_visible()
        await visit.page.get_by_role("button", name="15° ke kiri").click()
        await expect(visit.page.get_by_text("menghadap 105°")).to_be_visible()
        assert corner.heading_deg == 105
        wide = await visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
        await visit.page.keyboard.press("Escape")
        await expect(visit.page.get_by_text("menghadap 105°")).to_have_count(0)
        await expect(clip).to_be_focused()
        assert visit.complaints == []
    finally:
        await sandbox.stop()
