"""Stickers: the sheet, the code, who may do what with them, and when they expire."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import select

from nobs_bot.cameras import rights, stickers
from nobs_bot.cameras.photos import Photo, fetch_photos, photo_count, photos_of, sticker_photo
from nobs_bot.cameras.record import State
from nobs_bot.cameras.sheets import SHEETS, Label, StickerSheet, draw, pages_of
from nobs_bot.cameras.sticker import LabelSize, Sticker, StickerState, code_of, read_code
from nobs_bot.cameras.stickers import Standing
from nobs_bot.cameras.wording import sheet_of
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import person
from nobs_bot.people.privacy import erase
from nobs_bot.people.roles import Role
from nobs_bot.storage.audit import Act, AuditLine, lines_about
from nobs_bot.storage.crypto import Vault, parse_keys
from nobs_bot.storage.doomed import DoomedFile
from nobs_bot.streams.codes import read_codes_in_child
from tests.cameras.test_photos import Telegram, picture
from tests.cast import KECAMATAN, KELURAHAN, OTHER_KECAMATAN, SHOP, House

_MM_PER_INCH = 25.4


def pictures_of(pdf: bytes, dpi: int = 150) -> Iterator[Image.Image]:
    """The pages as a printer would lay them on paper."""
    for page in pypdfium2.PdfDocument(pdf):
        yield page.render(scale=dpi / 72).to_pil().convert("RGB")


def codes_on(page: Image.Image) -> list[str]:
    """Every code on a page that a telephone can read."""
    pixels = cv2.cvtColor(np.asarray(page), cv2.COLOR_RGB2BGR)
    _, texts, _, _ = cv2.QRCodeDetectorAruco().detectAndDecodeMulti(pixels)
    return sorted(text for text in texts if text)


def sheet_with(size: LabelSize, count: int, **more: str) -> StickerSheet:
    labels = tuple(
        Label(
            name=f"K-{number}",
            code=f"{number}-1-K7QW3M2P",
            link=f"https://cctv.example.id/s/{number}-1-K7QW3M2P",
        )
        for number in range(1001, 1001 + count)
    )
    said = {"words": "CCTV ini terhubung dengan Polsek", "hint": "Pindai.", "contact": "110"}
    return StickerSheet(size=size, labels=labels, language="id", **{**said, **more})


# the sheet


@pytest.mark.parametrize("size", LabelSize)
def test_every_code_of_a_full_page_can_be_read(size: LabelSize) -> None:
    count = SHEETS[size].count + 1
    pages = list(pictures_of(draw(sheet_with(size, count))))
    assert len(pages) == pages_of(size, count) == 2
    read = [code for page in pages for code in codes_on(page)]
    assert read == [
        f"https://cctv.example.id/s/{number}-1-K7QW3M2P" for number in range(1001, 1001 + count)
    ]


@pytest.mark.parametrize("size", LabelSize)
def test_labels_lie_where_the_paper_is_cut(size: LabelSize) -> None:
    """Nothing is drawn between the labels, and the page is A4 to the millimetre."""
    form = SHEETS[size]
    [page] = pictures_of(draw(sheet_with(size, form.count)))
    per_mm = page.width / 210
    assert abs(page.height / per_mm - 297) < 0.5
    dark = np.asarray(page.convert("L")) < 120
    inside = np.zeros_like(dark)
    for at in range(form.count):
        left, top = form.place(at)
        assert left >= 0
        assert left + form.width <= 210.01
        assert top + form.height <= 297.01
        rows = slice(round((top + 1) * per_mm), round((top + form.height - 1) * per_mm))
        columns = slice(round((left + 1) * per_mm), round((left + form.width - 1) * per_mm))
        assert dark[rows, columns].any()
        inside[rows, columns] = True
    assert not (dark & ~inside).any()


def test_a_page_that_was_begun_is_used_up() -> None:
    form = SHEETS[LabelSize.MEDIUM]
    sheet = sheet_with(LabelSize.MEDIUM, 2).model_copy(update={"skipped": 7})
    first, second = pictures_of(draw(sheet))
    assert [len(codes_on(first)), len(codes_on(second))] == [1, 1]
    per_mm = first.width / 210
    left, top = form.place(7)
    dark = np.asarray(first.convert("L")) < 120
    assert not dark[: round(top * per_mm), :].any()
    assert not dark[:, : round(left * per_mm)].any()


def test_long_words_and_foreign_letters_stay_on_their_label() -> None:
    said = "CCTV ini terhubung dengan Pusat Komando " + "Kepolisian Resor Kota " * 3
    form = SHEETS[LabelSize.SMALL]
    [page] = pictures_of(draw(sheet_with(LabelSize.SMALL, 1, words=said[:120] + " “Ж”")))
    dark = np.asarray(page.convert("L")) < 120
    per_mm = page.width / 210
    assert not dark[:, round(form.width * per_mm) :].any()
    assert not dark[round((form.height + 0.5) * per_mm) :, :].any()


# the code


def test_a_code_is_read_back_in_any_case_and_not_when_changed(house: House) -> None:
    vault = house.office.vault
    code = code_of(vault, 1042, 3)
    read = read_code(vault, f" {code.lower()} ")
    assert read is not None
    assert (read.number, read.version) == (1042, 3)
    number, version, signature = code.split("-")
    other = "A" if signature[0] != "A" else "B"
    for forged in (
        f"1043-{version}-{signature}",
        f"{number}-4-{signature}",
        f"{number}-{version}-{other}{signature[1:]}",
        f"0{code}",
        f"{number}-{version}-",
        "",
        "1-1-" + "A" * 5000,
        "99999999999999999999-1-AAAAAAAA",
    ):
        assert read_code(vault, forged) is None, forged


def test_codes_outlive_a_new_key_and_need_the_old_one(house: House) -> None:
    old, new = "1:" + "QUJD" * 10 + "QUI=", "2:" + "WFla" * 10 + "WFk="
    code = code_of(house.office.vault, 1042, 1)
    assert read_code(Vault(parse_keys(f"{new},{old}")), code) is not None
    assert read_code(Vault(parse_keys(new)), code) is None


# from the printer to the wall


async def printed(house: House, officer: str = "Kartika", area: str = KELURAHAN) -> list[int]:
    """The ids of the stickers of a fresh batch."""
    async with house.acting(officer) as (work, who):
        batch = await stickers.print_batch(work, who, area, LabelSize.SMALL)
        return [sticker.id for sticker, _ in await stickers.stickers_in(work, batch)]


async def code_on(house: House, sticker_id: int) -> str:
    async with house.office.look() as work:
        sticker = await work.session.get(Sticker, sticker_id)
        assert sticker is not None
        camera = await house.camera(work, sticker.camera_id)
        return stickers.code_for(work, sticker, camera)


async def standing_of(house: House, code: str) -> Standing:
    async with house.office.look() as work:
        return (await stickers.scan(work, code)).standing


async def acts_about(house: House, owner: str) -> list[Act]:
    async with house.office.look() as work:
        return [line.act for line in await lines_about(work, house.ids[owner])]


async def test_from_the_printer_to_the_wall(any_house: House) -> None:
    house = any_house
    camera_id = await house.approved()
    [sticker_id] = await printed(house)
    code = await code_on(house, sticker_id)
    assert await standing_of(house, code) is Standing.VALID
    async with house.acting("Wayan") as (work, wayan):
        await stickers.hand(work, sticker_id, wayan)
        # a double tap tells nobody twice
        await stickers.hand(work, sticker_id, wayan)
    assert sum("sudah diserahkan kepada Anda" in text for text in await house.told("Sari")) == 1
    async with house.acting("Sari") as (work, sari):
        await stickers.place(work, sticker_id, sari, "wall-1", "unique-wall-1")
    assert await fetch_photos(house.office, house.files, Telegram(picture())) == 1
    await fetch_photos(house.office, house.files, Telegram(picture()))
    async with house.office.look() as work:
        sticker = await work.session.get(Sticker, sticker_id)
        assert sticker is not None
        assert sticker.state is StickerState.PLACED
        assert (sticker.handed_by, sticker.placed_by) == (house.ids["Wayan"], house.ids["Sari"])
        photo = await sticker_photo(work, sticker_id)
        assert photo is not None
        assert photo.file_name is not None
        # it is none of the photos that reviewers see, nor one that the owner's four are counted by
        assert photo.id not in [each.id for each in await photos_of(work, camera_id)]
        assert await photo_count(work, camera_id) == 1
    assert (await acts_about(house, "Sari"))[:3] == [
        Act.STICKER_PLACED,
        Act.STICKER_HANDED,
        Act.STICKER_PRINTED,
    ]


async def test_a_second_print_finds_nothing_and_a_batch_has_its_limit(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = any_house
    await house.approved()
    await house.approved("Budi", at=(SHOP[0] + 0.0004, SHOP[1]))
    await house.waiting("Citra", at=(SHOP[0] + 0.0008, SHOP[1]))
    monkeypatch.setattr(stickers, "MOST_IN_BATCH", 1)
    assert len(await printed(house)) == 1
    assert len(await printed(house)) == 1
    with pytest.raises(Refusal, match=r"sticker\.none_lacking"):
        await printed(house)
    async with house.office.look() as work:
        assert await stickers.stock(work, [KECAMATAN]) == {
            KELURAHAN: stickers.Stock(lacking=0, printed=2)
        }


async def test_a_reprint_makes_the_former_code_expire(house: House) -> None:
    await house.approved()
    [former] = await printed(house)
    old = await code_on(house, former)
    async with house.acting("Wayan") as (work, wayan):
        batch = await stickers.reprint(work, wayan, former, LabelSize.LARGE)
        [(fresh, camera)] = await stickers.stickers_in(work, batch)
        assert (batch.count, fresh.version) == (1, 2)
        new = stickers.code_for(work, fresh, camera)
    assert await standing_of(house, old) is Standing.EXPIRED
    assert await standing_of(house, new) is Standing.VALID
    async with house.acting("Wayan") as (work, wayan):
        with pytest.raises(Refusal, match=r"sticker\.over"):
            await stickers.reprint(work, wayan, former, LabelSize.LARGE)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (State.APPROVED, Standing.VALID),
        (State.CHANGE_ASKED, Standing.IN_REVIEW),
        (State.WAITING, Standing.IN_REVIEW),
        (State.REJECTED, Standing.EXPIRED),
    ],
)
async def test_a_scan_reads_the_state_of_that_moment(
    house: House, state: State, wanted: Standing
) -> None:
    camera_id = await house.approved()
    [sticker_id] = await printed(house)
    code = await code_on(house, sticker_id)
    async with house.office.work() as work:
        (await house.camera(work, camera_id)).state = state
    assert await standing_of(house, code) is wanted


async def test_a_withdrawn_cameras_sticker_expires_with_its_photo(any_house: House) -> None:
    house = any_house
    camera_id = await house.approved()
    [sticker_id] = await printed(house)
    code = await code_on(house, sticker_id)
    async with house.acting("Wayan") as (work, wayan):
        await stickers.place(work, sticker_id, wayan, "wall-1", "unique-wall-1")
    for _ in range(2):
        await fetch_photos(house.office, house.files, Telegram(picture()))
    async with house.acting("Sari") as (work, sari):
        name = (await sticker_photo(work, sticker_id)).file_name  # type: ignore[union-attr]
        await rights.withdraw(work, await house.camera(work, camera_id), sari)
    assert await standing_of(house, code) is Standing.EXPIRED
    async with house.office.look() as work:
        assert (await work.session.execute(select(Photo))).all() == []
        doomed = set((await work.session.execute(select(DoomedFile.name))).scalars())
        assert name in doomed


async def test_an_owner_who_is_erased_leaves_stickers_that_name_nobody(any_house: House) -> None:
    house = any_house
    await house.approved()
    [sticker_id] = await printed(house)
    code = await code_on(house, sticker_id)
    async with house.acting("Sari") as (work, sari):
        await erase(work, sari, [rights.CameraHolder()])
    assert await standing_of(house, code) is Standing.EXPIRED


async def test_a_photo_that_is_none_opens_the_step_again(house: House) -> None:
    await house.approved()
    await fetch_photos(house.office, house.files, Telegram(picture()))
    [sticker_id] = await printed(house)
    async with house.acting("Wayan") as (work, wayan):
        await stickers.hand(work, sticker_id, wayan)
        await stickers.place(work, sticker_id, wayan, "wall-1", "unique-wall-1")
    await fetch_photos(house.office, house.files, Telegram(b"GIF89a, or so it says"))
    async with house.office.look() as work:
        sticker = await work.session.get(Sticker, sticker_id)
        assert sticker is not None
        assert (sticker.state, sticker.placed_at) == (StickerState.HANDED, None)
    assert any("bukan gambar" in text for text in await house.told("Wayan"))


# what the photo shows


def wall_with(*codes: str) -> bytes:
    """A photo of a grey wall with stickers on it, seen a little from aside."""
    wall = np.full((1200, 1600, 3), 150, np.uint8)
    wall += np.random.default_rng(1).integers(0, 30, wall.shape, np.uint8)
    for at, code in enumerate(codes):
        sheet = sheet_with(LabelSize.LARGE, 1)
        label = sheet.labels[0].model_copy(
            update={"code": code, "link": f"https://x.example/s/{code}"}
        )
        pdf = draw(sheet.model_copy(update={"labels": (label,)}))
        [page] = pictures_of(pdf, dpi=100)
        sticker = np.asarray(page)[40:580, 20:405]
        left = 150 + 750 * at
        corners = np.float32([[0, 0], [385, 0], [385, 540], [0, 540]])
        seen = np.float32([[left, 120], [left + 370, 150], [left + 360, 690], [left, 640]])
        turn = cv2.getPerspectiveTransform(corners, seen)
        flat = cv2.warpPerspective(np.ascontiguousarray(sticker), turn, (1600, 1200))
        mask = cv2.warpPerspective(np.full(sticker.shape[:2], 255, np.uint8), turn, (1600, 1200))
        wall[mask > 0] = flat[mask > 0]
    _, jpeg = cv2.imencode(".jpg", wall, [cv2.IMWRITE_JPEG_QUALITY, 70])
    return jpeg.tobytes()


async def look_at(house: House, sticker_id: int, photo: bytes) -> Sticker:
    """The sticker after Wayan has sent this photo of it, and the worker has looked."""
    async with house.acting("Wayan") as (work, wayan):
        await stickers.place(work, sticker_id, wayan, "wall", f"unique-{len(photo)}")

    async def read(picture: bytes) -> list[str] | None:
        return await read_codes_in_child(house.looker._children, picture)

    while await fetch_photos(house.office, house.files, Telegram(photo), read):
        pass
    async with house.office.look() as work:
        sticker = await work.session.get(Sticker, sticker_id)
        assert sticker is not None
        return sticker


async def test_the_code_is_read_off_the_photo(house: House) -> None:
    await house.approved()
    [sticker_id] = await printed(house)
    seen = await look_at(house, sticker_id, wall_with(await code_on(house, sticker_id)))
    assert (seen.state, seen.code_read) == (StickerState.PLACED, True)
    # a photo from which nothing can be read is kept, and an officer may look
    seen = await look_at(house, sticker_id, picture())
    assert (seen.state, seen.code_read) == (StickerState.PLACED, False)


async def test_stickers_that_were_mixed_up_are_noticed(any_house: House) -> None:
    house = any_house
    await house.approved()
    await house.approved("Budi", at=(SHOP[0] + 0.0004, SHOP[1]))
    first, second = await printed(house)
    codes = [await code_on(house, each) for each in (first, second)]
    seen = await look_at(house, first, wall_with(codes[1]))
    assert (seen.state, seen.placed_at) == (StickerState.PRINTED, None)
    assert any("stiker K-1002" in text for text in await house.told("Wayan"))
    async with house.office.look() as work:
        assert await sticker_photo(work, first) is None
    # two on one wall, and the right one among them
    seen = await look_at(house, first, wall_with(codes[1], codes[0]))
    assert (seen.state, seen.code_read) == (StickerState.PLACED, True)


async def test_a_former_sticker_on_the_photo_is_noticed(house: House) -> None:
    await house.approved()
    [former] = await printed(house)
    old = await code_on(house, former)
    async with house.acting("Wayan") as (work, wayan):
        batch = await stickers.reprint(work, wayan, former, LabelSize.LARGE)
        [(fresh, _)] = await stickers.stickers_in(work, batch)
    seen = await look_at(house, fresh.id, wall_with(old))
    assert seen.state is StickerState.PRINTED
    assert any("stiker lama K-1001" in text for text in await house.told("Wayan"))
    # what is no code of ours says nothing
    seen = await look_at(house, fresh.id, wall_with("1001-2-AAAAAAAA"))
    assert (seen.state, seen.code_read) == (StickerState.PLACED, False)


@pytest.mark.parametrize("rubbish", [b"", b"GIF89a", b"\xff\xd8\xff\xe0" + bytes(500)])
async def test_what_is_no_picture_has_no_codes(house: House, rubbish: bytes) -> None:
    assert await read_codes_in_child(house.looker._children, rubbish) in ([], None)


# who may not


@pytest.mark.parametrize("name", ["Sari", "Citra", "Dewi", "Rahmat"])
async def test_only_field_officers_and_supervisors_deal_with_stickers(
    house: House, name: str
) -> None:
    await house.approved("Budi")
    with pytest.raises(Refusal, match="roles"):
        await printed(house, name)
    [sticker_id] = await printed(house)
    async with house.acting(name) as (work, who):
        for act in (
            stickers.hand(work, sticker_id, who),
            stickers.take_back(work, sticker_id, who),
            stickers.reprint(work, who, sticker_id, LabelSize.SMALL),
            stickers.place(work, sticker_id, who, "f", "u"),
        ):
            with pytest.raises(Refusal, match="roles"):
                await act


async def test_another_areas_officer_prints_and_reads_nothing(house: House) -> None:
    camera_id = await house.approved()
    with pytest.raises(Refusal, match="roles"):
        await printed(house, "Wayan", OTHER_KECAMATAN)
    with pytest.raises(Refusal, match="roles"):
        await printed(house, "Wayan", "31.73")
    async with house.acting("Wayan") as (work, wayan):
        camera = await house.camera(work, camera_id)
        assert await stickers.may_read(work, wayan, camera) is Role.FIELD_OFFICER
        camera.area_code = f"{OTHER_KECAMATAN}.1001"
        assert await stickers.may_read(work, wayan, camera) is None
        # a code that begins like the officer's is another area all the same
        camera.area_code = f"{KECAMATAN}9.1001"
        assert await stickers.may_read(work, wayan, camera) is None


async def test_a_camera_that_moved_away_is_no_business_of_the_batchs_officers(
    house: House,
) -> None:
    camera_id = await house.approved()
    [sticker_id] = await printed(house, "Wayan")
    async with house.office.work() as work:
        (await house.camera(work, camera_id)).area_code = f"{OTHER_KECAMATAN}.1001"
    async with house.acting("Wayan") as (work, wayan):
        [batch] = await stickers.batches(work, wayan)
        assert await stickers.stickers_in(work, batch) == []
        with pytest.raises(Refusal, match="roles"):
            await stickers.hand(work, sticker_id, wayan)


async def test_what_is_over_or_on_the_wall_is_refused(house: House) -> None:
    await house.approved()
    [sticker_id] = await printed(house)
    async with house.acting("Wayan") as (work, wayan):
        await stickers.hand(work, sticker_id, wayan)
        await stickers.take_back(work, sticker_id, wayan)
        await stickers.place(work, sticker_id, wayan, "f", "u")
        with pytest.raises(Refusal, match="on_the_wall"):
            await stickers.take_back(work, sticker_id, wayan)
        with pytest.raises(Refusal, match="over"):
            await stickers.hand(work, 1, wayan)
    async with house.acting("Kartika") as (work, kartika):
        [batch] = await stickers.batches(work, kartika)
        await stickers.receive(work, batch.id, kartika)
    async with house.acting("Wayan") as (work, wayan):
        with pytest.raises(Refusal, match="batch_taken"):
            await stickers.receive(work, batch.id, wayan)


async def test_opening_a_record_is_logged_and_ones_own_is_not(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Dewi") as (work, dewi):
        camera = await house.camera(work, camera_id)
        stickers.note_opened(work, dewi, Role.REVIEWER, camera)
        sari = await person(work, house.ids["Sari"])
        stickers.note_opened(work, sari, Role.REVIEWER, camera)
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.RECORD_OPENED)
        [line] = (await work.session.execute(query)).scalars()
        assert (line.actor_id, line.owner_id) == (house.ids["Dewi"], house.ids["Sari"])


async def test_the_sheet_says_what_the_district_says_and_leads_to_the_page_or_the_bot(
    house: House,
) -> None:
    await house.approved()
    async with house.acting("Kartika") as (work, kartika):
        batch = await stickers.print_batch(work, kartika, KELURAHAN, LabelSize.SMALL)
        found = await stickers.stickers_in(work, batch)
        sheet = sheet_of(work, batch.size, found, "nobs_bot")
        assert "Polres Metro Jakarta Barat" in sheet.words
        assert sheet.labels[0].link == f"https://t.me/nobs_bot?start=s_{sheet.labels[0].code}"
        work.settings.sticker_words = "Tersambung ke Polsek"
        work.settings.console_url = "https://cctv.example.id"
        sheet = sheet_of(work, batch.size, found, "nobs_bot")
        assert sheet.words == "Tersambung ke Polsek"
        assert sheet.labels[0].link == f"https://cctv.example.id/s/{sheet.labels[0].code}"
        assert isinstance(draw(sheet), bytes)
        assert BytesIO(draw(sheet)).read(5) == b"%PDF-"
