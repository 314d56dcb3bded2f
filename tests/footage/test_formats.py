"""A file is what its first bytes say."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from nobs_bot.footage.formats import HEAD_BYTES, REFUSED, Family, recognise
from tests.cameras.test_photos import picture
from tests.footage.recordings import noise, video


def zipped(name: str = "rekaman.mp4", content: bytes = b"x" * 100) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("rekaman.mp4")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    return out.getvalue()


ARCHIVES = {
    "zip": zipped(),
    "gz": gzip.compress(b"x" * 100),
    "xz": lzma.compress(b"x" * 100),
    "tar": tarred(),
    "rar4": b"Rar!\x1a\x07\x00" + noise(50),
    "rar5": b"Rar!\x1a\x07\x01\x00" + noise(50),
    "7z": b"7z\xbc\xaf\x27\x1c" + noise(50),
    "bz2": b"BZh91AY&SY" + noise(50),
    "cab": b"MSCF\0\0\0\0" + noise(50),
    "iso": bytes(32769) + b"CD001" + bytes(9000),
    "zstd": b"\x28\xb5\x2f\xfd" + noise(50),
}
PROGRAMS = {
    "exe": b"MZ\x90\0" + noise(200),
    "elf": b"\x7fELF\x02\x01" + noise(50),
    "macho": b"\xcf\xfa\xed\xfe" + noise(50),
    "macho big-endian": b"\xfe\xed\xfa\xce" + noise(50),
    "class": b"\xca\xfe\xba\xbe\0\0\0\x34" + noise(50),
    "dex": b"dex\n035\0" + noise(50),
    "script": b"#!/bin/sh\nrm -rf /\n",
    "shortcut": b"\x4c\0\0\0\x01\x14\x02\0" + noise(50),
}
DOCUMENTS = {
    "pdf": b"%PDF-1.7\n" + noise(50),
    "pdf after a preface": b"\n" * 900 + b"%PDF-1.4",
    "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise(50),
    "docx": zipped("word/document.xml"),
    "rtf": b"{\\rtf1 halo}",
    "html": b"\xef\xbb\xbf  <!DOCTYPE html><script>alert(1)</script>",
    "svg": b"<svg onload='x()'/>",
}
PICTURES = {"jpeg": picture(), "png": picture("PNG"), "bmp": picture("BMP")}
VIDEOS = {
    "mp4": video(),
    "mpegts": video("mpegts"),
    "h264": video("h264"),
    "matroska": video("matroska"),
    "avi": video("avi", codec="mpeg4"),
    "hevc": video("hevc", codec="libx265"),
    "mpeg program stream": b"\x00\x00\x01\xba\x44" + noise(50),
}
RECORDERS = {
    "dahua": b"DHAV\xfd\0\0\0" + noise(50),
    "hikvision": b"IMKH\x01\x01" + noise(50),
}
ALL = {
    Family.ARCHIVE: ARCHIVES,
    Family.PROGRAM: PROGRAMS,
    Family.DOCUMENT: DOCUMENTS,
    Family.PICTURE: PICTURES,
    Family.VIDEO: VIDEOS,
    Family.RECORDER: RECORDERS,
}


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, files in ALL.items() for name in files]
)
def test_every_format_is_known_by_its_content(family: Family, name: str) -> None:
    assert recognise(ALL[family][name][:HEAD_BYTES]).family is family


def test_what_is_nothing_known_is_neither_refused_nor_believed() -> None:
    for content in (noise(5000), b"\0", b"halo apa kabar", bytes(range(256)) * 99):
        assert recognise(content).family is Family.OTHER
    assert recognise(b"").family is Family.EMPTY


def test_those_that_are_refused() -> None:
    assert set(REFUSED) == {Family.EMPTY, Family.ARCHIVE, Family.PROGRAM, Family.DOCUMENT}
