"""The way in: one browser by the link, others by a code in the owner's chat, and nobody else."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from nobs_bot.errors import Refusal
from nobs_bot.footage.links import MOST_LINKS, make_link
from nobs_bot.footage.upload import UploadBrowser
from nobs_bot.messaging.outbox import Outgoing
from nobs_bot.storage.audit import Act, lines_about
from tests.console.conftest import Counter, code_in


async def opened(counter: Counter) -> int:
    """How often the owner can read that the page was opened."""
    async with counter.office.look() as work:
        lines = await lines_about(work, counter.house.ids["Sari"])
        return sum(line.act is Act.UPLOAD_OPENED for line in lines)


async def test_the_first_browser_is_let_in_and_stays_in(any_counter: Counter) -> None:
    counter = any_counter
    address, browser = await counter.link(), counter.browser()
    status, page = await browser.look(address)
    assert status == 200
    assert "Mulai" in page
    assert "R-1001" not in page, "who only has the address learns nothing of the case"
    status, page, where = await browser.press(address)
    assert status == 200
    for part in ("R-1001", "K-1001", "Jl. Duri Selatan", "21.00–22.00 WIB", "&lt;hitam&gt;"):
        assert part in page
    assert address.rpartition("/")[2] not in where, "the page's own address is no secret"
    assert (await browser.look(where))[0] == 200
    # opening the link once more, the same browser needs no code
    assert (await browser.press(address))[0] == 200
    assert await opened(counter) == 1
    assert len(await counter.house.told("Sari")) == 1, "nothing but the ask itself"


async def test_looking_at_the_link_as_previews_do_binds_nobody(counter: Counter) -> None:
    address = await counter.link()
    for _ in range(3):
        assert (await counter.browser().look(address))[0] == 200
    assert await opened(counter) == 0
    assert (await counter.browser().press(address))[0] == 200


async def test_another_browser_needs_the_code_of_the_owners_chat(any_counter: Counter) -> None:
    counter = any_counter
    address = await counter.link()
    await counter.browser().press(address)
    other = counter.browser()
    status, page, _ = await other.press(address)
    assert status == 403
    assert "Kami baru saja mengirim kode" in page
    assert "R-1001" not in page
    code = code_in((await counter.house.told("Sari"))[-1])
    assert code not in page
    status, page, where = await other.press(address, code=f"{code[:3]} {code[3:]}")
    assert status == 200
    assert "R-1001" in page
    assert (await other.look(where))[0] == 200
    assert await opened(counter) == 2
    # a code is good once
    assert (await counter.browser().press(address, code=code))[0] == 403


async def test_a_code_is_sent_once_a_minute_at_the_most(counter: Counter) -> None:
    address = await counter.link()
    await counter.browser().press(address)
    other = counter.browser()
    await other.press(address)
    _, page, _ = await other.press(address)
    assert "satu menit" in page
    assert len(await counter.house.told("Sari")) == 2
    counter.house.clock.advance(timedelta(minutes=1))
    await other.press(address)
    assert len(await counter.house.told("Sari")) == 3


async def test_five_wrong_tries_end_a_code_and_twenty_the_link(counter: Counter) -> None:
    address = await counter.link()
    inside = counter.browser()
    _, _, where = await inside.press(address)
    other = counter.browser()
    for round_ in range(4):
        await other.press(address)
        code = code_in((await counter.house.told("Sari"))[-1])
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        for _ in range(5):
            assert (await other.press(address, code=wrong))[0] == 403
        status, page, _ = await other.press(address, code=code)
        assert status == (410 if round_ == 3 else 403), "the right code comes too late"
        counter.house.clock.advance(timedelta(minutes=1))
    assert "tautan baru" in page
    status, page = await inside.look(where)
    assert status == 410, "a link that is being guessed at is good for nobody"


async def test_a_code_is_good_for_ten_minutes(counter: Counter) -> None:
    address = await counter.link()
    await counter.browser().press(address)
    other = counter.browser()
    await other.press(address)
    code = code_in((await counter.house.told("Sari"))[-1])
    counter.house.clock.advance(timedelta(minutes=11))
    status, page, _ = await other.press(address, code=code)
    assert status == 403
    assert "tidak berlaku lagi" in page


async def test_two_browsers_at_once_are_not_both_the_first(any_counter: Counter) -> None:
    counter = any_counter
    address = await counter.link()
    results = await asyncio.gather(*(counter.browser().press(address) for _ in range(4)))
    assert sorted(status for status, _, _ in results) == [200, 403, 403, 403]


@pytest.mark.parametrize("given", ["", "12345", "abcdef", "²²²²²²", "0" * 5000, "' OR 1=1"])
async def test_a_code_of_any_form_is_only_wrong(counter: Counter, given: str) -> None:
    address = await counter.link()
    await counter.browser().press(address)
    other = counter.browser()
    await other.press(address)
    assert (await other.press(address, code=given))[0] == 403


async def test_the_page_opens_with_the_links_own_cookie_only(counter: Counter) -> None:
    first, second = await counter.link(), await counter.link()
    one, two = counter.browser(), counter.browser()
    _, _, where_one = await one.press(first)
    _, _, where_two = await two.press(second)
    assert (await one.look(where_two))[0] == 403
    [cookie] = one.cookies().values()
    link_two = where_two.rstrip("/").rpartition("/")[2]
    forged = {"Cookie": f"unggah-{link_two}={cookie}"}
    async with counter.browser().session.get(where_two, headers=forged) as answer:
        assert answer.status == 403
    assert (await two.look(where_one + "daftar"))[0] == 403


async def test_links_end_with_their_time_the_request_and_the_camera(any_counter: Counter) -> None:
    counter = any_counter
    address, browser = await counter.link(), counter.browser()
    _, _, where = await browser.press(address)
    await counter.close_request()
    for status, page in (await browser.look(where), await browser.look(address)):
        assert status == 410
        assert "R-1001 sudah ditutup" in page


async def test_a_withdrawn_camera_ends_its_links(counter: Counter) -> None:
    address, browser = await counter.link(), counter.browser()
    _, _, where = await browser.press(address)
    await counter.withdraw_camera()
    assert (await browser.look(where))[0] == 410
    with pytest.raises(Refusal, match=r"ask\.closed"):
        await counter.link()


async def test_an_expired_link_says_where_there_is_a_new_one(counter: Counter) -> None:
    address, browser = await counter.link(), counter.browser()
    _, _, where = await browser.press(address)
    counter.house.clock.advance(timedelta(days=7, seconds=1))
    for look_at in (address, where):
        status, page = await browser.look(look_at)
        assert status == 410
        assert "tautan baru" in page


async def test_an_unknown_link_is_told_kindly(counter: Counter) -> None:
    address = await counter.link()
    status, page = await counter.browser().look(address[:-3] + "abc")
    assert status == 404
    assert "tidak dikenal" in page


async def test_nobody_gets_a_link_to_anothers_ask(counter: Counter) -> None:
    async with counter.house.acting("Citra") as (work, citra):
        with pytest.raises(Refusal, match=r"ask\.not_yours"):
            await make_link(work, counter.ask_id, citra)


async def test_only_the_newest_links_are_good(counter: Counter) -> None:
    addresses = [await counter.link() for _ in range(MOST_LINKS + 2)]
    statuses = [(await counter.browser().look(each))[0] for each in addresses]
    assert statuses == [410, 410, 200, 200, 200]


async def test_neither_token_nor_cookie_nor_code_stands_in_the_database(counter: Counter) -> None:
    address, browser = await counter.link(), counter.browser()
    await browser.press(address)
    await counter.browser().press(address)
    code = code_in((await counter.house.told("Sari"))[-1])
    async with counter.office.look() as work:
        messages = Outgoing.__tablename__
        for table in ("upload_links", "upload_browsers", "audit_lines", messages):
            rows = await work.session.execute(text(f"SELECT * FROM {table}"))
            content = b"|".join(
                value if isinstance(value, bytes) else str(value).encode()
                for row in rows
                for value in row
            )
            assert content
            for secret in (address.rpartition("/")[2], *browser.cookies().values()):
                assert secret.encode() not in content, table
            if table != "upload_browsers":
                assert f">{code}<".encode() not in content, table


async def test_the_cookie_cannot_be_read_by_scripts_or_sent_from_elsewhere(
    counter: Counter,
) -> None:
    browser = counter.browser()
    async with browser.session.post(await counter.link(), allow_redirects=False) as answer:
        [cookie] = answer.headers.getall("Set-Cookie")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/unggah"):
        assert part in cookie
    assert "Secure" not in cookie, "on this machine itself there is no https"
    counter.office.settings.__dict__["console_url"] = "https://cctv.example.org/nobs"
    await counter.stop()
    await counter.start()
    address = (await counter.link()).replace(
        "https://cctv.example.org/nobs", f"http://127.0.0.1:{counter.port}"
    )
    async with browser.session.post(address, allow_redirects=False) as answer:
        [cookie] = answer.headers.getall("Set-Cookie")
    assert "Secure" in cookie
    assert "Path=/nobs/unggah" in cookie


@pytest.mark.parametrize("path", ["l/{token}", "{link}/", "{link}/daftar", "aset/upload.js", "x"])
async def test_every_answer_has_the_strict_headers(counter: Counter, path: str) -> None:
    address, browser = await counter.link(), counter.browser()
    _, _, where = await browser.press(address)
    root = f"http://127.0.0.1:{counter.port}/unggah/"
    link = where.rstrip("/").rpartition("/")[2]
    full = root + path.format(token=address.rpartition("/")[2], link=link)
    async with browser.session.get(full) as answer:
        assert answer.status == (404 if path == "x" else 200)
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


async def test_pages_have_no_inline_script_or_style_and_nothing_foreign(counter: Counter) -> None:
    address, browser = await counter.link(), counter.browser()
    pages = [(await browser.look(address))[1], (await browser.press(address))[1]]
    pages.append((await counter.browser().press(address))[1])
    for page in pages:
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", page)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page)


async def test_an_english_owner_reads_english(counter: Counter) -> None:
    async with counter.house.acting("Sari") as (_, sari):
        sari.language = "en"
    address, browser = await counter.link(), counter.browser()
    assert "Begin" in (await browser.look(address))[1]
    _, page, _ = await browser.press(address)
    assert '<html lang="en">' in page
    assert "Choose files" in page


async def test_without_an_address_for_browsers_there_is_no_page(counter: Counter) -> None:
    address = await counter.link()
    await counter.stop()
    counter.office.settings.__dict__["console_url"] = None
    await counter.start()
    assert (await counter.browser().look(address))[0] == 404


async def test_an_erased_owner_leaves_no_link_behind(counter: Counter) -> None:
    from nobs_bot.leaving import HOLDERS
    from nobs_bot.people.privacy import erase

    address, browser = await counter.link(), counter.browser()
    _, _, where = await browser.press(address)
    async with counter.house.acting("Sari") as (work, sari):
        await erase(work, sari, HOLDERS)
    assert (await browser.look(address))[0] == 404
    assert (await browser.look(where))[0] == 403
    async with counter.office.look() as work:
        assert (await work.session.execute(text("SELECT count(*) FROM upload_links"))).scalar() == 0
        assert (await work.session.execute(select(UploadBrowser))).first() is None


@pytest.mark.parametrize("number", [2**63, 10**19 - 1])
async def test_an_id_that_no_row_can_have_is_not_found(any_counter: Counter, number: int) -> None:
    address, browser = await any_counter.link(), any_counter.browser()
    _, _, where = await browser.press(address)
    base, _, _ = where.rstrip("/").rpartition("/")
    assert (await browser.look(f"{base}/{number}/"))[0] == 404
    assert (await browser.look(f"{base}/{number}/daftar"))[0] == 404
