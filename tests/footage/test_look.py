"""Looking into files in a child: what plays, what does not, and what means harm."""

from __future__ import annotations

import os
import signal
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nobs_bot.footage.look import Looked, Looker, Unwelcome, _believable, welcome
from nobs_bot.footage.request import ClipKind
from nobs_bot.storage.crypto import MasterKey, Vault
from nobs_bot.storage.files import CHUNK_BYTES, FileStore
from nobs_bot.streams.children import Children
from tests.cameras.test_photos import picture
from tests.footage.recordings import noise, video
from tests.footage.test_formats import ARCHIVES, DOCUMENTS, PROGRAMS
from tests.forkservers import started_alone


@pytest.fixture
async def looker(tmp_path: Path) -> AsyncIterator[Looker]:
    files = FileStore((tmp_path / "files").as_uri(), Vault([MasterKey(1, b"k" * 32)]))
    children = Children()
    yield Looker(children, files)
    await children.close()


async def looked(looker: Looker, content: bytes) -> Looked:
    await looker.files.put("clip", content)
    return await looker.look("clip")


@pytest.mark.parametrize(
    ("form", "codec", "duration_ms"),
    [
        ("mp4", "libx264", 2000),
        ("mpegts", "libx264", 2000),
        ("matroska", "libx264", 2000),
        ("avi", "mpeg4", 2000),
        ("h264", "libx264", None),
        ("hevc", "libx265", None),
        ("mpeg", "mpeg2video", 2000),
    ],
)
async def test_a_video_is_described(
    looker: Looker, form: str, codec: str, duration_ms: int | None
) -> None:
    content = video(form, codec=codec, size=(352, 288)) if codec != "mpeg2video" else mpeg2()
    found = await looked(looker, content)
    assert (found.kind, found.details["plays"]) == (ClipKind.VIDEO, True)
    assert (found.details["width"], found.details["height"]) == (352, 288)
    assert found.details["codec"] in {"h264", "hevc", "mpeg4", "mpeg2video"}
    if duration_ms is not None:
        assert abs(found.details["duration_ms"] - duration_ms) <= 200


def mpeg2() -> bytes:
    import io

    import av
    import numpy as np

    out = io.BytesIO()
    with av.open(out, "w", format="mpeg") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 352, 288, "yuv420p"
        for number in range(50):
            grey = np.full((288, 352, 3), number * 4, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


async def test_a_picture_is_one_and_nothing_is_forked_for_it(looker: Looker) -> None:
    found = await looked(looker, picture())
    assert (found.kind, found.media_type) == (ClipKind.PICTURE, "image/jpeg")


async def test_a_recorders_own_format_is_marked(looker: Looker) -> None:
    found = await looked(looker, b"DHAV" + noise(100_000))
    assert (found.kind, found.details) == (ClipKind.PROPRIETARY, {"plays": False})


@pytest.mark.parametrize(
    "content",
    [
        video()[:2500],
        noise(300_000),
        bytes(5_000_000),
        b"\x00\x00\x00\x01\x67" + noise(200_000),
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"[playlist]\nFile1=http://127.0.0.1/\n",
        b"RIFF\xff\xff\xff\xffAVI LIST" + noise(100_000),
        struct.pack(">I4sI4s", 16, b"ftyp", 0, b"isom") + struct.pack(">I4sQ", 1, b"moov", 1 << 62),
    ],
    ids=["cut", "noise", "zeros", "h264", "hls", "concat", "pls", "avi", "atom"],
)
async def test_what_does_not_play_ends_well(looker: Looker, content: bytes) -> None:
    began = time.monotonic()
    found = await looked(looker, content)
    assert (found.kind, found.details["plays"]) == (ClipKind.UNKNOWN, False)
    assert time.monotonic() - began < 15


async def test_a_video_cut_in_the_middle_still_plays_what_there_is(looker: Looker) -> None:
    content = video("mpegts", seconds=4)
    found = await looked(looker, content[: len(content) // 2])
    assert found.kind is ClipKind.VIDEO


async def test_a_huge_picture_is_not_decoded(looker: Looker) -> None:
    content = video("matroska", codec="ffv1", size=(9000, 4000), seconds=0.1)
    found = await looked(looker, content)
    assert (found.kind, found.details["plays"]) == (ClipKind.UNKNOWN, False)
    assert (found.details["width"], found.details["height"]) == (9000, 4000)


async def test_a_file_of_20_gb_is_looked_at_as_fast_as_a_small_one(looker: Looker) -> None:
    class Endless:
        """As a stored file of 20 GB that is all zeros but for its beginning."""

        size = 20 * 10**9

        async def read(self, offset: int, length: int) -> bytes:
            block = bytes(min(length, self.size - offset))
            return video("mpegts") + block[:1000] if offset == 0 else block

    began = time.monotonic()
    details = await looker._play(Endless())  # type: ignore[arg-type]
    assert isinstance(details["plays"], bool)
    assert time.monotonic() - began < 22


async def test_a_child_that_hangs_is_ended_and_the_file_kept(tmp_path: Path) -> None:
    files = FileStore((tmp_path / "files").as_uri(), Vault([MasterKey(1, b"k" * 32)]))
    children = Children()
    await children.ready()
    hasty = Looker(children, files, deadline_s=0.001)
    assert (await looked(hasty, video())).details == {"plays": False}
    await children.close()


async def test_without_children_the_file_is_kept_and_not_looked_at(
    looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    monkeypatch.setattr("nobs_bot.streams.children._start_process", started_alone)
    await looker._children.ready()
    for process in psutil.Process().children():
        os.kill(process.pid, signal.SIGKILL)
    monkeypatch.setattr("nobs_bot.streams.children.sys.executable", "/bin/false")
    found = await looked(looker, video())
    assert found.kind is ClipKind.UNKNOWN
    assert found.details == {"plays": False, "not_looked_at": True}


def test_what_a_broken_child_says_is_not_believed() -> None:
    said = {
        "plays": "yes",
        "width": -5,
        "height": 10**30,
        "codec": "<b>\n",
        "container": ["x"],
        "has_sound": 1,
        "secret": "x",
        "duration_ms": 1.5,
    }
    assert _believable(said) == {"plays": False}


# arriving


async def arriving(content: bytes, step: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), step):
        yield content[at : at + step]


@pytest.mark.parametrize("step", [1000, 65_521, 10**7])
async def test_what_is_welcome_passes_unchanged(step: int) -> None:
    for content in (video(), b"x", noise(CHUNK_BYTES)):
        passed = b"".join([block async for block in welcome(arriving(content, step))])
        assert passed == content


@pytest.mark.parametrize("name", [*ARCHIVES, *PROGRAMS, *DOCUMENTS])
async def test_what_is_not_welcome_does_not_pass_at_all(name: str) -> None:
    content = (ARCHIVES | PROGRAMS | DOCUMENTS)[name] + bytes(200_000)
    blocks = welcome(arriving(content, 1000))
    with pytest.raises(Unwelcome):
        await anext(blocks)


async def test_nothing_is_not_welcome_either() -> None:
    with pytest.raises(Unwelcome, match="empty"):
        [block async for block in welcome(arriving(b"", 1))]
