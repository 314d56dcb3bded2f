"""`python bot.py backup FILE` and `backup-keys FILE`."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from nobs_bot import VERSION
from nobs_bot.backup import keyfile
from nobs_bot.backup.archive import (
    DATABASES,
    FILES,
    GROUND,
    BackupProblem,
    Writer,
    blocks_of,
    flush_folder,
)
from nobs_bot.backup.keyfile import ArchiveKey
from nobs_bot.backup.manifest import Manifest
from nobs_bot.backup.snapshot import Snapshot, missing, note_stored, sqlite_path, take
from nobs_bot.backup.store import SealedStore
from nobs_bot.clock import SystemClock
from nobs_bot.places.layers import Layer, ground_file
from nobs_bot.preparing import progress_bar
from nobs_bot.settings import Settings
from nobs_bot.storage.crypto import KeyProblem, MasterKey, Vault, load_keys

SHOWN = 5
KEYS_WARNING = (
    "Whoever has these keys, a backup and its key file can read everything. Keep them apart from "
    "the backups, in two places, such as a safe and a password manager. Without them a backup "
    "opens for nobody."
)
OPENS_WITH = (
    "It opens with {where} and the installation's keys, which are not in it (`python bot.py "
    "backup-keys FILE` keeps those apart). Once that file is destroyed, and every copy of it, no "
    "copy of this backup opens."
)
FORMER_KEY_LEFT = (
    "The key of the backup that this one replaces is still in {where} ({reason}). Mend that, and "
    "back up once more."
)


async def make_backup(settings: Settings, path: Path, console: Console | None = None) -> int:
    """Write database and files into one archive; the bot may go on. Exit code 2 where it cannot."""
    out = console or Console()
    try:
        await asyncio.to_thread(_back_up, settings, path, out)
    except BackupProblem as problem:
        out.print(f"Nothing was backed up. {problem}", markup=False, soft_wrap=True)
        return 2
    except OSError as exc:
        where = exc.filename or path
        out.print(
            f"Nothing was backed up. {exc.strerror or type(exc).__name__}: {where}. A former "
            "backup of that name is as it was.",
            markup=False,
            soft_wrap=True,
        )
        return 2
    return 0


def _back_up(settings: Settings, path: Path, out: Console) -> None:
    if not path.name:
        raise BackupProblem("Name a file for the backup, such as nobs.tar.")
    vault = Vault(keys_at_hand(settings))
    if f"{path.absolute().resolve().as_uri()}/".startswith(settings.files.rstrip("/") + "/"):
        raise BackupProblem(f"{path} is inside of the file store, so it would hold itself.")
    key = keyfile.fresh()
    where = keyfile.key_file(path)
    with Writer(path, key.vault()) as archive, ExitStack() as later:
        # the key first: an archive without it is lost, a key without its archive does no harm
        former = keyfile.add(where, vault, key)
        try:
            found, manifest = _write(settings, archive, vault, key, out)
            later.callback(found.close)
        except BaseException:
            if not archive.is_in_place:
                keyfile.destroy(where, {key.archive_id})
            raise
        lost = missing(found.files)
    rows = sum(found.tables.values())
    out.print(
        f"{rows} rows and {manifest.files} files are in {path} ({archive.bytes / 1e6:.1f} MB)."
    )
    out.print(OPENS_WITH.format(where=where), markup=False, soft_wrap=True)
    tell_missing(out, lost)
    try:
        keyfile.destroy(where, former)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        out.print(FORMER_KEY_LEFT.format(where=where, reason=reason), markup=False, soft_wrap=True)


def _write(
    settings: Settings, archive: Writer, vault: Vault, key: ArchiveKey, out: Console
) -> tuple[Snapshot, Manifest]:
    """All that belongs into an archive; when this returns it is in its place."""
    url = settings.database
    engine = "postgresql" if sqlite_path(url) is None else "sqlite"
    made_at = SystemClock().now()
    with progress_bar(out, "database") as progress:
        found = take(url, archive.snapshot, progress)
    archive.add_snapshot(DATABASES[engine])
    _add_ground(archive, settings)
    # listed after the snapshot: what the database names is there by now, and what was written
    # since does no harm
    files, file_bytes = _add_files(archive, settings, found, out)
    manifest = Manifest(
        VERSION,
        found.revision,
        engine,
        made_at.isoformat(timespec="seconds"),
        found.tables,
        files,
        file_bytes,
        archive_id=key.archive_id,
    )
    archive.finish(manifest.signed(vault), made_at)
    return found, manifest


def _add_ground(archive: Writer, settings: Settings) -> None:
    for layer in Layer:
        path = ground_file(settings.data_dir, layer)
        if path is not None:
            archive.add(GROUND + path.name, path.stat().st_size, blocks_of(path))


def _add_files(
    archive: Writer, settings: Settings, found: Snapshot, out: Console
) -> tuple[int, int]:
    store = SealedStore(settings.files)
    count = file_bytes = 0
    with progress_bar(out, "files") as progress:
        for name in store.names():
            try:
                size, blocks = store.read(name)
            except FileNotFoundError:
                continue  # removed since it was listed
            archive.add(FILES + name, size, blocks)
            note_stored(found.files, name)
            count, file_bytes = count + 1, file_bytes + size
            progress(count, count)
    return count, file_bytes


def tell_missing(out: Console, names: list[str]) -> None:
    """Say which files are named in the database and not in the store."""
    if not names:
        return
    out.print(f"{len(names)} files that the database names are not in the store:")
    for name in names[:SHOWN]:
        out.print(f"  {name}", markup=False, soft_wrap=True)
    if len(names) > SHOWN:
        out.print("  ...")


def keys_at_hand(settings: Settings) -> list[MasterKey]:
    """
    The installation's keys; none are made.

    Raises:
        BackupProblem: there are none, or they cannot be read.
    """
    path = settings.data_dir / "keys"
    given = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    if given is None and not path.exists():
        raise BackupProblem(
            f"There are no keys (SECRET_KEYS, or {path}). What is stored opens for nobody without "
            "them: put them back first."
        )
    try:
        return load_keys(path, given)
    except (KeyProblem, OSError, UnicodeError) as exc:
        reason = str(exc) if isinstance(exc, KeyProblem) else type(exc).__name__
        raise BackupProblem(f"The keys (SECRET_KEYS, or {path}) are wrong: {reason}") from None


async def back_up_keys(settings: Settings, path: Path, console: Console | None = None) -> int:
    """Write the keys into a new file that only its owner can read."""
    out = console or Console()
    try:
        _write_keys(settings, path)
    except (BackupProblem, OSError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        out.print(f"The keys were not written to {path}. {reason}", markup=False, soft_wrap=True)
        return 2
    out.print(f"The keys are in {path}. {KEYS_WARNING}", markup=False, soft_wrap=True)
    return 0


def _write_keys(settings: Settings, path: Path) -> None:
    keys_at_hand(settings)
    if settings.secret_keys:
        text = settings.secret_keys.get_secret_value().replace(",", "\n").strip() + "\n"
    else:
        text = (settings.data_dir / "keys").read_text(encoding="ascii")
    # never over a file: it may hold the only copy of older keys
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    flush_folder(path.absolute().parent)
