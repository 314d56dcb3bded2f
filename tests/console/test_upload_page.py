"""The upload page in a real Chromium at the width of a phone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from nobs_bot.footage.request import ClipState
from nobs_bot.footage.upload import UploadState
from tests.console.conftest import Counter, code_in

pytestmark = pytest.mark.browser
MB = 1024 * 1024
PHONE = {"width": 390, "height": 844}
# where somebody wants to look at the pages: a folder for pictures of them
PICTURES = os.environ.get("NOBS_PICTURES")


class Visit:
    """A browser of one's own, and what its console said."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith("http://127.0.0.1:"):
            self.foreign.append(request.url)

    async def picture(self, name: str) -> None:
        if PICTURES:
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def visit(browser: Browser, **options: Any) -> Visit:
    context = await browser.new_context(**{"viewport": PHONE, "locale": "id-ID", **options})
    return Visit(context, await context.new_page())


async def slow_down(here: Visit, bytes_per_second: int) -> Any:
    """A line as slow as this; -1 lets go."""
    session = await here.context.new_cdp_session(here.page)
    await line(session, bytes_per_second)
    return session


async def line(session: Any, bytes_per_second: int) -> None:
    conditions = {
        "offline": False,
        "latency": 0,
        "downloadThroughput": -1,
        "uploadThroughput": bytes_per_second,
    }
    await session.send("Network.emulateNetworkConditions", conditions)


def a_file(folder: Path, size: int, name: str = "kamera-depan.dav") -> Path:
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


async def past(page: Page, share: float) -> None:
    """Wait until the bar has come so far."""
    await page.wait_for_function(
        "share => { const bar = document.querySelector('progress');"
        " return bar && bar.value / bar.max > share }",
        arg=share,
        timeout=30_000,
    )


async def test_40_mb_survive_a_reload_and_two_cuts(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    path = a_file(tmp_path, 40 * MB)
    here = await visit(browser)
    page = here.page
    await page.goto(await counter.link())
    await here.picture("1-landing")
    await page.get_by_role("button", name="Mulai").click()
    await expect(page.get_by_text("R-1001")).to_be_visible()
    await here.picture("2-empty")
    line_ = await slow_down(here, 6 * MB)
    await page.get_by_label("Pilih berkas").set_input_files(path)
    await past(page, 0.3)
    await expect(page.get_by_text("per detik")).to_be_visible()
    await here.picture("3-sending")
    before = len(await counter.uploads())
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.reload()
    await expect(page.get_by_text(re.compile("Belum selesai: .* MB dari 40 MB"))).to_be_visible()
    await here.picture("4-unfinished")
    line_ = await slow_down(here, 4 * MB)
    await page.get_by_label("Pilih berkas").set_input_files(path)
    await past(page, 0.6)
    [upload] = await counter.uploads()
    assert upload.received_bytes > 5 * MB, "it went on where it had stopped"
    assert before == 1
    counter.cut_lines()
    await past(page, 0.8)
    counter.cut_lines()
    await line(line_, -1)
    await expect(page.get_by_text("Semua berkas sudah kami terima")).to_be_visible(timeout=40_000)
    await expect(page.get_by_text("40 MB, lengkap")).to_be_visible()
    await here.picture("6-done")
    [clip] = await counter.fetched()
    assert clip.state is ClipState.STORED
    assert clip.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    [upload] = await counter.uploads()
    assert upload.attempts >= 3, "once more after the reload, and again after a cut"
    assert here.foreign == []
    # the browser notes each broken call, and each that came while the cut one was wound up
    assert [each for each in here.complaints if "Failed to load resource" not in each] == []


async def test_what_is_chosen_before_the_script_is_there_is_sent(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    here = await visit(browser)
    page, is_chosen = here.page, asyncio.Event()

    async def late(route: Route) -> None:
        await is_chosen.wait()
        await route.continue_()

    await page.route("**/upload*.js*", late)
    await page.goto(await counter.link())
    await page.get_by_role("button", name="Mulai").click(no_wait_after=True)
    await page.get_by_label("Pilih berkas").set_input_files(a_file(tmp_path, 1000))
    is_chosen.set()
    await expect(page.get_by_text("lengkap").first).to_be_visible()


async def test_a_restarted_server_is_waited_for(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    path = a_file(tmp_path, 30 * MB)
    here = await visit(browser)
    page = here.page
    await page.goto(await counter.link())
    await page.get_by_role("button", name="Mulai").click()
    line_ = await slow_down(here, 3 * MB)
    await page.get_by_label("Pilih berkas").set_input_files(path)
    await past(page, 0.3)
    await counter.stop()
    await expect(page.get_by_text("Mencoba lagi")).to_be_visible()
    await here.picture("5-broken")
    await counter.start()
    await line(line_, -1)
    await expect(page.get_by_text("Semua berkas sudah kami terima")).to_be_visible(timeout=40_000)
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_pausing_going_on_and_cancelling_by_keyboard(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    first = a_file(tmp_path, 20 * MB, "satu.dav")
    second = a_file(tmp_path, 4 * MB, "dua <b>.mp4")
    here = await visit(browser)
    page = here.page
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.goto(await counter.link())
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("R-1001")).to_be_visible()
    # neither file may end before its button is pressed
    line_ = await slow_down(here, MB // 2)
    await page.get_by_label("Pilih berkas").set_input_files([first, second])
    await expect(page.get_by_text("Menunggu giliran")).to_be_visible()
    await past(page, 0.02)
    pause = page.get_by_role("button", name="Jeda: satu.dav")
    await pause.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Dijeda")).to_be_visible()
    await here.picture("7-paused")
    cancel = page.get_by_role("button", name="Batalkan: dua <b>.mp4")
    await cancel.focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_text("dua <b>.mp4")).to_have_count(0)
    await line(line_, -1)
    go_on = page.get_by_role("button", name="Lanjutkan: satu.dav")
    await go_on.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Semua berkas sudah kami terima")).to_be_visible(timeout=40_000)
    clips = await counter.fetched()
    assert [clip.size_bytes for clip in clips] == [20 * MB]
    assert here.complaints == []


async def begun(counter: Counter, here: Visit) -> None:
    """On the page, with every question answered by yes."""
    here.page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await here.page.goto(await counter.link())
    await here.page.get_by_role("button", name="Mulai").click()
    await expect(here.page.get_by_text("R-1001")).to_be_visible()


async def test_a_button_holds_while_its_row_changes(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    first, second = a_file(tmp_path, 8 * MB, "satu.dav"), a_file(tmp_path, 8 * MB, "dua.dav")
    here = await visit(browser)
    page = here.page
    await begun(counter, here)

    async def hold(route: Route) -> None:
        if route.request.method != "PATCH":  # whose bytes never leave: nothing can arrive whole
            await route.continue_()

    await page.route("**/berkas/**", hold)
    async with page.expect_request(lambda each: each.method == "PATCH"):
        await page.get_by_label("Pilih berkas").set_input_files([first, second])
    await page.get_by_role("button", name="Batalkan: dua.dav").focus()
    await page.keyboard.down("Space")
    # the second one's turn comes in the very moment
    await page.evaluate("document.querySelector('#sending button').click()")
    await expect(page.get_by_text("Dijeda")).to_be_visible()
    await expect(page.get_by_text("Menunggu giliran")).to_have_count(0)
    await page.keyboard.up("Space")
    await expect(page.get_by_text("dua.dav", exact=True)).to_have_count(0)
    await expect(page.get_by_text("satu.dav", exact=True)).to_be_visible()


async def test_what_was_paused_after_its_last_byte_has_arrived(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    first, second = a_file(tmp_path, MB, "satu.dav"), a_file(tmp_path, MB, "dua.dav")
    here = await visit(browser)
    page = here.page
    await begun(counter, here)
    session = await here.context.new_cdp_session(page)
    whole = asyncio.Event()

    async def answered(paused: Any) -> None:
        if paused["request"]["method"] == "PATCH" and not whole.is_set():
            whole.set()  # the server has all of the first file, and the page is not told
        else:
            await session.send("Fetch.continueRequest", {"requestId": paused["requestId"]})

    session.on("Fetch.requestPaused", answered)
    patterns = [{"urlPattern": "*/berkas/*", "requestStage": "Response"}]
    await session.send("Fetch.enable", {"patterns": patterns})
    await page.get_by_label("Pilih berkas").set_input_files([first, second])
    await asyncio.wait_for(whole.wait(), 30)
    await page.get_by_role("button", name="Jeda: satu.dav").click()
    await expect(page.get_by_text("Semua berkas sudah kami terima")).to_be_visible(timeout=30_000)
    await expect(page.locator("#received li")).to_have_count(2)
    await expect(page.locator("#sending li")).to_have_count(0)
    await expect(page.get_by_text("1 MB, lengkap")).to_have_count(2)
    assert [clip.size_bytes for clip in await counter.fetched()] == [MB, MB]
    assert here.complaints == []


@pytest.mark.parametrize(("status", "is_over"), [(429, False), (503, False), (410, True)])
async def test_the_list_is_asked_for_again_unless_the_link_is_over(
    counter: Counter, browser: Browser, status: int, is_over: bool
) -> None:
    here = await visit(browser)
    page = here.page
    asked = 0

    async def refuse(route: Route) -> None:
        nonlocal asked
        asked += 1
        await route.fulfill(status=status)

    await page.route("**/daftar", refuse)
    await begun(counter, here)
    # twice when it is opened, and then each three seconds where that may help
    await page.wait_for_timeout(6_000)
    assert (asked == 2) is is_over


async def test_what_is_cancelled_while_the_server_makes_it_leaves_nothing(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    here = await visit(browser)
    page = here.page
    await begun(counter, here)
    asked, made = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if route.request.method == "POST":
            asked.set()
            await made.wait()
        await route.continue_()

    await page.route("**/berkas/", late)
    await page.get_by_label("Pilih berkas").set_input_files(a_file(tmp_path, MB, "satu.dav"))
    # until it asks there is nothing to be cancelled on the server
    await asyncio.wait_for(asked.wait(), 30)
    async with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        await page.get_by_role("button", name="Batalkan: satu.dav").click()
        await expect(page.get_by_text("satu.dav")).to_have_count(0)
        made.set()
    assert (await deleted.value).status == 204
    assert [each.state for each in await counter.uploads()] == [UploadState.ENDED]
    assert await counter.parts() == []
    await expect(page.get_by_text("satu.dav")).to_have_count(0)


async def test_what_is_cancelled_while_the_page_looks_for_its_beginning_leaves_nothing(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    here = await visit(browser)
    page = here.page
    await begun(counter, here)
    await slow_down(here, MB)
    path = a_file(tmp_path, 8 * MB, "satu.dav")
    await page.get_by_label("Pilih berkas").set_input_files(path)
    await past(page, 0.1)
    await page.reload()
    await expect(page.get_by_text(re.compile("Belum selesai"))).to_be_visible()
    asked, told = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await told.wait()
        await route.continue_()

    await page.route("**/daftar", late)
    await page.get_by_label("Pilih berkas").set_input_files(path)
    await asyncio.wait_for(asked.wait(), 30)
    async with page.expect_response(
        lambda answer: answer.request.method == "DELETE" and answer.status == 204
    ):
        await page.get_by_role("button", name="Batalkan: satu.dav").click()
        told.set()
    assert [each.state for each in await counter.uploads()] == [UploadState.ENDED]
    assert await counter.parts() == []
    await expect(page.get_by_text("satu.dav")).to_have_count(0)


async def test_paused_and_gone_on_with_while_the_page_looks_it_is_made_once(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    here = await visit(browser)
    page = here.page
    await begun(counter, here)
    looks, made = 0, 0
    both, told = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            both.set()
        await told.wait()
        await route.continue_()

    def count(request: Any) -> None:
        nonlocal made
        made += request.method == "POST" and request.url.endswith("/berkas/")

    page.on("request", count)
    await page.route("**/daftar", late)
    await page.get_by_label("Pilih berkas").set_input_files(a_file(tmp_path, MB, "satu.dav"))
    await page.get_by_role("button", name="Jeda: satu.dav").click()
    await page.get_by_role("button", name="Lanjutkan: satu.dav").click()
    await asyncio.wait_for(both.wait(), 30)
    told.set()
    await expect(page.get_by_text(re.compile("sudah kami terima"))).to_be_visible()
    assert made == 1
    assert [each.state for each in await counter.uploads()] == [UploadState.WHOLE]


async def test_cancelling_tries_again_while_the_server_still_holds_the_file(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    here = await visit(browser)
    page = here.page
    await begun(counter, here)
    refusals = 1

    async def held(route: Route) -> None:
        nonlocal refusals
        if route.request.method == "DELETE" and refusals:
            refusals -= 1
            await route.fulfill(status=423)
        else:
            await route.continue_()

    await page.route("**/berkas/*", held)
    await slow_down(here, MB)
    await page.get_by_label("Pilih berkas").set_input_files(a_file(tmp_path, 8 * MB, "satu.dav"))
    await past(page, 0.1)
    gone = lambda answer: answer.request.method == "DELETE" and answer.status == 204  # noqa: E731
    async with page.expect_response(gone):
        await page.get_by_role("button", name="Batalkan: satu.dav").click()
    assert [each.state for each in await counter.uploads()] == [UploadState.ENDED]
    assert await counter.parts() == []
    await expect(page.get_by_text("satu.dav")).to_have_count(0)


async def test_another_browser_needs_the_code(counter: Counter, browser: Browser) -> None:
    address = await counter.link()
    first, other = await visit(browser), await visit(browser, color_scheme="dark")
    await first.page.goto(address)
    await first.page.get_by_role("button", name="Mulai").click()
    await expect(first.page.get_by_text("R-1001")).to_be_visible()
    page = other.page
    await page.goto(address)
    await page.get_by_role("button", name="Mulai").click()
    await expect(page.get_by_label("Kode 6 angka")).to_be_focused()
    await expect(page.get_by_text("R-1001")).to_have_count(0)
    await other.picture("8-code-dark")
    code = code_in((await counter.house.told("Sari"))[-1])
    await page.keyboard.type(f"{(int(code) + 1) % 1_000_000:06d}")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("tidak cocok")
    await page.get_by_label("Kode 6 angka").fill(code)
    await page.get_by_role("button", name="Buka").click()
    await expect(page.get_by_text("R-1001")).to_be_visible()
    await other.picture("9-page-dark")
    await page.reload()
    await expect(page.get_by_text("R-1001")).to_be_visible()


async def test_nothing_runs_over_the_edge(
    counter: Counter, browser: Browser, tmp_path: Path
) -> None:
    here = await visit(browser)
    page = here.page
    await page.goto(await counter.link())
    await page.get_by_role("button", name="Mulai").click()
    name = "rekaman-kamera-depan-toko-kelontong-ibu-sari-" * 2 + ".dav"
    await page.get_by_label("Pilih berkas").set_input_files(a_file(tmp_path, 1000, name))
    await expect(page.get_by_text("lengkap").first).to_be_visible()
    await fits(here, "sent")
    await counter.close_request()
    await page.reload()
    await expect(page.get_by_text("R-1001 sudah ditutup")).to_be_visible()
    await fits(here, "closed")


async def fits(here: Visit, name: str) -> None:
    for width in (320, 360, 1280):
        await here.page.set_viewport_size({"width": width, "height": 740})
        assert await here.page.evaluate("document.documentElement.scrollWidth") <= width
        await here.picture(f"{name}-{width}")
