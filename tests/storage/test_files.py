"""Sealed files: every border of a chunk, and every way to tamper with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from nobs_bot.storage.crypto import KeyProblem, MasterKey, Vault
from nobs_bot.storage.files import CHUNK_BYTES, FileStore

HEADER, TAG = 12, 16
SEALED_CHUNK = CHUNK_BYTES + TAG


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore((tmp_path / "files").as_uri(), Vault([MasterKey(1, b"k" * 32)]))


def content_of(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def on_disk(tmp_path: Path, name: str) -> Path:
    return tmp_path / "files" / name


@pytest.mark.parametrize(
    "size",
    [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5],
)
async def test_a_file_comes_back_as_it_was(store: FileStore, tmp_path: Path, size: int) -> None:
    content = content_of(size)
    stored = await store.put("evidence/1", content)
    assert (stored.size, stored.sha256) == (size, sha256(content).hexdigest())
    assert await store.get("evidence/1") == content
    chunks = max(1, -(-size // CHUNK_BYTES))
    assert on_disk(tmp_path, "evidence/1").stat().st_size == HEADER + size + chunks * TAG


async def test_a_stream_of_odd_blocks_is_stored_like_the_whole(store: FileStore) -> None:
    content = content_of(2 * CHUNK_BYTES + 77)

    async def blocks() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 65_521):
            yield content[at : at + 65_521]

    stored = await store.put("a", blocks())
    assert stored.sha256 == sha256(content).hexdigest()
    assert [len(chunk) async for chunk in store.stream("a")] == [CHUNK_BYTES, CHUNK_BYTES, 77]
    assert await store.get("a") == content


async def test_nothing_of_the_content_is_readable_on_the_disk(
    store: FileStore, tmp_path: Path
) -> None:
    await store.put("a", b"the face of a child" * 1000)
    assert b"the face" not in on_disk(tmp_path, "a").read_bytes()


async def damaged(store: FileStore, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(KeyProblem):
        await store.get("a")


async def test_every_kind_of_cut_is_noticed(store: FileStore, tmp_path: Path) -> None:
    await store.put("a", content_of(2 * CHUNK_BYTES + 9))
    path = on_disk(tmp_path, "a")
    whole = path.read_bytes()
    for length in (
        0,
        3,
        HEADER - 1,
        HEADER,
        HEADER + 5,
        HEADER + SEALED_CHUNK,
        HEADER + 2 * SEALED_CHUNK,
        len(whole) - 1,
    ):
        await damaged(store, path, whole[:length])


async def test_a_changed_byte_is_noticed_wherever_it_is(store: FileStore, tmp_path: Path) -> None:
    await store.put("a", content_of(CHUNK_BYTES + 100))
    path = on_disk(tmp_path, "a")
    whole = path.read_bytes()
    for at in (0, 4, 5, 11, HEADER, HEADER + 999, HEADER + SEALED_CHUNK, len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 0x40
        await damaged(store, path, bytes(changed))


async def test_swapped_repeated_and_dropped_chunks_are_noticed(
    store: FileStore, tmp_path: Path
) -> None:
    await store.put("a", content_of(3 * CHUNK_BYTES))
    path = on_disk(tmp_path, "a")
    whole = path.read_bytes()
    head = whole[:HEADER]
    one, two, three = (
        whole[HEADER + at * SEALED_CHUNK : HEADER + (at + 1) * SEALED_CHUNK] for at in range(3)
    )
    for chunks in ((two, one, three), (one, one, three), (one, three), (one, two), (three,)):
        await damaged(store, path, head + b"".join(chunks))
    await damaged(store, path, whole + b"x")
    await damaged(store, path, whole + three)


async def test_a_file_under_another_name_does_not_open(store: FileStore, tmp_path: Path) -> None:
    await store.put("evidence/1", b"clip of Sari")
    await store.put("evidence/2", b"clip of Budi")
    on_disk(tmp_path, "evidence/1").rename(on_disk(tmp_path, "evidence/2"))
    with pytest.raises(KeyProblem, match="was changed or cut off"):
        await store.get("evidence/2")


async def test_another_key_does_not_open_and_a_missing_one_is_named(
    store: FileStore, tmp_path: Path
) -> None:
    await store.put("a", b"clip")
    url = (tmp_path / "files").as_uri()
    with pytest.raises(KeyProblem):
        await FileStore(url, Vault([MasterKey(1, b"z" * 32)])).get("a")
    with pytest.raises(KeyProblem, match="key 1, which is not among the keys"):
        await FileStore(url, Vault([MasterKey(2, b"z" * 32)])).get("a")


async def test_after_a_rotation_old_files_still_open(store: FileStore, tmp_path: Path) -> None:
    await store.put("a", b"clip")
    both = Vault([MasterKey(2, b"n" * 32), MasterKey(1, b"k" * 32)])
    rotated = FileStore((tmp_path / "files").as_uri(), both)
    assert await rotated.get("a") == b"clip"
    await rotated.put("b", b"new clip")
    assert on_disk(tmp_path, "b").read_bytes()[4] == 2


async def test_a_put_that_breaks_off_leaves_no_file(store: FileStore) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield content_of(CHUNK_BYTES * 2)
        raise RuntimeError("the line broke")

    with pytest.raises(RuntimeError):
        await store.put("a", blocks())
    with pytest.raises(FileNotFoundError):
        await store.get("a")


async def test_what_is_not_there_is_told_and_its_removal_is_no_error(store: FileStore) -> None:
    with pytest.raises(FileNotFoundError):
        await store.get("nowhere")
    await store.delete("nowhere")


async def test_a_deleted_file_is_gone(store: FileStore, tmp_path: Path) -> None:
    await store.put("a", b"clip")
    await store.delete("a")
    assert not on_disk(tmp_path, "a").exists()
