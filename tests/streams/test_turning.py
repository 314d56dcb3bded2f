"""Two stills of one camera: the same, turned by so much, elsewhere, or not to be told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike

from nobs_bot.sandbox.cameras.panorama import jpeg, view
from nobs_bot.streams.children import Children
from nobs_bot.streams.comparison import Change, compare_in_child
from nobs_bot.streams.turning import LEAST_AGREEING, compare


def as_cameras_see(picture: MatLike, seed: int) -> bytes:
    """Darker, noisy, with people, another clock, and compressed until it hurts."""
    chance = np.random.default_rng(seed)
    dim = picture.astype(np.float32) * 0.75 + 25
    rough: MatLike = np.clip(dim + chance.normal(0, 8, dim.shape), 0, 255).astype(np.uint8)
    for _ in range(8):
        x, y = int(chance.integers(100, 1100)), int(chance.integers(300, 600))
        shirt = tuple(int(each) for each in chance.integers(0, 255, 3))
        cv2.rectangle(rough, (x, y), (x + 60, y + 140), shirt, -1)
    clock = f"2026-11-25 21:{seed % 60:02d}"
    cv2.putText(rough, clock, (40, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (255, 255, 255), 3)
    return jpeg(rough, 40)


@pytest.mark.parametrize("yaw", [3.5, 10, -10, 20, -30, 40, -40, 60])
def test_a_turn_is_measured_to_a_degree(yaw: float) -> None:
    found = compare(jpeg(view(1, 100)), jpeg(view(1, 100 + yaw)), 80)
    assert found.change is Change.TURNED
    assert found.yaw_deg == pytest.approx(yaw, abs=1)


@pytest.mark.parametrize("yaw", [0, 1.5, -2])
def test_what_the_wind_does_is_no_turn(yaw: float) -> None:
    assert compare(jpeg(view(2, 10)), jpeg(view(2, 10 + yaw)), 80).change is Change.SAME


@pytest.mark.parametrize(("width", "yaw"), [(45, 20), (45, -30), (110, 45), (110, -60)])
def test_narrow_and_wide_cameras(width: float, yaw: float) -> None:
    before = jpeg(view(3, 200, width_deg=width))
    found = compare(before, jpeg(view(3, 200 + yaw, width_deg=width)), width)
    assert found.yaw_deg == pytest.approx(yaw, abs=1)


@pytest.mark.parametrize("yaw", [0, 10, -25, 40])
@pytest.mark.parametrize(("true_width", "pitch"), [(70, -8), (80, -30), (90, -20)])
def test_bad_pictures_looking_down_of_a_width_that_is_only_about_right(
    yaw: float, true_width: float, pitch: float
) -> None:
    before, after = (
        view(5, 80 + turned, pitch_deg=pitch, width_deg=true_width) for turned in (0, yaw)
    )
    found = compare(as_cameras_see(before, 1), as_cameras_see(after, 2), 80)
    assert found.change is (Change.TURNED if yaw else Change.SAME)
    assert found.yaw_deg == pytest.approx(yaw, abs=2)


def test_another_size_is_the_same_view() -> None:
    small = cv2.resize(view(6, 50), (640, 360), interpolation=cv2.INTER_AREA)
    found = compare(jpeg(view(6, 30)), jpeg(small, 60), 80)
    assert found.yaw_deg == pytest.approx(20, abs=1)


def test_a_nod_is_told_from_a_turn() -> None:
    before = jpeg(view(5, 80))
    nod = compare(before, jpeg(view(5, 80, pitch_deg=2)), 80)
    assert nod.change is Change.TURNED
    assert nod.yaw_deg == pytest.approx(0, abs=0.5)
    assert nod.pitch_deg == pytest.approx(10, abs=0.5)
    both = compare(before, jpeg(view(5, 105, pitch_deg=-18)), 80)
    assert both.yaw_deg == pytest.approx(25, abs=1)
    assert both.pitch_deg == pytest.approx(-10, abs=1)


@pytest.mark.parametrize("yaw", [90, 120, 180])
def test_without_overlap_there_is_no_angle(yaw: float) -> None:
    found = compare(jpeg(view(1, 0)), jpeg(view(1, yaw)), 80)
    assert (found.change, found.yaw_deg) == (Change.ELSEWHERE, None)


def test_unlike_streets_never_give_an_angle() -> None:
    stills = [jpeg(view(seed, heading), 70) for seed in (11, 12, 13, 14) for heading in (0, 180)]
    for one in range(0, len(stills), 2):
        for other in range(len(stills)):
            if one // 2 != other // 2:
                found = compare(stills[one], stills[other], 80)
                assert found.change is Change.ELSEWHERE
                assert found.agreeing < LEAST_AGREEING / 1.5


@pytest.mark.parametrize("shade", [3, 128, 250])
def test_a_plain_picture_says_nothing(shade: int) -> None:
    plain = np.full((720, 1280, 3), shade, np.uint8)
    soft = cv2.GaussianBlur(view(7, 0), (0, 0), 60)
    for picture in (plain, soft):
        assert compare(jpeg(view(7, 0)), jpeg(picture), 80).change is Change.UNCLEAR


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no picture"):
        compare(b"no picture", jpeg(view(1, 0)), 80)


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    made = Children()
    yield made
    await made.close()


async def test_a_child_says_the_same(children: Children) -> None:
    before, after = jpeg(view(8, 0)), jpeg(view(8, 25))
    assert await compare_in_child(children, before, after, 80) == compare(before, after, 80)


async def test_what_is_no_picture_is_unclear_to_a_child(children: Children) -> None:
    found = await compare_in_child(children, b"no picture", b"", 80)
    assert found.change is Change.UNCLEAR
