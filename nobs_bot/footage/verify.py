"""
Verifying an export with nothing but the export: no settings, no database, no secret key.

The signature is over the manifest, the manifest names every file with its size and SHA-256, the
zip is of one known form. Where something differs it is named: the field of the manifest, the file,
the MiB, and the byte, where only one was changed (see `syndrome`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from nobs_bot.footage.archive import Archive, Member
from nobs_bot.footage.form import (
    FIELDS,
    FIELDS_SIGNATURE,
    FORM,
    KEY,
    MANIFEST,
    SIGNATURE,
    blocks_name,
    canonical,
    fields_of,
    fingerprint_of,
)
from nobs_bot.footage.syndrome import corrected, single_changes
from nobs_bot.storage.digests import BLOCK_BYTES, BLOCK_RECORD_BYTES, read_blocks

_SIGNED = (MANIFEST, SIGNATURE, FIELDS, FIELDS_SIGNATURE, KEY)
# what is read whole; a manifest is some kilobytes
_MOST_SMALL_BYTES = 64 * 1024 * 1024
_MOST_REPAIR_BYTES = 32 * 1024 * 1024

Tick = Callable[[int], None]


@dataclass(frozen=True)
class Finding:
    """
    One thing that is not as it must be.

    Args:
        where: The member, or `zip`.
        byte: The first byte of it that differs, from 0; of the zip's file where that is meant.
        field: The manifest's field that differs, as a JSON pointer.
    """

    where: str
    what: str
    byte: int | None = None
    field: str | None = None


@dataclass
class Verdict:
    """What verifying an export came to."""

    request: str | None = None
    fingerprint: str | None = None
    is_pinned: bool = False
    files: int = 0
    size_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether nothing at all was found."""
        return not self.findings


def load_key(pem: bytes) -> Ed25519PublicKey:
    """Raises `ValueError` where this is not an Ed25519 public key as PEM."""
    try:
        key = load_pem_public_key(pem)
    except Exception as exc:
        raise ValueError("not a public key in PEM") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return key


def verify(
    path: Path,
    *,
    key: Ed25519PublicKey | None = None,
    fingerprint: str | None = None,
    tick: Tick = lambda _: None,
) -> Verdict:
    """
    Verify the export at *path*.

    Args:
        key: The published key, which then counts instead of the one in the export.
        fingerprint: The published fingerprint, against which the key in the export is held.
        tick: Is told how many more bytes were read.

    Raises:
        NotAnExport: it is something else.
        OSError: it cannot be read.
    """
    archive = Archive(path)
    try:
        return _Verifying(archive, key, fingerprint, tick).run()
    finally:
        archive.close()


@dataclass(frozen=True)
class _Read:
    """What a file in the zip was found to be; `first_bad` is the first block that differs."""

    size: int
    sha256: str
    crc32: int
    first_bad: int | None


class _Verifying:
    """One run."""

    def __init__(
        self,
        archive: Archive,
        key: Ed25519PublicKey | None,
        fingerprint: str | None,
        tick: Tick,
    ) -> None:
        self._archive = archive
        self._members = {member.name: member for member in archive.members}
        self._key = key
        self._wanted_fingerprint = fingerprint
        self._tick = tick
        self._verdict = Verdict(size_bytes=archive.size)
        self._small: dict[str, bytes] = {}

    def run(self) -> Verdict:
        for flaw in self._archive.flaws:
            self._find("zip", flaw.what, byte=flaw.byte)
        names = [member.name for member in self._archive.members]
        for name in sorted({each for each in names if names.count(each) > 1}):
            self._find(name, "is in the zip more than once")
        for name in _SIGNED:
            if name not in self._members:
                self._find(name, "is missing")
            else:
                self._small[name] = self._read(name)
        key = self._choose_key()
        manifest = self._manifest(key)
        if manifest is not None:
            self._verdict.request = str(manifest.get("request", {}).get("number", ""))
            self._contents(manifest)
        return self._verdict

    def _find(
        self, where: str, what: str, *, byte: int | None = None, field: str | None = None
    ) -> None:
        self._verdict.findings.append(Finding(where, what, byte, field))

    def _read(self, name: str) -> bytes:
        member = self._members[name]
        if member.size > _MOST_SMALL_BYTES:
            self._find(name, "is far larger than it can be")
            return b""
        content = self._archive.whole(member)
        self._tick(len(content))
        return content

    # the key

    def _choose_key(self) -> Ed25519PublicKey | None:
        """The published key where it was given, else the one in the export."""
        inside = self._key_inside()
        if inside is not None:
            self._verdict.fingerprint = fingerprint_of(inside)
        if self._key is not None:
            self._verdict.is_pinned = True
            if inside is not None and fingerprint_of(inside) != fingerprint_of(self._key):
                self._find(KEY, "is not the published key")
            self._verdict.fingerprint = fingerprint_of(self._key)
            return self._key
        if self._wanted_fingerprint is not None:
            self._verdict.is_pinned = True
            if self._verdict.fingerprint != self._wanted_fingerprint:
                self._find(KEY, "does not have the published fingerprint")
        return inside

    def _key_inside(self) -> Ed25519PublicKey | None:
        pem = self._small.get(KEY)
        if pem is None:
            return None
        if (byte := self._changed_byte(KEY, _is_key_of(self._claimed_fingerprint()))) is not None:
            self._find(KEY, "was changed", byte=byte)
            pem = self._mended(KEY, byte)
        try:
            return load_key(pem)
        except ValueError as exc:
            self._find(KEY, f"is damaged: {exc}")
            return None

    def _claimed_fingerprint(self) -> str | None:
        """What the manifest says about its key, before we know whether to believe it."""
        try:
            claimed = json.loads(self._small.get(MANIFEST, b""))["signed_with"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return claimed if isinstance(claimed, str) else None

    # the manifest

    def _manifest(self, key: Ed25519PublicKey | None) -> dict[str, Any] | None:
        """The manifest, mended where one byte was changed; None where it cannot be used."""
        signed, signature = self._small.get(MANIFEST), self._small.get(SIGNATURE)
        if signed is None or signature is None or key is None:
            if signed is not None:
                self._find(MANIFEST, "cannot be held against a signature")
            return self._parse(signed)
        self._check_fields(key)
        if _holds(key, signature, signed):
            return self._parse(signed)
        byte = self._changed_byte(MANIFEST, lambda content: _holds(key, signature, content))
        if byte is not None:
            mended = self._mended(MANIFEST, byte)
            path = _field_at(mended, byte)
            self._find(MANIFEST, "one byte was changed", byte=byte, field=path)
            return self._parse(mended)
        byte = self._changed_byte(SIGNATURE, lambda content: _holds(key, content, signed))
        if byte is not None:
            self._find(SIGNATURE, "one byte was changed", byte=byte)
            return self._parse(signed)
        self._name_changed_fields(key, signed)
        return self._parse(signed)

    def _parse(self, signed: bytes | None) -> dict[str, Any] | None:
        try:
            manifest = json.loads(signed or b"")
            is_ours = manifest["form"] == FORM and isinstance(manifest["contents"], list)
        except (ValueError, KeyError, TypeError, RecursionError):
            is_ours = False
        if not is_ours:
            self._find(MANIFEST, "cannot be read, so the files cannot be held against it")
            return None
        return dict(manifest)

    def _check_fields(self, key: Ed25519PublicKey) -> None:
        fields, signature = self._small.get(FIELDS), self._small.get(FIELDS_SIGNATURE)
        if fields is None or signature is None or _holds(key, signature, fields):
            return
        byte = self._changed_byte(FIELDS, lambda content: _holds(key, signature, content))
        if byte is not None:
            self._find(FIELDS, "one byte was changed", byte=byte)
            return
        byte = self._changed_byte(FIELDS_SIGNATURE, lambda content: _holds(key, content, fields))
        if byte is not None:
            self._find(FIELDS_SIGNATURE, "one byte was changed", byte=byte)
            return
        self._find(FIELDS, "its signature does not hold")

    def _name_changed_fields(self, key: Ed25519PublicKey, signed: bytes) -> None:
        """The signature does not hold: say which fields differ from the signed list of them."""
        fields, signature = self._small.get(FIELDS, b""), self._small.get(FIELDS_SIGNATURE, b"")
        self._find(MANIFEST, "its signature does not hold")
        if not _holds(key, signature, fields):
            return
        wanted = _listed_fields(fields)
        try:
            manifest = json.loads(signed)
            found = {
                path: sha256(canonical(value)).hexdigest() for path, value in fields_of(manifest)
            }
        except (ValueError, TypeError, RecursionError):
            self._find(MANIFEST, "is no longer JSON")
            return
        differing = [path for path in (wanted | found) if wanted.get(path) != found.get(path)]
        for path in differing:
            self._find(MANIFEST, _how(path in wanted, path in found), field=path)
        if not differing:
            spelled = canonical(manifest)
            byte = _first_difference(spelled, signed)
            self._find(MANIFEST, "is spelled in another way than it was signed", byte=byte)

    # the files

    def _contents(self, manifest: dict[str, Any]) -> None:
        listed = [each for each in manifest["contents"] if _is_entry(each)]
        if len(listed) != len(manifest["contents"]):
            self._find(MANIFEST, "its list of contents is damaged", field="/contents")
        names = {each["name"] for each in listed}
        owners = {each["sha256"]: each["name"] for each in listed}
        for entry in listed:
            if entry["name"] in self._members:
                self._verdict.files += 1
                self._check(entry, owners)
            else:
                self._find(entry["name"], "is missing")
        for name in self._members:
            if name not in names and name not in _SIGNED:
                self._find(name, "was added: the manifest does not know it")

    def _check(self, entry: dict[str, Any], owners: dict[str, str]) -> None:
        name, member = entry["name"], self._members[entry["name"]]
        blocks = self._blocks_of(name, entry["size_bytes"])
        read = self._read_file(member, blocks)
        if read.sha256 != entry["sha256"] or read.size != entry["size_bytes"]:
            self._name_damage(entry, read, blocks, owners.get(read.sha256))
        elif read.crc32 != member.crc32:
            self._find(name, "is whole, but the zip has another CRC-32 for it")

    def _read_file(self, member: Member, blocks: list[tuple[bytes, int]]) -> _Read:
        whole, crc, size, first_bad = sha256(), 0, 0, None
        for number, block in enumerate(self._archive.blocks(member)):
            whole.update(block)
            crc = crc32(block, crc)
            size += len(block)
            self._tick(len(block))
            if blocks and first_bad is None:
                is_bad = number >= len(blocks) or sha256(block).digest() != blocks[number][0]
                first_bad = number if is_bad else None
        return _Read(size, whole.hexdigest(), crc, first_bad)

    def _name_damage(
        self,
        entry: dict[str, Any],
        read: _Read,
        blocks: list[tuple[bytes, int]],
        owner: str | None,
    ) -> None:
        name, wanted_size = entry["name"], entry["size_bytes"]
        member = self._members[name]
        start = (read.first_bad or 0) * BLOCK_BYTES
        if owner is not None and owner != name:
            self._find(name, f"was swapped: it holds the content of {owner!r}")
        elif read.size < wanted_size and self._is_beginning(member, read.size, blocks):
            self._find(name, f"was cut off: {wanted_size} bytes were signed", byte=read.size)
        elif read.size > wanted_size:
            more = read.size - wanted_size
            self._find(name, f"has {more} bytes more than were signed", byte=start)
        elif blocks and read.first_bad is not None:
            self._name_block(name, member, read.first_bad, blocks)
        else:
            wanted = entry["sha256"]
            byte = self._changed_byte(name, lambda each: sha256(each).hexdigest() == wanted)
            self._find(name, "was changed", byte=byte)

    def _is_beginning(self, member: Member, size: int, blocks: list[tuple[bytes, int]]) -> bool:
        """Whether what is there is the beginning of what was signed, as far as blocks can tell."""
        for number in range(size // BLOCK_BYTES):
            block = self._archive.bytes_at(member.data_at + number * BLOCK_BYTES, BLOCK_BYTES)
            if number < len(blocks) and sha256(block).digest() != blocks[number][0]:
                return False
        return True

    def _name_block(
        self, name: str, member: Member, number: int, blocks: list[tuple[bytes, int]]
    ) -> None:
        start = number * BLOCK_BYTES
        count = min(BLOCK_BYTES, member.size - start)
        block = self._archive.bytes_at(member.data_at + start, count)
        digest, crc = blocks[number] if number < len(blocks) else (b"", 0)
        for change in single_changes(block, crc):
            if sha256(corrected(block, change)).digest() == digest:
                self._find(name, "one byte was changed", byte=start + change[0])
                return
        self._find(name, f"was changed within the MiB that begins at byte {start}", byte=start)

    def _blocks_of(self, name: str, size: int) -> list[tuple[bytes, int]]:
        """The digests of a file's blocks; none where it has none, or they are damaged."""
        member = self._members.get(blocks_name(name))
        if not name.startswith("files/") or member is None or member.size > _MOST_SMALL_BYTES:
            return []
        content = self._archive.whole(member)
        wanted = -(-size // BLOCK_BYTES) * BLOCK_RECORD_BYTES
        # whether they are those that were signed is seen when their own turn comes
        return list(read_blocks(content)) if len(content) == wanted else []

    # one changed byte

    def _changed_byte(self, name: str, is_right: Callable[[bytes], bool]) -> int | None:
        """
        The one byte of a small member that was changed after it was zipped.

        None where it is right as it is, or where more than one was changed.
        """
        member = self._members.get(name)
        if member is None or member.size > _MOST_REPAIR_BYTES:
            return None
        content = self._small.get(name)
        if content is None:
            content = self._archive.whole(member)
        for change in single_changes(content, member.crc32):
            if is_right(corrected(content, change)):
                return change[0]
        return None

    def _mended(self, name: str, byte: int) -> bytes:
        content = self._small[name]
        changes = single_changes(content, self._members[name].crc32)
        return corrected(content, next(each for each in changes if each[0] == byte))


def _holds(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _is_key_of(fingerprint: str | None) -> Callable[[bytes], bool]:
    def is_right(pem: bytes) -> bool:
        try:
            return fingerprint is not None and fingerprint_of(load_key(pem)) == fingerprint
        except ValueError:
            return False

    return is_right


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("size_bytes"), int)
        and isinstance(entry.get("sha256"), str)
    )


def _listed_fields(fields: bytes) -> dict[str, str]:
    lines = fields.decode("utf-8", "replace").splitlines()
    pairs = (line.partition("  ") for line in lines)
    return {path: digest for digest, _, path in pairs}


def _how(was: bool, now: bool) -> str:
    if was and now:
        return "this field was changed"
    return "this field was removed" if was else "this field was added"


def _field_at(right: bytes, byte: int) -> str:
    """The field of a manifest in canonical form in whose spelling a byte lies."""
    value: Any = json.loads(right)
    path, at = "", 0
    while isinstance(value, (dict, list)) and value:
        is_object = isinstance(value, dict)
        parts = sorted(value.items()) if isinstance(value, dict) else list(enumerate(value))
        start = at + 1
        for name, part in parts:
            lead = len(canonical(name)) + 1 if is_object else 0
            end = start + lead + len(canonical(part))
            if byte <= end or (name, part) == parts[-1]:
                path += f"/{name}"
                value, at = part, start + lead
                break
            start = end + 1
        if byte < at:
            break  # in its name
    return path


def _first_difference(one: bytes, other: bytes) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
