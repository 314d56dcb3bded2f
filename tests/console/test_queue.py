"""The queue in the command centre: what the chat has, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from nobs_bot.cameras import review
from nobs_bot.cameras.photos import fetch_photos
from nobs_bot.cameras.record import State
from nobs_bot.storage.audit import Act, AuditLine
from tests.cameras.test_photos import Telegram, picture
from tests.cast import SHOP, House
from tests.console.axe import violations
from tests.console.hall import Hall

FAR = (-6.1475, 106.7305)


async def acts_about(house: House, owner: str) -> list[Act]:
    async with house.office.look() as work:
        query = select(AuditLine.act).where(AuditLine.owner_id == house.ids[owner])
        return list((await work.session.execute(query.order_by(AuditLine.id))).scalars())


async def state_of(house: House, camera_id: int) -> State:
    async with house.office.look() as work:
        return (await house.camera(work, camera_id)).state


async def test_one_is_taken_looked_at_and_approved(any_hall: Hall) -> None:
    house = any_hall.house
    camera_id = await house.waiting()
    await fetch_photos(house.office, house.files, Telegram(picture()))
    dewi = await any_hall.enter("Dewi")
    _, page = await dewi.get("antrean")
    assert "1 kamera menunggu" in page
    status, page = await dewi.post("antrean/ambil")
    assert status == 200
    for part in ("K-1001", "Ibu Sari", "+62", "tenggara", "14 hari", "10.10"):
        assert part in page, part
    for at, kind in ((0, "image/jpeg"), (1, "image/png")):
        async with dewi.session.get(f"{any_hall.root}/antrean/1001/gambar/{at}") as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert answer.headers["Cache-Control"] == "no-store"
    assert (await dewi.get("antrean/1001/gambar/2"))[0] == 404
    status, page = await dewi.post("antrean/1001/setujui")
    assert (status, "K-1001 disetujui" in page) == (200, True)
    assert await state_of(house, camera_id) is State.APPROVED
    assert any("K-1001" in text and "disetujui" in text for text in await house.told("Sari"))
    assert (await acts_about(house, "Sari"))[-2:] == [Act.REVIEW_OPENED, Act.APPROVED]
    # the same form sent once more
    status, page = await dewi.post("antrean/1001/setujui")
    assert (status, "sudah diputuskan" in page) == (409, True)


async def test_a_change_is_asked_for_and_a_rejection_has_its_reason(hall: Hall) -> None:
    house = hall.house
    first, second, third = [await house.waiting() for _ in range(3)]
    dewi = await hall.enter("Dewi")
    await dewi.post("antrean/ambil")
    change = {"bagian": "view", "pesan": "Arahnya <b>keliru</b>."}
    status, page = await dewi.post("antrean/1001/perbaiki", change)
    assert (status, "Permintaan perbaikan untuk K-1001" in page) == (200, True)
    await dewi.post("antrean/ambil")
    assert (await dewi.post("antrean/1002/tolak", {"alasan": "twice"}))[0] == 200
    await dewi.post("antrean/ambil")
    own = {"alasan": "sendiri", "pesan": "Fotonya buram."}
    assert (await dewi.post("antrean/1003/tolak", own))[0] == 200
    states = [await state_of(house, each) for each in (first, second, third)]
    assert states == [State.CHANGE_ASKED, State.REJECTED, State.REJECTED]
    told = await house.told("Sari")
    assert any("Arahnya &lt;b&gt;keliru" in text for text in told)
    assert any("sudah terdaftar" in text for text in told)
    assert any("Fotonya buram." in text for text in told)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("perbaiki", {"bagian": "view", "pesan": "x"}),
        ("perbaiki", {"bagian": "owner", "pesan": "Mohon ganti."}),
        ("perbaiki", {}),
        ("tolak", {"alasan": "sendiri", "pesan": ""}),
        ("tolak", {"alasan": "nonsense", "pesan": "y" * 501}),
        ("tolak", {}),
    ],
)
async def test_half_filled_forms_decide_nothing(
    hall: Hall, path: str, form: dict[str, str]
) -> None:
    camera_id = await hall.house.waiting()
    dewi = await hall.enter("Dewi")
    await dewi.post("antrean/ambil")
    assert (await dewi.post(f"antrean/1001/{path}", form))[0] == 409
    assert await state_of(hall.house, camera_id) is State.WAITING


async def test_what_is_put_back_is_anybodys(hall: Hall) -> None:
    await hall.house.waiting()
    dewi = await hall.enter("Dewi")
    await dewi.post("antrean/ambil")
    status, page = await dewi.post("antrean/1001/lepas")
    assert (status, "kembali ke antrean" in page) == (200, True)
    assert (await dewi.get("antrean/1001"))[0] == 409
    assert (await dewi.post("antrean/1001/setujui"))[0] == 409


async def test_what_was_not_taken_or_held_too_long_is_not_shown(hall: Hall) -> None:
    await hall.house.waiting()
    dewi = await hall.enter("Dewi")
    assert (await dewi.get("antrean/1001"))[0] == 409
    await dewi.post("antrean/ambil")
    assert (await dewi.get("antrean/1001"))[0] == 200
    hall.house.clock.advance(timedelta(minutes=11))
    status, page = await dewi.get("antrean/1001")
    assert (status, "Ibu Sari" in page) == (409, False)
    assert (await dewi.get("antrean/1001/gambar/0"))[0] == 409


async def test_nobody_else_gets_at_a_camera_in_review(hall: Hall) -> None:
    house = hall.house
    near, far = await house.waiting(), await house.waiting("Budi", at=FAR)
    async with house.acting("Dewi") as (work, dewi):
        await review.take(work, dewi)
    for name in ("Rahmat", "Kartika", "Wayan"):
        visitor = await hall.enter(name)
        for path in ("antrean", "antrean/1001", "antrean/1001/gambar/0"):
            assert (await visitor.get(path))[0] == 403, (name, path)
        for act in ("setujui", "tolak", "perbaiki", "lepas"):
            assert (await visitor.post(f"antrean/1001/{act}"))[0] == 403, (name, act)
    dewi_in = await hall.enter("Dewi")
    assert (await dewi_in.post("antrean/1002/setujui"))[0] == 403
    assert (await dewi_in.post("antrean/99999/setujui"))[0] == 404
    assert await state_of(house, near) is State.WAITING
    assert await state_of(house, far) is State.WAITING


async def test_an_empty_queue_says_so(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    assert "Tidak ada kamera yang menunggu" in (await dewi.get("antrean"))[1]
    status, page = await dewi.post("antrean/ambil")
    assert (status, "Tidak ada yang bebas" in page) == (200, True)


async def test_what_is_told_of_a_decision_cannot_be_made_up(hall: Hall) -> None:
    dewi = await hall.enter("Dewi")
    for query in ("selesai=gone&kamera=1", "selesai=approved&kamera=<b>", "selesai=approved"):
        _, page = await dewi.get(f"antrean?{query}")
        assert "K-" not in page.partition("<main")[2]


@pytest.mark.browser
async def test_by_keyboard_from_the_first_to_the_last(hall: Hall, browser: Browser) -> None:
    house = hall.house
    first, second = await house.waiting(), await house.waiting()
    await fetch_photos(house.office, house.files, Telegram(picture()))
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(await hall.link("Dewi"))
    await page.keyboard.press("Tab")
    await page.get_by_role("button", name="Masuk", exact=True).press("Enter")
    await page.goto(f"{hall.root}/antrean")
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="K-1001")).to_be_visible()
    await expect(page.get_by_role("img", name="Foto 1")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("r")
    await page.keyboard.press("4")
    await expect(page.get_by_label("Sudah terdaftar")).to_be_checked()
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("K-1001 ditolak")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="K-1002")).to_be_visible()
    # one key alone decides nothing
    await page.keyboard.press("a")
    await expect(page.get_by_role("button", name="Setujui")).to_be_focused()
    assert await state_of(house, second) is State.WAITING
    # whoever writes writes
    await page.keyboard.press("c")
    await page.get_by_label("Pesan untuk pemilik").fill("")
    await page.get_by_label("Pesan untuk pemilik").press_sequentially("arah u j k")
    await expect(page.get_by_label("Pesan untuk pemilik")).to_have_value("arah u j k")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await page.get_by_label("Pakai pintasan").uncheck()
    await page.keyboard.press("u")
    await expect(page.get_by_role("heading", name="K-1002")).to_be_visible()
    await page.get_by_label("Pakai pintasan").check()
    await page.keyboard.press("a")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("K-1002 disetujui")).to_be_visible()
    assert await state_of(house, first) is State.REJECTED
    assert await state_of(house, second) is State.APPROVED


async def test_a_map_that_is_asked_for_without_its_page_is_a_line_too(hall: Hall) -> None:
    house = hall.house
    await house.waiting("Sari")
    await house.approved("Budi", at=(SHOP[0] + 0.0003, SHOP[1]))
    dewi = await hall.enter("Dewi")
    form = {"csrf": dewi.csrf}
    async with dewi.session.post(
        f"{dewi.root}/antrean/ambil", data=form, allow_redirects=False
    ) as a:
        number = a.headers["Location"].rpartition("/")[2]
    assert (await dewi.get(f"antrean/{number}/gambar/0"))[0] in (200, 404)
    async with dewi.session.get(f"{dewi.root}/antrean/{number}/gambar/1") as answer:
        assert answer.content_type == "image/png"
    async with house.office.look() as work:
        query = select(AuditLine.id).where(
            AuditLine.act == Act.SEEN_NEARBY, AuditLine.owner_id == house.ids["Budi"]
        )
        assert len((await work.session.execute(query)).all()) == 1
