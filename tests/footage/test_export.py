"""The export: whole, verified in an empty folder, and every kind of damage named."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stream_zip import CRC32IntegrityError

from nobs_bot import VERSION
from nobs_bot.errors import Refusal
from nobs_bot.footage import export
from nobs_bot.footage.archive import Archive, Member
from nobs_bot.footage.form import (
    canonical,
    field_digests,
    fields_of,
    fingerprint_of,
    pem_of,
)
from nobs_bot.footage.manifest import signing_key
from nobs_bot.footage.request import clips_of
from nobs_bot.footage.verify import Verdict, load_key, verify
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, lines_about
from nobs_bot.storage.crypto import KeyProblem
from tests.cast import House, house_on
from tests.footage.recordings import asked, send_clip, three_clips, video
from tests.footage.test_verifying import flip

ROOT = Path(__file__).parents[2]
MIB = 1 << 20


async def exported(house: House, request_id: int, name: str = "Rahmat") -> bytes:
    async with house.acting(name) as (work, officer):
        gathered = await export.gather(work, request_id, officer, "chat")
    words = house.office.texts.of("id")
    package = await asyncio.to_thread(export.pack, gathered, house.office.vault, words)
    whole = b"".join([piece async for piece in export.stream(package, house.files)])
    assert len(whole) <= package.size_bytes
    return whole


@dataclass
class Packed:
    """An export of three clips, what was sent, and the key that signed it."""

    sent: dict[str, bytes]
    whole: bytes
    key: Ed25519PrivateKey
    folder: Path

    def write(self, content: bytes) -> Path:
        path = self.folder / "R-1001.zip"
        path.write_bytes(content)
        return path

    def verdict(self, content: bytes, **more: Any) -> Verdict:
        return verify(self.write(content), **{"key": self.key.public_key(), **more})

    def members(self) -> dict[str, Member]:
        archive = Archive(self.write(self.whole))
        archive.close()
        return {member.name: member for member in archive.members}

    def file(self, number: int) -> str:
        return next(name for name in self.members() if name.startswith(f"files/{number:02}"))

    def flipped(self, name: str, at: int) -> bytes:
        changed = bytearray(self.whole)
        changed[self.members()[name].data_at + at] ^= 0x41
        return bytes(changed)

    def contents(self) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(self.whole)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


@dataclass
class Exported(Packed):
    """The same, in the house that it was made in."""

    house: House
    request_id: int


async def export_of(house: House, folder: Path) -> Exported:
    request_id, sent = await three_clips(house)
    folder = folder / "elsewhere"
    folder.mkdir()
    whole = await exported(house, request_id)
    return Exported(sent, whole, signing_key(house.office.vault), folder, house, request_id)


@pytest.fixture
async def here(house: House, tmp_path: Path) -> Exported:
    return await export_of(house, tmp_path)


@pytest.fixture(scope="module")
def made_once(migrated: Path, areas: Areas, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Of a house that is gone, as for whoever verifies."""
    folder = tmp_path_factory.mktemp("export")
    shutil.copyfile(migrated, folder / "nobs.sqlite3")

    async def make() -> Exported:
        async with house_on(f"sqlite:///{folder / 'nobs.sqlite3'}", folder, areas) as house:
            return await export_of(house, folder)

    return asyncio.run(make())


@pytest.fixture
def packed(made_once: Exported, tmp_path: Path) -> Packed:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Packed(dict(made_once.sent), made_once.whole, made_once.key, folder)


def rezipped(contents: dict[str, bytes]) -> bytes:
    """As a forger would: a fresh zip of the same form around changed contents."""
    from datetime import datetime
    from zlib import crc32

    from stream_zip import NO_COMPRESSION_64, stream_zip

    members = (
        (name, datetime(2026, 11, 16), 0o100644, NO_COMPRESSION_64(len(each), crc32(each)), (each,))
        for name, each in contents.items()
    )
    return b"".join(stream_zip(members))


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command in an empty folder, with an environment that holds nothing."""
    return subprocess.run(
        [sys.executable, ROOT / "bot.py", "verify-evidence", str(path), *options],
        cwd=path.parent,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# what is in it


async def test_the_originals_are_byte_for_byte_those_that_were_sent(packed: Packed) -> None:
    contents = packed.contents()
    files = [content for name, content in contents.items() if name.startswith("files/")]
    assert files == list(packed.sent.values())
    names = [name for name in contents if name.startswith("files/")]
    assert names == [
        "files/01-K-1001-kamera_depan.mp4",
        "files/02-K-1001-kamera_samping.dav",
        "files/03-K-1002-rumah_Pak_Budi_.ts",
    ]
    assert {
        "manifest.json",
        "manifest.sig",
        "public-key.pem",
        "report.pdf",
        "BACA-SAYA.txt",
    } <= set(contents)
    with zipfile.ZipFile(io.BytesIO(packed.whole)) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


async def test_the_manifest_says_who_why_where_when_and_how(packed: Packed) -> None:
    manifest = json.loads(packed.contents()["manifest.json"])
    request = manifest["request"]
    assert request["asked_by"] == {"name": "Rahmat", "role": "investigator"}
    assert request["case_number"] == "LP/B/1042/XI/2026/SPKT"
    assert (request["purpose"], request["number"]) == ("robbery", "R-1001")
    assert request["place"]["lat"] == "-6.153400"
    assert request["windows"] == [
        ["2026-11-15T14:00:00.000+00:00", "2026-11-15T15:00:00.000+00:00"]
    ]
    assert manifest["made_by"]["version"] == VERSION
    [one, two] = manifest["asks"]
    assert (one["camera"], one["heading_deg"], one["recorder_clock_ahead_s"]) == (
        "K-1001",
        "135",
        -125,
    )
    assert two["reply"] == "has"
    clip = manifest["clips"][0]
    assert clip["sha256"] == sha256(packed.sent["kamera depan.mp4"]).hexdigest()
    assert (clip["kind"], clip["looked"]["codec"]) == ("video", "h264")
    assert clip["collected_at"] <= clip["acquired_at"]
    assert manifest["clips"][2]["name_given"] == "../../rumah Pak Budi?.ts"
    acts = [line["act"] for line in manifest["hand_overs"]]
    assert acts.count("clip_received") == 3
    assert acts[-1] == "evidence_exported"
    assert manifest["hand_overs"][-1]["name"] == "Rahmat"


async def test_owners_are_not_named_in_it(packed: Packed) -> None:
    contents = packed.contents()
    for name in ("manifest.json", "fields.txt", "BACA-SAYA.txt"):
        assert b"Sari" not in contents[name]
    manifest = json.loads(contents["manifest.json"])
    assert manifest["clips"][0]["receipt"].startswith("T-")


async def test_the_report_is_a_pdf_with_the_hashes(packed: Packed) -> None:
    pdf = packed.contents()["report.pdf"]
    assert pdf.startswith(b"%PDF-")
    text = pdf_text(pdf)
    for part in (
        "Laporan Barang Bukti Elektronik",
        "LP/B/1042/XI/2026/SPKT",
        "Rahmat",
        "Rantai penguasaan",
        "-125 detik",
        sha256(packed.sent["kamera depan.mp4"]).hexdigest()[:24],
    ):
        assert part in text, part
    assert "Sari" not in text


def pdf_text(pdf: bytes) -> str:
    """The words of our own PDF: its streams unpacked, its strings joined."""
    import re
    import zlib

    words = []
    for packed in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL):
        try:
            page = zlib.decompress(packed)
        except zlib.error:
            continue
        for string in re.findall(rb"\(((?:\\.|[^\\()])*)\) Tj", page):
            words.append(re.sub(rb"\\(.)", rb"\1", string).decode("latin-1"))
    return " ".join(words)


async def test_openssl_agrees_about_the_signature(packed: Packed) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("left out: no openssl here")
    for name, content in packed.contents().items():
        if "/" not in name:
            (packed.folder / name).write_bytes(content)
    words = "pkeyutl -verify -pubin -inkey public-key.pem -rawin -in manifest.json -sigfile"
    command = [openssl, *words.split(), "manifest.sig"]
    done = subprocess.run(command, cwd=packed.folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_every_export_is_recorded_for_every_owner(here: Exported) -> None:
    for owner in ("Sari", "Budi"):
        async with here.house.office.look() as work:
            [newest, *_] = await lines_about(work, here.house.ids[owner])
            assert (newest.act, newest.actor_id) == (
                Act.EVIDENCE_EXPORTED,
                here.house.ids["Rahmat"],
            )
            assert newest.read_details(work)["how"] == "chat"


@pytest.mark.parametrize("name", ["Citra", "Dewi", "Wayan", "Sari", "Budi"])
async def test_nobody_else_exports(house: House, name: str) -> None:
    request_id = await asked(house, "Sari")
    await send_clip(house, request_id, video())
    with pytest.raises(Refusal, match=r"request\.not_yours"):
        await exported(house, request_id, name)


async def test_a_supervisor_of_the_area_does(house: House) -> None:
    request_id = await asked(house, "Sari")
    await send_clip(house, request_id, video())
    assert await exported(house, request_id, "Kartika")


async def test_without_a_clip_there_is_nothing_to_export(house: House) -> None:
    request_id = await asked(house, "Sari")
    with pytest.raises(Refusal, match=r"evidence\.nothing"):
        await exported(house, request_id)


async def test_a_damaged_clip_is_named_and_the_others_go_out(here: Exported) -> None:
    async with here.house.office.work() as work:
        [clip, *_] = await clips_of(work, here.request_id)
        clip.damaged_at = work.now
    whole = await exported(here.house, here.request_id)
    verdict = here.verdict(whole)
    assert verdict.is_well
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert sum(name.startswith("files/") for name in archive.namelist()) == 2
    assert manifest["clips"][0]["file"] is None
    assert manifest["clips"][0]["damaged_at"] is not None


async def test_an_export_breaks_off_where_the_store_was_changed(here: Exported) -> None:
    async with here.house.office.look() as work:
        clips = await clips_of(work, here.request_id)
    assert clips[1].file_name is not None
    flip(here.house, clips[1].file_name, at=2_000_000)
    with pytest.raises(KeyProblem):
        await exported(here.house, here.request_id)


async def test_content_that_is_not_what_was_signed_never_gets_an_end(here: Exported) -> None:
    async with here.house.office.work() as work:
        clips = await clips_of(work, here.request_id)
        await here.house.files.put("evidence/forged", b"x" * (clips[0].size_bytes or 0))
        clips[0].file_name = "evidence/forged"
    with pytest.raises(CRC32IntegrityError):
        await exported(here.house, here.request_id)


async def test_a_clip_of_an_older_version_is_read_first(here: Exported) -> None:
    async with here.house.office.work() as work:
        for clip in await clips_of(work, here.request_id):
            clip.blocks = clip.crc32 = None
    with pytest.raises(Refusal, match=r"evidence\.not_read_yet"):
        await exported(here.house, here.request_id)


def test_a_fraction_is_not_canonical() -> None:
    with pytest.raises(TypeError):
        canonical({"a": [{"b": 1.5}]})
    assert canonical({"b": [1, None, True], "a": "é/"}) == b'{"a":"\xc3\xa9/","b":[1,null,true]}'
    fields = list(fields_of({"a": {"b/c": [1, {}], "~": []}}))
    assert fields == [("/a/b~1c/0", 1), ("/a/b~1c/1", {}), ("/a/~0", [])]


# verified


async def test_it_verifies_in_an_empty_folder_with_nothing_but_itself(packed: Packed) -> None:
    done = run(packed.write(packed.whole))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is well" in done.stdout
    assert "proves only that the export is consistent in itself" in done.stdout
    assert fingerprint_of(packed.key.public_key()) in done.stdout


async def test_held_against_the_published_key_it_says_so(packed: Packed) -> None:
    path = packed.write(packed.whole)
    (packed.folder / "published.pem").write_bytes(pem_of(packed.key.public_key()))
    for options in (
        ("--key", "published.pem"),
        ("--fingerprint", fingerprint_of(packed.key.public_key())),
    ):
        done = run(path, *options)
        assert done.returncode == 0, done.stdout
        assert "the published key" in done.stdout
        assert "proves only" not in done.stdout


async def test_as_json_it_is_for_programs(packed: Packed) -> None:
    done = run(packed.write(packed.flipped(packed.file(1), 7)), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["ok"], told["request"], told["is_pinned"]) == (False, "R-1001", False)
    assert told["findings"] == [
        {"where": packed.file(1), "what": "one byte was changed", "byte": 7, "field": None}
    ]


@pytest.mark.parametrize("content", [b"", b"halo", b"PK\x03\x04" + b"\0" * 100])
async def test_what_is_no_export_cannot_be_verified(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert run(path).returncode == 2
    assert run(tmp_path / "nowhere.zip").returncode == 2


async def test_an_export_signed_by_somebody_else_is_only_consistent(packed: Packed) -> None:
    forger = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
    contents = packed.contents()
    manifest = json.loads(contents["manifest.json"])
    manifest["request"]["asked_by"]["name"] = "Budi"
    manifest["signed_with"] = fingerprint_of(forger.public_key())
    contents["manifest.json"] = canonical(manifest)
    contents["manifest.sig"] = forger.sign(contents["manifest.json"])
    contents["fields.txt"] = field_digests(manifest)
    contents["fields.sig"] = forger.sign(contents["fields.txt"])
    contents["public-key.pem"] = pem_of(forger.public_key())
    forged = rezipped(contents)
    alone = verify(packed.write(forged))
    assert (alone.is_well, alone.is_pinned) == (True, False)
    assert not packed.verdict(forged).is_well
    fingerprint = fingerprint_of(packed.key.public_key())
    pinned = verify(packed.write(forged), fingerprint=fingerprint)
    assert [each.where for each in pinned.findings] == ["public-key.pem"]


# damaged: one byte


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("where", ["first", "middle", "border", "last"])
async def test_a_changed_byte_of_a_file_is_named(packed: Packed, number: int, where: str) -> None:
    name = packed.file(number)
    size = packed.members()[name].size
    at = {"first": 0, "middle": size // 2, "border": min(size, MIB) - 1, "last": size - 1}[where]
    [finding] = packed.verdict(packed.flipped(name, at)).findings
    assert (finding.where, finding.byte) == (name, at)


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "manifest.sig",
        "public-key.pem",
        "fields.txt",
        "fields.sig",
        "report.pdf",
        "BACA-SAYA.txt",
        "blocks/02-K-1001-kamera_samping.dav.blocks",
    ],
)
@pytest.mark.parametrize("pinned", [True, False])
async def test_a_changed_byte_of_anything_else_is_named(
    packed: Packed, name: str, pinned: bool
) -> None:
    size = packed.members()[name].size
    for at in (0, size // 2, size - 1):
        more = {} if pinned else {"key": None}
        findings = packed.verdict(packed.flipped(name, at), **more).findings
        assert [(each.where, each.byte) for each in findings] == [(name, at)], findings


async def test_a_changed_byte_of_the_manifest_has_its_field(packed: Packed) -> None:
    manifest = packed.contents()["manifest.json"]
    for word, field in (
        (b"LP/B/1042", "/request/case_number"),
        (b"Rahmat", None),
        (b'"-6.153400","lon"', None),
        (sha256(packed.sent["kamera depan.mp4"]).hexdigest().encode(), "/clips/0/sha256"),
    ):
        [finding] = packed.verdict(packed.flipped("manifest.json", manifest.index(word))).findings
        assert finding.field is not None
        if field is not None:
            assert finding.field == field


async def test_any_flipped_byte_of_the_whole_zip_is_noticed(packed: Packed) -> None:
    members = packed.members()
    inside = {at for member in members.values() for at in range(member.data_at, member.end)}
    structure = [at for at in range(len(packed.whole)) if at not in inside]
    assert len(structure) > 1000
    for at in structure[::13]:
        changed = bytearray(packed.whole)
        changed[at] ^= 0x01
        assert not packed.verdict(bytes(changed)).is_well, at


# damaged: more than a byte


async def test_two_changed_bytes_are_named_down_to_the_mib(packed: Packed) -> None:
    name = packed.file(2)
    changed = bytearray(packed.flipped(name, MIB + 50))
    changed[packed.members()[name].data_at + MIB + 99] ^= 1
    [finding] = packed.verdict(bytes(changed)).findings
    assert (finding.where, finding.byte) == (name, MIB)
    assert "within the MiB" in finding.what


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "field", "what"),
    [
        (
            lambda m: m["request"].update(case_number="LP/B/9/XI/2026"),
            "/request/case_number",
            "changed",
        ),
        (lambda m: m["clips"][1].update(size_bytes=5), "/clips/1/size_bytes", "changed"),
        (lambda m: m["asks"][0].update(recorder_clock_ahead_s=0), None, "changed"),
        (lambda m: m["request"].pop("note"), "/request/note", "removed"),
        (lambda m: m["request"].update(extra="x"), "/request/extra", "added"),
    ],
)
async def test_a_changed_field_of_the_manifest_is_named(
    packed: Packed, change: Change, field: str | None, what: str
) -> None:
    contents = packed.contents()
    manifest = json.loads(contents["manifest.json"])
    change(manifest)
    contents["manifest.json"] = canonical(manifest)
    findings = packed.verdict(rezipped(contents)).findings
    named = [each for each in findings if each.field is not None]
    assert [(each.where, what in each.what) for each in named] == [("manifest.json", True)]
    if field is not None:
        assert named[0].field == field


async def test_a_manifest_of_another_spelling_is_not_the_signed_one(packed: Packed) -> None:
    contents = packed.contents()
    manifest = json.loads(contents["manifest.json"])
    contents["manifest.json"] = json.dumps(manifest).encode()
    findings = packed.verdict(rezipped(contents)).findings
    assert any("spelled in another way" in each.what for each in findings)


async def test_missing_added_and_swapped_files_are_named(packed: Packed) -> None:
    one, two = packed.file(1), packed.file(3)
    contents = packed.contents()
    missing = {name: content for name, content in contents.items() if name != one}
    [finding] = packed.verdict(rezipped(missing)).findings
    assert (finding.where, finding.what) == (one, "is missing")
    added = contents | {"files/04-K-1003-lagi.mp4": video()}
    [finding] = packed.verdict(rezipped(added)).findings
    assert finding.where == "files/04-K-1003-lagi.mp4"
    assert "was added" in finding.what
    swapped = contents | {one: contents[two], two: contents[one]}
    findings = packed.verdict(rezipped(swapped)).findings
    assert [each.where for each in findings] == [one, two]
    assert all("swapped" in each.what for each in findings)


async def test_cut_and_longer_files_are_named(packed: Packed) -> None:
    name = packed.file(2)
    contents = packed.contents()
    size = len(contents[name])
    cut = contents | {name: contents[name][: MIB + 10]}
    [finding] = packed.verdict(rezipped(cut)).findings
    assert (finding.where, finding.byte) == (name, MIB + 10)
    assert f"{size} bytes were signed" in finding.what
    longer = contents | {name: contents[name] + b"xyz"}
    [finding] = packed.verdict(rezipped(longer)).findings
    assert finding.where == name
    assert "3 bytes more" in finding.what
    assert finding.byte == 2 * MIB


async def test_a_zip_that_was_cut_off_names_the_first_missing_byte(packed: Packed) -> None:
    name = packed.file(2)
    member = packed.members()[name]
    findings = packed.verdict(packed.whole[: member.data_at + MIB + 3]).findings
    told = {each.where: each for each in findings}
    assert told[name].byte == MIB + 3
    assert "cut off" in told[name].what
    assert told["zip"].byte == member.data_at + MIB + 3
    assert told["files/03-K-1002-rumah_Pak_Budi_.ts"].what == "is missing"
    for length in (10, 500, member.at + 5, len(packed.whole) - 1, len(packed.whole) - 50):
        path = packed.write(packed.whole[:length])
        assert run(path).returncode != 0


async def test_a_zip_with_something_before_or_behind_is_not_as_it_was(packed: Packed) -> None:
    assert not packed.verdict(packed.whole + b"x").is_well
    assert run(packed.write(b"x" + packed.whole)).returncode != 0


async def test_a_hostile_zip_ends_well(packed: Packed) -> None:
    contents = packed.contents()
    for manifest in (b"[" * 100_000, b"{}", b"\xff\xfe", b'{"form":"nobs-evidence/1"}', b"1"):
        assert not packed.verdict(rezipped(contents | {"manifest.json": manifest})).is_well
    strange = contents | {"files/\x1b[31m[bold]x": b"x"}
    done = run(packed.write(rezipped(strange)))
    assert done.returncode == 1
    assert "\x1b[31m" not in done.stdout
    for pem in (b"", b"x", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(ValueError, match="key"):
            load_key(pem)
        assert not packed.verdict(rezipped(contents | {"public-key.pem": pem}), key=None).is_well
