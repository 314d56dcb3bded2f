"""tus 1.0 as clients speak it: `tuspy`, and calls by hand where a client would not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import random
import resource
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from nobs_bot.console import tus
from nobs_bot.footage import receiving
from nobs_bot.footage.clips import MOST_CLIPS
from nobs_bot.footage.receiving import GIVEN_UP_AFTER, MOST_BYTES, end_unwanted, give_up
from nobs_bot.footage.request import ClipState, Reply
from nobs_bot.footage.upload import UploadState
from nobs_bot.storage.doomed import remove_doomed
from tests.console.conftest import Counter

MB = 1024 * 1024
GB = 1024 * MB
STREAM = "application/offset+octet-stream"


def content_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def named(name: str) -> str:
    return "filename " + base64.b64encode(name.encode()).decode()


async def call(
    method: str, url: str, headers: dict[str, str], body: Any = None, **more: str
) -> aiohttp.ClientResponse:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers | more, data=body) as answer,
    ):
        await answer.read()
        return answer


async def begun(files: str, headers: dict[str, str], size: int, name: str = "kamera.dav") -> str:
    """The address of a new upload."""
    more = {"Upload-Length": str(size), "Upload-Metadata": named(name)}
    answer = await call("POST", files, headers, **more)
    assert answer.status == 201, await answer.text()
    return files + answer.headers["Location"]


async def patch(
    url: str, headers: dict[str, str], offset: int, body: bytes, **more: str
) -> aiohttp.ClientResponse:
    told = {"Upload-Offset": str(offset), "Content-Type": STREAM, **more}
    return await call("PATCH", url, headers, body, **told)


async def offset_of(url: str, headers: dict[str, str]) -> int:
    answer = await call("HEAD", url, headers)
    assert answer.status == 200
    return int(answer.headers["Upload-Offset"])


async def cut(url: str, headers: dict[str, str], offset: int, body: bytes, promised: int) -> None:
    """Promise more than is sent, and hang up."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, port = host.split(":")
    _, writer = await asyncio.open_connection(name, int(port))
    told = headers | {
        "Host": host,
        "Upload-Offset": str(offset),
        "Content-Type": STREAM,
        "Content-Length": str(promised),
    }
    lines = [f"PATCH /{path} HTTP/1.1", *(f"{key}: {value}" for key, value in told.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def settled(url: str, headers: dict[str, str], at_least: int = 0) -> int:
    """The offset once the server has seen to the cut."""
    async with asyncio.timeout(10):
        while (offset := await offset_of(url, headers)) < at_least:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    return offset


def uploader(
    files: str, headers: dict[str, str], content: bytes | Path, url: str | None = None, **more: Any
) -> Any:
    """The real client."""
    cookie = {"Cookie": headers["Cookie"]}
    source = (
        {"file_path": str(content)}
        if isinstance(content, Path)
        else {"file_stream": io.BytesIO(content)}
    )
    client = TusClient(files, headers=cookie)
    metadata = {"filename": "kamera depan.dav"}
    return client.uploader(url=url, metadata=metadata, **source, **more)


async def resumed(*args: Any, **more: Any) -> Any:
    """The same for an upload that has begun: the client asks for its offset when it is made."""
    return await asyncio.to_thread(uploader, *args, **more)


# the main job


@pytest.mark.parametrize("chunk", [3 * MB + 17, None], ids=["in chunks", "in one"])
async def test_a_real_client_sends_a_file_and_it_becomes_a_clip(
    any_counter: Counter, chunk: int | None
) -> None:
    counter, content = any_counter, content_of(10 * MB + 5)
    files, headers = await counter.enter()
    sending = uploader(files, headers, content, **({"chunk_size": chunk} if chunk else {}))
    await asyncio.to_thread(sending.upload)
    [upload] = await counter.uploads()
    assert (upload.state, upload.received_bytes) == (UploadState.WHOLE, len(content))
    [clip] = await counter.fetched()
    assert clip.state is ClipState.STORED
    assert (clip.size_bytes, clip.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert not clip.recompressed
    assert clip.file_name is not None
    assert await counter.house.files.get(clip.file_name) == content
    receipt = (await counter.house.told("Sari"))[-1]
    assert "kamera depan.dav" in receipt
    assert hashlib.sha256(content).hexdigest() in receipt
    assert await counter.parts() == []
    assert not list((counter.house.office.settings.data_dir / "files").glob("uploads/*/*"))


async def test_a_sent_file_is_an_answer(counter: Counter) -> None:
    files, headers = await counter.enter()
    assert (await patch(await begun(files, headers, 4), headers, 0, b"abcd")).status == 204
    async with counter.office.look() as work:
        from nobs_bot.footage.request import Ask

        ask = await work.session.get(Ask, counter.ask_id)
        assert ask is not None
        assert ask.reply is Reply.HAS


async def test_bytes_lie_sealed_while_they_wait(counter: Counter, tmp_path: Path) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 2 * MB, "wajah.mp4")
    await patch(url, headers, 0, b"the face of a child" * 1000)
    assert await counter.parts()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"the face" not in content, path
            assert b"wajah.mp4" not in content, path


# cut in the middle


async def test_what_arrived_before_a_cut_is_kept(any_counter: Counter) -> None:
    counter, content = any_counter, content_of(6 * MB)
    files, headers = await counter.enter()
    url = await begun(files, headers, len(content))
    await cut(url, headers, 0, content[: 2 * MB + 7], len(content))
    first = await settled(url, headers, 1)
    assert 0 < first <= 2 * MB + 7
    await cut(url, headers, first, content[first : 5 * MB], len(content) - first)
    second = await settled(url, headers, first + 1)
    assert first < second <= 5 * MB
    sending = await resumed(files, headers, content, url, chunk_size=MB)
    await asyncio.to_thread(sending.upload)
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()


async def test_300_mb_cut_twice_with_a_restart_in_between(counter: Counter, tmp_path: Path) -> None:
    path = tmp_path / "besar.dav"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for seed in range(300):
            block = content_of(MB, seed)
            digest.update(block)
            file.write(block)
    files, headers = await counter.enter()
    sending = uploader(files, headers, path, chunk_size=16 * MB)
    await asyncio.to_thread(sending.upload, 96 * MB)
    url = sending.url
    with path.open("rb") as file:
        file.seek(96 * MB)
        await cut(url, headers, 96 * MB, file.read(70 * MB), 204 * MB)
    await settled(url, headers, 160 * MB)
    await counter.stop()
    await counter.start()
    sending = await resumed(files, headers, path, url, chunk_size=16 * MB)
    assert 160 * MB <= sending.offset <= 166 * MB
    task = asyncio.create_task(asyncio.to_thread(sending.upload))
    while await offset_of(url, headers) < 220 * MB:
        await asyncio.sleep(0.01)
    await counter.stop()
    with pytest.raises((TusUploadFailed, TusCommunicationError)):
        await task
    await counter.start()
    sending = await resumed(files, headers, path, url, chunk_size=16 * MB)
    await asyncio.to_thread(sending.upload)
    [clip] = await counter.fetched()
    assert (clip.size_bytes, clip.sha256) == (300 * MB, digest.hexdigest())


async def test_an_ending_server_keeps_what_is_on_its_way(counter: Counter) -> None:
    content = content_of(3 * MB)
    files, headers = await counter.enter()
    url = await begun(files, headers, len(content))
    sent = asyncio.Event()

    async def slowly() -> Any:
        yield content[: 2 * MB]
        sent.set()
        await asyncio.sleep(30)

    task = asyncio.create_task(call("PATCH", url, headers, slowly(), **told(0)))
    await sent.wait()
    await asyncio.sleep(0.3)
    started = asyncio.get_running_loop().time()
    await counter.stop()
    assert asyncio.get_running_loop().time() - started < 5, "it does not wait for the sender"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await counter.start()
    assert await offset_of(url, headers) == 2 * MB


def told(offset: int) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Content-Type": STREAM}


async def test_a_silent_line_is_cut_and_what_it_brought_is_kept(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus, "SILENCE_S", 0.5)
    files, headers = await counter.enter()
    url = await begun(files, headers, 3 * MB)

    async def drips() -> Any:
        yield content_of(MB)
        await asyncio.sleep(30)

    task = asyncio.create_task(call("PATCH", url, headers, drips(), **told(0)))
    assert await settled(url, headers, MB) == MB
    assert (await patch(url, headers, MB, content_of(2 * MB))).status == 204
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_slow_lines_parts_are_noted_as_time_goes_by(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "PART_S", 0.2)
    files, headers = await counter.enter()
    url = await begun(files, headers, 10_000)

    async def drips() -> Any:
        for _ in range(10):
            yield b"x" * 1000
            await asyncio.sleep(0.1)

    assert (await call("PATCH", url, headers, drips(), **told(0))).status == 204
    assert len(await counter.parts()) >= 3
    assert sum(part.size_bytes for part in await counter.parts()) == 10_000


async def test_a_part_that_was_stored_and_not_noted_does_not_count(any_counter: Counter) -> None:
    """As after a kill between the two; the next one goes on from what was noted."""
    counter, content = any_counter, content_of(2 * MB)
    files, headers = await counter.enter()
    url = await begun(files, headers, len(content))
    await patch(url, headers, 0, content[:MB])
    upload_id = int(url.rpartition("/")[2])
    await counter.house.files.put(f"uploads/{upload_id}/{MB}-2", b"half of another story")
    assert await offset_of(url, headers) == MB
    await patch(url, headers, MB, content[MB:])
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()
    folder = counter.house.office.settings.data_dir / "files" / "uploads"
    assert not list(folder.glob("*/*")), "the stray part went with the others"


async def test_after_a_kill_the_next_process_goes_on_when_the_lease_is_over(
    any_counter: Counter,
) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    url = await begun(files, headers, 4)
    async with counter.office.work() as work:
        from nobs_bot.footage.upload import Upload

        upload = await work.session.get(Upload, int(url.rpartition("/")[2]))
        assert upload is not None
        upload.lease_until, upload.attempts = work.now + receiving.LEASE, 1
    assert (await patch(url, headers, 0, b"abcd")).status == 423
    counter.house.clock.advance(receiving.LEASE)
    assert (await patch(url, headers, 0, b"abcd")).status == 204


async def test_whoever_was_overtaken_notes_nothing(any_counter: Counter) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    url = await begun(files, headers, 2 * MB)
    gate = asyncio.Event()

    async def waits() -> Any:
        yield content_of(MB, 5)
        await gate.wait()
        yield content_of(MB, 6)

    slow = asyncio.create_task(call("PATCH", url, headers, waits(), **told(0)))
    await asyncio.sleep(0.3)
    counter.house.clock.advance(receiving.LEASE * 2)
    content = content_of(2 * MB)
    assert (await patch(url, headers, 0, content)).status == 204
    gate.set()
    assert (await slow).status == 410
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()


# two at once


async def test_two_patches_at_once_do_not_mix(any_counter: Counter) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    one, other = content_of(3 * MB, 1), content_of(3 * MB, 2)
    url = await begun(files, headers, 3 * MB)
    answers = await asyncio.gather(
        patch(url, headers, 0, one), patch(url, headers, 0, other), patch(url, headers, 0, one)
    )
    statuses = sorted(each.status for each in answers)
    assert statuses[0] == 204
    assert set(statuses[1:]) <= {409, 423}
    [clip] = await counter.fetched()
    assert clip.sha256 in {hashlib.sha256(each).hexdigest() for each in (one, other)}


async def test_while_one_is_at_it_another_is_told_to_wait(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 2 * MB)
    gate = asyncio.Event()

    async def waits() -> Any:
        yield content_of(MB)
        await gate.wait()
        yield content_of(MB)

    slow = asyncio.create_task(call("PATCH", url, headers, waits(), **told(0)))
    await asyncio.sleep(0.2)
    assert (await patch(url, headers, 0, b"x")).status == 423
    gate.set()
    assert (await slow).status == 204


async def test_two_uploads_of_one_file_become_two_whole_clips(counter: Counter) -> None:
    content = content_of(5 * MB)
    files, headers = await counter.enter()
    sending = [uploader(files, headers, content, chunk_size=MB) for _ in range(2)]
    await asyncio.gather(*(asyncio.to_thread(each.upload) for each in sending))
    clips = await counter.fetched()
    assert [clip.sha256 for clip in clips] == [hashlib.sha256(content).hexdigest()] * 2
    # the store names evidence by its content, so the same bytes are there once
    assert len({clip.file_name for clip in clips}) == 1


async def test_finishing_twice_makes_one_clip(any_counter: Counter) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    url = await begun(files, headers, 4)
    assert (await patch(url, headers, 0, b"abcd")).status == 204
    assert (await patch(url, headers, 4, b"")).status == 204
    assert (await patch(url, headers, 4, b"e")).status == 400
    sha256 = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    more = {"Upload-Checksum": f"sha256 {sha256}"}
    assert (await patch(url, headers, 4, b"", **more)).status == 204
    assert len(await counter.clips()) == 1


# the protocol's own rules


async def test_options_tells_what_we_can(counter: Counter) -> None:
    files, _ = await counter.enter()
    answer = await call("OPTIONS", files, {})
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(MOST_BYTES)
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "termination",
        "expiration",
        "checksum",
    }
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"


async def test_head_tells_how_far_it_is_and_until_when(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 10)
    await patch(url, headers, 0, b"abc")
    answer = await call("HEAD", url, headers)
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("3", "10")
    assert answer.headers["Cache-Control"] == "no-store"
    expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert expires == (counter.house.clock.now() + GIVEN_UP_AFTER).replace(microsecond=0)


async def test_a_file_can_come_with_its_creation(counter: Counter) -> None:
    files, headers = await counter.enter()
    content = content_of(2 * MB)
    more = {"Upload-Length": str(len(content)), "Content-Type": STREAM}
    answer = await call("POST", files, headers, content[:MB], **more)
    assert (answer.status, answer.headers["Upload-Offset"]) == (201, str(MB))
    url = files + answer.headers["Location"]
    assert (await patch(url, headers, MB, content[MB:])).headers["Upload-Offset"] == str(2 * MB)
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()


async def test_deleting_frees_everything(any_counter: Counter) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    url = await begun(files, headers, 2 * MB)
    await patch(url, headers, 0, content_of(MB))
    assert (await call("DELETE", url, headers)).status == 204
    assert (await call("HEAD", url, headers)).status == 410
    assert (await patch(url, headers, MB, b"x")).status == 410
    await counter.removed()
    assert await counter.parts() == []
    folder = counter.house.office.settings.data_dir / "files" / "uploads"
    assert not list(folder.glob("*/*"))


async def test_what_is_with_us_whole_cannot_be_deleted(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 4)
    await patch(url, headers, 0, b"abcd")
    assert (await call("DELETE", url, headers)).status == 409
    assert len(await counter.clips()) == 1


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
async def test_a_right_checksum_is_taken_and_a_wrong_one_keeps_nothing(
    counter: Counter, algorithm: str
) -> None:
    content = content_of(3 * MB)
    files, headers = await counter.enter()
    url = await begun(files, headers, len(content))
    right = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    wrong = base64.b64encode(hashlib.new(algorithm, b"x").digest()).decode()
    answer = await patch(url, headers, 0, content, **{"Upload-Checksum": f"{algorithm} {wrong}"})
    assert answer.status == 460
    assert await offset_of(url, headers) == 0
    await counter.removed()
    folder = counter.house.office.settings.data_dir / "files" / "uploads"
    assert not list(folder.glob("*/*"))
    answer = await patch(url, headers, 0, content, **{"Upload-Checksum": f"{algorithm} {right}"})
    assert answer.status == 204
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()


async def test_the_real_client_checks_its_chunks(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "PART_BYTES", MB)
    content = content_of(5 * MB + 1)
    files, headers = await counter.enter()
    sending = uploader(files, headers, content, chunk_size=2 * MB, upload_checksum=True)
    await asyncio.to_thread(sending.upload)
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()


async def test_a_cut_body_with_a_checksum_keeps_nothing(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 2 * MB)
    digest = base64.b64encode(hashlib.sha256(content_of(MB)).digest()).decode()
    await cut(url, headers | {"Upload-Checksum": f"sha256 {digest}"}, 0, content_of(MB), 2 * MB)
    await asyncio.sleep(0.5)
    assert await offset_of(url, headers) == 0
    assert (await patch(url, headers, 0, content_of(2 * MB))).status == 204


@pytest.mark.parametrize(
    ("method", "change", "status"),
    [
        ("PATCH", {"Upload-Offset": "1"}, 409),
        ("PATCH", {"Upload-Offset": "-1"}, 400),
        ("PATCH", {"Upload-Offset": "²"}, 400),
        ("PATCH", {"Upload-Offset": "9" * 40}, 400),
        ("PATCH", {"Upload-Offset": ""}, 400),
        ("PATCH", {"Content-Type": "application/json"}, 415),
        ("PATCH", {"Tus-Resumable": "0.2.2"}, 412),
        ("PATCH", {"Upload-Checksum": "md5 AAAA"}, 400),
        ("PATCH", {"Upload-Checksum": "sha256 ***"}, 400),
        ("HEAD", {"Tus-Resumable": ""}, 412),
        ("HEAD", {"Cookie": "unggah-1=x"}, 403),
        ("PATCH", {"Cookie": ""}, 403),
        ("DELETE", {"Cookie": ""}, 403),
        ("POST", {}, 405),
        ("POST", {"X-HTTP-Method-Override": "PATCH"}, 204),
    ],
)
async def test_a_call_that_is_not_right_changes_nothing(
    counter: Counter, method: str, change: dict[str, str], status: int
) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 8)
    raw = {key: value.encode().decode("latin-1") for key, value in change.items()}
    answer = await call(method, url, headers | told(0) | raw, None if method == "HEAD" else b"abc")
    assert answer.status == status
    assert answer.headers.get("Tus-Resumable", "1.0.0") == "1.0.0"
    assert await offset_of(url, headers) == (3 if status == 204 else 0)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Upload-Length": str(MOST_BYTES + 1)}, 413),
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Length": "-5"}, 400),
        ({"Upload-Length": "1e9"}, 400),
        ({"Upload-Length": "", "Upload-Defer-Length": "1"}, 400),
        ({"Upload-Metadata": "filename ***"}, 400),
        ({"Upload-Metadata": "filename " + base64.b64encode(b"\xff\xfe").decode()}, 400),
        ({"Cookie": "unggah-1=abc"}, 403),
    ],
)
async def test_what_cannot_be_begun(counter: Counter, change: dict[str, str], status: int) -> None:
    files, headers = await counter.enter()
    answer = await call("POST", files, headers | {"Upload-Length": "5"} | change)
    assert answer.status == status
    assert await counter.uploads() == []


async def test_more_than_was_promised_is_not_taken(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 4)
    assert (await patch(url, headers, 0, b"abcde")).status == 400
    assert await offset_of(url, headers) == 0

    async def chunked() -> Any:
        yield b"ab"
        yield b"cdefgh"

    assert (await call("PATCH", url, headers, chunked(), **told(0))).status == 400
    assert await offset_of(url, headers) == 4
    clip, *_ = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(b"abcd").hexdigest()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\dvr\\ch1\\18.dav", "18.dav"),
        ("a\x00\n\u202eb.mp4", "ab.mp4"),
        ("", "rekaman"),
        ("x" * 500, "x" * 120),
        ("<b>&\"'.mp4", "<b>&\"'.mp4"),
    ],
)
async def test_names_are_only_names(counter: Counter, given: str, kept: str) -> None:
    files, headers = await counter.enter()
    await begun(files, headers, 4, given)
    list_url = files.removesuffix("berkas/") + "daftar"
    async with aiohttp.ClientSession() as session, session.get(list_url, headers=headers) as answer:
        [shown] = await answer.json()
    assert shown["name"] == kept


async def test_an_answer_has_so_many_files_and_no_more(counter: Counter) -> None:
    files, headers = await counter.enter()
    for _ in range(MOST_CLIPS):
        await begun(files, headers, 4)
    answer = await call("POST", files, headers, **{"Upload-Length": "4"})
    assert answer.status == 403
    assert len(await counter.uploads()) == MOST_CLIPS


# whose it is


async def test_somebody_elses_upload_is_not_there(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 8)
    other = Counter(
        counter.house, counter.office, counter.port, counter.request_id, counter.camera_id
    )
    await counter.house.approved("Budi")
    from sqlalchemy import select

    from nobs_bot.footage.request import Ask
    from tests.footage.requests import send

    request_id = await send(counter.house)
    async with counter.office.look() as work:
        query = select(Ask.id).where(
            Ask.owner_id == counter.house.ids["Budi"], Ask.request_id == request_id
        )
        other.ask_id = (await work.session.execute(query)).scalar_one()
    address = await other.link("Budi")
    browser = counter.browser()
    _, _, where = await browser.press(address)
    [(name, value)] = browser.cookies().items()
    budi = {"Cookie": f"{name}={value}", "Tus-Resumable": "1.0.0"}
    through_his_link = where + "berkas/" + url.rpartition("/")[2]
    for method in ("HEAD", "DELETE"):
        assert (await call(method, through_his_link, budi)).status == 404
        assert (await call(method, url, budi)).status == 403
    assert (await patch(through_his_link, budi, 0, b"x")).status == 404
    assert await offset_of(url, headers) == 0


async def test_a_new_link_goes_on_with_what_the_old_one_began(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 4)
    await patch(url, headers, 0, b"ab")
    files, headers = await counter.enter()
    url = files + url.rpartition("/")[2]
    assert await offset_of(url, headers) == 2
    assert (await patch(url, headers, 2, b"cd")).status == 204


# while it is on its way


@pytest.mark.parametrize("what", ["close_request", "withdraw_camera"])
async def test_nothing_more_is_taken_when_the_ask_is_over(
    any_counter: Counter, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = any_counter
    monkeypatch.setattr(receiving, "PART_BYTES", MB)
    files, headers = await counter.enter()
    url = await begun(files, headers, 8 * MB)
    await patch(url, headers, 0, content_of(MB))
    gate = asyncio.Event()

    async def waits() -> Any:
        yield content_of(MB // 2)
        await gate.wait()
        yield content_of(2 * MB)

    slow = asyncio.create_task(call("PATCH", url, headers, waits(), **told(MB)))
    await asyncio.sleep(0.2)
    await getattr(counter, what)()
    gate.set()
    assert (await slow).status == 410
    for method in ("HEAD", "DELETE"):
        assert (await call(method, url, headers)).status == 410
    assert (await call("POST", files, headers, **{"Upload-Length": "4"})).status == 410
    [upload] = await counter.uploads()
    assert upload.state is UploadState.ENDED
    await counter.removed()
    assert await counter.parts() == []
    folder = counter.house.office.settings.data_dir / "files" / "uploads"
    assert not list(folder.glob("*/*"))


@pytest.mark.parametrize("what", ["close_request", "withdraw_camera"])
async def test_what_nobody_wants_any_more_is_removed_without_being_asked(
    any_counter: Counter, what: str
) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    await patch(await begun(files, headers, 8), headers, 0, b"abc")
    async with counter.office.work() as work:
        assert await end_unwanted(work) == 0
    await getattr(counter, what)()
    async with counter.office.work() as work:
        assert await end_unwanted(work) == 1
    assert await counter.parts() == []


async def test_the_link_expires_during_an_upload(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 8)
    counter.house.clock.advance(timedelta(days=7, seconds=1))
    answer = await patch(url, headers, 0, b"abc")
    assert answer.status == 410
    assert "tautan baru" in await text_of(url, headers)


async def text_of(url: str, headers: dict[str, str]) -> str:
    more = {"Upload-Offset": "0", "Content-Type": STREAM}
    async with (
        aiohttp.ClientSession() as session,
        session.patch(url, headers=headers | more, data=b"abc") as answer,
    ):
        return await answer.text()


async def test_what_nobody_goes_on_with_is_given_up_after_a_day(any_counter: Counter) -> None:
    counter = any_counter
    files, headers = await counter.enter()
    url = await begun(files, headers, 8)
    counter.house.clock.advance(GIVEN_UP_AFTER - timedelta(minutes=1))
    await patch(url, headers, 0, b"abc")
    counter.house.clock.advance(GIVEN_UP_AFTER - timedelta(minutes=1))
    assert await give_up(counter.office) == 0
    counter.house.clock.advance(timedelta(minutes=2))
    assert await give_up(counter.office) == 1
    assert (await call("HEAD", url, headers)).status == 410
    await remove_doomed(counter.office, counter.house.files)
    assert await counter.parts() == []


# the disk


async def test_a_disk_that_fills_up_keeps_what_was_noted(counter: Counter) -> None:
    """The limit is the system's own, which a write beyond meets as it meets a full disk."""
    content = content_of(12 * MB)
    files, headers = await counter.enter()
    url = await begun(files, headers, len(content))
    assert (await patch(url, headers, 0, content[: 2 * MB])).status == 204
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MB, hard))
    try:
        answer = await patch(url, headers, 2 * MB, content[2 * MB :])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status == 507
    assert await offset_of(url, headers) == 2 * MB
    folder = counter.house.office.settings.data_dir / "files" / "uploads"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1
    assert (await patch(url, headers, 2 * MB, content[2 * MB :])).status == 204
    [clip] = await counter.fetched()
    assert clip.sha256 == hashlib.sha256(content).hexdigest()


async def test_a_file_for_which_there_is_no_room_is_not_begun(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_bytes = await counter.house.files.free_bytes()
    assert free_bytes is not None
    files, headers = await counter.enter()
    # room for 40 GB: wide margins, since the disk is not ours alone
    monkeypatch.setattr(receiving, "RESERVE_BYTES", free_bytes - 40 * GB)
    small, large = {"Upload-Length": str(GB)}, {"Upload-Length": str(12 * GB)}
    assert (await call("POST", files, headers, **small)).status == 201
    assert (await call("POST", files, headers, **large)).status == 201
    # each needs twice its size, and what the first ones need is promised to them
    assert (await call("POST", files, headers, **large)).status == 507


async def test_a_damaged_part_is_noticed_and_the_owner_hears_of_it(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 2 * MB)
    await patch(url, headers, 0, content_of(MB))
    await patch(url, headers, MB, content_of(MB, 2))
    _, second = await counter.parts()
    content = await counter.house.files.get(second.file_name)
    await counter.house.files.put(second.file_name, content[:-1] + b"?")
    [clip] = await counter.fetched()
    assert clip.state is ClipState.FAILED
    assert "kirim sekali lagi" in (await counter.house.told("Sari"))[-1]


# wearing the house out


@pytest.mark.usefixtures("paces_stand_still")
async def test_one_link_cannot_call_without_end(counter: Counter) -> None:
    files, headers = await counter.enter()
    url = await begun(files, headers, 4)
    async with aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(300):
            async with session.head(url, headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses[0] == 200
    assert statuses[-1] == 429
    other_files, other_headers = await counter.enter()
    assert (await call("POST", other_files, other_headers, **{"Upload-Length": "4"})).status == 201
