"""
The archive: a plain tar whose every byte is accounted for.

    database.sqlite3 or database.pgdump     a consistent snapshot
    ground/NAME                             areas, roads and buildings that were imported
    files/NAME                              the file store, sealed as it is there
    SHA256SUMS                              a line for each of them, for `sha256sum -c`
    manifest.json                           the last member: an archive without it was cut off

All but the last two are sealed with the archive's own key (`keyfile`), under their names.

It is written to a draft, brought to the disk and then renamed, so that a former archive of the
same name stays whole until the new one is. What a backup that was killed has left beside it, the
next one in that folder removes, whatever the name of its archive.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from nobs_bot.backup.manifest import Manifest, Signing, read_manifest
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.sealing import CHUNK_BYTES, HEAD_BYTES, Opener, Sealer, sealed_bytes

BLOCK_BYTES = 1024 * 1024
SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
FILES, GROUND = "files/", "ground/"
_END = bytes(2 * tarfile.BLOCKSIZE)
_DRAFT, _SNAPSHOT = ".nobs-draft", ".nobs-database"

Progress = Callable[[int, int], None]


class BackupProblem(Exception):  # noqa: N818 - read by the operator as a sentence
    """It cannot be backed up or restored; says why and what to do."""


class Writer:
    """
    Writes an archive; it is in its place after the block, or the former one still is.

    Args:
        key: Seals the members.

    Raises:
        BackupProblem: the place cannot be written, holds something else, or somebody is at it.
    """

    def __init__(self, path: Path, key: Vault) -> None:
        self._path = path
        self._key = key
        self._draft = path.with_name(f".{path.name}{_DRAFT}")
        self.snapshot = path.with_name(f".{path.name}{_SNAPSHOT}")
        self.is_in_place = False
        self._digest = hashlib.sha256()
        self.bytes = 0

    def __enter__(self) -> Writer:
        if self._path.exists() and not is_archive(self._path):
            raise BackupProblem(f"{self._path} is there and is no backup; it is left as it is.")
        try:
            _remove_leftovers(self._path.parent)
            self._file = self._drafted()
            self._sums: IO[bytes] = tempfile.TemporaryFile(dir=self._path.parent)
        except OSError as exc:
            raise BackupProblem(f"{self._path} cannot be written: {exc.strerror}.") from None
        return self

    def _drafted(self) -> IO[bytes]:
        file = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT, 0o600), "wb")
        # somebody who has just finished may have renamed it, or removed it, before our lock
        if _is_free(file) and _is_still(file, self._draft):
            file.truncate()
            return file
        file.close()
        raise BackupProblem(f"Another backup to {self._path} is under way.")

    def add(self, name: str, size: int, blocks: Iterable[bytes]) -> None:
        """Add a member whose content has *size* bytes in clear."""
        sealer, sealed_size = Sealer(self._key, name), sealed_bytes(size)
        self._write(_header(name, sealed_size))
        digest, written = hashlib.sha256(sealer.header), len(sealer.header)
        self._write(sealer.header)
        for chunk, is_last in _in_chunks(blocks):
            sealed = sealer.seal(chunk, is_last=is_last)
            digest.update(sealed)
            self._write(sealed)
            written += len(sealed)
        if written != sealed_size:
            raise BackupProblem(f"{name} changed while it was read; back up once more.")
        self._write(_padding(sealed_size))
        self._sums.write(f"{digest.hexdigest()}  {name}\n".encode())

    def add_snapshot(self, name: str) -> None:
        """Add the database's snapshot, and remove it: it lies there in clear."""
        self.add(name, self.snapshot.stat().st_size, blocks_of(self.snapshot))
        self.snapshot.unlink()

    def finish(self, manifest: Signing, made_at: datetime) -> None:
        """
        Add the sums and the manifest, which is told the digest of all that is before it.

        Args:
            made_at: The instant of the content, which becomes the file's time: by that it is
                removed when it is too old.
        """
        size = self._sums.tell()
        self._sums.seek(0)
        self._write(_header(SUMS, size))
        for block in _blocks(self._sums):
            self._write(block)
        self._write(_padding(size))
        content = manifest.sealed(self._digest.hexdigest())
        self._write(_header(MANIFEST, len(content)) + content + _padding(len(content)) + _END)
        self._file.flush()
        os.utime(self._file.fileno(), (made_at.timestamp(), made_at.timestamp()))
        os.fsync(self._file.fileno())
        self._draft.replace(self._path)
        self.is_in_place = True
        flush_folder(self._path.parent)

    def _write(self, block: bytes | memoryview) -> None:
        self._digest.update(block)
        self._file.write(block)
        self.bytes += len(block)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.snapshot.unlink(missing_ok=True)
        if kind is not None and not self.is_in_place:
            self._draft.unlink(missing_ok=True)
        self._file.close()
        self._sums.close()


def is_archive(path: Path) -> bool:
    """Whether a file begins as a backup does."""
    try:
        with tarfile.open(path, "r:") as tar:
            first = tar.next()
    except (tarfile.TarError, OSError, UnicodeError):
        return False
    return first is not None and first.name in DATABASES.values()


def _remove_leftovers(folder: Path) -> None:
    """Drafts that nobody writes; and snapshots without a draft, which are in clear."""
    for draft in folder.glob(f".*{_DRAFT}"):
        with suppress(FileNotFoundError), draft.open("rb") as file:
            if _is_free(file) and _is_still(file, draft):
                draft.unlink()
    for left in folder.glob(f".*{_SNAPSHOT}*"):
        name = left.name.partition(_SNAPSHOT)[0]
        if not left.with_name(name + _DRAFT).exists():
            left.unlink(missing_ok=True)


def _is_free(file: IO[bytes]) -> bool:
    """Whether nobody else holds it; if so, we do until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


class Reader:
    """
    Reads an archive.

    Raises:
        BackupProblem: it cannot be read, is no backup of ours, or was cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.name or not path.is_file():
            raise BackupProblem(f"There is no file {path}.")
        if not is_archive(path):
            raise BackupProblem(f"{path} is no backup of this program.")
        self.manifest, self._manifest_at = self._read_manifest()

    def _read_manifest(self) -> tuple[Manifest, int]:
        last = None
        for info in self._infos():
            last = info
        if last is None or last.name != MANIFEST:
            raise BackupProblem(f"{self._path} was cut off: it has no manifest. Take another one.")
        with self._path.open("rb") as file:
            file.seek(last.offset)
            head = file.read(last.offset_data - last.offset)
            content, rest = file.read(last.size), file.read()
        manifest = read_manifest(content)
        if (
            manifest is None
            or head != _header(MANIFEST, last.size)
            or rest != _padding(last.size) + _END
        ):
            raise BackupProblem(
                f"The manifest of {self._path} was changed, or a newer "
                "version of this program made it. Take another backup."
            )
        return manifest, last.offset

    def check(self, progress: Progress) -> None:
        """
        Read the whole archive and compare it with the manifest; nothing else is touched.

        Raises:
            BackupProblem: a byte differs.
        """
        digest, done = hashlib.sha256(), 0
        with self._path.open("rb") as file:
            for block in _blocks(file, self._manifest_at):
                digest.update(block)
                done += len(block)
                progress(done, self._manifest_at)
        if digest.hexdigest() != self.manifest.archive_sha256:
            where = self._first_damaged() or "what is between its members"
            raise BackupProblem(
                f"{self._path} was changed: {where} is damaged. Nothing was restored; "
                "take another backup."
            )

    def _first_damaged(self) -> str | None:
        with self._path.open("rb") as file:
            found: dict[str, str] = {}
            for info in self._infos():
                file.seek(info.offset_data)
                if info.name == SUMS:
                    lines = file.read(info.size).decode("utf-8", "replace").splitlines()
                    wanted = {line[66:]: line[:64] for line in lines}
                    return next((n for n, sha in found.items() if wanted.get(n) != sha), None)
                digest = hashlib.sha256()
                for block in _blocks(file, info.size):
                    digest.update(block)
                found[info.name] = digest.hexdigest()
        return None

    def members(self, key: Vault) -> Iterator[tuple[str, Iterator[bytes]]]:
        """
        Each member's name and content in clear, but for sums and manifest, in their order.

        Raises:
            KeyProblem: *key* is that of another archive.
        """
        with self._path.open("rb") as file:
            for info in self._infos():
                if info.name in (SUMS, MANIFEST):
                    continue
                parts = PurePosixPath(info.name).parts
                if not info.isreg() or ".." in parts or info.name.startswith("/"):
                    raise BackupProblem(f"{self._path} holds {info.name!r}, which no backup has.")
                file.seek(info.offset_data)
                head = file.read(min(HEAD_BYTES, info.size))
                opener = Opener(key, info.name, head, info.size)
                yield info.name, _opened(file, info.offset_data, opener)

    def _infos(self) -> Iterator[tarfile.TarInfo]:
        try:
            with tarfile.open(self._path, "r:") as tar:
                while (info := tar.next()) is not None:
                    yield info
                    # tarfile keeps them all, which a store of a million files would feel
                    tar.members.clear()  # type: ignore[attr-defined]
        except tarfile.TarError as exc:
            raise BackupProblem(f"{self._path} was cut off or changed ({exc}).") from None


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _blocks(file: IO[bytes], size: int | None = None) -> Iterator[bytes]:
    left = size
    while block := file.read(BLOCK_BYTES if left is None else min(left, BLOCK_BYTES)):
        yield block
        if left is not None:
            left -= len(block)


def _in_chunks(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Blocks of any size as chunks to be sealed, at least one, and whether it is the last."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) > CHUNK_BYTES:
            yield bytes(held[:CHUNK_BYTES]), False
            del held[:CHUNK_BYTES]
    yield bytes(held), True


def _opened(file: IO[bytes], begins_at: int, opener: Opener) -> Iterator[bytes]:
    for number in range(opener.count):
        start, end = opener.span(number)
        file.seek(begins_at + start)
        yield opener.open(number, file.read(end - start))


def blocks_of(path: Path) -> Iterator[bytes]:
    """A file's content, a MiB at a time."""
    with path.open("rb") as file:
        yield from _blocks(file)


def flush_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
