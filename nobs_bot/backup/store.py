"""The file store as it is, sealed: for copies, which open nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, from_url

from nobs_bot.backup.archive import BLOCK_BYTES


class SealedStore:
    """
    Files by name, their bytes as they lie there.

    Args:
        url: file:///folder or s3://bucket/prefix.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store: Any = None
        if self._folder is None:
            self._store = from_url(url)
        elif self._folder.exists():
            self._store = LocalStore(prefix=self._folder)

    def names(self) -> Iterator[str]:
        """Every file but unfinished ones (whose names have a #)."""
        if self._store is None:
            return
        for listed in obstore.list(self._store):
            yield from (each["path"] for each in listed if "#" not in each["path"])

    def read(self, name: str) -> tuple[int, Iterator[bytes]]:
        """
        Size and content.

        Raises:
            FileNotFoundError: it was removed since.
        """
        if self._folder is not None:
            # what is renamed into its place never changes, so its size holds
            file = (self._folder / name).open("rb")
            return os.fstat(file.fileno()).st_size, _to_the_end(file)
        found = obstore.get(self._store, name)
        stream = found.stream(min_chunk_size=BLOCK_BYTES)
        return found.meta["size"], (bytes(block) for block in stream)

    def write(self, name: str, blocks: Iterator[bytes]) -> None:
        """Put a file there; in a folder it is on the disk only after `os.sync`."""
        if self._folder is None:
            with obstore.open_writer(self._store, name) as writer:
                for block in blocks:
                    writer.write(block)
            return
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}#restoring")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for block in blocks:
                file.write(block)
        draft.replace(path)


def _to_the_end(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK_BYTES):
            yield block
