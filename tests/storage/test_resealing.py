"""Rotating the key: everything opens before, during and after, whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select

from nobs_bot.app import Foundation
from nobs_bot.errors import CannotStart
from nobs_bot.people.persons import Person, name_of, set_name
from nobs_bot.rotating import _fresh, rotate
from nobs_bot.schema import metadata, upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.base import SEALED_BY
from nobs_bot.storage.chain import seal_lines, verify_chain
from nobs_bot.storage.crypto import KeyProblem, Vault, load_keys, parse_keys, write_keys
from nobs_bot.storage.resealing import reseal, sealed_columns
from nobs_bot.storage.work import Office
from tests.cast import KEYS, House
from tests.footage.requests import send
from tests.people.test_privacy import a_full_life
from tests.test_starting import started

NEW = parse_keys("2:" + "QUJE" * 10 + "QUI=")
# digests and the like: made with keys, but nothing that opens
PLAIN = {
    *("audit_lines.mark", "audit_seals.prior", "audit_seals.entries", "audit_seals.digest"),
    *("cameras.stream_index", "camera_health.network", "outages.network"),
}


def office_with(house: House, keys: list[Any]) -> Office:
    return replace(house.office, vault=Vault(keys))


async def sealed_values(house: House) -> dict[str, list[tuple[int, bytes]]]:
    """Every sealed value with its row's number, by table and column."""
    found: dict[str, list[tuple[int, bytes]]] = {}
    async with house.office.look() as work:
        for table, columns in sealed_columns(metadata()):
            for column in columns:
                query = select(table.c[column.info[SEALED_BY]], column)
                rows = await work.session.execute(query.where(column.is_not(None)))
                found[f"{table.name}.{column.name}"] = [(number, value) for number, value in rows]
    return found


def test_every_column_of_bytes_says_whether_it_is_sealed() -> None:
    plain = set()
    for table in metadata().tables.values():
        for column in table.columns:
            if isinstance(column.type, LargeBinary) and SEALED_BY not in column.info:
                plain.add(f"{table.name}.{column.name}")
    assert {each for each in plain if not each.endswith(("_index", "_hash", "_sha256"))} <= {
        *PLAIN,
        "footage_clips.blocks",
    }, "sealed columns are made by `sealed()`, so that a rotation finds them"


async def test_everything_is_sealed_anew_and_opens_with_the_new_key_alone(
    any_house: House,
) -> None:
    house = any_house
    await a_full_life(house)
    await send(house)
    before = await sealed_values(house)
    assert sum(len(rows) for rows in before.values()) > 20
    ticks: list[tuple[int, int]] = []
    office = office_with(house, [*NEW, *KEYS])
    done = await reseal(office, metadata(), lambda *each: ticks.append(each))
    assert done == sum(len(rows) for rows in before.values())
    assert ticks[-1][0] == ticks[-1][1]
    assert await reseal(office, metadata()) == 0
    alone, old = Vault(NEW), house.office.vault
    after = await sealed_values(house)
    for where, rows in before.items():
        was = dict(rows)
        for number, value in after[where]:
            assert alone.open(where, number, value) == old.open(where, number, was[number])
    while await seal_lines(office):
        continue
    assert (await verify_chain(office)).is_well


async def test_what_is_written_meanwhile_stays_as_it_was_written(any_house: House) -> None:
    house = any_house
    office = office_with(house, [*NEW, *KEYS])
    sari = house.ids["Sari"]
    names = [f"Sari {nth}" for nth in range(60)]

    async def write() -> None:
        for name in names:
            async with office.work() as work:
                who = await work.session.get(Person, sari)
                assert who is not None
                set_name(work, who, name)
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    while not writing.done():
        await reseal(office, metadata())
        await asyncio.sleep(0)
    await writing
    async with office.look() as work:
        who = await work.session.get(Person, sari)
        assert who is not None
        assert name_of(work, who) == names[-1]


def test_a_coming_key_opens_and_does_not_seal() -> None:
    [new] = NEW
    coming = Vault([replace(new, is_coming=True), *KEYS])
    sealed = Vault([new, *KEYS]).seal("a.b", 1, b"x")
    assert coming.open("a.b", 1, sealed) == b"x"
    assert coming.newest == KEYS[0].key_id
    with pytest.raises(KeyProblem):
        parse_keys("+1:" + "QUJD" * 10 + "QUI=")


def test_keys_are_written_whole_and_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first = load_keys(path)
    keys = [replace(NEW[0], is_coming=True), *first]
    write_keys(path, keys)
    assert load_keys(path) == keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["keys"]


async def test_a_running_process_takes_the_keys_up(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    running = Foundation(settings)
    await upgrade(running.database)
    assert await running.keep_keys() == 0
    sealed = running.vault.seal("a.b", 1, b"old")
    keys = load_keys(tmp_path / "keys")
    write_keys(tmp_path / "keys", [*NEW, *keys])
    assert await running.keep_keys() == 1
    assert await running.keep_keys() == 0
    assert running.vault.newest == 2
    assert running.vault.open("a.b", 1, sealed) == b"old"
    # a file that would make everything unfindable is not taken
    write_keys(tmp_path / "keys", NEW)
    with pytest.raises(KeyProblem):
        await running.keep_keys()
    assert running.vault.open("a.b", 1, sealed) == b"old"
    await running.database.close()


async def test_the_command_rotates_and_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    running = Foundation(settings)
    await upgrade(running.database)
    async with running.office.work() as work:
        who = Person(id=5, created_at=work.now, seen_at=work.now)
        set_name(work, who, "Sari")
        work.session.add(who)
    # as after a kill in its first pause
    [old] = load_keys(tmp_path / "keys")
    coming = replace(NEW[0], is_coming=True)
    write_keys(tmp_path / "keys", [coming, old])
    assert await rotate(settings, only_reseal=False, pause_s=0) == 0
    assert load_keys(tmp_path / "keys") == [NEW[0], old]
    async with running.office.look() as work:
        found = await work.session.get(Person, 5)
        assert found is not None
        assert found.name is not None
        assert Vault(NEW).open("persons.name", 5, found.name) == b"Sari"
    assert await rotate(settings, only_reseal=False, pause_s=0) == 0
    assert [key.key_id for key in load_keys(tmp_path / "keys")] == [3, 2, 1]
    await running.database.close()


def test_a_number_that_was_given_up_is_used_again_and_there_is_an_end() -> None:
    keys = [replace(NEW[0], key_id=number) for number in (255, 3, 1)]
    assert _fresh(keys).key_id == 2
    with pytest.raises(CannotStart):
        _fresh([replace(NEW[0], key_id=number) for number in range(1, 256)])


async def test_keys_of_the_environment_are_rotated_by_hand(tmp_path: Path) -> None:
    code, said = await started(
        tmp_path, "rotate-keys", SECRET_KEYS="1:" + "QUJD" * 10 + "QUI=", COLUMNS="200"
    )
    assert code == 2
    assert "SECRET_KEYS=+2:" in said
