"""
The form of a sealed file.

A header (magic, key id, nonce prefix) and chunks of 1 MiB, each AES-256-GCM under nonce = prefix,
counter, last-chunk mark: a chunk that was changed, moved, dropped or cut off does not open.
Source: the STREAM construction, Hoang, Reyhanitabar, Rogaway and Vizár 2015.

There are two forms. In NBF1 the associated data of every chunk is the file's name. What is named
by its content has no name yet while it is written: in NBF2 the associated data is the header with
a random mark in it, and a trailer, written when the name is known, binds header, count of chunks
and name together. So in both a file under another's name does not open.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag

from nobs_bot.storage.crypto import KeyProblem, Vault

CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
_BY_NAME, _BY_CONTENT = b"NBF1", b"NBF2"
_PREFIX_BYTES = 7
_MARK_BYTES = 16
_FIXED_BYTES = len(_BY_NAME) + 1 + _PREFIX_BYTES
HEAD_BYTES = _FIXED_BYTES + _MARK_BYTES
_TRAILER_NONCE = b"\xff\xff\xff\xff\x02"


class Sealer:
    """
    Seals one new file chunk by chunk.

    Args:
        name: What it is called; None where `bind` will say.
    """

    def __init__(self, vault: Vault, name: str | None = None) -> None:
        key_id, self._cipher = vault.file_cipher()
        self._prefix = os.urandom(_PREFIX_BYTES)
        form = _BY_CONTENT if name is None else _BY_NAME
        mark = os.urandom(_MARK_BYTES) if name is None else b""
        self.header = form + bytes((key_id,)) + self._prefix + mark
        self._about = self.header if name is None else name.encode()
        self._count = 0
        self._room = bytearray(CHUNK_BYTES + TAG_BYTES)

    def seal(self, chunk: bytes, *, is_last: bool) -> memoryview:
        """The next chunk, sealed; the memory that it stands in is that of the one before."""
        nonce = self._prefix + self._count.to_bytes(4, "big") + bytes((is_last,))
        self._count += 1
        room = memoryview(self._room)[: len(chunk) + TAG_BYTES]
        self._cipher.encrypt_into(nonce, chunk, self._about, room)
        return room

    def bind(self, name: str) -> bytes:
        """The trailer, after the last chunk."""
        about = _bound(self.header, self._count, name)
        return self._cipher.encrypt(self._prefix + _TRAILER_NONCE, b"", about)


def sealed_bytes(clear_bytes: int) -> int:
    """The size of a file of *clear_bytes* that was sealed under its name."""
    chunks = max(1, -(-clear_bytes // CHUNK_BYTES))
    return _FIXED_BYTES + clear_bytes + chunks * TAG_BYTES


class Opener:
    """
    Opens one sealed file chunk by chunk.

    Args:
        name: What it is called.
        head: Its first HEAD_BYTES.
        sealed_bytes: The size of the sealed file.

    Raises:
        KeyProblem: it is not one of ours, was cut off, or its key is not there.
    """

    def __init__(self, vault: Vault, name: str, head: bytes, sealed_bytes: int) -> None:
        self.name = name
        self.is_bound = head.startswith(_BY_CONTENT)
        if not head.startswith((_BY_CONTENT, _BY_NAME)):
            raise KeyProblem(f"The file {name} is not one of ours.")
        self.header_bytes = HEAD_BYTES if self.is_bound else _FIXED_BYTES
        self.trailer_bytes = TAG_BYTES if self.is_bound else 0
        body_bytes = sealed_bytes - self.header_bytes - self.trailer_bytes
        if body_bytes < TAG_BYTES:
            raise self._changed()
        self._header = head[: self.header_bytes]
        _, self._cipher = vault.file_cipher(head[len(_BY_NAME)])
        self._prefix = head[_FIXED_BYTES - _PREFIX_BYTES : _FIXED_BYTES]
        self._about = self._header if self.is_bound else name.encode()
        self.count = -(-body_bytes // (CHUNK_BYTES + TAG_BYTES))
        self.size = body_bytes - self.count * TAG_BYTES
        self.end = sealed_bytes - self.trailer_bytes

    def span(self, number: int) -> tuple[int, int]:
        """Where chunk *number* begins and ends in the sealed file."""
        start = self.header_bytes + number * (CHUNK_BYTES + TAG_BYTES)
        return start, min(start + CHUNK_BYTES + TAG_BYTES, self.end)

    def open(self, number: int, sealed: bytes | memoryview) -> bytes:
        """Chunk *number* in clear; raises `KeyProblem` where it was changed."""
        is_last = number == self.count - 1
        nonce = self._prefix + number.to_bytes(4, "big") + bytes((is_last,))
        try:
            return self._cipher.decrypt(nonce, sealed, self._about)
        except (InvalidTag, ValueError) as exc:
            raise self._changed() from exc

    def check_binding(self, trailer: bytes, bound_name: str) -> None:
        """Raises `KeyProblem` where the file was stored under another name, or cut between."""
        about = _bound(self._header, self.count, bound_name)
        try:
            self._cipher.decrypt(self._prefix + _TRAILER_NONCE, trailer, about)
        except (InvalidTag, ValueError) as exc:
            raise self._changed() from exc

    def _changed(self) -> KeyProblem:
        return KeyProblem(f"The file {self.name} was changed or cut off.")


def _bound(header: bytes, count: int, name: str) -> bytes:
    return header + count.to_bytes(4, "big") + name.encode()
