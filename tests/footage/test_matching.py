"""Which cameras are asked, and why the others are not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nobs_bot.cameras import rights
from nobs_bot.cameras.record import Width
from nobs_bot.errors import Refusal
from nobs_bot.footage.matching import Candidate, Reason, Scene, candidates
from nobs_bot.footage.times import Window
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.geodesy import ahead
from tests.cast import DISTRICT, KELURAHAN, MONDAY, OTHER_KECAMATAN, SHOP, House

LAST_NIGHT = Window(MONDAY - timedelta(hours=13), MONDAY - timedelta(hours=12))


def off(bearing: float, metres: float) -> tuple[float, float]:
    """A place so far from the shop."""
    return ahead(*SHOP, bearing, metres)


async def found(
    house: House, *, radius_m: float = 50, window: Window = LAST_NIGHT, officer: str = "Rahmat"
) -> list[Candidate]:
    async with house.acting(officer) as (work, who):
        return await candidates(work, who, Scene(*SHOP, radius_m, KELURAHAN, (window,)))


async def reasons(house: House, **question: object) -> dict[str, Reason]:
    return {
        each.camera.name: each.reason
        for each in await found(house, **question)  # type: ignore[arg-type]
    }


@pytest.mark.parametrize(
    ("bearing", "metres", "heading", "width", "reason"),
    [
        (0, 30, 180.0, Width.NORMAL, Reason.SEES),
        (0, 30, 0.0, Width.NORMAL, Reason.NEAR),
        (0, 30, 0.0, Width.ALL_ROUND, Reason.SEES),
        (0, 30, None, Width.NORMAL, Reason.MAY_SEE),
        # outside the circle, and looking into it
        (90, 60, 270.0, Width.NORMAL, Reason.SEES),
        (90, 60, None, Width.NORMAL, Reason.MAY_SEE),
        # outside, and looking away
        (90, 60, 90.0, Width.NORMAL, None),
        # out of reach
        (90, 90, 270.0, Width.NORMAL, None),
        (90, 90, None, Width.NORMAL, None),
    ],
)
async def test_place_and_heading_decide(
    house: House,
    bearing: float,
    metres: float,
    heading: float | None,
    width: Width,
    reason: Reason | None,
) -> None:
    await house.approved(at=off(bearing, metres), heading_deg=heading, width=width)
    assert await reasons(house) == ({"K-1001": reason} if reason else {})


async def test_the_best_come_first_and_are_asked(house: House) -> None:
    await house.approved(at=off(0, 40), heading_deg=0.0)
    await house.approved(at=off(0, 45), heading_deg=None)
    await house.approved(at=off(180, 40), heading_deg=0.0)
    await house.approved(at=off(180, 20), heading_deg=0.0)
    listed = await found(house)
    assert [(each.camera.name, each.reason) for each in listed] == [
        ("K-1004", Reason.SEES),
        ("K-1003", Reason.SEES),
        ("K-1002", Reason.MAY_SEE),
        ("K-1001", Reason.NEAR),
    ]
    assert all(each.is_asked for each in listed)
    assert [round(each.distance_m) for each in listed] == [20, 40, 45, 40]


async def test_a_paused_camera_is_left_out_and_said_so(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, sari):
        rights.pause(work, await house.camera(work, camera_id), sari)
    [left_out] = await found(house)
    assert (left_out.reason, left_out.is_asked) == (Reason.PAUSED, False)


async def test_one_that_is_not_shared_is_left_out(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, sari):
        rights.switch_share(work, await house.camera(work, camera_id), sari, "footage")
    assert await reasons(house) == {"K-1001": Reason.NOT_SHARED}


async def test_the_officers_own_camera_is_left_out(house: House) -> None:
    await house.approved("Rahmat")
    assert await reasons(house) == {"K-1001": Reason.OWN}


@pytest.mark.parametrize(
    ("retention_days", "ended_ago", "reason"),
    [
        (3, timedelta(days=3), Reason.OVERWRITTEN),
        (3, timedelta(days=3) - timedelta(minutes=1), Reason.SEES),
        (0, timedelta(hours=1), Reason.OVERWRITTEN),
        (30, timedelta(days=29), Reason.SEES),
    ],
)
async def test_what_is_overwritten_is_not_asked_for(
    house: House, retention_days: int, ended_ago: timedelta, reason: Reason
) -> None:
    await house.approved(retention_days=retention_days)
    end = MONDAY - ended_ago
    window = Window(end - timedelta(hours=1), end)
    [only] = await found(house, window=window)
    assert only.reason is reason
    assert only.overwritten_at == window.start + timedelta(days=retention_days)


async def test_without_a_retention_there_is_no_deadline(house: House) -> None:
    camera_id = await house.approved()
    async with house.office.work() as work:
        (await house.camera(work, camera_id)).retention_days = None
    [only] = await found(house)
    assert (only.reason, only.overwritten_at) == (Reason.SEES, None)


@pytest.mark.parametrize("state", ["draft", "waiting", "withdrawn"])
async def test_only_approved_cameras_are_found(house: House, state: str) -> None:
    if state == "draft":
        await house.draft()
    elif state == "waiting":
        await house.waiting()
    else:
        camera_id = await house.approved()
        async with house.acting("Sari") as (work, sari):
            await rights.withdraw(work, await house.camera(work, camera_id), sari)
    assert await found(house) == []


async def test_cameras_of_another_area_are_not_found(house: House) -> None:
    await house.approved()
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.INVESTIGATOR, OTHER_KECAMATAN, granted_by=None)
    assert await found(house, officer="Budi") == []
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.INVESTIGATOR, DISTRICT, granted_by=None)
    assert await reasons(house, officer="Budi") == {"K-1001": Reason.SEES}


@pytest.mark.parametrize("officer", ["Citra", "Sari", "Dewi", "Kartika", "Wayan"])
async def test_only_investigators_may_look(house: House, officer: str) -> None:
    await house.approved()
    with pytest.raises(Refusal, match=r"roles\.needed"):
        await found(house, officer=officer)
