"""The way into the command centre, and that nothing of it is open by accident."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from urllib.parse import quote

import aiohttp
import pytest
from playwright.async_api import Browser, expect
from pydantic import SecretStr
from sqlalchemy import func, select

from nobs_bot.console.gate import Gate, allow, allowed_at
from nobs_bot.console.safety import Pace
from nobs_bot.errors import Refusal
from nobs_bot.people.privacy import erase
from nobs_bot.people.roles import Role, end_role, grant, grants_of
from nobs_bot.people.sessions import (
    AT_MOST,
    IDLE,
    LINK_GOOD_FOR,
    MOST_SESSIONS,
    ConsoleLink,
    ConsoleSession,
    end_without_role,
    enter,
    forget_sessions,
    make_link,
    sessions_of,
)
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, House
from tests.console.hall import AGENT, Hall, csrf_in
from tests.people.test_miniapp import TOKEN, signed


async def acts(house: House, act: Act) -> int:
    async with house.office.look() as work:
        query = select(func.count()).where(AuditLine.act == act)
        return int((await work.session.execute(query)).scalar_one())


# the link


async def test_a_link_opens_once_and_only_by_its_button(any_hall: Hall) -> None:
    hall = any_hall
    address, visitor = await hall.link("Dewi"), hall.stranger()
    for _ in range(3):
        async with visitor.session.get(address) as answer:
            assert answer.status == 200, "a preview of the link uses nothing up"
            assert "Masuk" in await answer.text()
            assert not answer.cookies
    async with visitor.session.post(address) as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "Selamat bertugas, Dewi" in page
        assert str(answer.url) == f"{hall.root}/", "the page's own address is no secret"
    for again in (visitor, hall.stranger()):
        async with again.session.post(address) as answer:
            assert answer.status == 410
            assert "sudah dipakai" in await answer.text()
    assert await acts(hall.house, Act.CONSOLE_ENTERED) == 1


async def test_of_two_who_press_at_once_one_gets_in(any_house: House) -> None:
    async with any_house.acting("Dewi") as (work, dewi):
        token = await make_link(work, dewi)

    async def press() -> bool:
        try:
            async with any_house.office.work() as work:
                await enter(work, token, AGENT, "Chrome")
        except Refusal:
            return False
        return True

    assert sorted(await asyncio.gather(*(press() for _ in range(5)))) == [False] * 4 + [True]


async def test_a_link_is_over_after_two_minutes(hall: Hall) -> None:
    address, visitor = await hall.link("Dewi"), hall.stranger()
    hall.house.clock.advance(LINK_GOOD_FOR)
    for send in (visitor.session.get, visitor.session.post):
        async with send(address) as answer:
            assert answer.status == 410


@pytest.mark.parametrize("name", ["Citra", "Sari", "Budi"])
async def test_who_has_no_role_gets_no_link(house: House, name: str) -> None:
    with pytest.raises(Refusal, match=r"roles\.needed"):
        async with house.acting(name) as (work, who):
            await make_link(work, who)


async def test_a_role_that_ends_before_the_button_is_pressed(hall: Hall) -> None:
    address = await hall.link("Dewi")
    await end_roles(hall.house, "Dewi")
    async with hall.stranger().session.post(address) as answer:
        assert answer.status == 403
    assert await acts(hall.house, Act.CONSOLE_ENTERED) == 0


async def test_neither_token_nor_cookie_is_kept(hall: Hall) -> None:
    address, visitor = await hall.link("Dewi"), hall.stranger()
    async with visitor.session.post(address) as answer:
        assert answer.ok
    [cookie] = [each.value for each in visitor.session.cookie_jar]
    token = address.rpartition("/")[2]
    async with hall.house.office.look() as work:
        rows = [
            *(await work.session.execute(select(ConsoleLink))).scalars(),
            *(await work.session.execute(select(ConsoleSession))).scalars(),
        ]
    kept = str([row.as_row() for row in rows]).encode()
    assert len(rows) == 2
    assert token.encode() not in kept
    assert cookie.encode() not in kept


# the session


async def end_roles(house: House, name: str) -> None:
    async with house.office.work() as work:
        for held in await grants_of(work, house.ids[name]):
            held.ended_at = work.now


async def test_a_session_ends_after_thirty_idle_minutes(any_hall: Hall) -> None:
    dewi = await any_hall.enter("Dewi")
    for _ in range(3):
        any_hall.house.clock.advance(IDLE - timedelta(minutes=1))
        assert (await dewi.get(""))[0] == 200
    any_hall.house.clock.advance(IDLE)
    status, page = await dewi.get("")
    assert status == 401
    assert "/konsol" in page


async def test_a_session_ends_after_twelve_hours_however_busy(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    step = timedelta(minutes=20)
    for _ in range(int(AT_MOST / step) - 1):
        hall.house.clock.advance(step)
        assert (await dewi.get(""))[0] == 200
    hall.house.clock.advance(step)
    assert (await dewi.get(""))[0] == 401


async def test_roles_are_read_anew_at_every_call(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    assert (await dewi.get(""))[0] == 200
    await end_roles(hall.house, "Dewi")
    assert (await dewi.get(""))[0] == 401


async def test_who_lost_every_role_does_not_come_back_with_a_new_one(hall: Hall) -> None:
    house = hall.house
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    dewi = await hall.enter("Dewi")
    kartika_in = await hall.enter("Kartika")
    async with house.acting("Kartika") as (work, kartika):
        [held] = await grants_of(work, house.ids["Dewi"])
        await end_role(work, held.id, kartika)
        await work.session.flush()
        await end_without_role(work, house.ids["Dewi"])
        await end_without_role(work, kartika.id)
    async with house.acting("Dewi") as (work, who):
        await grant(work, who, Role.REVIEWER, DISTRICT, granted_by=None)
    assert (await dewi.get(""))[0] == 401
    assert (await kartika_in.get(""))[0] == 200


async def test_a_cookie_is_good_in_its_own_browser_only(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    [(name, value)] = [(each.key, each.value) for each in dewi.session.cookie_jar]
    thief = hall.stranger("Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    thief.session.cookie_jar.update_cookies({name: value})
    assert (await thief.get(""))[0] == 401
    assert (await dewi.get(""))[0] == 200


async def test_leaving_and_ending_another_browser(hall: Hall) -> None:
    dewi, other = await hall.enter("Dewi"), await hall.enter("Dewi", "Firefox/140.0 Windows")
    _, page = await dewi.get("")
    assert "Firefox, Windows" in page
    async with hall.house.office.look() as work:
        newest, oldest = await sessions_of(work, hall.house.ids["Dewi"])
    status, _ = await dewi.post(f"sesi/{newest.id}/akhiri")
    assert status == 200
    assert (await other.get(""))[0] == 401
    assert (await dewi.post("keluar"))[0] == 200
    assert (await dewi.get(""))[0] == 401
    async with hall.house.office.look() as work:
        assert await sessions_of(work, hall.house.ids["Dewi"]) == []
    assert await acts(hall.house, Act.CONSOLE_LEFT) == 2
    assert oldest.browser == "Chrome, Linux"


async def test_nobody_ends_anothers_session(hall: Hall) -> None:
    dewi, rahmat = await hall.enter("Dewi"), await hall.enter("Rahmat")
    async with hall.house.office.look() as work:
        [theirs] = await sessions_of(work, hall.house.ids["Rahmat"])
    assert (await dewi.post(f"sesi/{theirs.id}/akhiri"))[0] == 409
    assert (await rahmat.get(""))[0] == 200
    assert (await dewi.post(f"sesi/{2**63}/akhiri"))[0] == 404


async def test_the_oldest_session_ends_where_there_are_too_many(hall: Hall) -> None:
    inside = [await hall.enter("Dewi") for _ in range(MOST_SESSIONS + 1)]
    assert (await inside[0].get(""))[0] == 401
    assert (await inside[1].get(""))[0] == 200


async def test_what_is_over_is_removed_and_what_is_good_stays(any_hall: Hall) -> None:
    house = any_hall.house
    await any_hall.enter("Dewi")
    house.clock.advance(IDLE)
    rahmat = await any_hall.enter("Rahmat")
    async with house.office.work() as work:
        await forget_sessions(work)
        rows = (await work.session.execute(select(ConsoleSession))).scalars().all()
    assert [row.person_id for row in rows] == [house.ids["Rahmat"]]
    assert (await rahmat.get(""))[0] == 200


async def test_nothing_stays_of_an_officer_who_is_erased(any_hall: Hall) -> None:
    dewi = await any_hall.enter("Dewi")
    async with any_hall.house.acting("Dewi") as (work, who):
        await erase(work, who, ())
    async with any_hall.house.office.look() as work:
        assert (await work.session.execute(select(ConsoleSession))).first() is None
        assert (await work.session.execute(select(ConsoleLink))).first() is None
    assert (await dewi.get(""))[0] == 401


# the gate


async def test_a_stranger_is_told_the_same_of_what_is_there_and_what_is_not(hall: Hall) -> None:
    stranger = hall.stranger()
    for path in ("", "nothing/of/the/kind", "keluar", "sesi/1/akhiri"):
        assert (await stranger.get(path))[0] == 401, path
    for path in ("keluar", "terjaga", "sesi/1/akhiri", "nothing"):
        assert (await stranger.post(path))[0] == 401, path


async def test_an_officer_is_told_what_is_not_there(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    status, page = await dewi.get("nothing/of/the/kind")
    assert (status, "Halaman ini tidak ada" in page) == (404, True)
    status, page = await dewi.get("nothing", Accept="application/json")
    assert (status, page.startswith('{"told"')) == (404, True)


def test_every_route_says_who_may(hall: Hall) -> None:
    routes = list(hall.centre._routes())
    assert len(routes) > 5
    assert [each.path for each in routes if allowed_at(each.handler) is None] == []


def test_a_route_cannot_be_opened_to_no_role_by_accident() -> None:
    with pytest.raises(ValueError, match="name the roles"):
        allow()


async def test_unsafe_calls_need_the_token_of_the_session(hall: Hall) -> None:
    dewi, rahmat = await hall.enter("Dewi"), await hall.enter("Rahmat")
    own, dewi.csrf = dewi.csrf, ""
    assert (await dewi.post("keluar"))[0] == 403
    dewi.csrf = rahmat.csrf
    assert (await dewi.post("keluar"))[0] == 403
    assert (await dewi.post("keluar", {"csrf": own}))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_forms_of_other_sites_do_not_get_in(hall: Hall, headers: dict[str, str]) -> None:
    dewi = await hall.enter("Dewi")
    status, _ = await dewi.post("keluar", None, **headers)
    assert status == 403
    # nor does another site sign somebody in as somebody else
    address = await hall.link("Rahmat")
    async with hall.stranger().session.post(address, headers=headers) as answer:
        assert answer.status == 403


async def test_the_cookie_on_https_is_of_the_strictest_kind(hall: Hall) -> None:
    gate = Gate(hall.house.office, "https://cctv.example.org", lambda *_: aiohttp.web.Response())
    response = aiohttp.web.Response()
    gate.set_cookie(response, "x")
    cookie = response.cookies["__Host-konsol"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")


async def test_every_answer_carries_the_policy(hall: Hall) -> None:
    dewi, stranger = await hall.enter("Dewi"), hall.stranger()
    for visitor, path in ((dewi, ""), (dewi, "nothing"), (stranger, ""), (stranger, "masuk")):
        async with visitor.session.get(f"{hall.root}/{path}") as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_somebody_who_calls_without_end_is_slowed_down(hall: Hall) -> None:
    dewi, rahmat = await hall.enter("Dewi"), await hall.enter("Rahmat")
    # time stands still for it, however slow this machine is
    hall.centre.gate._pace = Pace(burst=5, per_second=0)
    assert [(await dewi.post("terjaga"))[0] for _ in range(6)] == [204] * 5 + [429]
    assert (await rahmat.post("terjaga"))[0] == 204


async def test_language_and_darkness_are_chosen_for_the_browser(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    status, page = await dewi.post("pilih", {"bahasa": "en", "kembali": "/konsol/"})
    assert (status, "Good to see you, Dewi" in page) == (200, True)
    _, page = await dewi.post("pilih", {"tema": "dark", "kembali": "/konsol/"})
    assert 'data-theme="dark"' in page
    assert 'lang="en"' in page
    csrf_in(page)
    for back in ("https://elsewhere.example", "//elsewhere.example", "/konsol/\\\\x", "/konsol//x"):
        form = {"tema": "light", "kembali": back}
        async with dewi.session.post(
            f"{hall.root}/pilih", data=form, allow_redirects=False
        ) as answer:
            assert answer.headers["Location"] == "/konsol/", back


async def test_assets_are_packed_and_kept_and_nothing_else_is_handed_out(hall: Hall) -> None:
    stranger = hall.stranger()
    _, page = await stranger.get("masuk")
    name = page.partition('rel="stylesheet" href="/konsol/')[2].partition('"')[0]
    async with stranger.session.get(f"{hall.root}/{name}") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
    mark = name.split("/")[1]
    for path in (f"aset/{mark}/../gate.py", f"aset/{mark}/vendor/SOURCES.md", "aset/x/y.css"):
        assert (await stranger.get(path))[0] in (401, 404), path


# inside of Telegram


def with_token(hall: Hall) -> None:
    settings = hall.house.office.settings.model_copy(update={"bot_token": SecretStr(TOKEN)})
    object.__setattr__(hall.house.office, "settings", settings)


async def test_what_telegram_signed_lets_in_once(any_hall: Hall) -> None:
    hall = any_hall
    with_token(hall)
    visitor, another = hall.stranger(), hall.stranger()
    _, page = await visitor.get("aplikasi")
    assert "/konsol" in page
    status, page = await visitor.post("aplikasi", {"data": signed()})
    assert (status, "Selamat bertugas, Dewi" in page) == (200, True)
    assert (await another.post("aplikasi", {"data": signed()}))[0] == 410
    hall.house.clock.advance(timedelta(minutes=1))
    async with hall.house.office.work() as work:
        await forget_sessions(work)
    assert (await another.post("aplikasi", {"data": signed()}))[0] == 410


@pytest.mark.parametrize("account", [710_000_001, 710_000_007, 999])
async def test_telegrams_word_alone_is_no_role(hall: Hall, account: int) -> None:
    with_token(hall)
    data = signed(user=json.dumps({"id": account}))
    visitor = hall.stranger()
    assert (await visitor.post("aplikasi", {"data": data}))[0] == 403
    assert (await visitor.get(""))[0] == 401


async def test_a_forged_word_of_telegrams_lets_nobody_in(hall: Hall) -> None:
    visitor = hall.stranger()
    assert (await visitor.post("aplikasi", {"data": signed()}))[0] == 403, "no token, no bot"
    with_token(hall)
    assert (await visitor.post("aplikasi", {"data": signed("1:another-bots-token")}))[0] == 403
    assert (await visitor.post("aplikasi"))[0] == 403


@pytest.mark.browser
async def test_the_app_takes_the_word_out_of_its_address(hall: Hall, browser: Browser) -> None:
    with_token(hall)
    page = await browser.new_page()
    await page.goto(f"{hall.root}/aplikasi")
    await expect(page.get_by_role("button", name="Masuk", exact=True)).to_be_hidden()
    await page.goto("about:blank")
    await page.goto(f"{hall.root}/aplikasi#tgWebAppData={quote(signed())}&tgWebAppVersion=9")
    await page.get_by_role("button", name="Masuk", exact=True).click()
    await expect(page.get_by_text("Selamat bertugas, Dewi")).to_be_visible()
    await page.close()


def test_who_calls_too_fast_is_let_in_as_often_as_the_pace_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("nobs_bot.pace.time.monotonic", lambda: now)
    pace = Pace(burst=5, per_second=10)
    let_in = 0
    for _ in range(200):
        with suppress(Refusal):
            pace.call("somebody")
            let_in += 1
        now += 0.05  # twice as fast as allowed, for ten seconds
    assert 95 <= let_in <= 110


@pytest.mark.usefixtures("paces_stand_still")
async def test_a_crowd_of_strangers_holds_up_no_link(hall: Hall) -> None:
    link = await hall.link("Rahmat")
    stranger = hall.stranger()
    answered = [(await stranger.get("masuk"))[0] for _ in range(200)]
    assert answered[-1] == 429
    async with hall.stranger().session.post(link) as answer:
        assert answer.status == 200


@pytest.mark.usefixtures("paces_stand_still")
async def test_keys_that_are_made_up_for_each_call_are_no_way_round(hall: Hall) -> None:
    stranger = hall.stranger()
    codes = []
    for number in range(1400):
        head = {"Authorization": f"Bearer nobs_{number}"}
        codes.append((await stranger.get("masuk", **head))[0])
        if codes[-1] == 429:
            break
    assert codes[-1] == 429
    assert len(codes) > 1000, "held up though it brought a key of its own"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /konsol/masuk HTTP/1.1\r\nCookie: konsol=\xff\r\n",
        b"POST /telegram/webhook HTTP/1.1\r\nX-Telegram-Bot-Api-Secret-Token: \xff\r\n",
        b"GET /konsol/api/v1/cameras HTTP/1.1\r\nAuthorization: Bearer nobs_\xff\r\n",
    ],
)
async def test_bytes_that_are_no_text_are_refused_without_a_bug(hall: Hall, head: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.port)
    writer.write(head + b"Host: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    line = await reader.readline()
    writer.close()
    assert line.split()[1] in (b"200", b"401", b"403", b"404"), line


async def test_a_form_of_anybodys_is_small_and_comes_at_once(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nobs_bot.console.safety._FORM_WITHIN_S", 0.3)
    for length, wanted in ((1_000_000, b"413"), (1000, b"408")):
        reader, writer = await asyncio.open_connection("127.0.0.1", hall.port)
        head = (
            "POST /arah/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        )
        writer.write(f"{head}Content-Length: {length}\r\n\r\na=".encode())
        async with asyncio.timeout(10):
            assert wanted in await reader.readline()
        writer.close()
