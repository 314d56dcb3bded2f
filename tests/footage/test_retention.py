"""How long clips stay: with their case, else for a while; holds; what stays of what was erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.errors import Refusal
from nobs_bot.footage import answers, retention
from nobs_bot.footage.clips import wanted_files
from nobs_bot.footage.request import Clip, ClipState, FootageRequest, Outcome, clips_of
from nobs_bot.storage.audit import Act, lines_about
from nobs_bot.storage.doomed import remove_doomed
from tests.cast import House
from tests.footage.requests import asks, close, hand_over, send


async def sent_clip(house: House, outcome: Outcome | None) -> int:
    """A request with one clip, closed with an outcome; its id."""
    await house.approved()
    request_id = await send(house)
    [ask] = await asks(house)
    await hand_over(house, ask.id)
    if outcome:
        await close(house, request_id, outcome=outcome)
    return request_id


async def erase(house: House, days: float = 0) -> int:
    house.clock.advance(timedelta(days=days))
    async with house.office.work() as work:
        return await retention.erase_due(work)


async def the_clip(house: House) -> Clip:
    async with house.office.look() as work:
        clip: Clip = (await work.session.execute(select(Clip))).scalar_one()
        return clip


async def act(house: House, what: Any, request_id: int, name: str, *more: Any) -> None:
    async with house.acting(name) as (work, who):
        request = await work.session.get(FootageRequest, request_id)
        assert request is not None
        await what(work, request, who, *more)


@pytest.mark.parametrize("outcome", [Outcome.NOT_FOUND, Outcome.NOT_NEEDED])
async def test_what_helped_no_case_is_erased_after_a_while(house: House, outcome: Outcome) -> None:
    request_id = await sent_clip(house, outcome)
    name = (await the_clip(house)).file_name
    assert name is not None
    assert await erase(house, 29.9) == 0
    assert await erase(house, 0.2) == 1
    assert await erase(house) == 0
    clip = await the_clip(house)
    assert (clip.state, clip.file_name) == (ClipState.ERASED, None)
    assert clip.sha256
    await remove_doomed(house.office, house.files, wanted_files)
    with pytest.raises(FileNotFoundError):
        await house.files.get(name)
    assert "sudah dihapus" in (await house.told("Sari"))[-1]
    async with house.office.look() as work:
        [line, *_] = await lines_about(work, house.ids["Sari"])
        assert line.act is Act.CLIP_ERASED
        now = house.clock.now()
        [erased] = await retention.erasures(work, now - timedelta(days=1), now + timedelta(days=1))
        assert (erased.request_id, erased.sha256) == (request_id, clip.sha256)
        assert erased.reason == "of no case"


async def test_an_expired_request_gives_its_clips_back_too(house: House) -> None:
    await sent_clip(house, None)
    house.clock.advance(timedelta(days=7))
    async with house.office.work() as work:
        await answers.expire_requests(work)
    assert await erase(house, 30) == 1


@pytest.mark.parametrize("outcome", [Outcome.HELPED, Outcome.PASSED_ON])
async def test_what_belongs_to_a_case_stays_until_the_case_is_over(
    house: House, outcome: Outcome
) -> None:
    request_id = await sent_clip(house, outcome)
    assert await erase(house, 1000) == 0
    await act(house, retention.end_case, request_id, "Rahmat")
    assert await erase(house, 29) == 0
    assert await erase(house, 1) == 1


async def test_only_the_investigator_ends_the_case_and_once(house: House) -> None:
    request_id = await sent_clip(house, Outcome.HELPED)
    with pytest.raises(Refusal, match=r"request\.not_yours"):
        await act(house, retention.end_case, request_id, "Kartika")
    await act(house, retention.end_case, request_id, "Rahmat")
    with pytest.raises(Refusal, match=r"buttons\.stale"):
        await act(house, retention.end_case, request_id, "Rahmat")


async def test_an_open_request_has_no_case_to_end(house: House) -> None:
    request_id = await sent_clip(house, None)
    with pytest.raises(Refusal, match=r"buttons\.stale"):
        await act(house, retention.end_case, request_id, "Rahmat")


async def test_a_hold_outlasts_every_date(house: House) -> None:
    request_id = await sent_clip(house, Outcome.NOT_NEEDED)
    await act(house, retention.hold, request_id, "Kartika", "praperadilan")
    assert await erase(house, 400) == 0
    await act(house, retention.end_hold, request_id, "Kartika")
    # whoever ended it by mistake has a week
    assert await erase(house, 6) == 0
    assert await erase(house, 1) == 1


@pytest.mark.parametrize("name", ["Rahmat", "Dewi", "Citra", "Sari"])
async def test_only_a_supervisor_holds(house: House, name: str) -> None:
    request_id = await sent_clip(house, Outcome.NOT_NEEDED)
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await act(house, retention.hold, request_id, name, "praperadilan")
    await act(house, retention.hold, request_id, "Kartika", "praperadilan")
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await act(house, retention.end_hold, request_id, name)


async def test_a_hold_is_told_once_and_has_a_reason(house: House) -> None:
    request_id = await sent_clip(house, Outcome.NOT_NEEDED)
    with pytest.raises(Refusal, match=r"review\.reason_length"):
        await act(house, retention.hold, request_id, "Kartika", "")
    await act(house, retention.hold, request_id, "Kartika", "praperadilan")
    with pytest.raises(Refusal, match=r"hold\.already"):
        await act(house, retention.hold, request_id, "Kartika", "praperadilan")
    async with house.office.look() as work:
        [line, *_] = await lines_about(work, house.ids["Sari"])
        assert (line.act, line.actor_id) == (Act.EVIDENCE_HELD, house.ids["Kartika"])


async def test_owners_are_told_what_becomes_of_their_footage(house: House) -> None:
    await sent_clip(house, Outcome.NOT_NEEDED)
    assert "akan dihapus" in (await house.told("Sari"))[-1]


async def test_the_clips_of_an_open_request_are_never_erased(house: House) -> None:
    request_id = await sent_clip(house, None)
    async with house.office.work() as work:
        request = await work.session.get(FootageRequest, request_id)
        assert request is not None
        request.erase_at = work.now - timedelta(days=1)
    assert await erase(house) == 0
    async with house.office.look() as work:
        assert [clip.state for clip in await clips_of(work, request_id)] == [ClipState.STORED]
