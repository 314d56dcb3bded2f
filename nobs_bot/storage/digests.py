"""What is known of content once it has passed: SHA-256 and CRC-32, of the whole and of each MiB."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import sha256
from zlib import crc32

BLOCK_BYTES = 1 << 20
_BLOCK = struct.Struct(">32sI")
BLOCK_RECORD_BYTES = _BLOCK.size


class Digests:
    """
    Takes content as it passes.

    The whole is for saying that something changed; the blocks are for saying where. A CRC-32 adds
    no safety to a SHA-256, but a single changed byte can be reckoned from it.
    """

    def __init__(self) -> None:
        self.size = 0
        self.crc32 = 0
        self._whole = sha256()
        self._blocks = bytearray()

    def add(self, block: bytes) -> None:
        """The next block: BLOCK_BYTES, and only the last one may be shorter."""
        if not block:
            return
        self.size += len(block)
        self._whole.update(block)
        self.crc32 = crc32(block, self.crc32)
        self._blocks += _BLOCK.pack(sha256(block).digest(), crc32(block))

    @property
    def sha256(self) -> str:
        """SHA-256 of everything so far, in hexadecimal."""
        return self._whole.hexdigest()

    @property
    def blocks(self) -> bytes:
        """SHA-256 and CRC-32 (big-endian) of each block, 36 bytes a block."""
        return bytes(self._blocks)


def read_blocks(blocks: bytes) -> Iterator[tuple[bytes, int]]:
    """
    SHA-256 and CRC-32 of each block.

    Raises:
        struct.error: *blocks* was cut.
    """
    return _BLOCK.iter_unpack(blocks)
