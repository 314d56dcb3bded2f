"""Removing files that several rows may refer to, and such as were only about to be written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.storage.doomed import (
    UNCLAIMED_FOR,
    DoomedFile,
    doom,
    doom_unless_kept,
    is_being_removed,
    keep,
    remove_doomed,
)
from nobs_bot.storage.leases import claim
from nobs_bot.storage.work import Work
from tests.cast import House

NAME = "evidence/ab/abcd"


async def wants_it(work: Work, names: Collection[str]) -> set[str]:
    return {NAME} & set(names)


async def lines(house: House) -> list[str]:
    async with house.office.look() as work:
        return list((await work.session.execute(select(DoomedFile.name))).scalars())


async def test_one_that_a_row_still_wants_stays(any_house: House) -> None:
    await any_house.files.put(NAME, b"clip")
    async with any_house.office.work() as work:
        doom(work, NAME)
        doom(work, "photos/1")
    assert await remove_doomed(any_house.office, any_house.files, wants_it) == 1
    assert await any_house.files.exists(NAME)
    assert await lines(any_house) == []


async def test_what_nobody_kept_goes_after_a_day(any_house: House) -> None:
    async with any_house.office.work() as work:
        doom_unless_kept(work, NAME)
    await any_house.files.put(NAME, b"half")
    any_house.clock.advance(UNCLAIMED_FOR - timedelta(minutes=1))
    assert await remove_doomed(any_house.office, any_house.files) == 0
    any_house.clock.advance(timedelta(minutes=2))
    assert await remove_doomed(any_house.office, any_house.files) == 1
    assert not await any_house.files.exists(NAME)


async def test_what_was_kept_stays(any_house: House) -> None:
    async with any_house.office.work() as work:
        doomed = doom_unless_kept(work, NAME)
    await any_house.files.put(NAME, b"clip")
    async with any_house.office.work() as work:
        await keep(work, doomed)
    any_house.clock.advance(timedelta(days=2))
    assert await remove_doomed(any_house.office, any_house.files) == 0
    assert await any_house.files.exists(NAME)


async def test_one_that_somebody_is_about_to_write_again_stays(any_house: House) -> None:
    await any_house.files.put(NAME, b"clip")
    async with any_house.office.work() as work:
        doom(work, NAME)
        doom_unless_kept(work, NAME)
    assert await remove_doomed(any_house.office, any_house.files) == 0
    assert await any_house.files.exists(NAME)
    # whoever was about to did not come, so it goes by their line
    any_house.clock.advance(timedelta(days=2))
    assert await remove_doomed(any_house.office, any_house.files) == 1
    assert not await any_house.files.exists(NAME)


async def test_a_writer_sees_that_somebody_is_removing(any_house: House) -> None:
    async with any_house.office.work() as work:
        doom(work, NAME)
        await work.session.flush()
        assert not await is_being_removed(work, NAME)
    async with any_house.office.work() as work:
        await claim(work, DoomedFile, lease=timedelta(minutes=5), limit=9)
    async with any_house.office.work() as work:
        assert await is_being_removed(work, NAME)
        assert not await is_being_removed(work, "evidence/cd/cdef")


async def test_two_lines_of_one_file_are_one_removal(any_house: House) -> None:
    await any_house.files.put(NAME, b"clip")
    async with any_house.office.work() as work:
        doom(work, NAME)
        doom(work, NAME)
    assert await remove_doomed(any_house.office, any_house.files) == 2
    assert (await any_house.files.exists(NAME), await lines(any_house)) == (False, [])
