"""
The form of an export: what lies in it, and how its manifest is spelled and signed.

The manifest is canonical JSON: keys sorted, no white space, UTF-8, no fractions (degrees and the
like are text), so that the same facts are the same bytes. It is signed with Ed25519 as it stands;
any program that knows the scheme can check that without us. Beside it goes a signed list of the
digests of its fields, so that a change can be named though the whole signature only says "no".

Whoever verifies needs no more than this: nothing here knows of a database.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FORM = "nobs-evidence/1"
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "public-key.pem"
FIELDS, FIELDS_SIGNATURE = "fields.txt", "fields.sig"
READ_ME, REPORT = "BACA-SAYA.txt", "report.pdf"
MODE = 0o100644


def blocks_name(file_name: str) -> str:
    """Where the digests of a file's blocks stand: of `files/01.mp4` in `blocks/01.mp4.blocks`."""
    return f"blocks/{file_name.rpartition('/')[2]}.blocks"


def pem_of(key: Ed25519PublicKey) -> bytes:
    """A public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint_of(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key in DER, as OpenSSL and OpenSSH print such: SHA256:BASE64."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(sha256(der).digest()).decode().rstrip("=")


def canonical(value: object) -> bytes:
    """
    The one spelling of a JSON value.

    Raises:
        TypeError: there is a fraction in it, which has many spellings.
    """
    _refuse_fractions(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _refuse_fractions(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a fraction has no canonical form here")
    parts = list(value.values()) if isinstance(value, dict) else value
    if isinstance(parts, list):
        for part in parts:
            _refuse_fractions(part)


def fields_of(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every field with its path: ("/clips/0/sha256", "..."); empty lists and objects too."""
    if isinstance(value, dict) and value:
        for name in sorted(value):
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from fields_of(value[name], f"{path}/{escaped}")
    elif isinstance(value, list) and value:
        for at, part in enumerate(value):
            yield from fields_of(part, f"{path}/{at}")
    else:
        yield path, value


def field_digests(manifest: dict[str, Any]) -> bytes:
    """One line a field: SHA-256 of its canonical form, and its path."""
    lines = [
        f"{sha256(canonical(value)).hexdigest()}  {path}\n" for path, value in fields_of(manifest)
    ]
    return "".join(lines).encode()
