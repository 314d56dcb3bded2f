"""Files named by their content: once there, never written over, and read from anywhere."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import pytest

from nobs_bot.storage.crypto import KeyProblem, MasterKey, Vault
from nobs_bot.storage.digests import read_blocks
from nobs_bot.storage.files import CHUNK_BYTES, FileStore
from tests.storage.test_files import content_of

VAULT = Vault([MasterKey(1, b"k" * 32)])


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A folder; and a store without links, as S3 is."""
    url = (tmp_path / "files").as_uri() if request.param == "folder" else "memory:///"
    return FileStore(url, VAULT)


@pytest.fixture
def folder(tmp_path: Path) -> FileStore:
    return FileStore((tmp_path / "files").as_uri(), VAULT)


async def kept(store: FileStore, content: bytes, draft: str = "incoming/1-1") -> str:
    taken = await store.take(draft, content)
    place = await store.place_for(taken)
    await store.settle(taken, place)
    return place


def everything(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "files").rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5])
async def test_what_is_taken_comes_back_with_its_digests(store: FileStore, size: int) -> None:
    content = content_of(size)
    taken = await store.take("incoming/1-1", content)
    assert (taken.size, taken.sha256) == (size, sha256(content).hexdigest())
    assert taken.crc32 == crc32(content)
    blocks = [content[at : at + CHUNK_BYTES] for at in range(0, size, CHUNK_BYTES)]
    assert list(read_blocks(taken.blocks)) == [
        (sha256(block).digest(), crc32(block)) for block in blocks
    ]
    await store.settle(taken, taken.name)
    assert await store.get(taken.name) == content
    assert not await store.exists("incoming/1-1")


async def test_the_name_follows_from_the_content_and_the_key(store: FileStore) -> None:
    name = await kept(store, b"clip")
    assert name == store.name_of(sha256(b"clip").hexdigest())
    other = FileStore("memory:///", Vault([MasterKey(1, b"z" * 32)]))
    assert other.name_of(sha256(b"clip").hexdigest()) != name
    assert sha256(b"clip").hexdigest() not in name


async def test_the_same_bytes_are_one_file_which_is_not_written_again(
    folder: FileStore, tmp_path: Path
) -> None:
    first = await kept(folder, content_of(2 * CHUNK_BYTES))
    [path] = everything(tmp_path)
    before = (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
    again = await kept(folder, content_of(2 * CHUNK_BYTES), "incoming/2-1")
    assert again == first
    assert everything(tmp_path) == [path]
    assert (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) == before


async def test_two_who_settle_at_once_leave_one(store: FileStore) -> None:
    one = await store.take("incoming/1-1", b"clip" * 999)
    two = await store.take("incoming/2-1", b"clip" * 999)
    assert one.name == two.name
    await asyncio.gather(store.settle(one, one.name), store.settle(two, two.name))
    assert await store.get(one.name) == b"clip" * 999
    assert not await store.exists(one.draft)
    assert not await store.exists(two.draft)


async def test_a_damaged_file_stays_and_the_good_bytes_go_beside_it(
    folder: FileStore, tmp_path: Path
) -> None:
    name = await kept(folder, b"clip" * 999)
    [path] = everything(tmp_path)
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)
    beside = await kept(folder, b"clip" * 999, "incoming/2-1")
    assert beside == f"{name}-1"
    assert await folder.get(beside) == b"clip" * 999
    assert path.read_bytes() == damaged


async def test_every_cut_and_every_changed_byte_is_noticed(
    folder: FileStore, tmp_path: Path
) -> None:
    name = await kept(folder, content_of(CHUNK_BYTES + 50))
    [path] = everything(tmp_path)
    whole = path.read_bytes()
    for at in (0, 3, 4, 5, 11, 12, 27, 28, 28 + CHUNK_BYTES + 16, len(whole) - 16, len(whole) - 1):
        path.write_bytes(whole[:at])
        with pytest.raises(KeyProblem):
            await folder.get(name)
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])
        with pytest.raises(KeyProblem):
            await folder.get(name)
    path.write_bytes(whole + b"x")
    with pytest.raises(KeyProblem):
        await folder.get(name)


async def test_swapped_files_do_not_open(folder: FileStore, tmp_path: Path) -> None:
    one, two = await kept(folder, b"of Sari"), await kept(folder, b"of Budi", "incoming/2-1")
    paths = [tmp_path / "files" / name for name in (one, two)]
    contents = [path.read_bytes() for path in paths]
    paths[0].write_bytes(contents[1])
    paths[1].write_bytes(contents[0])
    for name in (one, two):
        with pytest.raises(KeyProblem, match="was changed or cut off"):
            await folder.get(name)


async def test_chunks_of_one_file_do_not_open_in_another(folder: FileStore, tmp_path: Path) -> None:
    one = await kept(folder, content_of(2 * CHUNK_BYTES))
    two = await kept(folder, content_of(2 * CHUNK_BYTES)[::-1], "incoming/2-1")
    paths = [tmp_path / "files" / name for name in (one, two)]
    first, second = (path.read_bytes() for path in paths)
    middle = slice(28, 28 + CHUNK_BYTES + 16)
    paths[0].write_bytes(first[:28] + second[middle] + first[middle.stop :])
    with pytest.raises(KeyProblem):
        await folder.get(one)


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 0),
        (0, 1),
        (5, 10),
        (CHUNK_BYTES - 1, 2),
        (CHUNK_BYTES, CHUNK_BYTES),
        (17, 2 * CHUNK_BYTES),
        (2 * CHUNK_BYTES + 4, 100),
        (2 * CHUNK_BYTES + 5, 1),
        (10**12, 5),
        (-1, 5),
    ],
)
@pytest.mark.parametrize("by_content", [True, False])
async def test_any_part_can_be_read(
    store: FileStore, by_content: bool, offset: int, length: int
) -> None:
    content = content_of(2 * CHUNK_BYTES + 5)
    if by_content:
        name = await kept(store, content)
    else:
        name = "photos/1"
        await store.put(name, content)
    wanted = content[offset : offset + length] if offset >= 0 else b""
    assert await store.read(name, offset, length) == wanted


async def test_a_part_of_a_damaged_chunk_does_not_open_but_others_do(
    folder: FileStore, tmp_path: Path
) -> None:
    content = content_of(2 * CHUNK_BYTES)
    name = await kept(folder, content)
    path = tmp_path / "files" / name
    sealed = bytearray(path.read_bytes())
    sealed[28 + 100] ^= 1
    path.write_bytes(sealed)
    assert await folder.read(name, CHUNK_BYTES, 9) == content[CHUNK_BYTES : CHUNK_BYTES + 9]
    with pytest.raises(KeyProblem):
        await folder.read(name, 0, 1)


async def test_after_a_rotation_the_name_is_the_same_and_it_opens(
    folder: FileStore, tmp_path: Path
) -> None:
    name = await kept(folder, b"clip")
    both = Vault([MasterKey(2, b"n" * 32), MasterKey(1, b"k" * 32)])
    rotated = FileStore((tmp_path / "files").as_uri(), both)
    assert await rotated.get(name) == b"clip"
    assert await kept(rotated, b"clip", "incoming/2-1") == name


async def test_what_a_killed_writer_left_goes_with_its_draft(
    folder: FileStore, tmp_path: Path
) -> None:
    left = tmp_path / "files" / "incoming" / "7-1#1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a clip")
    other = left.with_name("77-1#1")
    other.write_bytes(b"somebody else's")
    await folder.delete("incoming/7-1")
    assert (left.exists(), other.exists()) == (False, True)
