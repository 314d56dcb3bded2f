"""A street all round, drawn from code, and what a camera in its middle sees of it."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from cv2.typing import MatLike

PX_PER_DEG = 16
WIDTH, HEIGHT = 360 * PX_PER_DEG, 120 * PX_PER_DEG


@lru_cache(maxsize=2)
def street(seed: int) -> MatLike:
    """An equirectangular picture: 360 degrees wide, from 60 above the horizon to 60 below."""
    chance = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    horizon = HEIGHT // 2
    picture[horizon:] = chance.integers(80, 130)
    left = 0
    while left < WIDTH:
        wide = int(chance.integers(6, 22)) * PX_PER_DEG
        _house(picture, chance, left, wide, horizon)
        left += wide
    for _ in range(500):
        x, y = int(chance.integers(0, WIDTH)), int(chance.integers(horizon, HEIGHT))
        size = int(chance.integers(4, 60))
        shade = tuple(int(each) for each in chance.integers(40, 220, 3))
        cv2.ellipse(picture, (x, y), (size, size // 3 + 2), 0, 0, 360, shade, -1, cv2.LINE_AA)
    grain = chance.normal(0, 1, (HEIGHT // 3, WIDTH // 3)).astype(np.float32)
    rough = cv2.resize(grain, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) * 9
    made: MatLike = np.clip(picture + rough[..., None], 0, 255).astype(np.uint8)
    return made


def _house(
    picture: MatLike, chance: np.random.Generator, left: int, wide: int, horizon: int
) -> None:
    top = horizon - int(chance.integers(10, 45)) * PX_PER_DEG
    bottom = horizon + int(chance.integers(2, 12)) * PX_PER_DEG
    wall = tuple(int(each) for each in chance.integers(90, 230, 3))
    cv2.rectangle(picture, (left, top), (left + wide, bottom), wall, -1)
    for _ in range(int(chance.integers(6, 20))):
        x, y = int(chance.integers(left, left + wide)), int(chance.integers(top, bottom))
        w, h = (int(each) for each in chance.integers(12, 90, 2))
        shade = tuple(int(each) for each in chance.integers(20, 200, 3))
        cv2.rectangle(picture, (x, y), (min(x + w, left + wide), min(y + h, bottom)), shade, -1)
    words = "".join(chance.choice(list("ABCDEFGHIJKLMNOPRSTUWY"), 7))
    at = (left + 8, top + int(chance.integers(40, 120)))
    cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 4, cv2.LINE_AA)


def view(
    seed: int,
    heading_deg: float,
    *,
    pitch_deg: float = -8.0,
    width_deg: float = 80.0,
    size: tuple[int, int] = (1280, 720),
) -> MatLike:
    """
    What a camera in the middle of the street sees: a proper perspective projection, BGR.

    Args:
        heading_deg: Clockwise from the picture's left edge, which is north.
        pitch_deg: Above the horizon.
        width_deg: The horizontal angle of view.
        size: Width and height in pixels.
    """
    wide, high = size
    focal = wide / 2 / np.tan(np.radians(width_deg) / 2)
    x, y = np.meshgrid(np.arange(wide) - wide / 2, np.arange(high) - high / 2)
    up, ahead = -y / focal, np.ones_like(x)
    pitch = np.radians(pitch_deg)
    forward = ahead * np.cos(pitch) - up * np.sin(pitch)
    above = ahead * np.sin(pitch) + up * np.cos(pitch)
    right = x / focal
    azimuth = np.degrees(np.arctan2(right, forward)) + heading_deg
    elevation = np.degrees(np.arctan2(above, np.hypot(right, forward)))
    map_x = ((azimuth % 360) * PX_PER_DEG).astype(np.float32)
    map_y = ((60 - elevation) * PX_PER_DEG).astype(np.float32)
    around = cv2.copyMakeBorder(street(seed), 0, 0, 0, 64, cv2.BORDER_WRAP)
    return cv2.remap(around, map_x, map_y, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)


def jpeg(picture: MatLike, quality: int = 85) -> bytes:
    """The picture as a camera's still comes."""
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
