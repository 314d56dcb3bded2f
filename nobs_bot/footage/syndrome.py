"""
Finding the one byte that was changed, from what its change did to the CRC-32.

A CRC is linear: changing a byte by XOR e at k bytes before the end changes the CRC by the table's
entry for e, carried on over k zero bytes. So the difference of both CRCs, carried back step by
step, meets the table at the changed byte. All the steps of a MiB are reckoned by doubling: the map
for 2m steps is the map for m steps applied to itself.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0xEDB88320
_Words = NDArray[np.uint32]


def single_changes(content: bytes, wanted_crc32: int) -> list[tuple[int, int]]:
    """
    Every change of one byte that gives *content* the wanted CRC-32, as (offset, XOR).

    Most often there is one or none; by chance there may be a wrong one among them, so that
    the caller has to confirm by a real hash.
    """
    difference = crc32(content) ^ wanted_crc32
    if not content or not difference:
        return []
    carried = _carried_back(difference, len(content))
    steps = np.flatnonzero(np.isin(carried, _TABLE))
    return [
        (len(content) - 1 - int(step), int(np.flatnonzero(carried[step] == _TABLE)[0]))
        for step in steps
    ]


def corrected(content: bytes, change: tuple[int, int]) -> bytes:
    """The content with one change taken back."""
    offset, difference = change
    return content[:offset] + bytes((content[offset] ^ difference,)) + content[offset + 1 :]


def _carried_back(difference: int, count: int) -> _Words:
    """The difference carried back over 0 to count - 1 zero bytes."""
    carried = np.array([difference], np.uint32)
    maps = _ONE_BACK
    while len(carried) < count:
        carried = np.concatenate((carried, _apply(maps, carried)))
        maps = np.stack([_apply(maps, each) for each in maps])
    return carried[:count]


def _apply(maps: _Words, words: _Words) -> _Words:
    """A linear map, given by what it makes of each value of each byte."""
    parts = [maps[at][words >> np.uint32(8 * at) & 255] for at in range(4)]
    whole: _Words = np.bitwise_xor.reduce(parts)
    return whole


def _table() -> _Words:
    words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        odd = (words & 1).astype(bool)
        words = (words >> np.uint32(1)) ^ odd * np.uint32(_POLYNOMIAL)
    return np.asarray(words, np.uint32)


_TABLE = _table()


def _one_back() -> _Words:
    index_of = np.zeros(256, np.uint32)
    index_of[_TABLE >> np.uint32(24)] = np.arange(256, dtype=np.uint32)
    words = np.stack([np.arange(256, dtype=np.uint32) << np.uint32(8 * at) for at in range(4)])
    index = index_of[words >> np.uint32(24)]
    back: _Words = (words ^ _TABLE[index]) << np.uint32(8) | index
    return back


_ONE_BACK = _one_back()
