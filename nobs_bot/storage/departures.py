"""
The list of who left, in a file beside the database, where a restore of the database leaves it.

Roles and keys of other systems that were ended are on it, too. A line `KIND ID TIME MARK` for each.
The ids say nothing to anybody who does not have a backup too, and a mark cannot be made without the
keys.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from nobs_bot.settings import Settings
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.writing import flush


class Kind(StrEnum):
    """What left."""

    PERSON = "person"
    CAMERA = "camera"
    ROW = "row"
    # keys go before roles: those that end with the administration of who made them are told of
    KEY = "key"
    ROLE = "role"


@dataclass(frozen=True)
class Departure:
    """
    Somebody or something that left.

    Args:
        kind: What it is.
        of: The id of the person, the camera, the role or the key; of a row of a list, its keyed
            digest in hex.
        at: When.
    """

    kind: Kind
    of: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.kind} {self.of} {self.at.astimezone(UTC).isoformat()}"


# file system's words for a state of the list; None where there is none
Mark = tuple[int, int, int] | None


class DepartureList:
    """
    The list of one installation.

    Args:
        vault: Whose keys mark the lines.
    """

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self.path = settings.data_dir / "departures"
        # of the oldest key, which a rotation leaves as it is
        self._key = vault.derive("nobs/departures/1")

    def read(self) -> tuple[list[Departure], int]:
        """
        What is on it, and how many lines there are that were not written with these keys.

        Raises:
            OSError: it cannot be read.
        """
        ours, strange = self._lines()
        return ours, len(strange)

    def _lines(self) -> tuple[list[Departure], list[str]]:
        ours: list[Departure] = []
        strange: list[str] = []
        for line in _text(self.path).splitlines():
            each = _departure(line)
            if each is not None and hmac.compare_digest(line, self._line(each)):
                ours.append(each)
            else:
                strange.append(line)
        return ours, strange

    def mark(self) -> Mark:
        """Differs once the list was changed."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def add(self, left: Iterable[Departure], before: datetime) -> int:
        """
        Write down what is not on it, and take off what is older than *before*.

        What was written with other keys or by a later version stays until then, too: they may only
        not be at hand.

        Returns:
            How many were added; they are on the disk.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _held(self.path.parent):
            ours, strange = self._lines()
            known = {(each.kind, each.of): each for each in ours}
            count = len(known)
            for each in left:
                known.setdefault((each.kind, each.of), each)
            kept = [self._line(each) for each in known.values() if each.at >= before]
            kept += [line for line in strange if (at := _time_of(line)) and at >= before]
            text = "".join(f"{line}\n" for line in kept)
            if self.mark() is None or text != _text(self.path):
                _write(self.path, text)
        return len(known) - count

    def _line(self, each: Departure) -> str:
        return f"{each} {hmac.new(self._key, str(each).encode(), sha256).hexdigest()}"


def _departure(line: str) -> Departure | None:
    """What a line says, whoever wrote it; None where it is none."""
    at = _time_of(line)
    if at is None:
        return None
    kind, of, *_ = line.split(" ")
    return Departure(Kind(kind), of, at) if kind in list(Kind) else None


def _time_of(line: str) -> datetime | None:
    """When what a line tells of was; None where it is no line of any list."""
    try:
        _, _, at, _ = line.split(" ")
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return found if line.isascii() and found.tzinfo else None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except FileNotFoundError:
        return ""


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """With every other worker of this folder held off."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush(path, path.parent)
