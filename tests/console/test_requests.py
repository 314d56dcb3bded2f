"""Requests and their clips in the command centre."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from nobs_bot.console import clip_page
from nobs_bot.footage.request import Clip, Outcome, Reply, RequestState
from nobs_bot.people.roles import Role, grant, grants_of
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import KECAMATAN, OTHER_KECAMATAN, House
from tests.console.axe import violations
from tests.console.hall import Hall
from tests.footage import recordings
from tests.footage.requests import QUESTION, asks, hand_over, reply, request, send

CONTENT = b"footage" * 40_000


async def asked(hall: Hall, content: bytes = CONTENT, **more: Any) -> tuple[int, int]:
    """Sari was asked and has sent a file; ids of the request and the clip."""
    await hall.house.approved()
    request_id = await send(hall.house)
    [ask] = await asks(hall.house)
    await reply(hall.house, ask.id, Reply.HAS)
    await hand_over(hall.house, ask.id, content, **more)
    async with hall.house.office.look() as work:
        clip = (await work.session.execute(select(Clip))).scalar_one()
    return request_id, clip.id


async def opened(house: House) -> list[str]:
    """What of the clips was opened, as Sari can read it."""
    async with house.office.look() as work:
        query = select(AuditLine).where(
            AuditLine.act == Act.CLIP_OPENED, AuditLine.owner_id == house.ids["Sari"]
        )
        lines = (await work.session.execute(query.order_by(AuditLine.id))).scalars()
        return [line.read_details(work)["opened"] for line in lines]


async def test_a_request_with_its_answers_and_clips(any_hall: Hall) -> None:
    request_id, _ = await asked(any_hall)
    rahmat = await any_hall.enter("Rahmat")
    _, page = await rahmat.get("permintaan")
    for part in ("R-1001", "terkirim", "1/1", "Jembatan Besi"):
        assert part in page, part
    assert "R-1001" not in (await rahmat.get("permintaan?keadaan=closed"))[1]
    status, page = await rahmat.get(f"permintaan/{request_id}")
    assert status == 200
    for part in ("LP/B/1042", "Motor &lt;hitam&gt;", "K-1001", "tersimpan", "0,3 MB", "SHA-256"):
        assert part in page, part
    assert "Sari" not in page
    kartika = await any_hall.enter("Kartika")
    assert (await kartika.get(f"permintaan/{request_id}"))[0] == 200


async def test_nobody_else_sees_a_request_or_its_clips(hall: Hall) -> None:
    request_id, clip_id = await asked(hall)
    async with hall.house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.INVESTIGATOR, KECAMATAN, granted_by=None)
    async with hall.house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.SUPERVISOR, OTHER_KECAMATAN, granted_by=None)
    clip = f"permintaan/{request_id}/klip/{clip_id}"
    for name in ("Budi", "Citra"):
        visitor = await hall.enter(name)
        assert "R-1001" not in (await visitor.get("permintaan"))[1]
        for path in (f"permintaan/{request_id}", clip, f"{clip}/isi", f"{clip}/asli"):
            assert (await visitor.get(path))[0] == 404, (name, path)
        for act in ("tutup", "ekspor", "lingkar", "tahan", "putuskan", f"klip/{clip_id}/salinan"):
            assert (await visitor.post(f"permintaan/{request_id}/{act}"))[0] in (403, 404), act
    for name in ("Dewi", "Wayan"):
        visitor = await hall.enter(name)
        assert (await visitor.get(f"permintaan/{request_id}"))[0] == 403
        assert (await visitor.get(f"{clip}/asli"))[0] == 403
    assert await opened(hall.house) == []


async def test_a_clip_of_one_request_is_not_had_through_another(hall: Hall) -> None:
    _, clip_id = await asked(hall)
    other = await send(hall.house, replace(QUESTION, case_number="LP/B/1043/XI/2026/SPKT"))
    rahmat = await hall.enter("Rahmat")
    assert (await rahmat.get(f"permintaan/{other}/klip/{clip_id}/asli"))[0] == 404


async def test_the_original_comes_byte_for_byte_and_its_owner_reads_who_took_it(
    any_hall: Hall,
) -> None:
    request_id, clip_id = await asked(any_hall)
    rahmat = await any_hall.enter("Rahmat")
    address = f"{any_hall.root}/permintaan/{request_id}/klip/{clip_id}/asli"
    async with rahmat.session.get(address) as answer:
        assert answer.status == 200
        assert await answer.read() == CONTENT
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.content_type == "application/octet-stream"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for asked_for, wanted in (("bytes=10-19", CONTENT[10:20]), ("bytes=279990-", CONTENT[-10:])):
        async with rahmat.session.get(address, headers={"Range": asked_for}) as answer:
            assert answer.status == 206
            assert await answer.read() == wanted
    for nonsense in ("bytes=999999-", "bytes=9-3", "bytes=-5", "pages=1-2"):
        async with rahmat.session.get(address, headers={"Range": nonsense}) as answer:
            assert answer.status == 416, nonsense
    assert await opened(any_hall.house) == ["original"]
    kartika = await any_hall.enter("Kartika")
    async with kartika.session.get(address, headers={"Range": "bytes=5-9"}) as answer:
        assert answer.status == 206
    assert await opened(any_hall.house) == ["original", "original"], "a piece is read as well"


async def test_what_no_browser_plays_is_never_opened_in_one(hall: Hall) -> None:
    request_id, clip_id = await asked(hall, b"<html><script>alert(1)</script>" + b"x" * 4000)
    rahmat = await hall.enter("Rahmat")
    assert (await rahmat.get(f"permintaan/{request_id}"))[0] == 200
    status, _ = await rahmat.get(f"permintaan/{request_id}/klip/{clip_id}/isi")
    assert status in (404, 409)


async def test_a_request_is_closed_and_its_owners_hear_of_it(any_hall: Hall) -> None:
    house = any_hall.house
    request_id, _ = await asked(any_hall)
    rahmat = await any_hall.enter("Rahmat")
    assert (await rahmat.post(f"permintaan/{request_id}/tutup", {"hasil": "nonsense"}))[0] == 409
    status, page = await rahmat.post(f"permintaan/{request_id}/tutup", {"hasil": "helped"})
    assert (status, "selesai" in page) == (200, True)
    found = await request(house, request_id)
    assert (found.state, found.outcome) == (RequestState.CLOSED, Outcome.HELPED)
    assert any("R-1001" in text for text in (await house.told("Sari"))[-2:])
    assert (await rahmat.post(f"permintaan/{request_id}/tutup", {"hasil": "helped"}))[0] == 409
    assert (await rahmat.post(f"permintaan/{request_id}/perkara-selesai"))[0] == 200


async def test_a_supervisor_holds_and_lets_go(hall: Hall) -> None:
    request_id, _ = await asked(hall)
    kartika, rahmat = await hall.enter("Kartika"), await hall.enter("Rahmat")
    assert (await kartika.post(f"permintaan/{request_id}/tahan", {"alasan": ""}))[0] == 409
    assert (await rahmat.post(f"permintaan/{request_id}/tahan", {"alasan": "Sidang."}))[0] == 403
    form = {"alasan": "Ditahan untuk sidang."}
    _, page = await kartika.post(f"permintaan/{request_id}/tahan", form)
    assert "Rekaman ditahan" in page
    _, page = await kartika.post(f"permintaan/{request_id}/lepas-tahanan")
    assert "Rekaman ditahan" not in page


async def test_a_supervisor_decides_beyond_the_limits_and_nobody_on_their_own(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    request_id = await send(house, replace(QUESTION, radius_m=600.0))
    assert (await request(house, request_id)).state is RequestState.AWAITING_AGREEMENT
    rahmat, kartika = await hall.enter("Rahmat"), await hall.enter("Kartika")
    form = {"alasan": "Perkara berat.", "kata": "ya"}
    assert (await rahmat.post(f"permintaan/{request_id}/putuskan", form))[0] == 403
    for half in ({"alasan": "x", "kata": "ya"}, {"alasan": "Perkara berat."}):
        assert (await kartika.post(f"permintaan/{request_id}/putuskan", half))[0] == 409
    assert (await kartika.post(f"permintaan/{request_id}/putuskan", form))[0] == 200
    assert (await request(house, request_id)).state is RequestState.SENT
    assert (await kartika.post(f"permintaan/{request_id}/putuskan", form))[0] == 409


async def test_an_emergency_is_reviewed(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    request_id = await send(
        house, replace(QUESTION, radius_m=600.0), emergency="Anak hilang sejak siang."
    )
    kartika = await hall.enter("Kartika")
    _, page = await kartika.get(f"permintaan/{request_id}")
    assert "Anak hilang sejak siang." in page
    form = {"alasan": "Tidak mendesak.", "kata": "tidak"}
    assert (await kartika.post(f"permintaan/{request_id}/periksa-darurat", form))[0] == 200
    found = await request(house, request_id)
    assert (found.was_justified, found.state) == (False, RequestState.CLOSED)


async def test_an_export_is_a_link_of_one_use(hall: Hall) -> None:
    request_id, _ = await asked(hall)
    rahmat = await hall.enter("Rahmat")
    async with rahmat.session.post(
        f"{hall.root}/permintaan/{request_id}/ekspor",
        data={"csrf": rahmat.csrf},
        allow_redirects=False,
    ) as answer:
        assert answer.status == 303
        assert "/evidence/" in answer.headers["Location"]


@pytest.mark.browser
async def test_a_clip_plays_in_the_browser(hall: Hall, browser: Browser) -> None:
    request_id, _ = await asked(hall, recordings.video("webm", codec="libvpx"))
    page = await browser.new_page()
    await page.goto(await hall.link("Rahmat"))
    await page.get_by_role("button", name="Masuk", exact=True).click()
    await page.goto(f"{hall.root}/permintaan/{request_id}")
    assert await violations(page) == []
    await page.get_by_role("link", name="Buka K-1001").click()
    video = page.get_by_label("Rekaman untuk R-1001")
    await expect(video).to_be_visible()
    assert await violations(page) == []
    assert await opened(hall.house) == [], "looking at the page plays nothing"
    await video.evaluate("video => { video.muted = true; return video.play() }")
    await page.wait_for_function("() => document.querySelector('video').currentTime > 0")
    assert await opened(hall.house) == ["original"]
    await page.close()


async def test_a_clip_is_cut_off_when_the_role_of_who_fetches_it_ends(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_page, "LOOK_AGAIN_S", 0.0)
    size = 16_000_000
    request_id, clip_id = await asked(hall, b"footage." * (size // 8))
    rahmat = await hall.enter("Rahmat")
    address = f"{hall.root}/permintaan/{request_id}/klip/{clip_id}/asli"
    async with rahmat.session.get(address) as answer:
        got = len(await answer.content.readexactly(100_000))
        async with hall.house.acting("Rahmat") as (work, who):
            for held in await grants_of(work, who.id):
                held.ended_at = work.now
        with pytest.raises(aiohttp.ClientError):
            await answer.content.readexactly(size - got)
