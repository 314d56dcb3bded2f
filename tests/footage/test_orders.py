"""Copies for viewing, exports into the chat, and one-time links, each with its right looked at."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from sqlalchemy import select

from nobs_bot.errors import Refusal
from nobs_bot.footage import orders
from nobs_bot.footage.clips import wanted_files
from nobs_bot.footage.copying import burn_in
from nobs_bot.footage.exits import forget_links, make_link, use_link
from nobs_bot.footage.handover import EvidenceOrder, ExportLink
from nobs_bot.footage.orders import carry_out, order_copy, order_export
from nobs_bot.footage.request import request_for
from nobs_bot.footage.verify import verify
from nobs_bot.footage.viewing import CannotCopy, make_copy
from nobs_bot.people.roles import grants_of
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.doomed import remove_doomed
from tests.cast import House
from tests.footage.recordings import asked, clip_of, noise, send_clip, three_clips, video
from tests.footage.test_verifying import flip, verify_all


async def with_clip(house: House, content: bytes | None = None) -> tuple[int, int]:
    request_id = await asked(house, "Sari")
    return request_id, await send_clip(house, request_id, content or video())


async def want_copy(house: House, clip_id: int, name: str = "Rahmat") -> bool:
    async with house.acting(name) as (work, officer):
        return await order_copy(work, clip_id, officer)


async def want_export(house: House, request_id: int, name: str = "Rahmat") -> bool:
    async with house.acting(name) as (work, officer):
        request = await request_for(work, request_id, officer)
        return await order_export(work, request, officer)


async def done(house: House) -> int:
    return await carry_out(house.office, house.files, house.looker)


async def opened(house: House) -> list[dict[str, Any]]:
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.CLIP_OPENED)
        lines = (await work.session.execute(query)).scalars().all()
        return [line.read_details(work) for line in lines]


async def end_roles(house: House, name: str) -> None:
    async with house.acting(name) as (work, officer):
        for grant in await grants_of(work, officer.id):
            grant.ended_at = work.now


# copies


async def test_a_copy_is_made_sealed_sent_and_recorded(any_house: House) -> None:
    _, clip_id = await with_clip(any_house, video(size=(1920, 1080), seconds=3))
    assert await want_copy(any_house, clip_id)
    assert not await want_copy(any_house, clip_id)
    assert await opened(any_house) == []
    assert await done(any_house) == 1
    clip = await clip_of(any_house, clip_id)
    assert clip.viewing_name is not None
    assert clip.viewing_name != clip.file_name
    message = (await any_house.messages("Rahmat"))[-1]
    assert (message.document, message.pictures[0].name) == (
        "R-1001-SALINAN-COPY.mp4",
        clip.viewing_name,
    )
    assert "bukan" in message.text
    copy = await any_house.files.get(clip.viewing_name)
    with av.open(io.BytesIO(copy)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1280, 720)
        assert abs(container.duration / av.time_base - 3) < 0.3
        assert not container.streams.audio
        picture = next(container.decode(video=0)).to_ndarray(format="gray")
    # white words on a dark band
    assert (picture[:34, 8:260] > 180).sum() > 300
    assert (picture[:34] < 60).mean() > 0.9
    assert [each["opened"] for each in await opened(any_house)] == ["copy"]
    any_house.clock.advance(timedelta(days=2))
    await remove_doomed(any_house.office, any_house.files, wanted_files)
    assert await any_house.files.exists(clip.viewing_name)


async def test_a_second_tap_later_sends_the_same_copy(house: House) -> None:
    _, clip_id = await with_clip(house)
    for _ in range(2):
        assert await want_copy(house, clip_id)
        await done(house)
    names = {message.pictures[0].name for message in (await house.messages("Rahmat"))[-2:]}
    assert len(names) == 1
    assert len(await opened(house)) == 2


@pytest.mark.parametrize("name", ["Citra", "Dewi", "Wayan", "Sari", "Budi"])
async def test_nobody_else_gets_a_copy(house: House, name: str) -> None:
    _, clip_id = await with_clip(house)
    with pytest.raises(Refusal, match=r"request\.not_yours"):
        await want_copy(house, clip_id, name)


@pytest.mark.parametrize("content", [noise(5000), b"DHAV" + noise(900)])
async def test_what_does_not_play_has_no_copy(house: House, content: bytes) -> None:
    _, clip_id = await with_clip(house, content)
    with pytest.raises(Refusal, match=r"evidence\.copy_cannot"):
        await want_copy(house, clip_id)


async def test_a_role_that_ends_while_the_copy_is_made_gets_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, clip_id = await with_clip(house)
    await want_copy(house, clip_id)
    real = orders.make_copy

    async def slow(*arguments: Any) -> Any:
        made = await real(*arguments)
        await end_roles(house, "Rahmat")
        return made

    monkeypatch.setattr(orders, "make_copy", slow)
    await done(house)
    assert not any(message.document for message in await house.messages("Rahmat"))
    assert await opened(house) == []
    clip = await clip_of(house, clip_id)
    assert clip.viewing_name is None
    house.clock.advance(timedelta(days=2))
    await remove_doomed(house.office, house.files, wanted_files)
    root = house.files._folder
    assert root is not None
    assert [each for each in (root / "viewing").rglob("*") if each.is_file()] == []


async def test_an_original_that_was_changed_is_told_and_read_again(house: House) -> None:
    _, clip_id = await with_clip(house)
    await want_copy(house, clip_id)
    clip = await clip_of(house, clip_id)
    assert clip.file_name is not None
    flip(house, clip.file_name, at=500)
    await done(house)
    assert "tidak terbaca" in (await house.told("Rahmat"))[-1]
    assert await verify_all(house) == 1
    assert (await clip_of(house, clip_id)).damaged_at is not None


async def test_a_broken_order_goes_again_and_ends_with_a_word(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, clip_id = await with_clip(house)
    await want_copy(house, clip_id)

    async def breaks(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(orders, "make_copy", breaks)
    for _ in range(3):
        await done(house)
        house.clock.advance(timedelta(minutes=1))
    assert "Coba lagi nanti" in (await house.told("Rahmat"))[-1]
    assert await done(house) == 0


async def test_a_killed_order_is_carried_out_by_another(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id, _ = await with_clip(house)
    await want_export(house, request_id)

    class Killed(BaseException):
        pass

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(orders, "tell", dies)
        with pytest.raises(Killed):
            await done(house)
    assert await done(house) == 0
    house.clock.advance(timedelta(minutes=6))
    assert await done(house) == 1
    assert sum(bool(message.document) for message in await house.messages("Rahmat")) == 1


async def test_a_copy_that_is_too_long_holds_the_beginning(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nobs_bot.footage.viewing.LONGEST_S", 1.0)
    _, clip_id = await with_clip(house, video(seconds=4))
    await want_copy(house, clip_id)
    await done(house)
    assert "hanya memuat bagian awalnya" in (await house.told("Rahmat"))[-1]


async def test_nothing_to_be_seen_is_no_copy(house: House) -> None:
    await house.files.put("clip", noise(100_000))
    with pytest.raises(CannotCopy):
        await make_copy(house.looker, house.files, "clip", "viewing/1", "R-1001")


@pytest.mark.parametrize(("width", "height"), [(16, 16), (64, 48), (1280, 720), (406, 720)])
def test_words_are_burnt_into_pictures_of_every_size(width: int, height: int) -> None:
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    burn_in(picture, height, "SALINAN / COPY  R-1042")
    assert picture[:height].max() > 128
    assert picture[height // 2 : height].max() == 128


# exports into the chat


async def test_an_export_comes_as_a_file_that_verifies(house: House, tmp_path: Path) -> None:
    request_id, _ = await three_clips(house)
    assert await want_export(house, request_id)
    assert not await want_export(house, request_id)
    await done(house)
    message = (await house.messages("Rahmat"))[-1]
    assert message.document is not None
    assert message.document.startswith("R-1001-")
    path = tmp_path / message.document
    path.write_bytes(await house.files.get(message.pictures[0].name))
    verdict = verify(path)
    assert (verdict.is_well, verdict.files, verdict.request) == (True, 8, "R-1001")
    # what was sent is not kept
    house.clock.advance(timedelta(days=4))
    await remove_doomed(house.office, house.files, wanted_files)
    assert not await house.files.exists(message.pictures[0].name)


async def test_a_role_that_ended_before_the_export_gets_none(house: House) -> None:
    request_id, _ = await with_clip(house)
    await want_export(house, request_id)
    await end_roles(house, "Rahmat")
    await done(house)
    assert not any(message.document for message in await house.messages("Rahmat"))
    async with house.office.look() as work:
        assert (await work.session.execute(select(EvidenceOrder))).first() is None


# links


async def link(house: House, request_id: int, name: str = "Rahmat") -> str:
    async with house.acting(name) as (work, officer):
        request = await request_for(work, request_id, officer)
        url = make_link(work, request, officer)
        assert url is not None
        base, _, token = url.rpartition("/")
        assert base == "https://cctv.example/evidence"
        return token


@pytest.fixture
def paged(house: House) -> House:
    house.office.settings.console_url = "https://cctv.example"
    return house


async def used(house: House, token: str) -> int:
    async with house.office.work() as work:
        return (await use_link(work, token)).request_id


async def test_a_link_is_good_once(paged: House) -> None:
    request_id, _ = await with_clip(paged)
    token = await link(paged, request_id)
    assert await used(paged, token) == request_id
    with pytest.raises(Refusal, match=r"evidence\.link_over"):
        await used(paged, token)


async def test_of_two_who_use_a_link_at_once_one_gets_through(paged: House) -> None:
    request_id, _ = await with_clip(paged)
    token = await link(paged, request_id)
    both = await asyncio.gather(used(paged, token), used(paged, token), return_exceptions=True)
    assert sorted(isinstance(each, Refusal) for each in both) == [False, True]


async def test_a_link_is_over_after_ten_minutes(paged: House) -> None:
    request_id, _ = await with_clip(paged)
    token = await link(paged, request_id)
    paged.clock.advance(timedelta(minutes=10))
    with pytest.raises(Refusal, match=r"evidence\.link_over"):
        await used(paged, token)
    async with paged.office.work() as work:
        await forget_links(work)
    async with paged.office.look() as work:
        assert (await work.session.execute(select(ExportLink))).first() is None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ä" * 43, "A" * 10_000])
async def test_a_forged_link_leads_nowhere(paged: House, token: str) -> None:
    with pytest.raises(Refusal, match=r"evidence\.link_over"):
        await used(paged, token)


async def test_a_role_that_ended_between_link_and_use_gets_nothing(paged: House) -> None:
    request_id, _ = await with_clip(paged)
    token = await link(paged, request_id)
    await end_roles(paged, "Rahmat")
    with pytest.raises(Refusal, match=r"request\.not_yours"):
        await used(paged, token)


async def test_of_the_token_only_a_keyed_digest_is_kept(paged: House) -> None:
    request_id, _ = await with_clip(paged)
    token = await link(paged, request_id)
    async with paged.office.look() as work:
        row = (await work.session.execute(select(ExportLink))).scalar_one()
        assert row.token_index == paged.office.vault.blind_index("export_links.token", token)
        assert token not in str(row.as_row())


async def test_without_pages_there_is_no_link(house: House) -> None:
    request_id, _ = await with_clip(house)
    async with house.acting("Rahmat") as (work, officer):
        request = await request_for(work, request_id, officer)
        assert make_link(work, request, officer) is None
