"""Stored clips are read again on a schedule, and what changed is found and told."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

from sqlalchemy import select

from nobs_bot.footage.request import Clip, ClipState
from nobs_bot.footage.verifying import EVERY, first_check_at, verify_clips
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, MONDAY, House
from tests.footage.recordings import asked, clip_of, noise, send_clip, three_clips, video


async def verify_all(house: House) -> int:
    count = 0
    while await verify_clips(house.office, house.files):
        count += 1
    return count


def flip(house: House, name: str, at: int = 5000) -> None:
    assert house.files._folder is not None
    path = house.files._folder / name
    sealed = bytearray(path.read_bytes())
    sealed[at] ^= 0x20
    path.write_bytes(sealed)


async def damage_lines(house: House) -> list[AuditLine]:
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.CLIP_DAMAGED)
        return list((await work.session.execute(query)).scalars())


async def test_every_clip_is_read_again_within_30_days_and_then_every_30(
    any_house: House,
) -> None:
    await three_clips(any_house)
    assert await verify_all(any_house) == 0
    any_house.clock.advance(EVERY + timedelta(seconds=1))
    assert await verify_all(any_house) == 3
    assert await verify_all(any_house) == 0
    async with any_house.office.look() as work:
        for clip in (await work.session.execute(select(Clip))).scalars():
            assert (clip.verified_at, clip.damaged_at) == (any_house.clock.now(), None)
            assert clip.due_at == any_house.clock.now() + EVERY
    any_house.clock.advance(EVERY)
    assert await verify_all(any_house) == 3
    assert await damage_lines(any_house) == []


async def test_a_flipped_byte_is_found_recorded_and_told(any_house: House) -> None:
    async with any_house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    request_id = await asked(any_house, "Sari")
    good = await send_clip(any_house, request_id, video())
    bad = await clip_of(any_house, await send_clip(any_house, request_id, noise(2_000_000)))
    assert bad.file_name is not None
    flip(any_house, bad.file_name, at=1_500_000)
    any_house.clock.advance(EVERY + timedelta(seconds=1))
    assert await verify_all(any_house) == 2
    assert (await clip_of(any_house, good)).damaged_at is None
    assert (await clip_of(any_house, bad.id)).damaged_at == any_house.clock.now()
    [line] = await damage_lines(any_house)
    assert (line.owner_id, line.actor_id) == (any_house.ids["Sari"], None)
    for name in ("Kartika", "Rahmat"):
        told = (await any_house.told(name))[-1]
        assert "rusak di penyimpanan" in told
        assert bad.sha256 is not None
        assert bad.sha256 in told
    assert not any("rusak" in text for text in await any_house.told("Citra"))


async def test_damage_is_told_once_and_a_restored_file_is_whole_again(house: House) -> None:
    request_id = await asked(house, "Sari")
    clip = await clip_of(house, await send_clip(house, request_id, noise(9000)))
    assert clip.file_name is not None
    flip(house, clip.file_name)
    for _ in range(2):
        house.clock.advance(EVERY + timedelta(seconds=1))
        await verify_all(house)
    assert len(await damage_lines(house)) == 1
    assert sum("rusak di penyimpanan" in text for text in await house.told("Rahmat")) == 1
    flip(house, clip.file_name)
    house.clock.advance(EVERY + timedelta(seconds=1))
    await verify_all(house)
    clip = await clip_of(house, clip.id)
    assert (clip.damaged_at, clip.verified_at) == (None, house.clock.now())


async def test_a_file_that_is_gone_and_one_that_was_exchanged_are_damage(house: House) -> None:
    request_id = await asked(house, "Sari")
    gone = await clip_of(house, await send_clip(house, request_id, noise(9000)))
    other = await clip_of(house, await send_clip(house, request_id, noise(9000, seed=2)))
    third = await clip_of(house, await send_clip(house, request_id, noise(9000, seed=3)))
    root = house.files._folder
    assert root is not None
    assert gone.file_name
    assert other.file_name
    assert third.file_name
    (root / gone.file_name).unlink()
    (root / other.file_name).write_bytes((root / third.file_name).read_bytes())
    house.clock.advance(EVERY + timedelta(seconds=1))
    await verify_all(house)
    damaged = [await clip_of(house, each.id) for each in (gone, other, third)]
    assert [clip.damaged_at is not None for clip in damaged] == [True, True, False]


async def test_content_that_is_sealed_well_but_is_not_what_was_sent_is_damage(
    house: House,
) -> None:
    request_id = await asked(house, "Sari")
    clip = await clip_of(house, await send_clip(house, request_id, noise(9000)))
    async with house.office.work() as work:
        await house.files.put("evidence/forged", b"forged")
        (await work.session.merge(clip)).file_name = "evidence/forged"
    house.clock.advance(EVERY + timedelta(seconds=1))
    await verify_all(house)
    assert (await clip_of(house, clip.id)).damaged_at is not None


async def test_a_clip_of_an_older_version_gets_its_blocks(house: House) -> None:
    request_id = await asked(house, "Sari")
    clip = await clip_of(house, await send_clip(house, request_id, noise(9000)))
    async with house.office.work() as work:
        await house.files.put("evidence/1/2-1", noise(9000))
        row = await work.session.merge(clip)
        row.file_name, row.blocks, row.crc32, row.due_at = "evidence/1/2-1", None, None, MONDAY
    assert await verify_all(house) == 1
    again = await clip_of(house, clip.id)
    assert (again.blocks, again.crc32) == (clip.blocks, clip.crc32)


async def test_one_that_was_erased_while_it_was_read_stays_erased(house: House) -> None:
    request_id = await asked(house, "Sari")
    clip_id = await send_clip(house, request_id, noise(9000))
    house.clock.advance(EVERY + timedelta(seconds=1))
    real = house.files.stream

    async def erased_meanwhile(name: str):  # type: ignore[no-untyped-def]
        async with house.office.work() as work:
            clip = await work.session.get(Clip, clip_id)
            assert clip is not None
            clip.state, clip.file_name, clip.due_at = ClipState.ERASED, None, None
        async for chunk in real(name):
            yield chunk

    house.files.stream = erased_meanwhile  # type: ignore[method-assign]
    await verify_all(house)
    clip = await clip_of(house, clip_id)
    assert (clip.state, clip.due_at, clip.verified_at) == (ClipState.ERASED, None, None)


def test_checks_are_spread_over_the_period() -> None:
    # an id each second, as `new_id` makes them
    chance = Random(7)
    ids = [second * 1000 << 22 | chance.getrandbits(21) for second in range(3000)]
    days = Counter((first_check_at(MONDAY, each) - MONDAY).days for each in ids)
    assert set(days) <= set(range(31))
    assert all(40 < days[day] < 180 for day in range(30))
