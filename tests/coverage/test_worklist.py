"""The worklist: who may walk it, asking owners, their answers, and what comes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.cameras import enrolment
from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.record import Camera, State, Turning
from nobs_bot.cameras.rights import withdraw
from nobs_bot.coverage import worklist
from nobs_bot.coverage.surveyor import standing
from nobs_bot.coverage.turn import Turn, TurnState
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import KECAMATAN, OTHER_KECAMATAN, SHOP, House


def move(camera_id: int, to_deg: float = 180.0, **more: Any) -> dict[str, Any]:
    about = {"roads": {"Jalan Duri Selatan": 30.0}, "gained": [SHOP], "lost": []}
    return {
        "camera": camera_id,
        "to_deg": to_deg,
        "gain_m": 37.0,
        "worth": 400.0,
        **about,
        **more,
    }


async def proposed(house: House, *camera_ids: int, **more: Any) -> list[int]:
    """Ids of the turns of a fresh plan, in the order of the cameras."""
    moves = [move(each, worth=1000.0 - at, **more) for at, each in enumerate(camera_ids)]
    async with house.office.work() as work:
        made = await worklist.replace_proposals(work, KECAMATAN, moves)
        assert made == len(camera_ids)
    async with house.office.look() as work:
        rows = (await work.session.execute(select(Turn))).scalars().all()
        by_camera = {row.camera_id: row.id for row in rows}
    return [by_camera[each] for each in camera_ids]


async def agreed(house: House) -> tuple[int, int]:
    """(camera, turn): Sari was asked by Wayan, and agrees."""
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting("Wayan") as (work, wayan):
        await worklist.ask_owner(work, turn_id, wayan)
    async with house.acting("Sari") as (work, sari):
        await worklist.answer(work, turn_id, sari, Turning.WILLING)
    return camera_id, turn_id


async def the_turn(house: House, turn_id: int) -> Turn:
    async with house.office.look() as work:
        found = await work.session.get(Turn, turn_id)
        assert found is not None
        return found


async def test_the_list_has_the_heaviest_first_or_the_nearest(any_house: House) -> None:
    far = await any_house.approved("Sari", at=(-6.1544, 106.7981))
    near = await any_house.approved("Budi")
    first, second = await proposed(any_house, far, near)
    async with any_house.acting("Wayan") as (work, wayan):
        rows = await worklist.worklist(work, wayan)
        assert [turn.id for turn, _ in rows] == [first, second]
        rows = await worklist.worklist(work, wayan, near=SHOP)
        assert [turn.id for turn, _ in rows] == [second, first]


async def test_a_fresh_plan_replaces_proposals_and_leaves_what_was_asked(house: House) -> None:
    asked, other = await house.approved("Sari"), await house.approved("Budi")
    turn_id, old_id = await proposed(house, asked, other)
    async with house.acting("Wayan") as (work, wayan):
        await worklist.ask_owner(work, turn_id, wayan)
    async with house.office.look() as work:
        assert await worklist.turnable(work, KECAMATAN) == [other]
        assert await worklist.turnable(work, OTHER_KECAMATAN) == []
    [new_id] = await proposed(house, other)
    assert new_id != old_id
    assert (await the_turn(house, turn_id)).state is TurnState.ASKED


@pytest.mark.parametrize("who", ["Sari", "Budi", "Dewi", "Rahmat", "Citra"])
async def test_nobody_else_sees_the_list_or_asks(house: House, who: str) -> None:
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting(who) as (work, person):
        with pytest.raises(Refusal, match=r"roles\.needed"):
            await worklist.worklist(work, person)
        for act in (worklist.turn_for, worklist.ask_owner, worklist.seen_by_eye):
            with pytest.raises(Refusal, match=r"roles\.not_here"):
                await act(work, turn_id, person)


async def test_an_officer_of_elsewhere_sees_nothing_of_it(house: House) -> None:
    [turn_id] = await proposed(house, await house.approved("Sari"))
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.FIELD_OFFICER, OTHER_KECAMATAN, granted_by=None)
        assert await worklist.worklist(work, citra) == []
        with pytest.raises(Refusal, match=r"roles\.not_here"):
            await worklist.turn_for(work, turn_id, citra)


async def test_the_owner_is_asked_once_with_the_picture_and_reads_who_asked(house: House) -> None:
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting("Wayan") as (work, wayan):
        await worklist.ask_owner(work, turn_id, wayan)
    async with house.acting("Wayan") as (work, wayan):
        with pytest.raises(Refusal, match=r"turn\.asked_already"):
            await worklist.ask_owner(work, turn_id, wayan)
    asked = (await house.messages("Sari"))[-1]
    assert "45° ke kanan" in asked.text
    assert "37 m jalan lebih banyak terlihat, di Jalan Duri Selatan" in asked.text
    assert "sukarela" in asked.text
    assert len(asked.pictures) == 1
    async with house.office.look() as work:
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
    assert Act.TURN_ASKED in acts


async def test_an_owner_agrees_and_an_officer_confirms_by_eye(any_house: House) -> None:
    camera_id, turn_id = await agreed(any_house)
    assert "setuju" in (await any_house.told("Wayan"))[-1]
    async with any_house.acting("Sari") as (work, sari):
        _, will_show = await worklist.done(work, turn_id, sari)
        assert not will_show
    assert "Mohon dipastikan di tempat" in (await any_house.told("Wayan"))[-1]
    async with any_house.acting("Wayan") as (work, wayan):
        await worklist.seen_by_eye(work, turn_id, wayan)
    async with any_house.office.look() as work:
        camera = await any_house.camera(work, camera_id)
        assert camera.heading_deg == 180
        assert camera.turning is Turning.WILLING
    assert "37 m jalan lebih banyak terlihat" in (await any_house.told("Sari"))[-1]
    assert (await the_turn(any_house, turn_id)).state is TurnState.CONFIRMED


@pytest.mark.parametrize(
    ("reply", "word"), [(Turning.UNWILLING, "tidak bersedia"), (Turning.FIXED, "tidak bisa")]
)
async def test_a_no_is_taken_and_not_asked_again(house: House, reply: Turning, word: str) -> None:
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting("Wayan") as (work, wayan):
        await worklist.ask_owner(work, turn_id, wayan)
    async with house.acting("Sari") as (work, sari):
        await worklist.answer(work, turn_id, sari, reply)
    assert word in (await house.told("Wayan"))[-1]
    async with house.office.look() as work:
        assert await worklist.turnable(work, KECAMATAN) == []
    async with house.acting("Sari") as (work, sari):
        with pytest.raises(Refusal, match=r"turn\.over"):
            await worklist.answer(work, turn_id, sari, Turning.WILLING)


async def test_nobody_answers_for_another_and_nothing_happens_before_the_answer(
    house: House,
) -> None:
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting("Budi") as (work, budi):
        with pytest.raises(Refusal, match=r"turn\.over"):
            await worklist.answer(work, turn_id, budi, Turning.WILLING)
        with pytest.raises(Refusal, match=r"roles\.not_here"):
            await worklist.done(work, turn_id, budi)
    async with house.acting("Wayan") as (work, wayan):
        with pytest.raises(Refusal, match=r"turn\.not_agreed"):
            await worklist.seen_by_eye(work, turn_id, wayan)
        with pytest.raises(Refusal, match=r"turn\.not_agreed"):
            await worklist.done(work, turn_id, wayan)


async def test_an_officer_never_handles_their_own_camera(house: House) -> None:
    camera_id = await house.approved("Wayan")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting("Wayan") as (work, wayan):
        with pytest.raises(Refusal, match=r"turn\.own_camera"):
            await worklist.ask_owner(work, turn_id, wayan)


async def test_a_camera_that_shares_stills_is_checked_when_it_was_turned(house: House) -> None:
    camera_id, turn_id = await agreed(house)
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        camera.share_stills, camera.stream, camera.reference_check_id = True, b"sealed", 1
    async with house.acting("Sari") as (work, sari):
        turn, will_show = await worklist.done(work, turn_id, sari)
        assert will_show
        check = await work.session.get(Check, turn.check_id)
        assert check is not None
        assert not check.tell_owner
    assert (await the_turn(house, turn_id)).due_at is not None


async def test_what_the_owner_has_said_since_ends_the_turn(house: House) -> None:
    camera_id, turn_id = await agreed(house)
    async with house.office.work() as work:
        (await house.camera(work, camera_id)).heading_deg = 200.0
    async with house.acting("Wayan") as (work, wayan):
        assert await worklist.worklist(work, wayan) == []
        with pytest.raises(Refusal, match=r"turn\.over"):
            await worklist.seen_by_eye(work, turn_id, wayan)


async def test_a_withdrawn_camera_leaves_no_trace_on_the_list(house: House) -> None:
    camera_id, turn_id = await agreed(house)
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        await worklist.erase_turns(work, camera_id)
        await withdraw(work, camera, sari)
    async with house.office.look() as work:
        assert await work.session.get(Turn, turn_id) is None
        gone = await work.session.get(Camera, camera_id)
        assert gone is not None
        assert gone.reference_check_id is None


async def test_the_holder_exports_and_erases(house: House) -> None:
    await agreed(house)
    holder = worklist.TurnHolder()
    async with house.office.work() as work:
        [told] = await holder.export(work, house.ids["Sari"])
        assert told["state"] == TurnState.AGREED
        assert told["to_deg"] == 180
        assert await holder.export(work, house.ids["Budi"]) == []
        await holder.erase(work, house.ids["Sari"])
        assert await holder.export(work, house.ids["Sari"]) == []


async def test_a_camera_that_pans_is_not_to_be_turned(any_house: House) -> None:
    still, panning = await any_house.approved("Sari"), await any_house.approved("Budi")
    async with any_house.office.work() as work:
        camera = await any_house.camera(work, panning)
        camera.other_headings = [270.0]
        await work.session.flush()
        assert await worklist.turnable(work, KECAMATAN) == [still]
        [(_, *one), (_, *other)] = sorted((await standing(work)).cameras)
        assert (list(one[-1]), list(other[-1])) == ([], [270.0])


async def test_after_half_a_year_an_unwilling_owner_may_change_their_mind(house: House) -> None:
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    async with house.acting("Wayan") as (work, wayan):
        await worklist.ask_owner(work, turn_id, wayan)
    async with house.acting("Sari") as (work, sari):
        await worklist.answer(work, turn_id, sari, Turning.UNWILLING)
    house.clock.advance(worklist.LEFT_IN_PEACE + timedelta(days=1))
    async with house.office.look() as work:
        assert await worklist.turnable(work, KECAMATAN) == [camera_id]


async def test_a_camera_that_moved_away_is_on_no_list_of_its_former_area(
    house: House, areas: Areas
) -> None:
    camera_id = await house.approved("Sari")
    [turn_id] = await proposed(house, camera_id)
    lat, lon, _ = areas.circle(OTHER_KECAMATAN)
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        enrolment.set_location(work, camera, areas, lat, lon)
        await enrolment.submit(work, camera, sari)
        camera.state = State.APPROVED
    async with house.acting("Wayan") as (work, wayan):
        assert await worklist.worklist(work, wayan) == []
        with pytest.raises(Refusal, match=r"turn\.over"):
            await worklist.ask_owner(work, turn_id, wayan)
