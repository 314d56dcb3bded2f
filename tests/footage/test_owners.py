"""Asking: to save first, in a wider ring, not too often, in a whole area."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nobs_bot.cameras.rights import pause, withdraw
from nobs_bot.coverage.ways import Ways
from nobs_bot.errors import Refusal
from nobs_bot.footage import agreement, owners
from nobs_bot.footage.matching import Reason, candidates
from nobs_bot.footage.question import limits_passed
from nobs_bot.footage.reminders import remind_owners
from nobs_bot.footage.request import FootageRequest, Kind, Reply, RequestState
from nobs_bot.footage.times import Window
from nobs_bot.messaging import outbox
from nobs_bot.messaging.outbox import Delivery
from nobs_bot.places.geodesy import ahead
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import KECAMATAN, MONDAY, SHOP, House
from tests.footage.requests import QUESTION, asks, close, reply, request, send

PRESERVE = replace(QUESTION, kind=Kind.PRESERVE)


async def ring(house: House, request_id: int, name: str = "Rahmat", ways: Ways = ()) -> int:
    async with house.acting(name) as (work, who):
        found = await work.session.get(FootageRequest, request_id)
        assert found is not None
        return await owners.next_ring(work, found, who, ways)


async def ask_saved(house: House, request_id: int, name: str = "Rahmat") -> int:
    async with house.acting(name) as (work, who):
        found = await work.session.get(FootageRequest, request_id)
        assert found is not None
        return await owners.ask_for_what_was_saved(work, found, who)


async def test_preserving_asks_for_nothing_but_to_save(house: House) -> None:
    await house.approved()
    await send(house, PRESERVE)
    [asked] = await house.messages("Sari")
    assert "simpan" in asked.text
    assert "Minggu, 29 November, 21.00 WIB" in asked.text
    actions = [button.payload.split(":")[0] for row in asked.keyboard for button in row]
    assert "ans.saved" in actions
    assert "ans.has" not in actions


async def test_what_was_saved_is_asked_for_later_in_the_same_request(house: House) -> None:
    await house.approved()
    await house.approved("Budi")
    request_id = await send(house, PRESERVE)
    first, second = await asks(house)
    await reply(house, first.id, Reply.SAVED)
    await reply(house, second.id, Reply.REFUSED, "Budi")
    assert await ask_saved(house, request_id) == 1
    assert (await request(house, request_id)).kind is Kind.FOOTAGE
    assert len(await house.told("Sari")) == 2
    # who refused is not asked again
    assert len(await house.told("Budi")) == 1
    buttons = [b.payload for row in (await house.messages("Sari"))[-1].keyboard for b in row]
    assert f"ans.has:{first.id}" in buttons
    with pytest.raises(Refusal, match=r"buttons\.stale"):
        await ask_saved(house, request_id)


async def test_nobody_left_to_ask_for_what_was_saved(house: House) -> None:
    await house.approved()
    request_id = await send(house, PRESERVE)
    [ask] = await asks(house)
    await reply(house, ask.id, Reply.NOTHING)
    with pytest.raises(Refusal, match=r"request\.saved\.nobody"):
        await ask_saved(house, request_id)


async def test_the_next_ring_asks_only_those_who_were_not_asked(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 0, 170), heading_deg=0.0)
    request_id = await send(house)
    assert await house.told("Budi") == []
    assert await ring(house, request_id) == 1
    assert len(await house.told("Sari")) == 1
    assert len(await house.told("Budi")) == 1
    assert (await request(house, request_id)).radius_m == 200
    assert [ask.ring for ask in await asks(house)] == [0, 1]
    async with house.office.look() as work:
        [newest, *_] = await lines_about(work, house.ids["Budi"])
        assert newest.act is Act.ASKED


async def test_a_ring_without_cameras_changes_nothing(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    with pytest.raises(Refusal, match=r"request\.ring\.nobody"):
        await ring(house, request_id)
    assert (await request(house, request_id)).radius_m == 100


async def test_rings_end_at_the_limit_and_with_the_request(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 0, 700), heading_deg=0.0)
    request_id = await send(house, replace(QUESTION, radius_m=500))
    with pytest.raises(Refusal, match=r"request\.ring\.limit"):
        await ring(house, request_id)
    with pytest.raises(Refusal, match=r"request\.not_yours"):
        await ring(house, request_id, "Kartika")
    await close(house, request_id)
    with pytest.raises(Refusal, match=r"request\.closed_already"):
        await ring(house, request_id)
    assert await house.told("Budi") == []


ROAD_WEST = tuple(ahead(*SHOP, 270, metres) for metres in range(105, 300, 15))


async def test_the_next_ring_also_asks_those_who_see_the_roads_there(house: House) -> None:
    await house.approved()
    at = ahead(*SHOP, 270, 260)
    await house.approved("Budi", at=at, heading_deg=90.0)
    question = replace(QUESTION, ways=ROAD_WEST)
    async with house.acting("Rahmat") as (work, rahmat):
        found = {
            each.camera.owner_id: each
            for each in await candidates(work, rahmat, question.scene)
            if not each.is_asked
        }
        [on_the_way] = found.values()
        assert on_the_way.reason is Reason.ON_THE_WAY
    request_id = await send(house, question)
    # at first only those who may see the place itself
    assert await house.told("Budi") == []
    assert await ring(house, request_id, ways=ROAD_WEST) == 1
    assert len(await house.told("Budi")) == 1


async def test_a_camera_that_looks_away_from_the_road_is_left_alone(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 270, 260), heading_deg=270.0 + 60.0)
    request_id = await send(house)
    with pytest.raises(Refusal, match=r"request\.ring\.nobody"):
        await ring(house, request_id, ways=ROAD_WEST[:4])


async def test_at_the_limit_of_the_radius_the_roads_are_still_left(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 0, 620), heading_deg=180.0)
    road = tuple(ahead(*SHOP, 0, metres) for metres in range(505, 700, 15))
    request_id = await send(house, replace(QUESTION, radius_m=500))
    assert await ring(house, request_id, ways=road) == 1
    assert (await request(house, request_id)).radius_m == 500
    with pytest.raises(Refusal, match=r"request\.ring\.limit"):
        await ring(house, request_id, ways=road)


async def stand(house: House, *, is_away: bool = False) -> str:
    [ask] = await asks(house)
    async with house.acting("Rahmat") as (work, _):
        found = await work.session.get(FootageRequest, ask.request_id)
        assert found is not None
        return await owners.standing(work, found, ask, is_away=is_away)


async def settled(house: House, state: Delivery) -> None:
    """As the messenger does with what it holds."""
    async with house.acting("Rahmat") as (work, _):
        [row] = await outbox.claim(work, 1)
        await outbox.settle(work, row, state)


async def test_a_question_that_has_not_arrived_is_said_to_be_on_its_way(house: House) -> None:
    await house.approved()
    await send(house)
    assert await stand(house) == Reply.NONE_YET
    assert await stand(house, is_away=True) == "unreachable"
    house.clock.advance(timedelta(minutes=2))
    assert await stand(house) == "not_sent_yet"
    await settled(house, Delivery.SENT)
    assert await stand(house) == Reply.NONE_YET
    [ask] = await asks(house)
    await reply(house, ask.id, Reply.REFUSED)
    assert await stand(house, is_away=True) == Reply.REFUSED


async def test_a_question_that_telegram_refused_did_not_reach_its_owner(house: House) -> None:
    await house.approved()
    await send(house)
    await settled(house, Delivery.FAILED)
    assert await stand(house) == "unreachable"


async def test_rings_do_not_pass_the_limit_of_owners(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 0, 170), heading_deg=0.0)
    request_id = await send(house)
    few = house.office.settings.model_copy(update={"request_max_owners": 1})
    house.office = replace(house.office, settings=few)
    with pytest.raises(Refusal, match=r"request\.ring\.owners"):
        await ring(house, request_id)


async def test_an_owner_is_left_in_peace_after_so_many_requests_a_week(house: House) -> None:
    await house.approved()
    most = house.office.settings.request_most_per_week
    for _ in range(most):
        await send(house)
    with pytest.raises(Refusal, match=r"request\.nobody"):
        await send(house)
    async with house.acting("Rahmat") as (work, rahmat):
        [only] = await candidates(work, rahmat, QUESTION.scene)
        assert only.reason is Reason.ASKED_OFTEN
        [only] = await candidates(work, rahmat, QUESTION.scene, is_emergency=True)
        assert only.reason is Reason.SEES
    house.clock.advance(timedelta(days=7))
    await send(house)
    assert len(await house.told("Sari")) == most + 1


async def test_a_whole_area_means_every_camera_in_it_and_needs_a_supervisor(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=ahead(*SHOP, 0, 600), heading_deg=0.0)
    lat, lon, radius_m = house.areas.circle(KECAMATAN)
    area = replace(
        QUESTION, lat=lat, lon=lon, radius_m=radius_m, area_code=KECAMATAN, whole_area=True
    )
    async with house.acting("Rahmat") as (work, rahmat):
        assert limits_passed(work, area, 1) == ["area"]
        found = await candidates(work, rahmat, area.scene)
        assert [each.reason for each in found] == [Reason.IN_AREA] * 2
    request_id = await send(house, area)
    assert (await request(house, request_id)).state is RequestState.AWAITING_AGREEMENT
    assert await house.told("Sari") == []


def night(*hours_ago: tuple[int, int]) -> tuple[Window, ...]:
    return tuple(
        Window(MONDAY - timedelta(hours=first), MONDAY - timedelta(hours=last))
        for first, last in hours_ago
    )


async def test_several_stretches_are_asked_for_in_one_request(house: House) -> None:
    await house.approved()
    await send(house, replace(QUESTION, windows=night((37, 36), (13, 12))))
    [asked] = await house.told("Sari")
    assert "Sabtu, 14 November, 21.00–22.00 WIB" in asked
    assert "Minggu, 15 November, 21.00–22.00 WIB" in asked


async def test_their_hours_count_together(house: House) -> None:
    async with house.office.look() as work:
        apart = replace(QUESTION, windows=night((60, 56), (13, 10)))
        assert limits_passed(work, apart, 1) == ["hours"]


async def test_a_camera_is_asked_while_one_stretch_is_still_there(house: House) -> None:
    await house.approved(retention_days=2)
    async with house.acting("Rahmat") as (work, rahmat):
        both = replace(QUESTION, windows=night((73, 72), (13, 12))).scene
        [only] = await candidates(work, rahmat, both)
        assert only.reason is Reason.SEES
        assert only.overwritten_at == MONDAY + timedelta(hours=35)
        gone = replace(QUESTION, windows=night((97, 96), (73, 72))).scene
        [only] = await candidates(work, rahmat, gone)
        assert only.reason is Reason.OVERWRITTEN


async def test_no_ring_goes_beyond_what_a_supervisor_agreed_to(house: House) -> None:
    await house.approved()
    await house.approved("Budi", at=(SHOP[0], SHOP[1] + 0.00075))
    long = Window(MONDAY - timedelta(hours=49), MONDAY - timedelta(hours=1))
    request_id = await send(house, replace(QUESTION, radius_m=50, windows=(long,)))
    async with house.acting("Kartika") as (work, kartika):
        await agreement.decide(work, request_id, kartika, agreed=True, reason="50 m saja")
    first = len(await asks(house))
    with pytest.raises(Refusal, match=r"request\.ring\.agreed"):
        await ring(house, request_id)
    assert len(await asks(house)) == first


async def test_who_paused_or_shares_no_more_is_left_in_peace(house: House) -> None:
    camera_id = await house.approved()
    request_id = await send(house, PRESERVE)
    told = len(await house.told("Sari"))
    async with house.acting("Sari") as (work, sari):
        pause(work, await house.camera(work, camera_id), sari)
    with pytest.raises(Refusal, match=r"request\.saved\.nobody"):
        await ask_saved(house, request_id)
    for _ in range(8):
        house.clock.advance(timedelta(hours=18))
        await remind_owners(house.office)
    assert len(await house.told("Sari")) == told


async def test_a_camera_that_was_withdrawn_meanwhile_is_not_asked(house: House) -> None:
    camera_id = await house.approved()
    await house.approved("Budi")
    async with house.acting("Rahmat") as (work, rahmat):
        found = await candidates(work, rahmat, QUESTION.scene)
        chosen = [each for each in found if each.is_asked]
    assert len(chosen) == 2
    async with house.acting("Sari") as (work, sari):
        await withdraw(work, await house.camera(work, camera_id), sari)
    async with house.office.work() as work:
        still = await owners._still_there(work, chosen)
    assert [each.camera.owner_id for each in still] == [house.ids["Budi"]]
