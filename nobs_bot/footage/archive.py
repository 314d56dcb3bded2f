"""
An export's zip read raw: also where it is damaged, which no zip library does.

The form is that of our exports: nothing compressed, sizes in the headers, one member right after
the other, then the directory. So every byte of it is accounted for, and each that is not as it
must be has a name.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nobs_bot.footage.form import MODE

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sBBBBHHHHIIIHHHHHII")
_ZIP64_END = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")
_ZIP64 = struct.Struct("<HHQQ")
_ZIP64_CENTRAL = struct.Struct("<HHQQQ")
_LOCAL_MARK, _CENTRAL_MARK = b"PK\x03\x04", b"PK\x01\x02"
_TAIL_BYTES = _ZIP64_END.size + _LOCATOR.size + _END.size
_UTF8, _VERSION, _FULL = 0x800, 45, 0xFFFFFFFF
_TIME_EXTRA_BYTES = 9
_MOST_MEMBERS = 10_000
_MOST_DIRECTORY_BYTES = 32 * 1024 * 1024
_READ_BYTES = 1 << 20


class NotAnExport(Exception):  # noqa: N818 - says what the file is not
    """Nothing in the file looks like one of our exports."""


@dataclass(frozen=True)
class Member:
    """A file in the zip: where its header and its bytes begin, and what its header says."""

    name: str
    at: int
    data_at: int
    size: int
    crc32: int
    time_extra: bytes
    time: tuple[int, int]

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.data_at + self.size


@dataclass(frozen=True)
class Flaw:
    """Something of the zip's own that is not as it must be, and from which byte of it on."""

    what: str
    byte: int | None


class Archive:
    """
    The members of an export, and the flaws of the zip around them.

    Raises:
        NotAnExport: there is not one member in it.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        self.size = path.stat().st_size
        self.flaws: list[Flaw] = []
        self.members: list[Member] = []
        self._read()
        if not self.members:
            self._file.close()
            raise NotAnExport

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def bytes_at(self, offset: int, count: int) -> bytes:
        """At most *count* bytes of the zip; fewer where it ends."""
        if not 0 <= offset <= self.size:
            return b""
        self._file.seek(offset)
        return self._file.read(count)

    def blocks(self, member: Member) -> Iterator[bytes]:
        """A member's bytes, a MiB at a time; fewer than its size where the zip is cut off."""
        at = member.data_at
        while at < member.end:
            block = self.bytes_at(at, min(_READ_BYTES, member.end - at))
            if not block:
                return
            yield block
            at += len(block)

    def whole(self, member: Member) -> bytes:
        """A small member's bytes."""
        return b"".join(self.blocks(member))

    def _read(self) -> None:
        listed = self._directory()
        walked, stopped_at = self._walk()
        if listed is None:
            # the directory tells nothing: what the walk found is what there is
            self.members = walked
            self._say_where_the_walk_ended(stopped_at)
            return
        self.members = listed
        at = 0
        for member in listed:
            if member.at != at:
                self._flaw("there are bytes that belong to no file", at)
            self._compare(_local_header(member), member.at, f"the header of {member.name!r}")
            at = member.end

    def _say_where_the_walk_ended(self, stopped_at: int) -> None:
        if stopped_at >= self.size:
            self._flaw("the zip is cut off", self.size)
        elif self.bytes_at(stopped_at, 4) != _CENTRAL_MARK:
            self._flaw("a header is damaged", stopped_at)
        else:
            directory = b"".join(_central_entry(member) for member in self.members)
            wanted = directory + _tail(len(self.members), len(directory), stopped_at)
            self._compare(wanted, stopped_at, "the directory at the end")
            if self.size > stopped_at + len(wanted):
                self._flaw("there are bytes after the end", stopped_at + len(wanted))

    def _flaw(self, what: str, byte: int | None) -> None:
        self.flaws.append(Flaw(what, byte))

    def _compare(self, wanted: bytes, at: int, what: str) -> None:
        found = self.bytes_at(at, len(wanted))
        if found != wanted:
            pairs = enumerate(zip(wanted, found, strict=False))
            first = next((index for index, (one, other) in pairs if one != other), len(found))
            is_cut = first == len(found)
            self._flaw(f"{what} was {'cut off' if is_cut else 'changed'}", at + first)

    # from the end: the directory

    def _directory(self) -> list[Member] | None:
        """The members as the directory lists them; None where it cannot be relied on."""
        tail_at = self.size - _TAIL_BYTES
        tail = self.bytes_at(tail_at, _TAIL_BYTES)
        if len(tail) < _TAIL_BYTES:
            return None
        end = _ZIP64_END.unpack_from(tail)
        count, size, start = end[7], end[8], end[9]
        is_sane = (
            count <= _MOST_MEMBERS and size <= _MOST_DIRECTORY_BYTES and start + size == tail_at
        )
        if end[0] != b"PK\x06\x06" or not is_sane:
            return None
        members = self._entries(self.bytes_at(start, size), start, count)
        if members is not None:
            self._compare(_tail(count, size, start), tail_at, "the end of the directory")
            if members and members[-1].end != start:
                self._flaw("there are bytes that belong to no file", members[-1].end)
        return members

    def _entries(self, directory: bytes, start: int, count: int) -> list[Member] | None:
        members, at = [], 0
        for _ in range(count):
            member = _central_member(directory, at)
            if member is None:
                return None
            entry = _central_entry(member)
            self._compare(entry, start + at, f"the directory's entry of {member.name!r}")
            members.append(member)
            at += len(entry)
        return members if at == len(directory) else None

    # from the beginning: header by header

    def _walk(self) -> tuple[list[Member], int]:
        """The members as their own headers tell, and where there was no further one."""
        members: list[Member] = []
        at = 0
        while len(members) < _MOST_MEMBERS:
            member = self._local_member(at)
            if member is None:
                break
            members.append(member)
            at = member.end
        return members, at

    def _local_member(self, at: int) -> Member | None:
        head = self.bytes_at(at, _LOCAL.size)
        if len(head) < _LOCAL.size or not head.startswith(_LOCAL_MARK):
            return None
        _, _, _, method, time, date, crc, _, _, name_bytes, extra_bytes = _LOCAL.unpack(head)
        rest = self.bytes_at(at + _LOCAL.size, name_bytes + extra_bytes)
        extra = rest[name_bytes:]
        if method or len(extra) < _ZIP64.size:
            return None
        _, _, size, _ = _ZIP64.unpack_from(extra)
        name = rest[:name_bytes].decode("utf-8", "replace")
        data_at = at + _LOCAL.size + name_bytes + extra_bytes
        return Member(name, at, data_at, size, crc, extra[_ZIP64.size :], (time, date))


def _central_member(directory: bytes, at: int) -> Member | None:
    if len(directory) < at + _CENTRAL.size or not directory.startswith(_CENTRAL_MARK, at):
        return None
    fields = _CENTRAL.unpack_from(directory, at)
    method, time, date, crc, name_bytes, extra_bytes = (
        fields[6],
        fields[7],
        fields[8],
        fields[9],
        fields[12],
        fields[13],
    )
    name_at = at + _CENTRAL.size
    extra = directory[name_at + name_bytes : name_at + name_bytes + extra_bytes]
    if method or len(extra) != _ZIP64_CENTRAL.size + _TIME_EXTRA_BYTES:
        return None
    _, _, size, _, offset = _ZIP64_CENTRAL.unpack_from(extra)
    try:
        name = directory[name_at : name_at + name_bytes].decode()
    except UnicodeDecodeError:
        return None
    data_at = offset + _LOCAL.size + name_bytes + _ZIP64.size + _TIME_EXTRA_BYTES
    return Member(name, offset, data_at, size, crc, extra[_ZIP64_CENTRAL.size :], (time, date))


# how our exports are written; whatever differs from this was changed afterwards


def _local_header(member: Member) -> bytes:
    name = member.name.encode()
    extra = _ZIP64.pack(1, 16, member.size, member.size) + member.time_extra
    head = _LOCAL.pack(
        _LOCAL_MARK,
        _VERSION,
        _UTF8,
        0,
        *member.time,
        member.crc32,
        _FULL,
        _FULL,
        len(name),
        len(extra),
    )
    return head + name + extra


def _central_entry(member: Member) -> bytes:
    name = member.name.encode()
    extra = _ZIP64_CENTRAL.pack(1, 24, member.size, member.size, member.at) + member.time_extra
    head = _CENTRAL.pack(
        _CENTRAL_MARK,
        _VERSION,
        3,
        _VERSION,
        0,
        _UTF8,
        0,
        *member.time,
        member.crc32,
        _FULL,
        _FULL,
        len(name),
        len(extra),
        0,
        0,
        0,
        MODE << 16,
        _FULL,
    )
    return head + name + extra


def _tail(count: int, size: int, start: int) -> bytes:
    return (
        _ZIP64_END.pack(b"PK\x06\x06", 44, _VERSION, _VERSION, 0, 0, count, count, size, start)
        + _LOCATOR.pack(b"PK\x06\x07", 0, start + size, 1)
        + _END.pack(b"PK\x05\x06", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, _FULL, _FULL, 0)
    )
