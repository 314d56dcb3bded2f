"""Backups: made while the bot writes, and restored into an empty place, on both engines."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nobs_bot.backup import keyfile
from nobs_bot.backup.archive import Reader, Writer, is_archive
from nobs_bot.backup.keyfile import fresh, key_file
from nobs_bot.backup.making import back_up_keys, make_backup
from nobs_bot.backup.manifest import Manifest
from nobs_bot.backup.restoring import restore
from nobs_bot.errors import CannotStart
from nobs_bot.places.layers import GROUND
from nobs_bot.schema import is_current, migrating, migration_config
from nobs_bot.serving import RESTORING, prepared
from nobs_bot.settings import Settings
from nobs_bot.storage.crypto import KeyProblem, Vault, parse_keys
from nobs_bot.storage.engine import Database
from nobs_bot.storage.sealing import CHUNK_BYTES
from tests.backup.conftest import (
    KEYS_TEXT,
    OTHER_KEYS,
    Said,
    add_photo_with_file,
    files_in,
    postgres_tools,
    rows_in,
)
from tests.cast import House, settings_in

ROOT = Path(__file__).parents[2]
Elsewhere = Callable[..., Settings]
WRITTEN_AT = datetime(2026, 11, 28, tzinfo=UTC)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def furnished(house: House, photos: int = 4) -> int:
    """A camera with photos and their files; returns its id."""
    camera_id = await house.waiting("Sari")
    for number in range(photos):
        await add_photo_with_file(house, camera_id, number)
    return camera_id


async def test_what_was_backed_up_comes_back(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    await furnished(any_house)
    ground = tmp_path / GROUND
    ground.mkdir()
    (ground / "roads.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    archive, said = tmp_path / "nobs.tar", Said()
    assert await make_backup(settings, archive, said) == 0
    assert "4 files" in said.text
    assert archive.stat().st_mode & 0o777 == 0o600
    there, said = elsewhere(), Said()
    assert await restore(there, archive, said) == 0, said.text
    assert "The keys open it" in said.text
    assert rows_in(there) == rows_in(settings)
    assert files_in(there) == files_in(settings)
    assert (there.data_dir / GROUND / "roads.geojson").read_text().startswith('{"type"')
    assert not (there.data_dir / RESTORING).exists()
    # and it opens
    foundation = await prepared(there)
    name = next(iter(files_in(there)))
    assert await foundation.files.get(name) == await any_house.files.get(name)
    await foundation.database.close()


async def test_a_backup_is_of_one_instant_while_the_bot_writes(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    camera_id = await furnished(any_house)
    written = 0

    async def write(lane: int) -> None:
        nonlocal written
        while True:
            await add_photo_with_file(any_house, camera_id, 100_000 * lane + written)
            written += 1

    writers = [asyncio.create_task(write(lane)) for lane in (1, 2, 3)]
    taken = []
    for number in range(3):
        before = written
        assert await make_backup(settings, tmp_path / f"{number}.tar", Said()) == 0
        taken.append((before, written))
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    assert all(after > before for before, after in taken), "nobody wrote meanwhile"
    for number, (before, after) in enumerate(taken):
        there, said = elsewhere(f"there{number}"), Said()
        assert await restore(there, tmp_path / f"{number}.tar", said) == 0, said.text
        # a row never without its file, and what was committed before is in it
        assert before <= len(rows_in(there)["camera_photos"]) - 5 <= after + 3


async def test_sums_can_be_checked_by_hand(
    any_house: House, settings: Settings, tmp_path: Path
) -> None:
    await furnished(any_house)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert names[-2:] == ["SHA256SUMS", "manifest.json"]
        lines = tar.extractfile("SHA256SUMS").read().decode().splitlines()
        assert [line.split("  ")[1] for line in lines] == names[:-2]
        for line in lines:
            digest, name = line.split("  ")
            assert hashlib.sha256(tar.extractfile(name).read()).hexdigest() == digest


async def test_any_changed_byte_is_refused(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=2)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    good, chance = archive.read_bytes(), random.Random(7)
    at = {0, 511, 512, len(good) - 1, len(good) - 1024, len(good) - 1025, len(good) - 2000}
    at |= {chance.randrange(len(good)) for _ in range(60)}
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    for place in sorted(at):
        changed = bytearray(good)
        changed[place] ^= 1 << chance.randrange(8)
        archive.write_bytes(changed)
        said = Said()
        assert await restore(there, archive, said) == 2, place
        assert not there.data_dir.exists()
    archive.write_bytes(good)
    assert await restore(there, archive, Said()) == 0


async def test_the_damaged_member_is_named(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    camera_id = await furnished(house, photos=3)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    with tarfile.open(archive) as tar:
        place = tar.getmember(f"files/photos/{camera_id}/1").offset_data + 100
    with archive.open("r+b") as file:
        file.seek(place)
        file.write(b"\0\1\2\3")
    said = Said()
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, said) == 2
    assert f"files/photos/{camera_id}/1 is damaged" in said.text


async def test_a_cut_archive_is_refused(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=2)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    good = archive.read_bytes()
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    for length in (0, 100, 512, 5000, len(good) // 2, len(good) - 2048, len(good) - 1):
        archive.write_bytes(good[:length])
        assert await restore(there, archive, Said()) == 2, length
        assert not there.data_dir.exists()


async def test_who_makes_the_digests_fit_still_lacks_the_key(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=1)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    good = archive.read_bytes()
    with tarfile.open(archive) as tar:
        info = tar.getmember("manifest.json")
    about = json.loads(good[info.offset_data : info.offset_data + info.size])
    about["tables"]["grants"] += 1
    about["digest"] = ""
    about["digest"] = hashlib.sha256(
        (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()
    ).hexdigest()
    forged = (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()
    assert len(forged) == info.size
    archive.write_bytes(good[: info.offset_data] + forged + good[info.offset_data + info.size :])
    there, said = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT), Said()
    assert await restore(there, archive, said) == 2
    assert "somebody changed this backup" in said.text


# keys


async def test_without_the_keys_nothing_opens(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    await furnished(any_house)
    archive, again = tmp_path / "nobs.tar", tmp_path / "again.tar"
    secret = base64.b64decode(KEYS_TEXT[2:])
    bodies = []
    for each in (archive, again):
        await make_backup(settings, each, Said())
        content = each.read_bytes() + key_file(each).read_bytes()
        for part in (KEYS_TEXT.encode(), KEYS_TEXT[2:].encode(), secret):
            assert part not in content
        bodies.append(content[: content.index(b'"archive_id"')])  # the manifest names tables
    for part in (b"Ibu Sari", b"628125550101", b"cameras", b"SQLite format", b"PGDMP"):
        assert not any(part in body for body in bodies), part
    for part in (b"Sari", b"0812"):  # a megabyte of noise may hold four letters, but not twice
        assert not all(part in body for body in bodies), part
    for name, keys in (("none", None), ("wrong", OTHER_KEYS)):
        there, said = elsewhere(name, secret_keys=keys), Said()
        assert await restore(there, archive, said) == 2
        assert "keys" in said.text
        assert "The keys open it" not in said.text
        assert not there.data_dir.exists(), "a restore must not make new keys"


async def test_a_backup_whose_key_was_destroyed_opens_for_nobody(
    house: House, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    key_file(archive).rename(tmp_path / "apart")
    assert await restore(there, archive, said := Said()) == 2
    assert "Where it was destroyed, so was this backup" in said.text
    assert not there.data_dir.exists()
    # neither do the key of another backup, or one that was made up
    other = tmp_path / "other.tar"
    await make_backup(settings, other, Said())
    assert await restore(there, archive, Said(), key_file=key_file(other)) == 2
    (archive_id,) = (line.partition(":")[0] for line in lines_of(tmp_path / "apart"))
    forged = key_file(other).read_text().partition(":")[2]
    (tmp_path / "forged").write_text(f"{archive_id}:{forged}")
    assert await restore(there, archive, said := Said(), key_file=tmp_path / "forged") == 2
    assert "was changed" in said.text
    assert not there.data_dir.exists()
    assert await restore(there, archive, Said(), key_file=tmp_path / "apart") == 0


async def test_the_key_of_a_backup_goes_with_it(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, said := Said())
    assert f"It opens with {key_file(archive)}" in said.text
    assert key_file(archive).stat().st_mode & 0o777 == 0o600
    kept, former = archive.with_name("kept.tar"), lines_of(key_file(archive))
    kept.write_bytes(archive.read_bytes())
    await make_backup(settings, archive, Said())
    assert len(lines_of(key_file(archive))) == 1
    assert lines_of(key_file(archive)) != former
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, kept, Said(), key_file=key_file(archive)) == 2
    assert await restore(there, archive, Said()) == 0


async def test_a_key_of_a_new_name_opens_older_backups_after_a_rotation(
    house: House, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    rotated = settings_in(tmp_path / "there", secret_keys="2:" + OTHER_KEYS[2:] + "," + KEYS_TEXT)
    assert await restore(rotated, archive, said := Said()) == 0, said.text


async def test_content_of_every_size_comes_back(tmp_path: Path) -> None:
    key = fresh().vault()
    sizes = (0, 1, 511, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES)
    contents = {f"files/{size}": os.urandom(size) for size in sizes}
    blocks = {name: [content[:700], content[700:]] for name, content in contents.items()}
    with Writer(tmp_path / "nobs.tar", key) as archive:
        archive.add("database.sqlite3", 3, [b"abc"])
        for name, content in contents.items():
            archive.add(name, len(content), blocks[name])
        manifest = Manifest("1", "0001", "sqlite", WRITTEN_AT.isoformat())
        archive.finish(manifest.signed(Vault(parse_keys(KEYS_TEXT))), WRITTEN_AT)
    reader = Reader(tmp_path / "nobs.tar")
    reader.check(lambda *_: None)
    found = {name: b"".join(content) for name, content in reader.members(key)}
    assert found == contents | {"database.sqlite3": b"abc"}
    with pytest.raises(KeyProblem):
        [b"".join(content) for _, content in reader.members(fresh().vault())]


class Former:
    """A manifest as it was written before archives had a key of their own."""

    def sealed(self, archive_sha256: str) -> bytes:
        about = Manifest("0.3.0", "0001", "sqlite", "2026-11-01T00:00:00+00:00", format=1).as_dict()
        del about["archive_id"]
        about |= {"archive_sha256": archive_sha256, "seal": "00" * 32, "digest": "00" * 32}
        return (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()


async def test_a_backup_from_before_they_were_sealed_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "nobs.tar"
    with Writer(archive, fresh().vault()) as writer:
        writer.add("database.sqlite3", 3, [b"abc"])
        writer.finish(Former(), WRITTEN_AT)  # type: ignore[arg-type]
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, said := Said()) == 2
    assert "made before backups were sealed" in said.text
    assert not there.data_dir.exists()


async def test_keys_from_before_a_rotation_are_told_apart_from_a_changed_file(
    house: House, tmp_path: Path
) -> None:
    await furnished(house, photos=1)
    rotated = settings_in(tmp_path, secret_keys="2:" + OTHER_KEYS[2:] + "," + KEYS_TEXT)
    archive = tmp_path / "nobs.tar"
    await make_backup(rotated, archive, Said())
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, said := Said()) == 2
    assert "key 2 is missing" in said.text


async def test_a_file_in_the_place_of_the_key_is_left_as_it_is(
    house: House, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    archive = tmp_path / "nobs.tar"
    for content in (KEYS_TEXT + "\n", "-----BEGIN PRIVATE KEY-----\n"):
        key_file(archive).write_text(content)
        assert await make_backup(settings, archive, said := Said()) == 2
        assert "is no key of a backup" in said.text
        assert key_file(archive).read_text() == content
        assert [each.name for each in tmp_path.glob("*nobs.tar*")] == ["nobs.tar.key"]


async def test_archive_and_key_bear_the_time_of_their_content(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    began = time.time()
    await make_backup(settings, archive, Said())
    made_at = datetime.fromisoformat(Reader(archive).manifest.made_at).timestamp()
    assert made_at <= archive.stat().st_mtime < made_at + 1
    assert began - 1 < key_file(archive).stat().st_mtime <= archive.stat().st_mtime


async def test_the_way_out_of_a_former_key_that_stays_is_told(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(keyfile, "destroy", full)
    assert await make_backup(settings, archive, said := Said()) == 0
    assert "is still in" in said.text
    assert "back up once more" in said.text
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, Said()) == 0


async def test_no_name_is_told(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    assert await make_backup(settings, Path(), said := Said()) == 2
    assert "Name a file" in said.text
    assert await restore(settings, Path(), said := Said()) == 2
    assert "There is no file" in said.text


def test_an_archive_with_a_huge_database_is_still_known(tmp_path: Path) -> None:
    info = tarfile.TarInfo("database.pgdump")
    info.size = 9 * 1024**3
    with (tmp_path / "nobs.tar").open("wb") as file:
        file.write(info.tobuf(tarfile.PAX_FORMAT))
        file.truncate(info.size + 64 * 1024)  # a hole, which takes no room
    assert is_archive(tmp_path / "nobs.tar")


async def test_keys_are_kept_apart_and_never_written_over(tmp_path: Path) -> None:
    said = Said()
    settings = settings_in(tmp_path / "data")
    assert await back_up_keys(settings, tmp_path / "kept", said) == 2
    assert "There are no keys" in said.text
    foundation = await prepared(settings)
    await foundation.database.close()
    assert await back_up_keys(settings, tmp_path / "kept", said := Said()) == 0
    kept = tmp_path / "kept"
    assert kept.read_text() == (tmp_path / "data" / "keys").read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "Whoever has these keys" in said.text
    assert kept.read_text().strip() not in said.text
    assert await back_up_keys(settings, kept, Said()) == 2
    given = settings_in(tmp_path, secret_keys="2:" + OTHER_KEYS[2:] + "," + KEYS_TEXT)
    assert await back_up_keys(given, tmp_path / "given", Said()) == 0
    assert [key.key_id for key in parse_keys((tmp_path / "given").read_text())] == [2, 1]


# where nothing may be written over


async def test_what_is_there_is_never_written_over(
    any_house: House, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    await furnished(any_house)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    before, said = rows_in(settings), Said()
    assert await restore(settings, archive, said) == 2
    assert "already" in said.text
    assert rows_in(settings) == before
    there = elsewhere()
    (there.data_dir / "files").mkdir(parents=True)
    (there.data_dir / "files" / "mine").write_text("mine")
    assert await restore(there, archive, said := Said()) == 2
    assert "There are files already" in said.text
    assert sorted(path.name for path in there.data_dir.iterdir()) == ["files"]


async def test_a_file_that_is_no_backup_is_neither_restored_nor_replaced(
    house: House, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    other = tmp_path / "diary"
    other.write_text("dear diary " * 100)
    assert await make_backup(settings, other, said := Said()) == 2
    assert "is no backup" in said.text
    assert await restore(settings_in(tmp_path / "there"), other, said) == 2
    assert other.read_text().startswith("dear diary")


async def test_the_other_engine_is_refused(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    there = settings_in(tmp_path / "there", database_url="postgresql://nobody@127.0.0.1:1/none")
    assert await restore(there, archive, said := Said()) == 2
    assert "move-database" in said.text
    assert not there.data_dir.exists()


# versions


@pytest.mark.postgres
@pytest.mark.parametrize("seated_url", ["postgres"], indirect=True)
async def test_a_client_that_is_older_than_the_server_or_missing_is_told(
    elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = elsewhere()
    foundation = await prepared(settings)
    await foundation.database.close()
    for folder, told in ((postgres_tools(""), "is older than the server"), ("", "apt-get install")):
        monkeypatch.setenv("PATH", folder)
        assert await make_backup(settings, tmp_path / "nobs.tar", said := Said()) == 2
        assert told in said.text
        assert list(tmp_path.glob("*nobs.tar*")) == []


async def test_an_older_backup_is_brought_up_to_date(tmp_path: Path) -> None:
    from alembic import command

    old = settings_in(tmp_path / "old", secret_keys=KEYS_TEXT)
    database = Database(old.database)
    async with migrating(database) as connection:
        await connection.run_sync(lambda each: command.upgrade(migration_config(each), "0007"))
    await database.close()
    archive = tmp_path / "nobs.tar"
    assert await make_backup(old, archive, Said()) == 0
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, said := Said()) == 0, said.text
    database = Database(there.database)
    assert await is_current(database)
    await database.close()


async def test_a_newer_backup_is_refused(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    with sqlite3.connect(tmp_path / "nobs.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, said := Said()) == 2
    assert "newer than this program" in said.text
    assert not there.data_dir.exists()


# power cuts

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from nobs_bot.backup import archive, restoring
from nobs_bot.backup.making import make_backup
from nobs_bot.settings import Settings

what, folder, file, keys, left = sys.argv[1:]
left = int(left)

def dying(run):
    def counted(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(*arguments, **named)
    return counted

settings = Settings(_env_file=None, data_dir=Path(folder), secret_keys=keys)
if what == "backup":
    archive.Writer._write = dying(archive.Writer._write)
    asyncio.run(make_backup(settings, Path(file)))
else:
    restoring.SealedStore.write = dying(restoring.SealedStore.write)
    asyncio.run(restoring.restore(settings, Path(file)))
"""


async def killed(what: str, folder: Path, archive: Path, after: int) -> None:
    run = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, what, folder, archive, KEYS_TEXT, str(after)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()


async def test_a_power_cut_leaves_the_former_backup_whole(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    camera_id = await furnished(house, photos=3)
    archive = tmp_path / "kept" / "nobs.tar"
    archive.parent.mkdir()
    await make_backup(settings, archive, Said())
    former = archive.read_bytes()
    await add_photo_with_file(house, camera_id, 77)
    for after in (1, 6, 14):
        await killed("backup", tmp_path, archive, after)
        assert archive.read_bytes() == former
        there = settings_in(tmp_path / f"former-{after}", secret_keys=KEYS_TEXT)
        assert await restore(there, archive, said := Said()) == 0, said.text
    assert await make_backup(settings, archive, Said()) == 0
    assert {each.name for each in archive.parent.iterdir()} == {"nobs.tar", "nobs.tar.key"}
    assert len(lines_of(key_file(archive))) == 1
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, Said()) == 0
    assert files_in(there) == files_in(settings)


async def test_what_a_killed_backup_left_goes_with_the_next_one(
    house: House, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=1)
    kept = tmp_path / "kept"
    kept.mkdir()
    await killed("backup", tmp_path, kept / "monday.tar", 1)
    left = {each.name for each in kept.iterdir()}
    assert ".monday.tar.nobs-database" in left, "nothing was left that could be removed"
    assert await make_backup(settings, kept / "tuesday.tar", Said()) == 0
    names = {each.name for each in kept.iterdir()}
    assert names == {"tuesday.tar", "tuesday.tar.key", "monday.tar.key"}


async def test_a_restore_that_was_killed_goes_on(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=3)
    archive = tmp_path / "nobs.tar"
    await make_backup(settings, archive, Said())
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    await killed("restore", there.data_dir, archive, 2)
    with pytest.raises(CannotStart, match="interrupted"):
        await prepared(there)
    assert await restore(there, archive, said := Said()) == 0, said.text
    assert rows_in(there) == rows_in(settings)
    assert files_in(there) == files_in(settings)


async def test_a_full_disk_is_told_and_costs_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=3)
    kept = tmp_path / "kept"
    kept.mkdir()
    await make_backup(settings, kept / "nobs.tar", Said())
    former = {each.name: each.read_bytes() for each in kept.iterdir()}
    write, left = Writer._write, 7

    def full(writer: Writer, block: bytes | memoryview) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(writer, block)

    monkeypatch.setattr(Writer, "_write", full)
    assert await make_backup(settings, kept / "nobs.tar", said := Said()) == 2
    assert "No space left" in said.text
    assert {each.name: each.read_bytes() for each in kept.iterdir()} == former


async def test_a_backup_does_not_hold_itself(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=1)
    inside = tmp_path / "files" / "nobs.tar"
    assert await make_backup(settings, inside, said := Said()) == 2
    assert "inside of the file store" in said.text
    assert not inside.exists()


async def test_two_backups_at_once_do_not_spoil_each_other(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    await furnished(house, photos=3)
    archive = tmp_path / "nobs.tar"
    codes = await asyncio.gather(*(make_backup(settings, archive, Said()) for _ in range(4)))
    assert 0 in codes
    assert await restore(settings_in(tmp_path / "t", secret_keys=KEYS_TEXT), archive, Said()) == 0


async def test_files_that_are_missing_are_named(house: House, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_keys=KEYS_TEXT)
    camera_id = await furnished(house, photos=2)
    with suppress(FileNotFoundError):
        await house.files.delete(f"photos/{camera_id}/1")
    archive = tmp_path / "nobs.tar"
    assert await make_backup(settings, archive, said := Said()) == 0
    assert f"photos/{camera_id}/1" in said.text
    there = settings_in(tmp_path / "there", secret_keys=KEYS_TEXT)
    assert await restore(there, archive, said := Said()) == 1
    assert f"photos/{camera_id}/1" in said.text
