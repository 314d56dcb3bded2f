"""A district's own base map, from a real PMTiles archive."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from nobs_bot.places.layers import GROUND
from nobs_bot.places.tiles import FILE_NAME, open_tiles

PICTURE = b"\x89PNG\r\n\x1a\n-a-picture"


def archive(
    data_dir: Path,
    tiles: dict[tuple[int, int, int], bytes],
    *,
    kind: TileType = TileType.PNG,
    packing: Compression = Compression.NONE,
    **about: Any,
) -> Path:
    """Write an archive where an installation looks for it."""
    path = data_dir / GROUND / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = Writer(file)
        for place, body in sorted(tiles.items(), key=lambda each: zxy_to_tileid(*each[0])):
            writer.write_tile(zxy_to_tileid(*place), body)
        header = {
            "tile_type": kind,
            "tile_compression": packing,
            "min_lon_e7": 1066000000,
            "min_lat_e7": -63000000,
            "max_lon_e7": 1069000000,
            "max_lat_e7": -61000000,
            "center_zoom": 0,
            "center_lon_e7": 1067000000,
            "center_lat_e7": -62000000,
        }
        writer.finalize(header, about)
    return path


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert open_tiles(tmp_path) is None


def test_pictures(tmp_path: Path) -> None:
    archive(
        tmp_path,
        {(0, 0, 0): PICTURE, (1, 1, 1): PICTURE + b"!"},
        attribution='<a href="https://x">© OSM</a> <script>x</script>',
    )
    tiles = open_tiles(tmp_path)
    assert tiles is not None
    assert (tiles.is_vector, tiles.min_zoom, tiles.max_zoom) == (False, 0, 1)
    assert tiles.attribution == "© OSM x"
    found = tiles.tile(1, 1, 1)
    assert found is not None
    assert (found.body, found.media_type, found.is_packed) == (PICTURE + b"!", "image/png", False)
    for nothing in ((1, 0, 0), (2, 0, 0), (1, 2, 0), (0, 0, 5), (30, 0, 0)):
        assert tiles.tile(*nothing) is None


def test_vector_tiles_are_handed_on_packed(tmp_path: Path) -> None:
    body = gzip.compress(b"\x1a\x00")
    archive(
        tmp_path,
        {(0, 0, 0): body},
        kind=TileType.MVT,
        packing=Compression.GZIP,
        vector_layers=[{"id": "roads"}, {"id": "water"}],
    )
    tiles = open_tiles(tmp_path)
    assert tiles is not None
    assert (tiles.is_vector, tiles.layers) == (True, ("roads", "water"))
    found = tiles.tile(0, 0, 0)
    assert found is not None
    assert found.is_packed
    assert gzip.decompress(found.body) == b"\x1a\x00"


@pytest.mark.parametrize("content", [b"", b"PMTiles", b"x" * 5000])
def test_what_is_no_archive_is_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / GROUND / FILE_NAME
    path.parent.mkdir()
    path.write_bytes(content)
    assert open_tiles(tmp_path) is None


def test_tiles_that_browsers_cannot_read_are_left_out(tmp_path: Path) -> None:
    archive(tmp_path, {(0, 0, 0): b"x"}, packing=Compression.ZSTD)
    assert open_tiles(tmp_path) is None
