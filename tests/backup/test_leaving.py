"""No restore brings back who left after the backup was made, on both engines."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from nobs_bot import leaving
from nobs_bot.app import Foundation
from nobs_bot.backup.making import make_backup
from nobs_bot.backup.restoring import restore
from nobs_bot.cameras import enrolment, recording
from nobs_bot.cameras.claim import RefusedRecord
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.takeover import take_over, turn_down
from nobs_bot.errors import CannotStart
from nobs_bot.footage.asking import send
from nobs_bot.footage.live.record import LiveTerms
from nobs_bot.footage.live.terms import switch_emergencies
from nobs_bot.footage.request import Ask, Reply
from nobs_bot.footage.times import Window
from nobs_bot.leaving import HOLDERS, KEPT, Departures, take_out
from nobs_bot.messaging.inbox import Received, store
from nobs_bot.messaging.message import Message
from nobs_bot.people.consent import give_consent
from nobs_bot.people.persons import Person, person_of, tell
from nobs_bot.people.privacy import erase
from nobs_bot.sandbox import SandboxServer
from nobs_bot.settings import Settings
from nobs_bot.storage.chain import seal_lines, verify_chain
from nobs_bot.storage.crypto import Vault, parse_keys
from nobs_bot.storage.departures import Departure, DepartureList, Kind
from nobs_bot.storage.engine import Database
from nobs_bot.storage.work import Office
from tests.backup.conftest import KEYS_TEXT, OTHER_KEYS, Said
from tests.cameras.test_recording import link_to, opened_by, recorded
from tests.cast import CAST, MONDAY, House, settings_in
from tests.conversations.enrolling import consent
from tests.installation import installation
from tests.people.test_privacy import question

Elsewhere = Callable[..., Settings]
BUDI_CHAT = 710_000_001 + CAST.index("Budi")


async def leave(house: House, name: str) -> None:
    """Has everything erased, as by /privasi."""
    async with house.acting(name) as (work, who):
        await erase(work, who, HOLDERS)


async def withdrawn(house: House, name: str, camera_id: int) -> None:
    async with house.acting(name) as (work, who):
        await take_out(work, await house.camera(work, camera_id), who)


async def two_leave_after(house: House, settings: Settings, archive: Path) -> None:
    """A backup; then Budi has everything erased, and Sari withdraws her only camera."""
    camera_id = await house.approved("Sari")
    assert await make_backup(settings, archive, Said()) == 0
    await leave(house, "Budi")
    await withdrawn(house, "Sari", camera_id)
    await Departures(house.office).keep()


async def taken_over(house: House, name: str, camera_id: int) -> int:
    """What Wayan wrote down becomes a draft of its owner's."""
    claim = await opened_by(house, name, await link_to(house, camera_id))
    async with house.acting(name) as (work, who):
        await give_consent(work, who)
        await take_over(work, who, claim)
    return camera_id


def started_by(account: int) -> dict[str, Any]:
    """An update in which somebody says /start."""
    who = {"id": account, "is_bot": False, "first_name": "Budi"}
    chat = {"id": account, "type": "private"}
    message = {"message_id": 1, "date": 1, "from": who, "chat": chat, "text": "/start"}
    return {"update_id": 1, "message": message}


def list_in(settings: Settings) -> Path:
    return DepartureList(settings, Vault(parse_keys(KEYS_TEXT))).path


def of_list(office: Office) -> dict[str, Kind]:
    left, strange = DepartureList(office.settings, office.vault).read()
    assert not strange
    return {each.of: each.kind for each in left}


@asynccontextmanager
async def office_in(settings: Settings, house: House) -> AsyncIterator[Office]:
    """The office of another installation, at the house's time."""
    foundation = Foundation(settings, house.clock)
    yield foundation.office
    await foundation.database.close()


@asynccontextmanager
async def restored(
    house: House, there: Settings, archive: Path, *, with_list: bool = True
) -> AsyncIterator[Office]:
    """The backup, where the house's list is kept too, an hour later."""
    assert await restore(there, archive, Said()) == 0
    if with_list:
        shutil.copy(list_in(house.office.settings), list_in(there))
    house.clock.advance(timedelta(hours=1))
    async with office_in(there, house) as office:
        yield office


async def only(work: Any, kind: Any) -> Any:
    return (await work.session.execute(select(kind))).scalar_one()


async def names_in(office: Office) -> set[int | None]:
    async with office.look() as work:
        return set((await work.session.execute(select(Person.telegram_id))).scalars())


async def test_who_left_since_the_backup_is_erased_again(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    shop, budis = await house.approved("Sari"), await house.approved("Budi")
    kept = await house.approved("Sari")
    noted_down = await recorded(house)
    claim = await opened_by(house, "Citra", await link_to(house, noted_down))
    async with house.acting("Budi") as (work, budi):
        await tell(work, budi, Message(text="Halo"), "waits")
    await seal_lines(house.office)
    assert await make_backup(settings, archive, Said()) == 0

    house.clock.advance(timedelta(hours=3))
    await leave(house, "Budi")
    await withdrawn(house, "Sari", shop)
    async with house.acting("Citra") as (work, citra):
        assert await turn_down(work, citra, claim) == 1
    assert await Departures(house.office).keep() == 4
    assert await Departures(house.office).keep() == 0
    assert of_list(house.office) == {
        str(house.ids["Budi"]): Kind.PERSON,
        str(budis): Kind.CAMERA,
        str(shop): Kind.CAMERA,
        str(noted_down): Kind.CAMERA,
    }

    async with restored(house, elsewhere(), archive) as office:
        assert BUDI_CHAT in await names_in(office), "the backup has him"
        # his camera went with him
        assert await Departures(office).erase_again() == 3
        assert await Departures(office).erase_again() == 0
        assert BUDI_CHAT not in await names_in(office)
        async with office.look() as work:
            assert await work.session.get(Camera, noted_down) is None
            for camera_id in (shop, budis):
                camera = await house.camera(work, camera_id)
                assert camera.state is State.WITHDRAWN
                assert (camera.lat, camera.contact) == (None, None)
            assert (await house.camera(work, kept)).state is State.APPROVED
            waiting = text("SELECT count(*) FROM outbox WHERE chat_id = :chat")
            assert (await work.session.execute(waiting, {"chat": BUDI_CHAT})).scalar() == 0
        await seal_lines(office)
        assert (await verify_chain(office)).findings == []


async def test_a_record_that_was_taken_over_since_is_not_recorded_again(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """In the backup it is still another's, with the owner's name and number under a stand-in."""
    house, archive = any_house, tmp_path / "nobs.tar"
    await house.approved("Budi")
    ids = [await recorded(house) for _ in range(3)]
    assert await make_backup(settings, archive, Said()) == 0
    erased, gone, given_up = [
        await taken_over(house, name, camera_id)
        for name, camera_id in zip(("Citra", "Sari", "Budi"), ids, strict=True)
    ]
    await leave(house, "Citra")
    async with house.office.work() as work:
        camera = await house.camera(work, gone)
        camera.state, camera.number = State.APPROVED, 4711
    await withdrawn(house, "Sari", gone)
    async with house.acting("Budi") as (work, budi):
        await recording.give_up(work, await house.camera(work, given_up), budi)
    await Departures(house.office).keep()

    async with restored(house, elsewhere(), archive) as office:
        await Departures(office).erase_again()
        async with office.look() as work:
            for camera_id in (erased, gone, given_up):
                assert await work.session.get(Camera, camera_id) is None
            everybody = set((await work.session.execute(select(Person.id))).scalars())
        assert everybody == set(house.ids.values()), "nobody who only stood for an owner"


async def test_a_camera_leaves_as_thoroughly_as_it_did(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    shop = await house.approved("Sari")
    async with house.acting("Sari") as (work, sari):
        await switch_emergencies(work, await house.camera(work, shop), sari)
    async with house.acting("Rahmat") as (work, rahmat):
        window = Window(MONDAY - timedelta(hours=13), MONDAY - timedelta(hours=12))
        await send(work, rahmat, question(window))
    assert await make_backup(settings, archive, Said()) == 0
    await withdrawn(house, "Sari", shop)
    await Departures(house.office).keep()
    async with restored(house, elsewhere(), archive) as office:
        async with office.look() as work:
            assert (await only(work, Ask)).reply is Reply.NONE_YET
        assert await Departures(office).erase_again() == 1
        async with office.look() as work:
            assert (await only(work, Ask)).reply is Reply.GONE
            assert (await work.session.execute(select(LiveTerms))).all() == []


async def test_what_they_had_written_before_is_not_answered(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    async with house.office.work() as work:
        await store(work, [started_by(BUDI_CHAT)])
    assert await make_backup(settings, archive, Said()) == 0
    await leave(house, "Budi")
    await Departures(house.office).keep()
    async with restored(house, elsewhere(), archive) as office:
        assert await Departures(office).erase_again() == 1
        async with office.look() as work:
            assert (await work.session.execute(select(Received.update_id))).all() == []


async def test_a_list_that_comes_late_erases_nobody_who_agreed_anew(
    any_house: House,
    settings: Settings,
    elsewhere: Elsewhere,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    budis, saris = await house.approved("Budi"), await house.approved("Sari")
    assert await make_backup(settings, archive, Said()) == 0
    house.clock.advance(timedelta(hours=1))
    await leave(house, "Budi")
    await withdrawn(house, "Sari", saris)
    await Departures(house.office).keep()
    there = elsewhere()
    async with restored(house, there, archive, with_list=False) as office:
        departures = Departures(office)
        assert await departures.keep() == 0
        async with office.work() as work:
            budi = await person_of(work, BUDI_CHAT)
            assert budi is not None
            enrolment.touch(work, await house.camera(work, budis))
            enrolment.touch(work, await house.camera(work, saris))
        shutil.copy(list_in(house.office.settings), list_in(there))
        assert await departures.keep() == 0
        assert await departures.keep() == 0
        assert BUDI_CHAT in await names_in(office)
        async with office.look() as work:
            assert (await house.camera(work, saris)).state is not State.WITHDRAWN
    told = [each for each in caplog.messages if "came back since" in each]
    assert len(told) == 3, "him, his camera, hers; each once"


async def test_a_list_that_comes_late_still_counts(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    assert await make_backup(settings, archive, Said()) == 0
    await leave(house, "Budi")
    await Departures(house.office).keep()
    there = elsewhere()
    async with restored(house, there, archive, with_list=False) as office:
        departures = Departures(office)
        assert await departures.keep() == 0
        shutil.copy(list_in(house.office.settings), list_in(there))
        assert await departures.keep() == 1
        assert BUDI_CHAT not in await names_in(office)


async def test_a_refused_row_of_a_list_stays_refused(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """Though the list was imported after the backup, and is imported once more."""
    house, archive = any_house, tmp_path / "nobs.tar"
    assert await make_backup(settings, archive, Said()) == 0
    noted_down = await recorded(house)
    row = house.office.vault.blind_index("list", "toko-17")
    async with house.office.work() as work:
        (await house.camera(work, noted_down)).source_index = row
    claim = await opened_by(house, "Citra", await link_to(house, noted_down))
    async with house.acting("Citra") as (work, citra):
        await turn_down(work, citra, claim)
    assert await Departures(house.office).keep() == 2
    async with restored(house, elsewhere(), archive) as office:
        assert await Departures(office).erase_again() == 1
        async with office.look() as work:
            assert (await only(work, RefusedRecord)).source_index == row


async def test_with_the_list_in_its_place_the_restore_says_how_many(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    await leave(house, "Citra")
    assert await make_backup(settings, archive, Said()) == 0
    # a backup names the real time at which it was made
    house.clock.advance(datetime.now(UTC) + timedelta(hours=1) - house.clock.now())
    await leave(house, "Budi")
    await Departures(house.office).keep()
    there, said = elsewhere(), Said()
    there.data_dir.mkdir()
    list_in(there).mkdir()
    assert await restore(there, archive, said) == 2
    assert "Mend that, and run the same command again" in said.text
    list_in(there).rmdir()
    list_in(there).write_text(list_in(settings).read_text() + "person 1 2026-11-29 x\n")
    said = Said()
    assert await restore(there, archive, said) == 0, said.text
    assert "Since then 1 left or ended" in said.text
    assert "1 lines of it were not written with these keys" in said.text
    said = Said()
    assert await restore(elsewhere("third"), archive, said) == 0, said.text
    assert "are good again. Put the former installation's list" in said.text


async def test_what_is_over_by_itself_is_not_on_the_list(any_house: House) -> None:
    """A record has a term anyway."""
    house = any_house
    await recorded(house)
    house.clock.advance(timedelta(days=31))
    async with house.office.work() as work:
        assert await recording.erase_unclaimed(work) == 1
    assert await Departures(house.office).keep() == 0
    assert list_in(house.office.settings).read_text() == "", "there, for whoever copies it"


async def test_workers_side_by_side_name_each_once(any_house: House) -> None:
    house = any_house
    camera_id = await house.approved("Sari")
    await leave(house, "Budi")
    await withdrawn(house, "Sari", camera_id)
    await asyncio.gather(*[Departures(house.office).keep() for _ in range(8)])
    path = list_in(house.office.settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().splitlines()) == 2
    assert of_list(house.office) == {
        str(house.ids["Budi"]): Kind.PERSON,
        str(camera_id): Kind.CAMERA,
    }


async def test_workers_side_by_side_erase_each_once(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    await two_leave_after(house, settings, archive)
    async with restored(house, elsewhere(), archive) as office:
        done = await asyncio.gather(*[Departures(office).erase_again() for _ in range(6)])
        assert sum(done) == 2
        async with office.look() as work:
            lines = text("SELECT act FROM audit_lines WHERE act IN ('erased', 'withdrawn')")
            acts = sorted((await work.session.execute(lines)).scalars())
        assert acts == ["erased", "withdrawn"]


@pytest.mark.parametrize("error", [LookupError("x"), IntegrityError("x", None, Exception())])
async def test_one_that_cannot_be_erased_holds_up_no_other(
    error: Exception,
    any_house: House,
    settings: Settings,
    elsewhere: Elsewhere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, archive = any_house, tmp_path / "nobs.tar"
    await two_leave_after(house, settings, archive)

    async def breaks(*_: Any) -> bool:
        raise error

    async with restored(house, elsewhere(), archive) as office:
        departures = Departures(office)
        with monkeypatch.context() as broken:
            broken.setitem(leaving._LEAVE, Kind.PERSON, breaks)
            assert await departures.erase_again() == 1
        assert await departures.erase_again() == 1, "it is tried again"
        assert BUDI_CHAT not in await names_in(office)


async def test_a_line_without_our_mark_erases_nobody(house: House) -> None:
    await leave(house, "Citra")
    await Departures(house.office).keep()
    known = DepartureList(house.office.settings, house.office.vault)
    kind, _, at, mark = known.path.read_text().split()
    forged = f"{kind} {house.ids['Budi']} {at} {mark}\nwhatever this is\nperson x y z\n"
    known.path.write_text(known.path.read_text() + forged)
    assert known.read()[1] == 3
    assert await Departures(house.office).erase_again() == 0
    async with house.acting("Budi") as (_, budi):
        assert budi.erased_at is None
    stranger = Vault(parse_keys(OTHER_KEYS))
    assert DepartureList(house.office.settings, stranger).read() == ([], 4)


async def test_with_the_wrong_keys_at_hand_nothing_of_the_list_is_lost(house: House) -> None:
    await leave(house, "Citra")
    await Departures(house.office).keep()
    path = list_in(house.office.settings)
    path.write_text(path.read_text() + "whatever this is\n")
    stranger = DepartureList(house.office.settings, Vault(parse_keys(OTHER_KEYS)))
    now = house.clock.now()
    assert stranger.add([Departure(Kind.CAMERA, "7", now)], now - KEPT) == 1
    [citra], strange = DepartureList(house.office.settings, house.office.vault).read()
    assert (citra.of, strange) == (str(house.ids["Citra"]), 1)
    stranger.add([], now + timedelta(seconds=1))
    assert path.read_text() == "", "until it is over"


async def test_a_list_that_replaces_ours_gets_what_ours_had(house: House) -> None:
    departures, path = Departures(house.office), list_in(house.office.settings)
    await departures.keep()
    older = path.read_text()
    await leave(house, "Citra")
    assert await departures.keep() == 1
    house.clock.advance(timedelta(hours=2))
    await departures.keep()
    path.write_text(older)
    assert await departures.keep() == 1
    assert list(of_list(house.office)) == [str(house.ids["Citra"])]


async def test_after_a_rotation_the_list_is_still_ours(house: House) -> None:
    await leave(house, "Citra")
    await Departures(house.office).keep()
    rotated = Vault(parse_keys(OTHER_KEYS.replace("1:", "2:") + "," + KEYS_TEXT))
    [each], strange = DepartureList(house.office.settings, rotated).read()
    assert (each.of, strange) == (str(house.ids["Citra"]), 0)


async def test_the_databases_time_zone_makes_no_difference(
    any_house: House, settings: Settings
) -> None:
    """PostgreSQL gives times in the zone of its session."""
    house = any_house
    await leave(house, "Citra")
    await Departures(house.office).keep()
    before = list_in(settings).read_text()
    if not house.office.database.is_sqlite:
        async with house.office.work() as work:
            name = (await work.session.execute(select(func.current_database()))).scalar_one()
            zone = text(f"ALTER DATABASE {name} SET timezone = 'Asia/Jakarta'")
            await work.session.execute(zone)
    database = Database(settings.database)
    elsewhere = replace(house.office, database=database)
    try:
        assert await Departures(elsewhere).keep() == 0
    finally:
        await database.close()
    assert list_in(settings).read_text() == before
    jakarta = datetime.fromisoformat("2026-11-16T10:00:00+07:00")
    assert str(Departure(Kind.CAMERA, "1", jakarta)) == "camera 1 2026-11-16T03:00:00+00:00"


async def test_what_no_backup_can_have_any_more_goes_from_the_list(house: House) -> None:
    await leave(house, "Citra")
    departures = Departures(house.office)
    await departures.keep()
    house.clock.advance(KEPT - timedelta(minutes=1))
    await departures.keep()
    assert len(of_list(house.office)) == 1
    house.clock.advance(timedelta(minutes=2))
    await departures.keep()
    assert of_list(house.office) == {}


async def test_a_start_on_an_older_database_erases_before_it_answers(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    """A person, an installation, a database put back as it was: what an administrator may do."""
    async with installation(sandbox, tmp_path) as here:
        budi = here.phone("Budi")
        await consent(budi)
        await here.settled()
    shutil.copy(tmp_path / "nobs.sqlite3", tmp_path / "before")
    # in which something of his waits
    then = Foundation(settings_in(tmp_path, database_url=f"sqlite:///{tmp_path / 'before'}"))
    async with then.office.work() as work:
        await store(work, [started_by(BUDI_CHAT)])
    await then.database.close()
    async with installation(sandbox, tmp_path) as here:
        budi = here.phone("Budi")
        await budi.send("/privasi")
        await budi.tap("Hapus semua")
        await budi.tap("Ya, hapus semuanya")
        await budi.expect("sudah dihapus")
        await here.settled()
        await here.app.departures.keep()
    shutil.copy(tmp_path / "before", tmp_path / "nobs.sqlite3")
    async with installation(sandbox, tmp_path) as here:
        logged = here.logged.getvalue()
        assert "1 that left or ended before this restore were taken out again" in logged
        # answered, what he had written would have made his acquaintance anew
        await here.settled()
        async with here.foundation.office.look() as work:
            assert await person_of(work, BUDI_CHAT) is None
        # who comes back is somebody new, and stays
        await here.phone("Budi").start()
        await here.phone("Budi").expect("Selamat datang")
        assert await here.app.departures.keep() == 0


async def test_a_list_that_cannot_be_read_keeps_the_bot_from_starting(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    (tmp_path / "departures").mkdir()
    with pytest.raises(CannotStart, match=r"who left, .+departures, cannot be read"):
        async with installation(sandbox, tmp_path):
            pass
    os.rmdir(tmp_path / "departures")
    async with installation(sandbox, tmp_path) as here:
        await here.phone("Budi").start()
        await here.phone("Budi").expect("Selamat datang")
