"""An owner's copy of everything, and being forgotten."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, text

from nobs_bot.cameras.connection import read_address, set_stream
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.rights import CameraHolder
from nobs_bot.footage.answers import ask_of
from nobs_bot.footage.asking import Question, send
from nobs_bot.footage.clips import FootageHolder, add_clip, fetch_clips
from nobs_bot.footage.news import tell_news
from nobs_bot.footage.request import Ask, Clip, ClipState, FootageRequest, Purpose, Reply, asks_of
from nobs_bot.footage.times import Window
from nobs_bot.messaging.chats import Slot, fill_slot
from nobs_bot.messaging.conversation import Dialogue, Standing, save
from nobs_bot.people import privacy
from nobs_bot.people.persons import Person, meet, person_of, phone_of, set_phone
from nobs_bot.people.roles import grants_of
from nobs_bot.storage.audit import lines_about
from nobs_bot.storage.doomed import remove_doomed
from tests.cast import KELURAHAN, MONDAY, SHOP, House

HOLDERS = (FootageHolder(), CameraHolder())
PASSWORD = "tops3cret-of-sari"
SARI_CHAT = 710_000_001


class Handed:
    """Telegram, which hands over one file."""

    async def stream(self, file_id: str) -> Any:
        yield b"footage of " + file_id.encode()


async def a_full_life(house: House) -> int:
    """Sari has a camera with a stream, was asked, sent a clip; returns the camera's id."""
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, sari):
        set_phone(work, sari, "+628125550101", verified=True)
        camera = await house.camera(work, camera_id)
        set_stream(work, camera, read_address(f"rtsp://warga:{PASSWORD}@cam.example/1"))
        dialogue = Dialogue()
        dialogue.go("enrol.name", camera=camera_id)
        await save(work, SARI_CHAT, dialogue)
        await fill_slot(work, SARI_CHAT, "check:1", 77)
    async with house.acting("Rahmat") as (work, rahmat):
        window = Window(MONDAY - timedelta(hours=13), MONDAY - timedelta(hours=12))
        await send(work, rahmat, question(window))
    async with house.acting("Sari") as (work, sari):
        [ask] = await asks_of(work, (await only(work, FootageRequest)).id)
        about = {"name": "Rekaman Ibu Sari.mp4", "size_bytes": 100, "recompressed": False}
        await add_clip(work, ask.id, sari, file_id="file-sari", unique_id="u", **about)
    await fetch_clips(house.office, house.files, Handed(), house.looker)
    return camera_id


def question(window: Window) -> Question:
    return Question(
        *SHOP, KELURAHAN, "Jl. Duri Selatan", 100, (window,), "LP/B/1042/XI/2026", Purpose.ROBBERY
    )


async def only(work: Any, kind: Any) -> Any:
    from sqlalchemy import select

    return (await work.session.execute(select(kind))).scalar_one()


async def test_the_copy_holds_everything_but_the_password(house: House) -> None:
    await a_full_life(house)
    async with house.acting("Sari") as (work, sari):
        whole = await privacy.export(work, sari, HOLDERS)
    as_json = json.loads(json.dumps(whole))
    assert as_json["person"]["name"] == "Ibu Sari"
    assert as_json["person"]["phone"] == "+628125550101"
    assert [each["version"] for each in as_json["consents"]] == ["2026-12"]
    [camera] = as_json["cameras"]
    assert (camera["number"], camera["lat"], camera["lon"]) == ("K-1001", *SHOP)
    assert camera["contact"]["name"] == "Ibu Sari"
    assert camera["stream"] == "rtsp://cam.example/1"
    [asked] = as_json["footage"]
    assert (asked["request"], asked["reply"]) == ("R-1001", "has")
    assert [clip["name"] for clip in asked["clips"]] == ["Rekaman Ibu Sari.mp4"]
    acts = [line["act"] for line in as_json["access_log"]]
    assert acts == ["clip_received", "asked", "submitted", "consented"]
    assert PASSWORD not in json.dumps(whole)


async def test_taking_a_copy_is_itself_in_the_log(house: House) -> None:
    async with house.acting("Sari") as (work, sari):
        await privacy.export(work, sari, HOLDERS)
    async with house.office.look() as work:
        [line] = await lines_about(work, house.ids["Sari"])
        assert line.act == "data_exported"


async def test_an_officers_copy_has_their_roles(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        whole = await privacy.export(work, dewi, HOLDERS)
    assert [(each["role"], each["area"]) for each in whole["roles"]] == [("reviewer", "31.73.04")]


async def test_one_who_is_forgotten_is_nowhere_in_the_database(house: House) -> None:
    camera_id = await a_full_life(house)
    async with house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, HOLDERS)
    await remove_doomed(house.office, house.files)
    async with house.office.look() as work:
        assert await person_of(work, SARI_CHAT) is None
        sari = await work.session.get(Person, house.ids["Sari"])
        assert sari is not None
        assert (sari.name, phone_of(work, sari), sari.phone_verified) == (None, "", False)
        assert sari.erased_at == MONDAY
        camera = await work.session.get(Camera, camera_id)
        assert camera is not None
        assert camera.state is State.WITHDRAWN
        assert (camera.stream, camera.stream_index, camera.contact) == (None, None, None)
        assert (camera.lat, camera.lon) == (None, None)
        assert await work.session.get(Standing, SARI_CHAT) is None
        assert await work.session.get(Slot, (SARI_CHAT, "check:1")) is None
        assert await lines_about(work, sari.id) == []
    assert await house.told("Sari") == []


async def test_the_account_number_is_in_no_column_afterwards(house: House) -> None:
    await a_full_life(house)
    async with house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, HOLDERS)
    async with house.office.database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        for table in tables:
            for row in (await connection.execute(text(f"SELECT * FROM {table}"))).all():
                assert SARI_CHAT not in row, table


async def test_evidence_stays_with_its_case_without_the_senders_name(house: House) -> None:
    await a_full_life(house)
    async with house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, HOLDERS)
    await remove_doomed(house.office, house.files)
    async with house.office.look() as work:
        clip = await only(work, Clip)
        assert clip.state is ClipState.STORED
        assert await house.files.get(clip.file_name) == b"footage of file-sari"
        from nobs_bot.footage.clips import source_of

        assert "Sari" not in str(source_of(work, clip))
        assert (await only(work, Ask)).reply is Reply.GONE
    house.clock.advance(timedelta(minutes=1))
    await tell_news(house.office)
    assert "K-1001" in (await house.told("Rahmat"))[-1]


async def test_a_clip_that_had_not_arrived_is_forgotten(house: House) -> None:
    await house.approved()
    async with house.acting("Rahmat") as (work, rahmat):
        window = Window(MONDAY - timedelta(hours=13), MONDAY - timedelta(hours=12))
        request = await send(work, rahmat, question(window))
        await work.session.flush()
        [ask] = await asks_of(work, request.id)
    async with house.acting("Sari") as (work, sari):
        about = {"name": "a.mp4", "size_bytes": 100, "recompressed": False}
        await add_clip(work, ask.id, sari, file_id="f", unique_id="u", **about)
    async with house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, HOLDERS)
    assert await fetch_clips(house.office, house.files, Handed(), house.looker) == 0


async def test_drafts_with_photos_are_erased_too(any_house: House) -> None:
    await any_house.draft()
    async with any_house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, HOLDERS)
    async with any_house.office.look() as work:
        assert (await work.session.execute(text("SELECT * FROM cameras"))).all() == []
        assert (await work.session.execute(text("SELECT * FROM camera_photos"))).all() == []


async def test_an_officer_who_is_forgotten_has_no_role(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        await privacy.erase(work, dewi, HOLDERS)
    async with house.office.look() as work:
        assert await grants_of(work, house.ids["Dewi"]) == []


async def test_one_who_comes_back_is_somebody_new(house: House) -> None:
    async with house.acting("Dewi") as (work, dewi):
        await privacy.erase(work, dewi, HOLDERS)
    async with house.office.work() as work:
        again = meet(work, 710_000_004, None)
        await work.session.flush()
        assert again.id != house.ids["Dewi"]
        assert await grants_of(work, again.id) == []


async def test_others_are_left_alone(house: House) -> None:
    await a_full_life(house)
    other = await house.approved("Budi")
    async with house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, HOLDERS)
    async with house.acting("Budi") as (work, budi):
        assert (await house.camera(work, other)).state is State.APPROVED
        assert [line.act for line in await lines_about(work, budi.id)] == ["submitted", "consented"]


async def test_another_owner_cannot_answer_for_one(house: House) -> None:
    from nobs_bot.errors import Refusal

    await a_full_life(house)
    async with house.acting("Budi") as (work, budi):
        ask = await only(work, Ask)
        with pytest.raises(Refusal, match=r"ask\.not_yours"):
            await ask_of(work, ask.id, budi)
