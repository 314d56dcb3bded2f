"""Drift: what regular checks find, the owner asked first, the officer after three days."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from nobs_bot.cameras import checks
from nobs_bot.cameras.checks import Check, ask_check, claim_checks, run_check
from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.drift import (
    ask_regular_checks,
    drift_of,
    note_drift,
    tell_officers,
)
from nobs_bot.cameras.record import Camera, Drift
from nobs_bot.sandbox.cameras.panorama import jpeg, view
from nobs_bot.storage.doomed import remove_doomed
from nobs_bot.storage.work import Work
from nobs_bot.streams.address import StreamAddress, parse_address
from nobs_bot.streams.check import CheckReport
from nobs_bot.streams.comparison import Comparison
from nobs_bot.streams.report import Failure, Finding, Verdict
from nobs_bot.streams.turning import compare
from tests.cast import House

ADDRESS = parse_address("rtsp://192.0.2.7/stream").with_credentials("u", "benar-rahasia")
# small stills, since the town round them is drawn for each
SIZE = (640, 360)
ENROLLED, TURNED, NUDGED_BY_5, BEHIND = (
    jpeg(view(31, 100 + by, size=SIZE)) for by in (0, 30, 5, 180)
)
GOOD = CheckReport(Verdict.GOOD, still=ENROLLED)
MOVED = CheckReport(Verdict.GOOD, still=TURNED)
NUDGED = CheckReport(Verdict.GOOD, still=NUDGED_BY_5)
AWAY = CheckReport(Verdict.GOOD, still=BEHIND)
COVERED = CheckReport(Verdict.POOR, findings=(Finding.COVERED,), still=ENROLLED)
BLACK = CheckReport(Verdict.POOR, findings=(Finding.BLACK,), still=ENROLLED)
DEAD = CheckReport(Verdict.FAILED, failure=Failure.NO_ANSWER)


class Checker:
    """A camera that shows what the test says."""

    def __init__(self, report: CheckReport) -> None:
        self.report = report

    async def check(self, address: StreamAddress, on_stage: object = None) -> CheckReport:
        assert address == ADDRESS
        return self.report


async def in_place(before: bytes, after: bytes, width_deg: float) -> Comparison:
    return compare(before, after, width_deg)


async def sharing(house: House) -> int:
    """A camera that shares stills and was enrolled with one."""
    camera_id = await house.approved("Sari")
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        camera.share_stills = True
        set_stream(work, camera, ADDRESS)
    await checked(house, GOOD)
    async with house.office.look() as work:
        assert (await house.camera(work, camera_id)).reference_check_id is not None
    return camera_id


async def checked(house: House, report: CheckReport) -> None:
    """The calendar asks for a check, and this is what it finds."""
    house.clock.advance(timedelta(days=7, minutes=1))
    async with house.office.work() as work:
        assert await ask_regular_checks(work) == 1
        assert await ask_regular_checks(work) == 0
    await looked_at(house, report)


async def looked_at(house: House, report: CheckReport) -> None:
    """The check that waits finds this."""

    async def then(check: Check, seen: CheckReport):  # type: ignore[no-untyped-def]
        drift = await drift_of(house.office, house.files, in_place, check, seen)

        async def keep(work: Work, camera: Camera, current: Check) -> None:
            await note_drift(work, camera, current, drift)

        return keep

    async with house.office.work() as work:
        [check] = await claim_checks(work, 4)
    await run_check(house.office, house.files, Checker(report), check, then)


async def drift(house: House, camera_id: int) -> Drift | None:
    async with house.office.look() as work:
        return (await house.camera(work, camera_id)).drift


@pytest.mark.parametrize(
    ("report", "found", "words"),
    [
        (MOVED, Drift.MOVED, "tampak bergeser"),
        (AWAY, Drift.MOVED, "tampak bergeser"),
        (COVERED, Drift.COVERED, "tertutup"),
        (BLACK, Drift.COVERED, "tertutup"),
        (DEAD, Drift.DEAD, "tidak menjawab"),
        (GOOD, None, ""),
        (NUDGED, None, ""),
    ],
)
async def test_what_a_regular_check_finds_is_asked_of_the_owner(
    house: House, report: CheckReport, found: Drift | None, words: str
) -> None:
    camera_id = await sharing(house)
    told = len(await house.told("Sari"))
    await checked(house, report)
    assert await drift(house, camera_id) is found
    messages = (await house.messages("Sari"))[told:]
    assert len(messages) == (1 if found else 0)
    if found:
        assert words in messages[0].text
        assert len(messages[0].pictures) == (1 if found is Drift.DEAD else 2)
    assert await house.told("Wayan") == []


async def test_a_camera_that_pans_has_not_moved(house: House) -> None:
    camera_id = await sharing(house)
    async with house.office.work() as work:
        (await house.camera(work, camera_id)).other_headings = [270.0]
    await checked(house, AWAY)
    assert await drift(house, camera_id) is None
    await checked(house, COVERED)
    assert await drift(house, camera_id) is Drift.COVERED


async def test_by_night_a_black_picture_is_the_night(house: House) -> None:
    camera_id = await sharing(house)
    house.clock.advance(timedelta(hours=13))
    await checked(house, BLACK)
    assert await drift(house, camera_id) is None
    async with house.office.look() as work:
        assert (await house.camera(work, camera_id)).sees_at_night is False
    await checked(house, GOOD)
    async with house.office.look() as work:
        assert (await house.camera(work, camera_id)).sees_at_night is True


async def test_the_owner_is_asked_once_and_the_officer_after_three_days(house: House) -> None:
    camera_id = await sharing(house)
    await checked(house, MOVED)
    asked = len(await house.told("Sari"))
    async with house.office.work() as work:
        assert await tell_officers(work) == 0
    house.clock.advance(timedelta(days=3, minutes=1))
    async with house.office.work() as work:
        assert await tell_officers(work) == 1
        assert await tell_officers(work) == 0
    assert "tampak bergeser sejak" in (await house.told("Wayan"))[-1]
    await checked(house, AWAY)
    assert len(await house.told("Sari")) == asked
    await checked(house, GOOD)
    assert await drift(house, camera_id) is None


async def test_a_camera_put_right_in_time_troubles_no_officer(house: House) -> None:
    await sharing(house)
    await checked(house, MOVED)
    house.clock.advance(timedelta(days=1))
    await checked(house, GOOD)
    async with house.office.work() as work:
        assert await tell_officers(work) == 0


async def test_only_cameras_that_share_stills_and_take_part_are_looked_at(house: House) -> None:
    camera_id = await sharing(house)
    house.clock.advance(timedelta(days=8))
    for change in ({"share_stills": False}, {"share_stills": True, "paused_at": house.clock.now()}):
        async with house.office.work() as work:
            camera = await house.camera(work, camera_id)
            for name, value in change.items():
                setattr(camera, name, value)
        async with house.office.work() as work:
            assert await ask_regular_checks(work) == 0


async def test_an_owner_who_put_it_right_asks_for_a_check_and_all_is_well(house: House) -> None:
    camera_id = await sharing(house)
    await checked(house, MOVED)
    async with house.office.work() as work:
        await ask_check(work, await house.camera(work, camera_id), tell_owner=True)
    await looked_at(house, GOOD)
    assert await drift(house, camera_id) is None
    house.clock.advance(timedelta(days=4))
    async with house.office.work() as work:
        assert await tell_officers(work) == 0


async def test_a_check_that_the_owner_asked_for_finds_no_drift(house: House) -> None:
    camera_id = await sharing(house)
    async with house.office.work() as work:
        await ask_check(work, await house.camera(work, camera_id), tell_owner=True)
    await looked_at(house, MOVED)
    assert await drift(house, camera_id) is None


async def test_killed_before_a_row_names_it_a_still_goes_by_itself(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera_id = await sharing(house)
    folder = tmp_path / "files" / "stills" / str(camera_id)
    before = {each.name for each in folder.iterdir()}

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(checks, "_finish", killed)
        with pytest.raises(asyncio.CancelledError):
            await checked(house, GOOD)
    house.clock.advance(timedelta(minutes=1))
    await looked_at(house, GOOD)
    assert len(list(folder.iterdir())) == len(before) + 2
    house.clock.advance(timedelta(days=2))
    assert await remove_doomed(house.office, house.files) == 1
    async with house.office.look() as work:
        last = await checks.last_check(work, await house.camera(work, camera_id))
    assert last is not None
    assert last.still_name is not None
    kept = {Path(last.still_name).name}
    assert {each.name for each in folder.iterdir()} == before | kept
