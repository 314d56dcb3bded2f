"""The layers of ground that an operator may import, and where they lie."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

GROUND = "ground"


class Layer(StrEnum):
    """What a file holds."""

    AREAS = "areas"
    ROADS = "roads"
    BUILDINGS = "buildings"


def ground_file(data_dir: Path, layer: Layer) -> Path | None:
    """Where an imported layer lies; None where none was imported."""
    path = data_dir / GROUND / f"{layer}.geojson"
    return path if path.exists() else None
