"""
The key of a backup, in a file of its own beside it.

Each archive is sealed with a key that nothing else is sealed with. NAME.key holds it, a line
ID:BASE64 for each archive, sealed with the installation's keys. Wherever copies of an archive lie:
once this file is destroyed, they open for nobody. So what was erased for an owner is erased from
backups too, also from those that cannot be removed.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nobs_bot.backup.archive import BackupProblem, flush_folder
from nobs_bot.storage.crypto import KEY_BYTES, KeyProblem, MasterKey, Vault

_PLACE = "backup.key"
_ID_BITS = 63
_DRAFT = ".nobs-key"
_LINE = re.compile(r"([0-9]{1,19}):([A-Za-z0-9+/]{83}=)")  # 62 sealed bytes


@dataclass(frozen=True)
class ArchiveKey:
    """
    Args:
        archive_id: The archive that it opens; its manifest names it too.
        secret: 32 bytes.
    """

    archive_id: int
    secret: bytes = field(repr=False)

    def vault(self) -> Vault:
        """What seals and opens the archive's members."""
        return Vault([MasterKey(1, self.secret)])


def fresh() -> ArchiveKey:
    """A key for an archive that is about to be written."""
    return ArchiveKey(secrets.randbits(_ID_BITS), secrets.token_bytes(KEY_BYTES))


def key_file(archive: Path) -> Path:
    """Where the key of an archive is kept."""
    return archive.with_name(f"{archive.name}.key")


def add(path: Path, vault: Vault, key: ArchiveKey) -> set[int]:
    """
    Put a key beside those that are there; it is on the disk when this returns.

    Returns:
        The ids of those that were there: of the archive that this one will replace.

    Raises:
        BackupProblem: a file of this name is there and holds something else.
    """
    sealed = base64.b64encode(vault.seal(_PLACE, key.archive_id, key.secret)).decode()
    with _rewritten(path) as lines:
        former = set(lines)
        lines[key.archive_id] = sealed
    return former


def destroy(path: Path, archive_ids: set[int]) -> None:
    """Take keys out, so that their archives open no more; the file keeps its time."""
    with _rewritten(path) as lines:
        for each in archive_ids:
            lines.pop(each, None)


def read(path: Path, vault: Vault, archive_id: int) -> ArchiveKey:
    """
    The key of an archive.

    Raises:
        BackupProblem: it is not there, or does not open with the installation's keys.
    """
    lines = _lines(path) if path.exists() else {}
    if archive_id not in lines:
        raise BackupProblem(
            f"The key of this backup is not in {path}. Put the file that was written with it "
            "there, or name it with --key. Where it was destroyed, so was this backup: take a "
            "newer one. Nothing was restored."
        )
    sealed = base64.b64decode(lines[archive_id])
    if not vault.has_key_of(sealed):
        raise BackupProblem(
            f"The keys at hand are older than this backup: key {sealed[1]} is missing. Take the "
            "copy that was made after the last `rotate-keys`. Nothing was restored."
        )
    try:
        return ArchiveKey(archive_id, vault.open(_PLACE, archive_id, sealed))
    except KeyProblem:
        raise BackupProblem(
            f"{path} was changed, or is of another installation. Nothing was restored."
        ) from None


@contextmanager
def _rewritten(path: Path) -> Iterator[dict[int, str]]:
    """The lines, to be changed, with everybody else held off; they replace the file as a whole."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for left in path.parent.glob(f".*{_DRAFT}"):
            left.unlink()
        lines = _lines(path) if path.exists() else {}
        written_at = path.stat().st_mtime if path.exists() else None
        count = len(lines)
        yield lines
        _write(path, lines, written_at if len(lines) < count else None)
    finally:
        os.close(folder)


def _lines(path: Path) -> dict[int, str]:
    found = [_LINE.fullmatch(line) for line in path.read_text("ascii", "replace").splitlines()]
    if not all(found):
        raise BackupProblem(f"{path} is there and is no key of a backup; it is left as it is.")
    return {int(line[1]): line[2] for line in found if line}


def _write(path: Path, lines: dict[int, str], written_at: float | None) -> None:
    if not lines:
        path.unlink(missing_ok=True)
    else:
        draft = path.with_name(f".{path.name}{_DRAFT}")
        try:
            _write_whole(draft, lines)
            if written_at is not None:
                os.utime(draft, (written_at, written_at))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def _write_whole(path: Path, lines: dict[int, str]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(f"{number}:{sealed}\n" for number, sealed in lines.items())
        file.flush()
        os.fsync(file.fileno())
