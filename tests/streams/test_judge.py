"""The judge, on the demo's street, on textures like nature's, and on damage done to both."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike

from nobs_bot.sandbox.cameras import scenes
from nobs_bot.streams.judge import judge


def texture(steepness: float) -> MatLike:
    """A picture whose spectrum falls off as that of photographs does."""
    noise = np.fft.fft2(np.random.default_rng(3).normal(size=(720, 1280)))
    down, across = np.fft.fftfreq(720)[:, None] * 720, np.fft.fftfreq(1280)[None] * 1280
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1
    picture = np.fft.ifft2(noise / frequency**steepness).real
    picture = (picture - picture.mean()) / picture.std() * 50 + 110
    return cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


PICTURES = {
    "street": next(scenes.good()),
    "texture": texture(1.0),
    "soft texture": texture(1.2),
}


@pytest.fixture(params=sorted(PICTURES))
def picture(request: pytest.FixtureRequest) -> MatLike:
    return PICTURES[request.param]


def findings(*pictures: MatLike, fps: float | None = 15) -> list[str]:
    return judge(pictures, fps).findings


def spoilt(picture: MatLike) -> list[str]:
    """Findings but for motion, of which a single picture has none."""
    return [finding for finding in findings(picture) if finding != "no_motion"]


def blurred(picture: MatLike, sigma_at_640: float) -> MatLike:
    return cv2.GaussianBlur(picture, (0, 0), sigma_at_640 * picture.shape[1] / 640)


def with_grain(picture: np.ndarray) -> MatLike:
    grain = np.random.default_rng(5).normal(0, 2, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def test_sharp_is_good(picture: MatLike) -> None:
    assert spoilt(picture) == []


@pytest.mark.parametrize("light", [0.25, 0.5])
def test_dim_is_good(picture: MatLike, light: float) -> None:
    assert spoilt((picture * light).astype(np.uint8)) == []


def test_low_contrast_is_good(picture: MatLike) -> None:
    assert spoilt((picture * 0.35 + 90).astype(np.uint8)) == []


def test_heavily_compressed_is_good(picture: MatLike) -> None:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])
    assert spoilt(cv2.imdecode(data, cv2.IMREAD_COLOR)) == []


def test_night_without_light_is_black(picture: MatLike) -> None:
    assert spoilt(with_grain(picture * 0.01 + 2)) == ["black"]


def test_hand_before_the_lens_is_covered(picture: MatLike) -> None:
    assert spoilt(with_grain(blurred(picture, 60) * 0.4)) == ["covered"]


def test_cloth_under_the_camera_s_clock_is_covered() -> None:
    assert spoilt(next(scenes.covered())) == ["covered"]


@pytest.mark.parametrize("sigma", [4, 5])
def test_out_of_focus_is_blurred(picture: MatLike, sigma: float) -> None:
    assert spoilt(blurred(picture, sigma)) == ["blurred"]


@pytest.mark.parametrize("share", [0.7, 0.85])
def test_leaf_over_most_of_the_lens_is_partly_covered(picture: MatLike, share: float) -> None:
    damaged = picture.copy()
    width = int(picture.shape[1] * share)
    damaged[:, :width] = with_grain(np.full((picture.shape[0], width, 3), 60.0))
    assert spoilt(damaged) == ["partly_covered"]


def test_motion_in_one_place_is_seen(picture: MatLike) -> None:
    later = picture.copy()
    later[300:380, 600:680] = 255 - later[300:380, 600:680]
    assert "no_motion" in findings(picture, picture)
    assert "no_motion" not in findings(picture, later)


def test_grain_and_the_running_clock_are_no_motion(picture: MatLike) -> None:
    later = picture.copy()
    cv2.putText(later, "10:24:31", (30, 700), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    assert "no_motion" in findings(picture, with_grain(later))


def test_small_and_slow_are_remarks(picture: MatLike) -> None:
    small = cv2.resize(picture, (352, 288), interpolation=cv2.INTER_AREA)
    assert findings(small, fps=2)[-2:] == ["low_resolution", "slow"]
    assert "slow" in findings(picture, fps=None)
    assert "slow" not in findings(picture, fps=8)


def test_portrait_is_judged_by_its_short_side() -> None:
    tall = cv2.rotate(PICTURES["street"], cv2.ROTATE_90_CLOCKWISE)
    assert spoilt(tall) == []


def test_measures_are_plain_numbers(picture: MatLike) -> None:
    measures = judge([picture], 15).measures
    assert sorted(measures) == [
        "brightness_p95",
        "edge_cells",
        "gradient_p99",
        "motion",
        "sharpness",
    ]
    assert all(type(value) is float for value in measures.values())
