"""What a file is by its first bytes; its name says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import filetype

# an ISO image says so only after 32 KiB
HEAD_BYTES = 48 * 1024


class Family(StrEnum):
    """What we make of a format. The first four are refused."""

    EMPTY = "empty"
    ARCHIVE = "archive"
    PROGRAM = "program"
    DOCUMENT = "document"
    VIDEO = "video"
    RECORDER = "recorder"
    PICTURE = "picture"
    OTHER = "other"


REFUSED = (Family.EMPTY, Family.ARCHIVE, Family.PROGRAM, Family.DOCUMENT)


@dataclass(frozen=True)
class Format:
    """A format's family and media type."""

    family: Family
    media_type: str


UNKNOWN = Format(Family.OTHER, "application/octet-stream")
EMPTY = Format(Family.EMPTY, "inode/x-empty")

# (offset, bytes that stand there, family, media type); the first that fits counts
_SIGNATURES: tuple[tuple[int, bytes, Family, str], ...] = (
    # recorders' own
    (0, b"DHAV", Family.RECORDER, "video/x-dahua-dav"),
    (0, b"IMKH", Family.RECORDER, "video/x-hikvision"),
    (0, b"HKMI", Family.RECORDER, "video/x-hikvision"),
    (0, b"4HKH", Family.RECORDER, "video/x-hikvision"),
    (0, b"HXVS", Family.RECORDER, "video/x-xiongmai"),
    (0, b"HXVT", Family.RECORDER, "video/x-xiongmai"),
    # programs
    (0, b"\x7fELF", Family.PROGRAM, "application/x-elf"),
    (0, b"MZ", Family.PROGRAM, "application/vnd.microsoft.portable-executable"),
    (0, b"\xfe\xed\xfa\xce", Family.PROGRAM, "application/x-mach-binary"),
    (0, b"\xfe\xed\xfa\xcf", Family.PROGRAM, "application/x-mach-binary"),
    (0, b"\xce\xfa\xed\xfe", Family.PROGRAM, "application/x-mach-binary"),
    (0, b"\xcf\xfa\xed\xfe", Family.PROGRAM, "application/x-mach-binary"),
    # a class file, and Mach-O for several processors
    (0, b"\xca\xfe\xba\xbe", Family.PROGRAM, "application/java-vm"),
    (0, b"dex\n", Family.PROGRAM, "application/vnd.android.dex"),
    (0, b"\x00asm", Family.PROGRAM, "application/wasm"),
    (0, b"#!", Family.PROGRAM, "text/x-script"),
    (0, b"\x4c\x00\x00\x00\x01\x14\x02\x00", Family.PROGRAM, "application/x-ms-shortcut"),
    # archives and disk images
    (0, b"Rar!\x1a\x07", Family.ARCHIVE, "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", Family.ARCHIVE, "application/x-7z-compressed"),
    (0, b"\x1f\x8b", Family.ARCHIVE, "application/gzip"),
    (0, b"\x1f\x9d", Family.ARCHIVE, "application/x-compress"),
    (0, b"BZh", Family.ARCHIVE, "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", Family.ARCHIVE, "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", Family.ARCHIVE, "application/zstd"),
    (0, b"\x04\x22\x4d\x18", Family.ARCHIVE, "application/x-lz4"),
    (0, b"LZIP", Family.ARCHIVE, "application/x-lzip"),
    (0, b"MSCF", Family.ARCHIVE, "application/vnd.ms-cab-compressed"),
    (0, b"ISc(", Family.ARCHIVE, "application/x-installshield"),
    (0, b"!<arch>\n", Family.ARCHIVE, "application/x-archive"),
    (0, b"\xed\xab\xee\xdb", Family.ARCHIVE, "application/x-rpm"),
    (0, b"xar!", Family.ARCHIVE, "application/x-xar"),
    (0, b"\x60\xea", Family.ARCHIVE, "application/x-arj"),
    (0, b"070701", Family.ARCHIVE, "application/x-cpio"),
    (0, b"hsqs", Family.ARCHIVE, "application/vnd.squashfs"),
    (2, b"-lh", Family.ARCHIVE, "application/x-lzh"),
    (7, b"**ACE**", Family.ARCHIVE, "application/x-ace"),
    (257, b"ustar", Family.ARCHIVE, "application/x-tar"),
    (32769, b"CD001", Family.ARCHIVE, "application/x-iso9660-image"),
    # documents
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Family.DOCUMENT, "application/x-ole-storage"),
    (0, b"{\\rtf", Family.DOCUMENT, "application/rtf"),
    (0, b"%!PS", Family.DOCUMENT, "application/postscript"),
    (0, b"ITSF", Family.DOCUMENT, "application/vnd.ms-htmlhelp"),
    # streams without a container, and what cameras wrap them in
    (0, b"\x00\x00\x01\xba", Family.VIDEO, "video/mp2p"),
    (0, b"\x00\x00\x01\xb3", Family.VIDEO, "video/mpeg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Family.VIDEO, "video/x-ms-asf"),
    (0, b"FLV\x01", Family.VIDEO, "video/x-flv"),
)
_ZIP = b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"
_IN_OFFICE_ZIPS = b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/vnd"
_PDF_WITHIN = 1024
_MARKUP = b"<?xml", b"<!doctype", b"<html", b"<svg", b"<script", b"<?php"
_TS_PACKET = 188


def recognise(head: bytes) -> Format:
    """The format whose first bytes these are; at least HEAD_BYTES of it where it has as many."""
    if not head:
        return EMPTY
    for look in _LOOKS:
        if (found := look(head)) is not None:
            return found
    return UNKNOWN


def _by_signature(head: bytes) -> Format | None:
    for offset, signature, family, media_type in _SIGNATURES:
        if head.startswith(signature, offset):
            return Format(family, media_type)
    return None


def _zip(head: bytes) -> Format | None:
    if not head.startswith(_ZIP):
        return None
    is_office = any(each in head[:4096] for each in _IN_OFFICE_ZIPS)
    if is_office:
        return Format(Family.DOCUMENT, "application/vnd.openxmlformats-officedocument")
    return Format(Family.ARCHIVE, "application/zip")


def _document(head: bytes) -> Format | None:
    # readers take a PDF whose mark comes late, so do we
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Format(Family.DOCUMENT, "application/pdf")
    start = head[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_MARKUP):
        return Format(Family.DOCUMENT, "text/html")
    return None


def _raw_stream(head: bytes) -> Format | None:
    """H.264 and H.265 as they come off a camera (Annex B), known by their first unit."""
    for start in (b"\x00\x00\x00\x01", b"\x00\x00\x01"):
        if not head.startswith(start) or len(head) < len(start) + 2:
            continue
        first, second = head[len(start)], head[len(start) + 1]
        # parameter set or delimiter; H.265 has its type one bit higher, and a second header byte
        if first >> 1 & 0x3F in (32, 33, 34, 35) and not first & 0x81 and second == 1:
            return Format(Family.VIDEO, "video/h265")
        if first & 0x1F in (7, 9) and not first & 0x80:
            return Format(Family.VIDEO, "video/h264")
    return None


def _transport_stream(head: bytes) -> Format | None:
    for lead in (0, 4):  # cameras' m2ts has four bytes of time before each packet
        step = _TS_PACKET + lead
        marks = [head[at : at + 1] for at in range(lead, lead + 4 * step, step)]
        if all(mark == b"G" for mark in marks):
            return Format(Family.VIDEO, "video/mp2t")
    return None


def _by_library(head: bytes) -> Format | None:
    found = filetype.guess(head)
    if found is None:
        return None
    major = found.mime.partition("/")[0]
    if major == "image":
        return Format(Family.PICTURE, found.mime)
    if major == "video":
        return Format(Family.VIDEO, found.mime)
    # what else it knows are sounds, fonts, archives and documents; of these we know the ones to
    # refuse better ourselves, and its archives include fonts
    return Format(Family.OTHER, found.mime)


_LOOKS: tuple[Callable[[bytes], Format | None], ...] = (
    _zip,
    _by_signature,
    _document,
    _raw_stream,
    _transport_stream,
    _by_library,
)
