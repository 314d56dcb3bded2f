"""
A district's own base map, where there is one: a PMTiles archive (version 3) in `DATA_DIR`.

Nothing is asked of anybody for it: the archive lies on this machine, and its tiles go to officers'
browsers through the same gate as everything else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nobs_bot.places.layers import GROUND

log = logging.getLogger(__name__)

FILE_NAME = "base.pmtiles"
_PICTURES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "AVIF": "image/avif"}
_VECTOR = "application/x-protobuf"
_MOST_WORDS = 200


@dataclass(frozen=True)
class Tile:
    """One tile as it lies in the archive; `is_packed` where its bytes are gzip."""

    body: bytes
    media_type: str
    is_packed: bool


@dataclass(frozen=True)
class Tiles:
    """
    An open archive.

    Attributes:
        is_vector: Vector tiles (MVT) and not pictures.
        min_zoom, max_zoom: What it holds.
        layers: The names of a vector archive's layers.
        attribution: Who is to be named for it, as plain words.
    """

    is_vector: bool
    min_zoom: int
    max_zoom: int
    layers: tuple[str, ...]
    attribution: str
    _media_type: str
    _is_packed: bool
    _reader: Any = field(repr=False)

    def tile(self, z: int, x: int, y: int) -> Tile | None:
        """The tile of these coordinates (web Mercator, y downwards); None where there is none."""
        if not self.min_zoom <= z <= self.max_zoom or not (0 <= x < 2**z and 0 <= y < 2**z):
            return None
        body = self._reader.get(z, x, y)
        return Tile(bytes(body), self._media_type, self._is_packed) if body else None


def open_tiles(data_dir: Path) -> Tiles | None:
    """
    The archive `ground/base.pmtiles` of an installation; None where there is none.

    One that cannot be read is logged and left out: the map has a ground of its own.
    """
    path = data_dir / GROUND / FILE_NAME
    if not path.exists():
        return None
    # an idle process without an archive need not carry it
    from pmtiles.reader import MmapSource, Reader

    try:
        with path.open("rb") as file:
            # its functions have no types
            return _read(Reader(MmapSource(file)))  # type: ignore[no-untyped-call]
    except Exception as exc:
        # the library raises whatever it stumbles over
        log.warning("%s is no PMTiles archive that can be read: %s", FILE_NAME, type(exc).__name__)
        return None


def _read(reader: Any) -> Tiles | None:
    header: dict[str, Any] = dict(reader.header())
    kind, packing = header["tile_type"].name, header["tile_compression"].name
    if kind not in (*_PICTURES, "MVT") or packing not in ("NONE", "GZIP"):
        log.warning("%s holds tiles that browsers cannot read: %s, %s", FILE_NAME, kind, packing)
        return None
    about = reader.metadata()
    layers = about.get("vector_layers") or []
    return Tiles(
        is_vector=kind == "MVT",
        min_zoom=int(header["min_zoom"]),
        max_zoom=int(header["max_zoom"]),
        layers=tuple(str(each["id"]) for each in layers if isinstance(each, dict) and "id" in each),
        attribution=_words(str(about.get("attribution", ""))),
        _media_type=_PICTURES.get(kind, _VECTOR),
        _is_packed=packing == "GZIP",
        _reader=reader,
    )


def _words(markup: str) -> str:
    """An attribution without its tags: a file's markup does not go into our page."""
    kept, depth = [], 0
    for letter in markup:
        depth += letter == "<"
        if depth == 0:
            kept.append(letter)
        depth -= letter == ">" and depth > 0
    return "".join(kept).strip()[:_MOST_WORDS]
