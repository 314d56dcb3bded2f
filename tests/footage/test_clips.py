"""Taking clips over: byte for byte, once, and nothing left behind wherever it is killed."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any
from zlib import crc32

import pytest
from sqlalchemy import select

from nobs_bot.errors import Refusal
from nobs_bot.footage import clips
from nobs_bot.footage.clips import fetch_clips, open_clip, wanted_files
from nobs_bot.footage.news import tell_news
from nobs_bot.footage.receipts import receipt_name, receipt_now
from nobs_bot.footage.request import Clip, ClipKind, ClipState, Erasure
from nobs_bot.storage.audit import Act, AuditLine, lines_about
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import DoomedFile, doom, remove_doomed
from nobs_bot.storage.files import FileStore, Taken
from nobs_bot.storage.leases import claim
from tests.cast import House
from tests.footage.recordings import Handed, asked, clip_of, noise, send_clip, video
from tests.footage.test_formats import ARCHIVES, DOCUMENTS, PROGRAMS
from tests.footage.test_look import mpeg2


def stored_files(house: House) -> list[str]:
    root = house.files._folder
    assert root is not None
    return sorted(str(each.relative_to(root)) for each in root.rglob("*") if each.is_file())


async def tidy(house: House) -> None:
    """All that is due for removal within two days."""
    house.clock.advance(timedelta(days=2))
    while await remove_doomed(house.office, house.files, wanted_files):
        pass


async def doomed_lines(house: House) -> list[str]:
    async with house.office.look() as work:
        return list((await work.session.execute(select(DoomedFile.name))).scalars())


async def test_a_clip_is_stored_by_its_content_with_its_digests(any_house: House) -> None:
    request_id = await asked(any_house, "Sari")
    content = video()
    clip = await clip_of(any_house, await send_clip(any_house, request_id, content))
    assert (clip.state, clip.kind) == (ClipState.STORED, ClipKind.VIDEO)
    assert (clip.sha256, clip.crc32) == (sha256(content).hexdigest(), crc32(content))
    assert clip.file_name == any_house.files.name_of(sha256(content).hexdigest())
    assert clip.looked is not None
    assert (clip.looked["width"], clip.looked["duration_ms"]) == (320, 2000)
    assert clip.blocks is not None
    assert len(clip.blocks) == 36
    assert await any_house.files.get(clip.file_name) == content
    assert stored_files(any_house) == [clip.file_name]
    assert await doomed_lines(any_house) == []


async def test_the_receipt_comes_after_the_look_and_has_its_button(house: House) -> None:
    request_id = await asked(house, "Sari")
    clip_id = await send_clip(house, request_id, b"DHAV" + noise(9999), name="kamera <1>.dav")
    receipt = (await house.messages("Sari"))[-1]
    assert "format khusus dari pabrik perekam" in receipt.text
    assert "kamera &lt;1&gt;.dav" in receipt.text
    assert [row[0].payload for row in receipt.keyboard][-1] == f"evd.receipt:{clip_id}"
    house.clock.advance(timedelta(minutes=1))
    await tell_news(house.office)
    assert "format khusus dari pabrik perekam" in (await house.told("Rahmat"))[-1]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (video("mpegts"), ClipKind.VIDEO),
        (mpeg2(), ClipKind.VIDEO),
        (b"IMKH" + noise(500), ClipKind.PROPRIETARY),
        (noise(5000), ClipKind.UNKNOWN),
        (video()[:2000], ClipKind.UNKNOWN),
    ],
)
async def test_whatever_is_footage_is_kept_as_it_is(
    house: House, content: bytes, kind: ClipKind
) -> None:
    request_id = await asked(house, "Sari")
    clip = await clip_of(house, await send_clip(house, request_id, content, name="x.exe"))
    assert (clip.state, clip.kind) == (ClipState.STORED, kind)
    assert clip.file_name is not None
    assert await house.files.get(clip.file_name) == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ARCHIVES["zip"], "adalah arsip"),
        (ARCHIVES["iso"], "adalah arsip"),
        (PROGRAMS["exe"], "adalah program"),
        (PROGRAMS["script"], "adalah program"),
        (DOCUMENTS["pdf"], "adalah dokumen"),
        (DOCUMENTS["docx"], "adalah dokumen"),
        (b"", "kosong"),
    ],
)
async def test_what_is_no_footage_is_refused_kindly_and_nothing_of_it_stays(
    house: House, content: bytes, words: str
) -> None:
    request_id = await asked(house, "Sari")
    clip = await clip_of(house, await send_clip(house, request_id, content, name="kamera.mp4"))
    assert (clip.state, clip.file_name, clip.sha256) == (ClipState.REFUSED, None, None)
    assert words in (await house.told("Sari"))[-1]
    async with house.office.look() as work:
        [newest, *_] = await lines_about(work, house.ids["Sari"])
        assert (newest.act, newest.actor_id) == (Act.CLIP_REFUSED, None)
    await tidy(house)
    assert stored_files(house) == []
    async with house.acting("Rahmat") as (work, rahmat):
        with pytest.raises(Refusal, match=r"clip\.not_there_yet"):
            await open_clip(work, clip.id, rahmat)


async def test_the_same_bytes_of_two_owners_are_one_file_until_both_let_go(
    any_house: House,
) -> None:
    request_id = await asked(any_house, "Sari", "Budi")
    content = video()
    one = await clip_of(any_house, await send_clip(any_house, request_id, content))
    two = await clip_of(any_house, await send_clip(any_house, request_id, content, owner="Budi"))
    assert one.file_name == two.file_name
    assert len(stored_files(any_house)) == 1
    await let_go(any_house, one.id)
    await tidy(any_house)
    assert two.file_name is not None
    assert await any_house.files.get(two.file_name) == content
    await let_go(any_house, two.id)
    await tidy(any_house)
    assert stored_files(any_house) == []
    assert await doomed_lines(any_house) == []


async def let_go(house: House, clip_id: int) -> None:
    async with house.office.work() as work:
        clip = await work.session.get(Clip, clip_id)
        assert clip is not None
        doom(work, clip.file_name)
        clip.state, clip.file_name, clip.erased_at = ClipState.ERASED, None, work.now
        erasure = Erasure(
            id=new_id(),
            at=work.now,
            request_id=clip.request_id,
            clip_id=clip.id,
            reason="of no case",
        )
        work.session.add(erasure)


async def test_content_that_is_being_removed_is_taken_again_afterwards(house: House) -> None:
    request_id = await asked(house, "Sari", "Budi")
    content = video()
    one = await clip_of(house, await send_clip(house, request_id, content))
    await let_go(house, one.id)
    async with house.office.work() as work:
        rows = await claim(work, DoomedFile, lease=timedelta(minutes=5), limit=9)
    # the remover is between its look and its deletion
    two = await clip_of(house, await send_clip(house, request_id, content, owner="Budi"))
    assert two.state is ClipState.WAITING
    for row in rows:
        await house.files.delete(row.name)
    async with house.office.work() as work:
        for row in rows:
            await work.session.delete(await work.session.merge(row))
    house.clock.advance(timedelta(seconds=11))
    telegram = Handed(**{(await source(house, two))["file_id"]: content})
    assert await fetch_clips(house.office, house.files, telegram, house.looker) == 1
    two = await clip_of(house, two.id)
    assert two.state is ClipState.STORED
    await tidy(house)
    assert two.file_name is not None
    assert await house.files.get(two.file_name) == content


async def source(house: House, clip: Clip) -> dict[str, Any]:
    async with house.office.look() as work:
        return clips.source_of(work, clip)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", ["take", "place_for", "settle", "settled", "look", "keep"])
async def test_killed_anywhere_nothing_is_lost_and_nothing_stays_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    request_id = await asked(house, "Sari")
    content = video() + noise(2_000_000)
    real_settle = FileStore.settle

    async def dies(*_: object) -> None:
        raise Killed

    async def settles_and_dies(store: FileStore, taken: Taken, place: str) -> None:
        await real_settle(store, taken, place)
        raise Killed

    with monkeypatch.context() as patched:
        if at == "look":
            patched.setattr(type(house.looker), "look", dies)
        elif at == "keep":
            patched.setattr(clips, "_keep", dies)
        elif at == "settled":
            patched.setattr(FileStore, "settle", settles_and_dies)
        else:
            patched.setattr(FileStore, at, dies)
        with pytest.raises(Killed):
            await send_clip(house, request_id, content)
    async with house.office.look() as work:
        waiting: Clip = (await work.session.execute(select(Clip))).scalar_one()
        assert waiting.state is ClipState.WAITING
    assert not any("Tanda terima" in text for text in await house.told("Sari"))
    # its lease runs out, and another process takes it up
    house.clock.advance(timedelta(minutes=6))
    telegram = Handed(**{(await source(house, waiting))["file_id"]: content})
    assert await fetch_clips(house.office, house.files, telegram, house.looker) == 1
    clip = await clip_of(house, waiting.id)
    assert clip.file_name is not None
    assert await house.files.get(clip.file_name) == content
    assert sum("Tanda terima" in text for text in await house.told("Sari")) == 1
    await tidy(house)
    assert stored_files(house) == [clip.file_name]
    assert await house.files.get(clip.file_name) == content


async def test_one_that_never_comes_back_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = await asked(house, "Sari")

    async def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(clips, "_keep", dies)
        with pytest.raises(Killed):
            await send_clip(house, request_id, video())
    assert len(stored_files(house)) == 1
    await tidy(house)
    assert stored_files(house) == []


async def test_a_worker_that_comes_late_writes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = await asked(house, "Sari")
    content = video()
    real = type(house.looker).look

    async def slow(looker: Any, name: str) -> Any:
        # meanwhile the lease ran out and another took it up
        async with house.office.work() as work:
            clip = (await work.session.execute(select(Clip))).scalar_one()
            clip.attempts += 1
        return await real(looker, name)

    with monkeypatch.context() as patched:
        patched.setattr(type(house.looker), "look", slow)
        clip_id = await send_clip(house, request_id, content)
    assert (await clip_of(house, clip_id)).state is ClipState.WAITING
    assert not any("Tanda terima" in text for text in await house.told("Sari"))


# the receipt


async def receipt(house: House, clip_id: int, name: str = "Sari") -> str:
    async with house.acting(name) as (work, who):
        return await receipt_now(work, clip_id, who)


async def test_a_receipt_can_be_checked_at_any_time(house: House) -> None:
    request_id = await asked(house, "Sari")
    clip = await clip_of(house, await send_clip(house, request_id, video()))
    told = await receipt(house, clip.id)
    assert clip.sha256 is not None
    for part in (receipt_name(clip), clip.sha256, "R-1001", "disimpan utuh"):
        assert part in told
    async with house.office.work() as work:
        (await work.session.merge(clip)).verified_at = work.now
    assert "terakhir diperiksa Senin" in await receipt(house, clip.id)
    async with house.office.work() as work:
        (await work.session.merge(clip)).damaged_at = work.now
    assert "Penyimpanan kami bermasalah" in await receipt(house, clip.id)
    await let_go(house, clip.id)
    erased = await receipt(house, clip.id)
    assert "sudah dihapus" in erased
    assert "tidak diperlukan untuk suatu perkara" in erased


@pytest.mark.parametrize("name", ["Budi", "Rahmat", "Citra", "Kartika"])
async def test_a_receipt_is_its_owners_alone(house: House, name: str) -> None:
    request_id = await asked(house, "Sari")
    clip_id = await send_clip(house, request_id, video())
    with pytest.raises(Refusal, match=r"ask\.not_yours"):
        await receipt(house, clip_id, name)


async def test_receipts_numbers_are_told_apart(house: House) -> None:
    names = {receipt_name(Clip(id=new_id())) for _ in range(500)}
    assert len(names) == 500
    assert all(set(name[2:]) <= set("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") for name in names)


async def test_the_log_says_what_was_opened(house: House) -> None:
    request_id = await asked(house, "Sari")
    clip_id = await send_clip(house, request_id, video())
    async with house.acting("Rahmat") as (work, rahmat):
        await open_clip(work, clip_id, rahmat)
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.CLIP_OPENED)
        line = (await work.session.execute(query)).scalar_one()
        assert line.read_details(work)["opened"] == "original"
