"""What the demo's cameras look at, drawn frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from nobs_bot.sandbox.cameras import panorama

WIDTH, HEIGHT = 1280, 720
FPS = 15
LENGTH_S = 6
FRAMES = FPS * LENGTH_S
# a turn is waited for, so this loop is short
CORNER_FRAMES = FPS * 2
_CORNER = 21

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class _Walker:
    """Somebody who crosses the picture once a loop: feet at *y_px*, *height_px* tall."""

    y_px: int
    height_px: int
    start: float
    crossings: int
    shirt: Colour
    trousers: Colour

    def x_px(self, turn: float) -> int:
        at = (self.start + self.crossings * turn) % 1.0
        return round(-80 + at * (WIDTH + 160))


_WALKERS = (
    _Walker(372, 92, 0.15, 1, (60, 70, 190), (70, 60, 50)),
    _Walker(384, 98, 0.55, -1, (190, 190, 200), (60, 50, 90)),
    _Walker(392, 102, 0.82, 1, (80, 140, 60), (50, 40, 40)),
)
_SCOOTERS = (
    _Walker(520, 120, 0.30, 2, (40, 40, 200), (30, 30, 30)),
    _Walker(640, 150, 0.75, -2, (200, 120, 40), (40, 40, 40)),
)


def good() -> Iterator[MatLike]:
    """A row of shops from above the pavement, with people and scooters; loops smoothly."""
    background = _street()
    for number in range(FRAMES):
        turn = number / FRAMES
        picture = background.copy()
        for walker in _WALKERS:
            _draw_walker(picture, walker, turn)
        for scooter in _SCOOTERS:
            _draw_scooter(picture, scooter, turn)
        _draw_clock(picture, number)
        yield _with_noise(picture, number)


def covered() -> Iterator[MatLike]:
    """The same place with a cloth over the lens: soft folds, a little light, no edge."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for number in range(FRAMES):
        sway = math.sin(2 * math.pi * number / FRAMES)
        folds = np.sin(across / 210 + 0.4 * sway) * 14 + np.cos(down / 170 + across / 400) * 10
        light = 62 + folds + 18 * (1 - down / HEIGHT)
        tinted = np.stack([light * 0.80, light * 0.86, light], axis=-1)
        picture: MatLike = np.clip(tinted, 0, 255).astype(np.uint8)
        _draw_clock(picture, number)
        yield _with_noise(picture, number)


def black() -> Iterator[MatLike]:
    """A camera whose lens cap is on."""
    for number in range(FRAMES):
        yield _with_noise(np.full((HEIGHT, WIDTH, 3), 3, np.uint8), number, strength=1)


def corner(heading_deg: float) -> Iterator[MatLike]:
    """
    A street corner with people, as a camera sees it that was turned to *heading_deg*.

    The other scenes are flat pictures; this one is all round, so that what a turn shows is right.
    """
    background = panorama.view(_CORNER, heading_deg, size=(WIDTH, HEIGHT))
    for number in range(CORNER_FRAMES):
        picture = background.copy()
        for walker in _WALKERS:
            _draw_walker(picture, walker, number / CORNER_FRAMES)
        _draw_clock(picture, number)
        yield _with_noise(picture, number)


def corner_still(heading_deg: float) -> bytes:
    """The same without people, small, as JPEG."""
    return panorama.jpeg(panorama.view(_CORNER, heading_deg, size=(320, 180)), 80)


SCENES: dict[str, Callable[[], Iterator[MatLike]]] = {
    "good": good,
    "covered": covered,
    "black": black,
}


def _street() -> MatLike:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    chance = np.random.default_rng(20)
    _draw_ground(picture, chance)
    _draw_shops(picture, chance)
    _draw_pavement(picture)
    _draw_parked(picture)
    rough = chance.normal(0, 5, (HEIGHT, WIDTH, 1)).astype(np.float32)
    roughened: MatLike = np.clip(picture + rough, 0, 255).astype(np.uint8)
    return roughened


def _draw_ground(picture: MatLike, chance: np.random.Generator) -> None:
    picture[:] = (112, 110, 106)
    grain = chance.normal(0, 1, (HEIGHT // 4, WIDTH // 4)).astype(np.float32)
    stains = cv2.GaussianBlur(grain, (0, 0), 2) * 26
    stains = cv2.resize(stains, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture[:] = np.clip(picture.astype(np.float32) + stains[..., None], 0, 255).astype(np.uint8)
    for left in range(-60, WIDTH, 190):
        line = np.array([[left, 578], [left + 90, 578], [left + 84, 590], [left - 6, 590]])
        cv2.fillPoly(picture, [line], (196, 200, 202))
    for x_px in (240, 930):
        cv2.ellipse(picture, (x_px, 470), (46, 18), 0, 0, 360, (70, 70, 70), -1)
        cv2.ellipse(picture, (x_px, 470), (46, 18), 0, 0, 360, (50, 50, 50), 3)


def _draw_shops(picture: MatLike, chance: np.random.Generator) -> None:
    names = ("WARUNG SARI", "TOKO MAJU", "BENGKEL", "FOTOKOPI", "APOTEK")
    walls = ((150, 186, 206), (176, 170, 150), (134, 160, 176), (186, 186, 176), (160, 190, 170))
    awnings = ((50, 60, 190), (60, 130, 50), (170, 90, 30), (40, 150, 200), (120, 60, 140))
    for place, (name, wall, awning) in enumerate(zip(names, walls, awnings, strict=True)):
        left = place * 256
        cv2.rectangle(picture, (left, 0), (left + 255, 290), wall, -1)
        _draw_front(picture, left, chance)
        _draw_awning(picture, left, awning)
        cv2.rectangle(picture, (left + 18, 20), (left + 238, 74), awning, -1)
        cv2.rectangle(picture, (left + 18, 20), (left + 238, 74), (240, 240, 240), 2)
        cv2.putText(
            picture, name, (left + 30, 57), cv2.FONT_HERSHEY_DUPLEX, 0.9, (245, 245, 245), 2
        )
        cv2.line(picture, (left, 0), (left, 290), (70, 74, 80), 4)


def _draw_front(picture: MatLike, left: int, chance: np.random.Generator) -> None:
    cv2.rectangle(picture, (left + 16, 130), (left + 240, 290), (46, 44, 42), -1)
    for row in range(3):
        for column in range(14):
            colour = tuple(int(value) for value in chance.integers(60, 235, 3))
            corner = (left + 22 + column * 15, 152 + row * 44)
            tall = int(chance.integers(18, 34))
            cv2.rectangle(picture, corner, (corner[0] + 12, corner[1] + tall), colour, -1)
        cv2.line(
            picture,
            (left + 18, 188 + row * 44),
            (left + 238, 188 + row * 44),
            (110, 130, 150),
            3,
        )


def _draw_awning(picture: MatLike, left: int, colour: Colour) -> None:
    for stripe in range(8):
        tint = colour if stripe % 2 else (225, 228, 230)
        x_px = left + 6 + stripe * 31
        corners = np.array([[x_px, 92], [x_px + 31, 92], [x_px + 35, 140], [x_px - 2, 140]])
        cv2.fillPoly(picture, [corners], tint)
    cv2.line(picture, (left + 2, 140), (left + 254, 140), (60, 60, 60), 2)


def _draw_pavement(picture: MatLike) -> None:
    cv2.rectangle(picture, (0, 290), (WIDTH, 404), (140, 150, 158), -1)
    for y_px in range(290, 404, 19):
        cv2.line(picture, (0, y_px), (WIDTH, y_px), (108, 116, 122), 1)
    for x_px in range(-200, WIDTH + 200, 38):
        cv2.line(picture, (x_px, 290), (x_px - 60, 404), (108, 116, 122), 1)
    for x_px in range(0, WIDTH, 80):
        shade = (40, 40, 40) if (x_px // 80) % 2 else (215, 215, 215)
        cv2.rectangle(picture, (x_px, 404), (x_px + 80, 418), shade, -1)


def _draw_parked(picture: MatLike) -> None:
    for x_px, colour in ((150, (60, 60, 70)), (420, (50, 80, 170)), (1080, (150, 110, 60))):
        _draw_bike(picture, (x_px, 400), 86, colour)
    for x_px in (330, 700, 980):
        cv2.rectangle(picture, (x_px, 330), (x_px + 46, 392), (60, 96, 120), -1)
        cv2.rectangle(picture, (x_px, 330), (x_px + 46, 392), (30, 50, 60), 2)
        cv2.circle(picture, (x_px + 23, 316), 30, (50, 120, 60), -1)
        cv2.circle(picture, (x_px + 12, 308), 12, (80, 160, 90), -1)


def _draw_walker(picture: MatLike, walker: _Walker, turn: float) -> None:
    x_px, y_px, tall = walker.x_px(turn), walker.y_px, walker.height_px
    step = math.sin(turn * 2 * math.pi * 12) * tall * 0.14
    hip = (x_px, y_px - round(tall * 0.45))
    cv2.ellipse(picture, (x_px, y_px), (tall // 4, tall // 12), 0, 0, 360, (70, 74, 78), -1)
    for side in (-1, 1):
        foot = (round(x_px + side * step), y_px)
        cv2.line(picture, hip, foot, walker.trousers, max(6, tall // 11), cv2.LINE_AA)
    shoulder = (x_px, y_px - round(tall * 0.80))
    cv2.line(picture, hip, shoulder, walker.shirt, tall // 4, cv2.LINE_AA)
    for side in (-1, 1):
        hand = (round(x_px + side * step * 0.9), y_px - round(tall * 0.42))
        cv2.line(picture, shoulder, hand, walker.shirt, max(4, tall // 14), cv2.LINE_AA)
    cv2.circle(picture, (x_px, y_px - round(tall * 0.96)), tall // 9, (90, 120, 165), -1)
    cv2.circle(picture, (x_px, y_px - tall), tall // 10, (25, 25, 28), -1)


def _draw_scooter(picture: MatLike, scooter: _Walker, turn: float) -> None:
    x_px, y_px, tall = scooter.x_px(turn), scooter.y_px, scooter.height_px
    facing = 1 if scooter.crossings > 0 else -1
    cv2.ellipse(picture, (x_px, y_px), (round(tall * 0.7), tall // 10), 0, 0, 360, (76, 76, 76), -1)
    _draw_bike(picture, (x_px, y_px), tall, scooter.shirt, facing)
    seat = (x_px - facing * tall // 10, y_px - round(tall * 0.50))
    neck = (x_px + facing * tall // 12, y_px - round(tall * 0.86))
    cv2.line(picture, seat, neck, (90, 100, 60), tall // 4, cv2.LINE_AA)
    grip = (x_px + facing * round(tall * 0.38), y_px - round(tall * 0.62))
    cv2.line(picture, neck, grip, (90, 100, 60), tall // 12, cv2.LINE_AA)
    helmet = (neck[0] + facing * 2, neck[1] - tall // 9)
    cv2.circle(picture, helmet, tall // 8, scooter.shirt, -1, cv2.LINE_AA)
    cv2.circle(picture, helmet, tall // 8, (20, 20, 20), 2, cv2.LINE_AA)


def _draw_bike(
    picture: MatLike, feet_px: tuple[int, int], tall: int, colour: Colour, ahead: int = 1
) -> None:
    x_px, y_px = feet_px
    radius = tall // 6
    for side in (-1, 1):
        wheel = (x_px + side * round(tall * 0.42), y_px - radius)
        cv2.circle(picture, wheel, radius, (24, 24, 24), max(4, tall // 20), cv2.LINE_AA)
        cv2.circle(picture, wheel, radius // 3, (150, 150, 150), -1, cv2.LINE_AA)
    body = np.array(
        [
            [x_px - ahead * round(tall * 0.50), y_px - round(tall * 0.48)],
            [x_px + ahead * round(tall * 0.08), y_px - round(tall * 0.44)],
            [x_px + ahead * round(tall * 0.30), y_px - round(tall * 0.66)],
            [x_px + ahead * round(tall * 0.40), y_px - round(tall * 0.24)],
            [x_px - ahead * round(tall * 0.30), y_px - round(tall * 0.18)],
        ]
    )
    cv2.fillPoly(picture, [body], colour, cv2.LINE_AA)
    cv2.polylines(picture, [body], True, (30, 30, 30), 2, cv2.LINE_AA)


def _draw_clock(picture: MatLike, number: int) -> None:
    text = f"2026-03-14 10:24:{30 + number // FPS:02d}  KAMERA DEPAN"
    for colour, weight in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        place = (28, HEIGHT - 26)
        cv2.putText(
            picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, colour, weight, cv2.LINE_AA
        )


@cache
def _grain() -> npt.NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, 1, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)


def _with_noise(picture: MatLike, number: int, *, strength: float = 2.0) -> MatLike:
    """A sensor's grain: one field of noise, cut out elsewhere for each frame."""
    down, across = number * 23 % 64, number * 37 % 64
    grain = (_grain()[down : down + HEIGHT, across : across + WIDTH] * strength).astype(np.int16)
    return cv2.add(picture, cv2.merge([grain] * 3), dtype=cv2.CV_8U)
