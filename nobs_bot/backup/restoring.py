"""`python bot.py restore FILE`: into an empty place only, and only if every byte is as it was."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import inspect

from nobs_bot.backup import keyfile, postgres
from nobs_bot.backup.archive import (
    DATABASES,
    FILES,
    GROUND,
    BackupProblem,
    Progress,
    Reader,
    flush_folder,
)
from nobs_bot.backup.making import keys_at_hand, tell_missing
from nobs_bot.backup.manifest import FORMAT, Manifest, keys_name
from nobs_bot.backup.snapshot import (
    Snapshot,
    look,
    missing,
    note_stored,
    opened_sqlite,
    sqlite_path,
)
from nobs_bot.backup.store import SealedStore
from nobs_bot.doctor.kept import keys_open_what_is_stored
from nobs_bot.places.layers import GROUND as GROUND_FOLDER
from nobs_bot.preparing import progress_bar
from nobs_bot.schema import newest_revision, upgrade
from nobs_bot.serving import RESTORING
from nobs_bot.settings import Settings
from nobs_bot.storage.crypto import KeyProblem, Vault
from nobs_bot.storage.departures import DepartureList
from nobs_bot.storage.engine import Database

ROOM_BYTES = 64 * 1024 * 1024


async def restore(
    settings: Settings, path: Path, console: Console | None = None, *, key_file: Path | None = None
) -> int:
    """
    Put a backup back.

    Args:
        key_file: Where its key is; beside it by default.

    Returns:
        0; 1 where the keys do not open everything or files are missing; 2 where nothing was done.
    """
    out = console or Console()
    try:
        return await asyncio.to_thread(_restore, settings, path, key_file, out)
    except (BackupProblem, KeyProblem) as problem:
        out.print(str(problem), markup=False, soft_wrap=True)
        return 2
    except OSError as exc:
        what = f"{exc.strerror or type(exc).__name__}: {exc.filename or settings.data_dir}"
        out.print(
            f"The restore broke off ({what}). Mend that, and run the same command again.",
            markup=False,
            soft_wrap=True,
        )
        return 2


def _restore(settings: Settings, path: Path, key_file: Path | None, out: Console) -> int:
    archive = Reader(path)
    manifest = archive.manifest
    _check_fit(settings, manifest)
    vault = _vault_of(settings, manifest)
    where = key_file or keyfile.key_file(path)
    key = keyfile.read(where, vault, manifest.archive_id).vault()
    with progress_bar(out, "checking") as progress:
        archive.check(progress)
    _check_empty(settings, manifest, path)
    who_left = _who_left(settings, vault, manifest)
    _begin(settings, manifest)
    with progress_bar(out, "restoring") as progress:
        draft, found = _put_back(settings, archive, key, progress)
    with closing(found):
        keys_problem = _finish(settings, draft)
        _tell(out, manifest, found)
        out.print(who_left, markup=False, soft_wrap=True)
        lost = missing(found.files)
    tell_missing(out, lost)
    if keys_problem:
        out.print(keys_problem, markup=False, soft_wrap=True, style="bold")
    else:
        out.print("The keys open it. `python bot.py doctor` looks over the rest; then start.")
    return 1 if lost or keys_problem else 0


def _check_fit(settings: Settings, manifest: Manifest) -> None:
    engine = "postgresql" if sqlite_path(settings.database) is None else "sqlite"
    if manifest.format < FORMAT:
        raise BackupProblem(
            f"This backup of {manifest.made_at} was made before backups were sealed. Restore it "
            "with the program of that day, then update. Nothing was restored."
        )
    is_newer = manifest.format > FORMAT or manifest.revision > newest_revision()
    if manifest.engine not in DATABASES or is_newer:
        raise BackupProblem(
            f"This backup is of version {manifest.version}, which is newer than this program. "
            "Install that version or a newer one. Nothing was restored."
        )
    if manifest.engine != engine:
        how = (
            "Leave DATABASE_URL empty, restore, then `python bot.py move-database postgresql://...`"
            if engine == "postgresql"
            else "Let DATABASE_URL name an empty PostgreSQL database"
        )
        raise BackupProblem(
            f"This backup is of {manifest.engine}, and the settings name {engine}. {how}. "
            "Nothing was restored."
        )
    if engine == "postgresql":
        postgres.require("pg_restore")


def _vault_of(settings: Settings, manifest: Manifest) -> Vault:
    """
    The keys that made this backup.

    Raises:
        BackupProblem: they are not at hand; or it was changed since by somebody who made the
            digests fit.
    """
    vault = Vault(keys_at_hand(settings))
    if manifest.keys != keys_name(vault):
        raise BackupProblem(
            "The keys at hand (SECRET_KEYS, or DATA_DIR/keys) are not those of this backup, so "
            "nothing in it opens. Put its keys in their place first. Nothing was restored."
        )
    if not manifest.is_sealed_by(vault):
        raise BackupProblem(
            "The manifest was not written with these keys: somebody changed this backup. "
            "Nothing was restored."
        )
    return vault


def _check_empty(settings: Settings, manifest: Manifest, path: Path) -> None:
    """Nothing that is there is written over, but for what an interrupted restore has left."""
    database = sqlite_path(settings.database)
    if database is None:
        with postgres.connected(settings.database) as connection:
            if inspect(connection).get_table_names():
                raise BackupProblem(
                    "The PostgreSQL database has tables already. Make an empty one (createdb) and "
                    "name it in DATABASE_URL. Nothing was restored."
                )
    elif database.exists():
        raise BackupProblem(
            f"There is a database at {database} already. Move it away, or set another DATA_DIR. "
            "Nothing was restored."
        )
    mark = settings.data_dir / RESTORING
    if mark.exists() and mark.read_text(encoding="ascii") == manifest.archive_sha256:
        return
    in_the_way = next(SealedStore(settings.files).names(), None)
    ground = settings.data_dir / GROUND_FOLDER
    if in_the_way is not None or (ground.exists() and any(ground.iterdir())):
        raise BackupProblem(
            f"There are files already in {settings.files if in_the_way else ground}. Move them "
            "away, or set another DATA_DIR. Nothing was restored."
        )
    room = _room(settings.data_dir)
    # once more for the database's migration
    needed = path.stat().st_size + ROOM_BYTES
    if room < needed:
        raise BackupProblem(
            f"{settings.data_dir} has room for {room / 1e9:.1f} GB, and this backup needs "
            f"{needed / 1e9:.1f} GB. Nothing was restored."
        )


def _room(folder: Path) -> int:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def _begin(settings: Settings, manifest: Manifest) -> None:
    """Mark what follows as a restore, so that it can be begun again after a power cut."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with (settings.data_dir / RESTORING).open("w", encoding="ascii") as file:
            file.write(manifest.archive_sha256)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise BackupProblem(
            f"The folder {settings.data_dir} cannot be used ({exc.strerror}). Make it writable, "
            "or set another DATA_DIR. Nothing was restored."
        ) from None


def _put_back(
    settings: Settings, archive: Reader, key: Vault, progress: Progress
) -> tuple[Path, Snapshot]:
    """Files first, the database last: an installation without its database does not look whole."""
    draft = settings.data_dir / f"{RESTORING}.database"
    store, ground = SealedStore(settings.files), settings.data_dir / GROUND_FOLDER
    total, done = archive.manifest.files, 0
    stored = sqlite3.connect("", isolation_level=None)
    stored.execute("CREATE TABLE stored (name TEXT)")
    stored.execute("BEGIN")
    for name, blocks in archive.members(key):
        if name == DATABASES[archive.manifest.engine]:
            _write(draft, blocks)
        elif name.startswith(GROUND):
            ground.mkdir(exist_ok=True)
            _write(ground / Path(name).name, blocks)
        elif name.startswith(FILES):
            store.write(name.removeprefix(FILES), blocks)
            stored.execute("INSERT INTO stored VALUES (?)", (name.removeprefix(FILES),))
            done += 1
            progress(done, total)
    found = _loaded(settings, archive.manifest, draft)
    for (name,) in stored.execute("SELECT name FROM stored"):
        note_stored(found.files, name)
    stored.close()
    # every file and folder of the restore, at once
    os.sync()
    return draft, found


def _write(path: Path, blocks: Iterator[bytes]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for block in blocks:
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _loaded(settings: Settings, manifest: Manifest, draft: Path) -> Snapshot:
    """The database, restored (SQLite still as a draft), with what is in it."""
    if manifest.engine == "sqlite":
        with opened_sqlite(draft) as connection:
            found = look(connection)
    else:
        postgres.load(settings.database, draft)
        draft.unlink()
        with postgres.connected(settings.database) as connection:
            found = look(connection)
    if found.tables != manifest.tables:
        raise BackupProblem("The restored tables do not have the rows that the manifest names.")
    return found


def _finish(settings: Settings, draft: Path) -> str | None:
    """Bring the database up to date and into its place; says what is wrong with the keys."""
    path = sqlite_path(settings.database)
    problem = asyncio.run(_migrated(settings, settings.database if path is None else draft))
    if path is not None:
        for beside in ("-wal", "-shm"):
            assert not draft.with_name(draft.name + beside).exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft, path) if path.parent != draft.parent else draft.rename(path)
        flush_folder(path.parent)
    (settings.data_dir / RESTORING).unlink()
    flush_folder(settings.data_dir)
    return problem


async def _migrated(settings: Settings, where: Path | str) -> str | None:
    database = Database(where if isinstance(where, str) else f"sqlite:///{where}")
    try:
        await upgrade(database)
        found = await keys_open_what_is_stored(settings, database)
    finally:
        await database.close()
    return f"{found.problem.capitalize()}. {found.hint}" if found else None


def _tell(out: Console, manifest: Manifest, found: Snapshot) -> None:
    shown = Shown("table", "rows")
    for name, rows in found.tables.items():
        if rows:
            shown.add_row(name, str(rows))
    out.print(shown)
    out.print(
        f"Restored: the backup of {manifest.made_at}, version {manifest.version}, "
        f"{sum(found.tables.values())} rows, {manifest.files} files "
        f"({manifest.file_bytes / 1e6:.1f} MB)."
    )


def _who_left(settings: Settings, vault: Vault, manifest: Manifest) -> str:
    """What the list says that is in its place already."""
    known = DepartureList(settings, vault)
    if known.mark() is None:
        return (
            "Whoever was erased or withdrew a camera since then is back, and roles and keys that "
            "were ended are good again. Put the former installation's list of them at "
            f"{known.path} before you start; the start takes them out again."
        )
    left, strange = known.read()
    since = datetime.fromisoformat(manifest.made_at)
    count = sum(each.at >= since for each in left)
    told = f"Since then {count} left or ended ({known.path}); the start takes them out again."
    if strange:
        told += f" {strange} lines of it were not written with these keys and do not count."
    return told
