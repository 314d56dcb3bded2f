"""
Was the camera turned, and by how much: two stills of one camera, held against each other.

ORB features of both are matched, and the rotation on which most matches agree is found by RANSAC.
A camera on its mount turns about a point, so what changes is a rotation of the bearings and nothing
else; three numbers, where a homography has eight, need little overlap and are seldom found by
chance. How wide the camera sees is only known by its class, so the focal length is searched for,
too.

Source: Rublee et al. 2011 (ORB); Fischler and Bolles 1981 (RANSAC); Kabsch 1976 (the rotation).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import radians, tan
from typing import Any

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from nobs_bot.streams.comparison import Change, Comparison
from nobs_bot.streams.forkserver import Channel

WIDTH_PX = 960
# below this a picture has too little in it to say anything: a covered lens has some ten
LEAST_FEATURES = 120
# of 217 pairs of unlike streets none had more than 9 matches that agree; the same street, noisy,
# badly compressed and turned by half of its width, has some sixty
LEAST_AGREEING = 18
LEAST_AGREEING_SHARE = 0.12
SAME_DEG = 3.0
# a lens bends straight lines by about as much towards the edge
AGREES_DEG = 1.2
_CELLS = (4, 6)
_PER_CELL = 110
_RATIO = 0.82
_TRIES = 800
# the class that an owner chose says how wide the camera sees to about a third
_WIDTHS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.27, 1.35)
_BETTER = 1.02
_MOST_WIDTH_DEG = 140.0

Floats = NDArray[np.float64]


def compare(before: bytes, after: bytes, width_deg: float) -> Comparison:
    """
    Compare two stills of one camera.

    The camera is taken to hang upright and to look down by less than 45 degrees.

    Args:
        before, after: JPEG or PNG. Decoders are attacked by pictures, so those that did not come
            from a child of ours belong into one (see `comparison`).
        width_deg: The horizontal angle of view that we reckon with.

    Raises:
        ValueError: one of them is no picture.
    """
    old, new = _features(_grey(before)), _features(_grey(after))
    if min(len(old[0]), len(new[0])) < LEAST_FEATURES:
        return Comparison(Change.UNCLEAR)
    pairs = _matches(old[1], new[1])
    if len(pairs) < LEAST_AGREEING:
        return Comparison(Change.ELSEWHERE, matched=len(pairs))
    turn, agreeing = _best_rotation(old[0][pairs[:, 0]], new[0][pairs[:, 1]], width_deg)
    if agreeing < max(LEAST_AGREEING, LEAST_AGREEING_SHARE * len(pairs)):
        return Comparison(Change.ELSEWHERE, matched=len(pairs), agreeing=agreeing)
    yaw_deg, pitch_deg = _angles(turn)
    is_same = abs(yaw_deg) < SAME_DEG and abs(pitch_deg) < SAME_DEG
    change = Change.SAME if is_same else Change.TURNED
    return Comparison(change, round(yaw_deg, 1), round(pitch_deg, 1), len(pairs), agreeing)


def _grey(picture: bytes) -> MatLike:
    """In grey, 960 pixels wide, its contrast evened out."""
    decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    if decoded is None:
        raise ValueError("no picture")
    height = max(1, round(decoded.shape[0] * WIDTH_PX / decoded.shape[1]))
    small = cv2.resize(decoded, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return cv2.createCLAHE(2.0, (8, 8)).apply(small)


def _features(grey: MatLike) -> tuple[Floats, NDArray[np.uint8]]:
    """
    Points and descriptors, the best of each cell, so that one tree does not take them all.

    Points are pixels from the middle over the picture's width, y downwards, shape (n, 2).
    """
    orb = cv2.ORB.create(nfeatures=8000, fastThreshold=12)
    height, width = grey.shape
    # cameras write their clock along the edges: the same whatever they look at
    mask = np.zeros_like(grey)
    mask[height // 8 : height - height // 8] = 255
    points = orb.detect(grey, mask)
    rows, columns = _CELLS
    cells: dict[tuple[int, int], list[Any]] = {}
    for point in sorted(points, key=lambda each: -each.response):
        x, y = point.pt
        cell = cells.setdefault((int(y * rows / height), int(x * columns / width)), [])
        if len(cell) < _PER_CELL:
            cell.append(point)
    kept, descriptors = orb.compute(grey, [each for cell in cells.values() for each in cell])
    if descriptors is None:
        return np.empty((0, 2)), np.empty((0, 32), np.uint8)
    at = np.array([each.pt for each in kept])
    return (at - (width / 2, height / 2)) / width, descriptors.astype(np.uint8)


def _matches(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs (old, new) that are each other's best, and clearly better than the next."""
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    forth = [
        (best.queryIdx, best.trainIdx)
        for best, *others in matcher.knnMatch(old, new, k=2)
        if not others or best.distance < _RATIO * others[0].distance
    ]
    back = {match.queryIdx: match.trainIdx for match in matcher.match(new, old)}
    pairs = [(one, other) for one, other in forth if back.get(other) == one]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _best_rotation(old: Floats, new: Floats, width_deg: float) -> tuple[Floats, int]:
    """The rotation on which the pairs agree best, whatever the focal length; and how many do."""
    samples = _samples(np.random.default_rng(7), len(old))  # the same pictures, the same answer
    found = {}
    for share in _WIDTHS:
        focal = _focal(width_deg * share)
        found[share] = _consensus(_bearings(old, focal), _bearings(new, focal), samples)
    best = max(found.values(), key=lambda each: each.score)
    as_told = found[1.0]
    # a small turn fits with any focal length; then what the owner said stands
    chosen = as_told if best.score < _BETTER * as_told.score else best
    return chosen.turn, chosen.agreeing


def _focal(width_deg: float) -> float:
    """The focal length in widths of the picture."""
    return 0.5 / tan(radians(min(_MOST_WIDTH_DEG, width_deg)) / 2)


def _samples(chance: np.random.Generator, count: int) -> NDArray[np.int64]:
    first = chance.integers(0, count, _TRIES)
    second = (first + chance.integers(1, max(2, count), _TRIES)) % count
    return np.column_stack([first, second])


def _bearings(points: Floats, focal: float) -> Floats:
    """Unit vectors: x to the right, y down, z ahead."""
    rays = np.column_stack([points, np.full(len(points), focal)])
    unit: Floats = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return unit


@dataclass(frozen=True)
class _Agreement:
    """A rotation, how many pairs agree on it, and how well (more is better)."""

    turn: Floats
    agreeing: int
    score: float


def _consensus(one: Floats, other: Floats, samples: NDArray[np.int64]) -> _Agreement:
    """RANSAC over rotations through two pairs, then the best fit of all that agree."""
    turns = _frames(other[samples]) @ _frames(one[samples]).transpose(0, 2, 1)
    cosine = np.cos(radians(AGREES_DEG))
    # (R one) . other is the sum of R times the outer product of both
    agreement = turns.reshape(-1, 9) @ (other[:, :, None] * one[:, None, :]).reshape(-1, 9).T
    counts = (agreement > cosine).sum(axis=1)
    turn, agreeing = turns[int(counts.argmax())], agreement[int(counts.argmax())] > cosine
    for _ in range(4):
        if agreeing.sum() < 3:
            break
        turn = _fit(one[agreeing], other[agreeing])
        agreeing = ((one @ turn.T) * other).sum(axis=1) > cosine
    off = np.degrees(np.linalg.norm(one @ turn.T - other, axis=1))
    score = float(np.maximum(0.0, 1 - (off / AGREES_DEG) ** 2).sum())
    return _Agreement(turn, int(agreeing.sum()), score)


def _frames(pairs: Floats) -> Floats:
    """Right-handed frames from two bearings each, shape (t, 2, 3) to (t, 3, 3) by columns."""
    first = pairs[:, 0]
    across = np.cross(first, pairs[:, 1])
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    return np.stack([first, across, np.cross(first, across)], axis=2)


def _fit(one: Floats, other: Floats) -> Floats:
    """The rotation that takes *one* to *other* with the least squares (Kabsch)."""
    u, _, vt = np.linalg.svd(other.T @ one)
    sign = np.diag([1.0, 1.0, float(np.linalg.det(u @ vt))])
    turn: Floats = u @ sign @ vt
    return turn


def _angles(turn: Floats) -> tuple[float, float]:
    """
    Yaw and pitch of the camera, degrees, from how bearings turned.

    Panning is a rotation about the vertical, which in a camera that looks down lies in its plane
    of y and z: what of the rotation lies in that plane is the yaw.
    """
    vector, _ = cv2.Rodrigues(turn)
    x, y, z = (float(each) for each in np.degrees(vector).ravel())
    yaw = float(np.hypot(y, z)) * (-1 if y > 0 else 1)
    # a rotation across the plane of view only: the camera rolled on its axis
    return (yaw if abs(y) >= abs(z) else -y), -x


def work(channel: Channel, *, width_deg: float) -> None:
    """The child's side of `comparison.compare_in_child`."""
    _, before = channel.receive()
    _, after = channel.receive()
    try:
        found = compare(before, after, width_deg)
    except ValueError:
        found = Comparison(Change.UNCLEAR)
    channel.send({"done": asdict(found)})
