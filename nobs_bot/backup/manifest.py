"""What a backup says of itself."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from typing import Any

from nobs_bot.storage.crypto import Vault

FORMAT = 2


@dataclass(frozen=True)
class Manifest:
    """
    Args:
        version: Of the program that made the backup.
        revision: Of the database's schema.
        engine: sqlite or postgresql.
        made_at: ISO 8601, UTC.
        tables: Rows of each table.
        files: How many files the store had, and `file_bytes` their sealed size.
        keys: Names the installation's keys; says nothing about them.
        archive_id: Names the archive's own key; see `keyfile`.
        archive_sha256: Digest of all bytes before the manifest.
        seal: HMAC of all the above under a key derived from the oldest master key.
    """

    version: str
    revision: str
    engine: str
    made_at: str
    tables: dict[str, int] = field(default_factory=dict)
    files: int = 0
    file_bytes: int = 0
    keys: str = ""
    archive_id: int = 0
    archive_sha256: str = ""
    seal: str = ""
    format: int = FORMAT
    digest: str = ""

    def signed(self, vault: Vault) -> Signing:
        """The manifest with what is needed to seal it."""
        return Signing(replace(self, keys=keys_name(vault)), _key(vault))

    def is_sealed_by(self, vault: Vault) -> bool:
        """Whether it was made with these keys and is as it was then."""
        return hmac.compare_digest(self.seal, _seal(self, _key(vault)))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Signing:
    """A manifest and its key, until the digest of the archive is known."""

    manifest: Manifest
    key: bytes

    def sealed(self, archive_sha256: str) -> bytes:
        """The manifest as it is written."""
        whole = replace(self.manifest, archive_sha256=archive_sha256)
        whole = replace(whole, seal=_seal(whole, self.key))
        whole = replace(whole, digest=_digest(whole))
        return _text(whole.as_dict())


def read_manifest(content: bytes) -> Manifest | None:
    """
    The manifest; None where a byte of it differs from what was written.

    Of a former format only what is still known is read, so that it can be told what it is.
    """
    try:
        about = json.loads(content)
        if about["format"] < FORMAT:
            known = {each.name for each in fields(Manifest)}
            return Manifest(**{name: about[name] for name in known & set(about)})
        manifest = Manifest(**about)
    except (ValueError, TypeError, KeyError):
        return None
    is_whole = manifest.digest == _digest(manifest) and content == _text(manifest.as_dict())
    return manifest if is_whole else None


def keys_name(vault: Vault) -> str:
    """A name for the installation's keys, which stays when new ones are added."""
    return sha256(b"name" + _key(vault)).hexdigest()[:16]


def _key(vault: Vault) -> bytes:
    return vault.derive("nobs/backup/1")


def _seal(manifest: Manifest, key: bytes) -> str:
    about = manifest.as_dict() | {"seal": "", "digest": ""}
    return hmac.new(key, _text(about), sha256).hexdigest()


def _digest(manifest: Manifest) -> str:
    return sha256(_text(manifest.as_dict() | {"digest": ""})).hexdigest()


def _text(about: dict[str, Any]) -> bytes:
    return (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()
