"""A request from the question to the outcome: nothing missing, nobody left without a word."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.cameras import rights
from nobs_bot.errors import Refusal
from nobs_bot.footage import agreement, answers
from nobs_bot.footage.clips import add_clip, fetch_clips, open_clip
from nobs_bot.footage.question import limits_passed, read_case_number, read_note
from nobs_bot.footage.request import (
    Ask,
    Clip,
    FootageRequest,
    Outcome,
    Reply,
    RequestState,
    asks_of,
    request_for,
    words_of,
)
from nobs_bot.footage.times import Window
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.geodesy import ahead
from nobs_bot.storage.audit import Act, lines_about
from tests.cameras.test_photos import Telegram
from tests.cast import DISTRICT, KECAMATAN, MONDAY, OTHER_KECAMATAN, SHOP, House
from tests.footage.requests import QUESTION, close, news, reply, send


async def the_ask(house: House) -> Ask:
    async with house.office.look() as work:
        ask: Ask = (await work.session.execute(select(Ask))).scalar_one()
        return ask


async def state_of(house: House, request_id: int) -> RequestState:
    async with house.office.look() as work:
        request = await work.session.get(FootageRequest, request_id)
        assert request is not None
        return request.state


async def test_owners_are_told_who_why_where_when_and_that_it_is_voluntary(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    assert await state_of(house, request_id) is RequestState.SENT
    [asked] = await house.messages("Sari")
    for part in (
        "Polres Metro Jakarta Barat",
        "R-1001",
        "Jl. Duri Selatan",
        "Minggu, 15 November, 21.00–22.00 WIB",
        "LP/B/1042/XI/2026/SPKT",
        "K-1001",
        "Motor &lt;hitam&gt; tanpa pelat",
        "Minggu, 29 November, 21.00 WIB",
        "sukarela",
    ):
        assert part in asked.text
    assert len([button for row in asked.keyboard for button in row]) == 5
    async with house.office.look() as work:
        [newest, *_] = await lines_about(work, house.ids["Sari"])
        assert (newest.act, newest.actor_id) == (Act.ASKED, house.ids["Rahmat"])


async def test_only_the_cameras_that_may_have_seen_it_are_asked(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 0, 900))
    await send(house)
    assert len(await house.told("Sari")) == 1
    assert await house.told("Budi") == []


async def test_each_camera_of_an_owner_is_asked_for(house: House) -> None:
    await house.approved()
    await house.approved(at=ahead(*SHOP, 0, 30), heading_deg=180.0)
    await send(house)
    assert len(await house.told("Sari")) == 2


async def test_nobody_to_ask_is_no_request(house: House) -> None:
    with pytest.raises(Refusal, match=r"request\.nobody"):
        await send(house)
    async with house.office.look() as work:
        assert (await work.session.execute(select(FootageRequest))).all() == []


@pytest.mark.parametrize("name", ["Citra", "Sari", "Dewi", "Kartika", "Wayan"])
async def test_who_is_no_investigator_sends_nothing(house: House, name: str) -> None:
    await house.approved()
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await send(house, name=name)


async def test_a_place_outside_the_officers_area_is_refused(house: House) -> None:
    await house.approved()
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await send(house, replace(QUESTION, area_code=f"{OTHER_KECAMATAN}.1001"))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("LP/B/1042/XI/2026/SPKT", True),
        ("  LP/B/1042   XI ", True),
        ("LP-1042.2026", True),
        ("", False),
        ("1042", False),
        ("/LP/B/1042", False),
        ("LP/B/1042; DROP", False),
        ("x" * 61, False),
        ("lihat nanti!", False),
    ],
)
async def test_case_numbers(house: House, text: str, good: bool) -> None:
    async with house.office.look() as work:
        if good:
            assert read_case_number(work, text) == " ".join(text.split())
            return
        with pytest.raises(Refusal, match=r"request\.case\.wrong"):
            read_case_number(work, text)


def test_notes_have_an_end() -> None:
    assert read_note("  singkat ") == "singkat"
    with pytest.raises(Refusal, match=r"request\.note\.long"):
        read_note("x" * 501)


# beyond the limits


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        ({}, []),
        ({"radius_m": 500}, []),
        ({"radius_m": 501}, ["radius"]),
        ({"windows": (Window(MONDAY - timedelta(hours=6), MONDAY),)}, []),
        ({"windows": (Window(MONDAY - timedelta(hours=7), MONDAY),)}, ["hours"]),
    ],
)
async def test_limits(house: House, change: dict[str, Any], limits: list[str]) -> None:
    async with house.office.look() as work:
        question = replace(QUESTION, **change)
        assert limits_passed(work, question, 50) == limits
        assert limits_passed(work, question, 51) == [*limits, "owners"]


LARGE = replace(QUESTION, radius_m=800)


async def decide(house: House, request_id: int, name: str, agreed: bool = True) -> None:
    async with house.acting(name) as (work, who):
        await agreement.decide(work, request_id, who, agreed=agreed, reason="perlu")


async def test_beyond_the_limits_nobody_is_asked_before_a_supervisor_agrees(house: House) -> None:
    await house.approved()
    request_id = await send(house, LARGE)
    assert await state_of(house, request_id) is RequestState.AWAITING_AGREEMENT
    assert await house.told("Sari") == []
    [asked] = await house.told("Kartika")
    assert "Rahmat" in asked
    assert "R-1001" in asked
    await decide(house, request_id, "Kartika")
    assert await state_of(house, request_id) is RequestState.SENT
    assert len(await house.told("Sari")) == 1
    assert len(await house.told("Rahmat")) == 1


async def test_a_declined_request_goes_to_nobody(house: House) -> None:
    await house.approved()
    request_id = await send(house, LARGE)
    await decide(house, request_id, "Kartika", agreed=False)
    assert await state_of(house, request_id) is RequestState.DECLINED
    assert await house.told("Sari") == []
    assert "perlu" in (await house.told("Rahmat"))[0]


async def test_without_a_supervisor_it_is_refused(house: House) -> None:
    await house.approved()
    async with house.office.work() as work:
        from nobs_bot.people.roles import Grant

        for held in (await work.session.execute(select(Grant))).scalars():
            if held.role is Role.SUPERVISOR:
                held.ended_at = work.now
    with pytest.raises(Refusal, match=r"request\.no_supervisor"):
        await send(house, LARGE)


async def test_nobody_agrees_to_the_own_request(house: House) -> None:
    await house.approved()
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.INVESTIGATOR, DISTRICT, granted_by=None)
    with pytest.raises(Refusal, match=r"request\.no_supervisor"):
        await send(house, LARGE, "Kartika")
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.SUPERVISOR, DISTRICT, granted_by=None)
    request_id = await send(house, LARGE, "Kartika")
    with pytest.raises(Refusal, match=r"agree\.own"):
        await decide(house, request_id, "Kartika")
    await decide(house, request_id, "Citra")


@pytest.mark.parametrize("name", ["Rahmat", "Dewi", "Sari", "Citra"])
async def test_who_is_no_supervisor_agrees_to_nothing(house: House, name: str) -> None:
    await house.approved()
    request_id = await send(house, LARGE)
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await decide(house, request_id, name)
    assert await house.told("Sari") == []


async def test_of_two_supervisors_at_once_one_decides(any_house: House) -> None:
    await any_house.approved()
    async with any_house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.SUPERVISOR, KECAMATAN, granted_by=None)
    request_id = await send(any_house, LARGE)

    async def decides(name: str, agreed: bool) -> str:
        try:
            await decide(any_house, request_id, name, agreed)
        except Refusal as refusal:
            return refusal.text_key
        return "done"

    results = await asyncio.gather(decides("Kartika", True), decides("Citra", False))
    assert sorted(results) == ["agree.already", "done"]
    assert len(await any_house.told("Rahmat")) == 1


async def test_a_camera_that_left_meanwhile_is_not_asked(house: House) -> None:
    camera_id = await house.approved()
    request_id = await send(house, LARGE)
    async with house.acting("Sari") as (work, sari):
        await rights.withdraw(work, await house.camera(work, camera_id), sari)
    await decide(house, request_id, "Kartika")
    assert await house.told("Sari") == []


# answers


@pytest.mark.parametrize("answer", [Reply.HAS, Reply.NOTHING, Reply.REFUSED, Reply.HELP])
async def test_an_answer_reaches_the_investigator_once(house: House, answer: Reply) -> None:
    await house.approved()
    await send(house)
    ask = await the_ask(house)
    assert await reply(house, ask.id, answer) is True
    assert await reply(house, ask.id, answer) is False
    await news(house)
    [told] = await house.told("Rahmat")
    assert "K-1001" in told
    assert len(await house.told("Wayan")) == (1 if answer is Reply.HELP else 0)


async def test_an_answer_may_be_changed_until_the_request_is_closed(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    ask = await the_ask(house)
    await reply(house, ask.id, Reply.REFUSED)
    await news(house)
    assert await reply(house, ask.id, Reply.HAS) is True
    await news(house)
    assert len(await house.told("Rahmat")) == 2
    await close(house, request_id)
    with pytest.raises(Refusal, match=r"ask\.closed"):
        await reply(house, ask.id, Reply.NOTHING)


async def test_nobody_answers_for_another(house: House) -> None:
    await house.approved()
    await send(house)
    with pytest.raises(Refusal, match=r"ask\.not_yours"):
        await reply(house, (await the_ask(house)).id, Reply.HAS, "Budi")


# outcomes


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_every_owner_who_was_asked_hears_what_came_of_it(
    house: House, outcome: Outcome
) -> None:
    await house.approved()
    await house.approved(at=ahead(*SHOP, 0, 30), heading_deg=180.0)
    await house.approved("Budi")
    request_id = await send(house)
    await close(house, request_id, outcome=outcome)
    # two cameras, two questions, one outcome
    assert ["R-1001" in each for each in await house.told("Sari")] == [True] * 3
    assert len(await house.told("Budi")) == 2
    with pytest.raises(Refusal, match=r"request\.closed_already"):
        await close(house, request_id)


async def test_nobody_closes_anothers_request(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    for name in ("Kartika", "Dewi", "Citra"):
        with pytest.raises(Refusal, match=r"request\.not_yours"):
            await close(house, request_id, name)


async def test_a_request_that_runs_out_is_ended_and_everybody_told(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    house.clock.advance(timedelta(days=7) - timedelta(seconds=1))
    async with house.office.work() as work:
        assert await answers.expire_requests(work) == 0
    house.clock.advance(timedelta(seconds=1))
    async with house.office.work() as work:
        assert await answers.expire_requests(work) == 1
        assert await answers.expire_requests(work) == 0
    assert await state_of(house, request_id) is RequestState.EXPIRED
    assert len(await house.told("Sari")) == 2
    assert len(await house.told("Rahmat")) == 1


async def test_a_request_that_waits_for_agreement_runs_out_too(house: House) -> None:
    await house.approved()
    request_id = await send(house, LARGE)
    house.clock.advance(timedelta(days=7))
    async with house.office.work() as work:
        assert await answers.expire_requests(work) == 1
    assert await house.told("Sari") == []
    assert len(await house.told("Rahmat")) == 1
    with pytest.raises(Refusal, match=r"agree\.already"):
        await decide(house, request_id, "Kartika")


async def test_the_words_of_a_request_are_sealed(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    async with house.office.look() as work:
        request = await work.session.get(FootageRequest, request_id)
        assert request is not None
        assert b"Duri" not in request.words
        assert words_of(work, request).note == QUESTION.note


@pytest.mark.parametrize(
    ("name", "may"), [("Rahmat", True), ("Kartika", True), ("Dewi", False), ("Citra", False)]
)
async def test_who_may_see_a_request(house: House, name: str, may: bool) -> None:
    await house.approved()
    request_id = await send(house)
    async with house.acting(name) as (work, who):
        if may:
            assert (await request_for(work, request_id, who)).id == request_id
            return
        with pytest.raises(Refusal, match=r"request\.not_yours"):
            await request_for(work, request_id, who)


async def test_an_investigator_who_lost_the_area_no_longer_sees_the_request(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    async with house.acting("Rahmat") as (work, rahmat):
        from nobs_bot.people.roles import grants_of

        for held in await grants_of(work, rahmat.id):
            held.ended_at = work.now
    async with house.acting("Rahmat") as (work, rahmat):
        with pytest.raises(Refusal, match=r"request\.not_yours"):
            await request_for(work, request_id, rahmat)


# clips


async def sent_clip(house: House, size: int | None = 100) -> int:
    ask = await the_ask(house)
    async with house.acting("Sari") as (work, sari):
        assert await add_clip(
            work,
            ask.id,
            sari,
            file_id="f",
            unique_id="u",
            name="kamera.dav",
            size_bytes=size,
            recompressed=False,
        )
    async with house.office.look() as work:
        clip: Clip = (await work.session.execute(select(Clip))).scalar_one()
        return clip.id


async def test_a_clip_is_kept_byte_for_byte_and_receipted(house: House) -> None:
    from hashlib import sha256

    await house.approved()
    await send(house)
    clip_id = await sent_clip(house)
    content = bytes(range(256)) * 999
    await fetch_clips(house.office, house.files, Telegram(content), house.looker)
    digest = sha256(content).hexdigest()
    assert digest in (await house.told("Sari"))[-1]
    async with house.acting("Rahmat") as (work, rahmat):
        clip, message = await open_clip(work, clip_id, rahmat)
        assert (clip.sha256, clip.size_bytes) == (digest, len(content))
        assert await house.files.get(message.pictures[0].name) == content
        await work.session.flush()
        [newest, *_] = await lines_about(work, house.ids["Sari"])
        assert (newest.act, newest.actor_id) == (Act.CLIP_OPENED, house.ids["Rahmat"])


async def test_the_same_file_twice_is_one_and_a_large_one_is_refused(house: House) -> None:
    await house.approved()
    await send(house)
    await sent_clip(house)
    ask = await the_ask(house)
    about: dict[str, Any] = {"file_id": "f", "name": "a", "recompressed": False}
    async with house.acting("Sari") as (work, sari):
        assert not await add_clip(work, ask.id, sari, unique_id="u", size_bytes=1, **about)
        with pytest.raises(Refusal, match=r"clip\.too_large"):
            await add_clip(work, ask.id, sari, unique_id="v", size_bytes=21 << 20, **about)


@pytest.mark.parametrize("name", ["Citra", "Dewi", "Wayan", "Sari", "Budi"])
async def test_nobody_else_opens_a_clip(house: House, name: str) -> None:
    await house.approved()
    await send(house)
    clip_id = await sent_clip(house)
    await fetch_clips(house.office, house.files, Telegram(b"clip"), house.looker)
    async with house.acting(name) as (work, who):
        with pytest.raises(Refusal, match=r"request\.not_yours"):
            await open_clip(work, clip_id, who)


async def test_one_that_has_not_arrived_is_said_so(house: House) -> None:
    await house.approved()
    await send(house)
    clip_id = await sent_clip(house)
    async with house.acting("Rahmat") as (work, rahmat):
        with pytest.raises(Refusal, match=r"clip\.not_there_yet"):
            await open_clip(work, clip_id, rahmat)


async def test_when_a_camera_is_let_go_its_investigator_hears_it(house: House) -> None:
    camera_id = await house.approved()
    request_id = await send(house)
    async with house.office.work() as work:
        await answers.let_go(work, [camera_id])
        [ask] = await asks_of(work, request_id)
        assert ask.reply is Reply.GONE
    await news(house)
    [told] = await house.told("Rahmat")
    assert "K-1001" in told
    with pytest.raises(Refusal, match=r"ask\.closed"):
        await reply(house, (await the_ask(house)).id, Reply.HAS)
