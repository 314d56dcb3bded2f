"""
Says what is wrong with a picture: black, covered, blurred, partly covered, and some remarks.

All measures are taken on the picture in grey, 640 pixels wide, without the eighth at its top
and bottom where cameras write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike

from nobs_bot.streams.report import Finding

WIDTH = 640
BLACK_BELOW = 12.0  # the 95th percentile of brightness
COVERED_BELOW = 60.0  # the 99th percentile of the contrast-normalised gradient
BLURRED_BELOW = 9.0  # the variance of the contrast-normalised Laplacian
PARTLY_BELOW = 0.34  # the share of cells that have an edge
STILL_BELOW = 1.5  # the mean change of the cell that changed most, in grey levels
LOW_HEIGHT = 480
SLOW_FPS = 5.0

_LEAST_DEVIATION = 12.0  # below it, contrast is noise and must not be blown up
_NORMAL_DEVIATION = 50.0
_EDGE_ABOVE = 60.0
_CELLS = (18, 32)


@dataclass(frozen=True)
class Judgement:
    """Findings in the order of their weight, and the measures they rest on."""

    findings: list[str]
    measures: dict[str, float]


def judge(pictures: Sequence[MatLike], fps: float | None) -> Judgement:
    """
    Judge the last of *pictures* (BGR, first to last), and the motion between them.

    A static scene and a frozen camera look the same in two seconds: `no_motion` says
    only that none was seen.
    """
    greys = [_small_grey(picture) for picture in pictures]
    measures = _measures(greys[-1])
    measures["motion"] = _motion(greys)
    height, width = pictures[-1].shape[:2]
    findings = _spoilt(measures)
    if not findings and measures["edge_cells"] < PARTLY_BELOW:
        findings.append(Finding.PARTLY_COVERED)
    if measures["motion"] < STILL_BELOW:
        findings.append(Finding.NO_MOTION)
    if min(height, width) < LOW_HEIGHT:
        findings.append(Finding.LOW_RESOLUTION)
    if fps is None or fps < SLOW_FPS:
        findings.append(Finding.SLOW)
    rounded = {name: round(float(value), 4) for name, value in measures.items()}
    return Judgement([finding.value for finding in findings], rounded)


def _spoilt(measures: dict[str, float]) -> list[Finding]:
    """The first rule that holds; each presumes that those before it do not."""
    if measures["brightness_p95"] < BLACK_BELOW:
        return [Finding.BLACK]
    if measures["gradient_p99"] < COVERED_BELOW:
        return [Finding.COVERED]
    if measures["sharpness"] < BLURRED_BELOW:
        return [Finding.BLURRED]
    return []


def _measures(grey: MatLike) -> dict[str, float]:
    normal = _normalised(grey)
    gradient = _gradient(normal)
    return {
        "brightness_p95": float(np.percentile(grey, 95)),
        "gradient_p99": float(np.percentile(gradient, 99)),
        "sharpness": float(cv2.Laplacian(normal, cv2.CV_32F).var()),
        "edge_cells": _edge_cells(gradient),
    }


def _small_grey(picture: MatLike) -> MatLike:
    # The camera writes its clock and name along the edges: sharp whatever covers the lens,
    # and moving though the picture is frozen.
    margin = picture.shape[0] // 8
    picture = picture[margin : picture.shape[0] - margin]
    height, width = picture.shape[:2]
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)


def _normalised(grey: MatLike) -> MatLike:
    """Smoothed against noise, with the same contrast whatever the light."""
    # OpenCV 5's filters go wrong from float64 to float32: cast first.
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (3, 3), 0)
    mean, deviation = cv2.meanStdDev(smooth)
    factor = _NORMAL_DEVIATION / max(float(deviation[0, 0]), _LEAST_DEVIATION)
    return (smooth - np.float32(mean[0, 0])) * np.float32(factor)


def _gradient(normal: MatLike) -> MatLike:
    across = cv2.Sobel(normal, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(normal, cv2.CV_32F, 0, 1)
    return cv2.magnitude(across, down)


def _edge_cells(gradient: MatLike) -> float:
    """The share of the picture's cells in which something has an edge."""
    rows, columns = _CELLS
    edges = (gradient > _EDGE_ABOVE).astype(np.float32)
    shares = cv2.resize(edges, (columns, rows), interpolation=cv2.INTER_AREA)
    return float((shares > 0.02).mean())


def _motion(greys: Sequence[MatLike]) -> float:
    """How much the cell that changed most changed, from the first picture to any other."""
    rows, columns = _CELLS
    changes = [cv2.absdiff(greys[0], grey) for grey in greys[1:] if grey.shape == greys[0].shape]
    cells = [
        cv2.resize(change, (columns, rows), interpolation=cv2.INTER_AREA) for change in changes
    ]
    return max((float(cell.max()) for cell in cells), default=0.0)
