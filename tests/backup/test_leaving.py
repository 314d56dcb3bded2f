"""No restore brings back who left after the backup was made, on both engines."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text

from nobs_bot.app import Foundation
from nobs_bot.backup.making import make_backup
from nobs_bot.backup.restoring import restore
from nobs_bot.cameras import recording
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.rights import withdraw
from nobs_bot.cameras.takeover import turn_down
from nobs_bot.leaving import HOLDERS, KEPT, Departures, list_in, read_list
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person_of, tell
from nobs_bot.people.privacy import erase
from nobs_bot.sandbox import SandboxServer
from nobs_bot.settings import Settings
from nobs_bot.storage.audit import Act
from nobs_bot.storage.chain import seal_lines, verify_chain
from nobs_bot.storage.crypto import Vault, parse_keys
from nobs_bot.storage.work import Office
from tests.backup.conftest import OTHER_KEYS, Said
from tests.cameras.test_recording import link_to, opened_by, recorded
from tests.cast import CAST, House
from tests.conversations.enrolling import consent
from tests.installation import installation

Elsewhere = Callable[..., Settings]
BUDI_CHAT = 710_000_001 + CAST.index("Budi")


async def leave(house: House, name: str) -> None:
    """Has everything erased, as by /privasi."""
    async with house.acting(name) as (work, who):
        await erase(work, who, HOLDERS)


async def withdrawn(house: House, name: str, camera_id: int) -> None:
    async with house.acting(name) as (work, who):
        await withdraw(work, await house.camera(work, camera_id), who)


@asynccontextmanager
async def office_in(settings: Settings, house: House) -> AsyncIterator[Office]:
    """The office of another installation, at the house's time."""
    foundation = Foundation(settings, house.clock)
    yield foundation.office
    await foundation.database.close()


async def names_in(office: Office) -> set[int | None]:
    async with office.look() as work:
        return set((await work.session.execute(select(Person.telegram_id))).scalars())


async def test_who_left_since_the_backup_is_erased_again(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house = any_house
    shop, budis = await house.approved("Sari"), await house.approved("Budi")
    kept = await house.approved("Sari")
    noted_down = await recorded(house)
    claim = await opened_by(house, "Citra", await link_to(house, noted_down))
    async with house.acting("Budi") as (work, budi):
        await tell(work, budi, Message(text="Halo"), "waits")
    await seal_lines(house.office)
    assert await make_backup(settings, tmp_path / "nobs.tar", Said()) == 0

    house.clock.advance(timedelta(hours=3))
    left_at = house.clock.now()
    await leave(house, "Budi")
    await withdrawn(house, "Sari", shop)
    async with house.acting("Citra") as (work, citra):
        assert await turn_down(work, citra, claim) == 1
    # of Budi's cameras, too: they are named, though he is
    assert await Departures(house.office).keep() == 3
    assert await Departures(house.office).keep() == 0

    there, said = elsewhere(), Said()
    assert await restore(there, tmp_path / "nobs.tar", said) == 0, said.text
    assert "is back. Put the former installation's list" in said.text
    shutil.copy(list_in(settings), list_in(there))
    house.clock.advance(timedelta(hours=1))
    async with office_in(there, house) as office:
        assert BUDI_CHAT in await names_in(office), "the backup has him"
        assert await Departures(office).erase_again() == 3
        assert await Departures(office).erase_again() == 0
        assert BUDI_CHAT not in await names_in(office)
        async with office.look() as work:
            assert await work.session.get(Camera, noted_down) is None
            for camera_id in (shop, budis):
                camera = await house.camera(work, camera_id)
                assert (camera.state, camera.withdrawn_at) == (State.WITHDRAWN, left_at)
                assert (camera.lat, camera.contact) == (None, None)
            assert (await house.camera(work, kept)).state is State.APPROVED
            waiting = text("SELECT count(*) FROM outbox WHERE chat_id = :chat")
            assert (await work.session.execute(waiting, {"chat": BUDI_CHAT})).scalar() == 0
        await seal_lines(office)
        assert (await verify_chain(office)).findings == []


async def test_with_the_list_in_its_place_the_restore_says_how_many(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house = any_house
    await leave(house, "Citra")
    assert await make_backup(settings, tmp_path / "nobs.tar", Said()) == 0
    # a backup names the real time at which it was made
    house.clock.advance(datetime.now(UTC) + timedelta(hours=1) - house.clock.now())
    await leave(house, "Budi")
    await Departures(house.office).keep()
    there, said = elsewhere(), Said()
    there.data_dir.mkdir()
    shutil.copy(list_in(settings), list_in(there))
    assert await restore(there, tmp_path / "nobs.tar", said) == 0, said.text
    assert "Since then 1 left or withdrew a camera" in said.text


async def test_what_nobody_asked_to_have_erased_is_not_on_the_list(any_house: House) -> None:
    """An officer's own slip, and a record that is over: these have a term anyway."""
    house = any_house
    slip = await recorded(house, whole=False)
    await recorded(house)
    async with house.acting("Wayan") as (work, wayan):
        mine = await recording.recording_of(work, slip, wayan)
        await recording.erase_recording(work, mine, actor=wayan)
    house.clock.advance(timedelta(days=31))
    async with house.office.work() as work:
        assert await recording.erase_unclaimed(work) == 1
    assert await Departures(house.office).keep() == 0
    assert not list_in(house.office.settings).exists()


async def test_workers_side_by_side_name_each_once(any_house: House) -> None:
    house = any_house
    camera_id = await house.approved("Sari")
    await leave(house, "Budi")
    await withdrawn(house, "Sari", camera_id)
    await asyncio.gather(*[Departures(house.office).keep() for _ in range(8)])
    path = list_in(house.office.settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().splitlines()) == 2
    acts = {each.act: each.of for each in read_list(path, house.office.vault)}
    assert acts == {Act.ERASED: house.ids["Budi"], Act.WITHDRAWN: camera_id}


async def test_workers_side_by_side_erase_each_once(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house = any_house
    camera_id = await house.approved("Sari")
    assert await make_backup(settings, tmp_path / "nobs.tar", Said()) == 0
    await leave(house, "Budi")
    await withdrawn(house, "Sari", camera_id)
    await Departures(house.office).keep()
    there = elsewhere()
    assert await restore(there, tmp_path / "nobs.tar", Said()) == 0
    shutil.copy(list_in(settings), list_in(there))
    async with office_in(there, house) as office:
        await asyncio.gather(*[Departures(office).erase_again() for _ in range(6)])
        async with office.look() as work:
            lines = text("SELECT act FROM audit_lines WHERE act IN ('erased', 'withdrawn')")
            acts = sorted((await work.session.execute(lines)).scalars())
        assert acts == ["erased", "withdrawn"]


async def test_a_line_without_our_mark_erases_nobody(house: House) -> None:
    await leave(house, "Citra")
    await Departures(house.office).keep()
    path = list_in(house.office.settings)
    act, _, at, mark = path.read_text().split()
    forged = f"{act} {house.ids['Budi']} {at} {mark}\nwhatever this is\nerased x y z\n"
    path.write_text(path.read_text() + forged)
    assert await Departures(house.office).erase_again() == 0
    async with house.acting("Budi") as (_, budi):
        assert budi.erased_at is None
    await Departures(house.office).keep()
    assert "whatever" not in path.read_text()
    # with other keys it is nobody's word
    other = replace(house.office, vault=Vault(parse_keys(OTHER_KEYS.replace("1:", "2:"))))
    assert read_list(path, other.vault) == []
    assert len(read_list(path, house.office.vault)) == 1


async def test_after_a_rotation_the_list_is_still_ours(house: House) -> None:
    await leave(house, "Citra")
    await Departures(house.office).keep()
    path = list_in(house.office.settings)
    only_new = Vault(parse_keys("2:" + "WFla" * 10 + "WFk="))
    assert await Departures(replace(house.office, vault=only_new)).keep() == 1
    assert len(path.read_text().splitlines()) == 1
    assert [each.of for each in read_list(path, only_new)] == [house.ids["Citra"]]


async def test_what_no_backup_can_have_any_more_goes_from_the_list(house: House) -> None:
    await leave(house, "Citra")
    departures = Departures(house.office)
    await departures.keep()
    house.clock.advance(KEPT - timedelta(minutes=1))
    await departures.keep()
    path = list_in(house.office.settings)
    assert len(read_list(path, house.office.vault)) == 1
    house.clock.advance(timedelta(minutes=2))
    await departures.keep()
    assert path.read_text() == ""


async def test_a_start_on_an_older_database_erases_before_it_sends(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    """A person, an installation, a database put back as it was: what an administrator may do."""
    async with installation(sandbox, tmp_path) as here:
        budi = here.phone("Budi")
        await consent(budi)
        await here.settled()
    shutil.copy(tmp_path / "nobs.sqlite3", tmp_path / "before")
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
        async with here.foundation.office.look() as work:
            assert await person_of(work, BUDI_CHAT) is None
        assert "1 left before this database was restored" in here.logged.getvalue()
        # who comes back is somebody new, and stays
        await here.phone("Budi").start()
        await here.phone("Budi").expect("Selamat datang")
        assert await here.app.departures.erase_again() == 0
