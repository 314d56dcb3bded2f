"""
Keys, sealed values and blind indexes.

A sealed value is version, key id, nonce and AES-256-GCM ciphertext; table, column and row are its
associated data, so that it opens only where it was written. Separate keys for sealing, for blind
indexes and for signing are derived from each master key by HKDF.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
# their number is a byte of every sealed value
MOST_KEYS = 255
_VERSION = 1


class KeyProblem(Exception):  # noqa: N818 - read by the operator as a sentence
    """The keys cannot be read or do not open what is stored; says what to do."""


@dataclass(frozen=True)
class MasterKey:
    """
    A master key.

    Args:
        key_id: The number by which ciphertexts name it, 1 to 255.
        is_coming: It opens, and does not seal yet: not every process knows it.
    """

    key_id: int
    secret: bytes
    is_coming: bool = False

    def derive(self, purpose: str) -> bytes:
        """A key for one purpose. Source: HKDF, RFC 5869."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(self.secret)

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id})"


def parse_keys(text: str) -> list[MasterKey]:
    """
    Read keys as ID:BASE64, separated by commas or lines, newest first; +ID:BASE64 seals not yet.

    Raises:
        KeyProblem: the text is not of that form.
    """
    keys = []
    for entry in text.replace("\n", ",").split(","):
        if not entry.strip():
            continue
        number, _, encoded = entry.strip().removeprefix("+").partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except ValueError:
            secret = b""
        if not number.isdigit() or not 1 <= int(number) <= MOST_KEYS or len(secret) != KEY_BYTES:
            raise KeyProblem("A key is ID:BASE64 with an id of 1 to 255 and 32 bytes.")
        keys.append(MasterKey(int(number), secret, entry.strip().startswith("+")))
    if all(key.is_coming for key in keys) or len({key.key_id for key in keys}) != len(keys):
        raise KeyProblem("Give at least one key, and each key id once.")
    return keys


def load_keys(path: Path, from_environment: str | None = None) -> list[MasterKey]:
    """
    The installation's keys, newest first; made on the first start.

    Raises:
        KeyProblem: the keys are unreadable.
    """
    if from_environment:
        return parse_keys(from_environment)
    if not path.exists():
        _make_key_file(path)
    return parse_keys(path.read_text(encoding="ascii"))


def write_keys(path: Path, keys: list[MasterKey]) -> None:
    """Replace the key file, all of it or nothing."""
    draft = _draft(path, keys)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _draft(path: Path, keys: list[MasterKey]) -> Path:
    # of our own: another process that starts now must not write into what takes its place
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        for key in keys:
            encoded = base64.b64encode(key.secret).decode()
            file.write(f"{'+' if key.is_coming else ''}{key.key_id}:{encoded}\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, [MasterKey(1, secrets.token_bytes(KEY_BYTES))])
    try:
        # a link never replaces a key that another process made in the meantime
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


class Vault:
    """
    Seals and opens values with the installation's keys.

    Args:
        keys: Newest first; the first one seals, all of them open.
    """

    def __init__(self, keys: list[MasterKey]) -> None:
        self._keys = keys
        self.take(keys)

    def take(self, keys: list[MasterKey]) -> None:
        """
        Use these keys from now on, as after a rotation.

        Raises:
            KeyProblem: the oldest key is another one; nothing has changed.
        """
        if self._keys[-1].secret != keys[-1].secret:
            raise KeyProblem("The oldest key is gone; indexes and signatures rest on it.")
        self._sealing: Mapping[int, AESGCM] = {
            key.key_id: AESGCM(key.derive("nobs/seal/1")) for key in keys
        }
        self._macs = {key.key_id: key.derive("nobs/mac/1") for key in keys}
        self._newest = next(key.key_id for key in keys if not key.is_coming)
        # an index must stay findable after a rotation, so it is always the oldest key's
        self._index_key = keys[-1].derive("nobs/blind-index/1")
        self._keys = keys

    def seal(self, where: str, row_id: int, clear: bytes) -> bytes:
        """Encrypt *clear* for the place *where* (table.column) of one row."""
        nonce = os.urandom(NONCE_BYTES)
        head = bytes((_VERSION, self._newest))
        sealed = self._sealing[self._newest].encrypt(nonce, clear, head + _place(where, row_id))
        return head + nonce + sealed

    def open(self, where: str, row_id: int, sealed: bytes) -> bytes:
        """
        Decrypt what was sealed for this very place.

        Raises:
            KeyProblem: the key is not there, or the value was changed or moved.
        """
        if len(sealed) < 2 + NONCE_BYTES:
            raise KeyProblem(f"{where} of row {row_id} was cut off.")
        version, key_id, nonce = sealed[0], sealed[1], sealed[2 : 2 + NONCE_BYTES]
        cipher = self._sealing.get(key_id)
        if version != _VERSION or cipher is None:
            raise KeyProblem(f"{where} was sealed with key {key_id}, which is not among the keys.")
        try:
            return cipher.decrypt(
                nonce, sealed[2 + NONCE_BYTES :], sealed[:2] + _place(where, row_id)
            )
        except InvalidTag as exc:
            raise KeyProblem(f"{where} of row {row_id} does not open with key {key_id}.") from exc

    def seal_json(self, where: str, row_id: int, value: object) -> bytes:
        """Seal a JSON value."""
        return self.seal(where, row_id, json.dumps(value, separators=(",", ":")).encode())

    def open_json(self, where: str, row_id: int, sealed: bytes) -> Any:
        """Open a JSON value."""
        return json.loads(self.open(where, row_id, sealed))

    def blind_index(self, what: str, value: str) -> bytes:
        """A keyed digest by which equal values are found without being readable."""
        # what strangers bring in a header may be no text at all
        content = f"{what}\0{value}".encode(errors="surrogatepass")
        return hmac.new(self._index_key, content, sha256).digest()

    def mac(self, what: str, data: bytes) -> bytes:
        """A mark that nobody can make without the keys: key id and HMAC-SHA256, 33 bytes."""
        return self._mac(self._newest, what, data)

    def is_mac(self, what: str, data: bytes, mark: bytes | None) -> bool:
        """Whether *mark* was made for this by one of the keys."""
        if not mark or mark[0] not in self._macs:
            return False
        return hmac.compare_digest(mark, self._mac(mark[0], what, data))

    def _mac(self, key_id: int, what: str, data: bytes) -> bytes:
        digest = hmac.new(self._macs[key_id], what.encode() + b"\0" + data, sha256).digest()
        return bytes((key_id,)) + digest

    def is_by_newest(self, sealed: bytes) -> bool:
        """Whether a sealed value was sealed with the key that seals now."""
        return sealed[1] == self._newest

    def has_key_of(self, sealed: bytes) -> bool:
        """Whether the key that a value was sealed with is there."""
        return sealed[1] in self._sealing

    @property
    def newest(self) -> int:
        """The id of the key that seals."""
        return self._newest

    def derive(self, purpose: str) -> bytes:
        """A key for one further purpose, from the oldest master key."""
        return self._keys[-1].derive(purpose)

    def file_cipher(self, key_id: int | None = None) -> tuple[int, AESGCM]:
        """The cipher of one key (the newest where none is named), with its id."""
        chosen = self._newest if key_id is None else key_id
        if chosen not in self._sealing:
            raise KeyProblem(f"A file was sealed with key {chosen}, which is not among the keys.")
        return chosen, self._sealing[chosen]


def _place(where: str, row_id: int) -> bytes:
    return f"{where}\0{row_id}".encode()
