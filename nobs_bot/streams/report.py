"""What a check can say, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """How far a check has come."""

    resolving = "resolving"
    connecting = "connecting"
    opening = "opening"
    watching = "watching"
    judging = "judging"


class Failure(StrEnum):
    """Why no picture could be judged."""

    NAME_NOT_RESOLVED = "name_not_resolved"
    PRIVATE_ADDRESS = "private_address"
    FORBIDDEN_ADDRESS = "forbidden_address"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a name, not a password
    PASSWORD_NEEDED = "password_needed"  # noqa: S105 - a name, not a password
    NO_SUCH_PATH = "no_such_path"
    NOT_A_CAMERA = "not_a_camera"
    REDIRECTED = "redirected"
    UNSUPPORTED_CODEC = "unsupported_codec"
    NO_PICTURES = "no_pictures"
    TOO_LARGE = "too_large"


class Finding(StrEnum):
    """What is wrong, or worth a remark, with pictures that do arrive."""

    BLACK = "black"
    COVERED = "covered"
    BLURRED = "blurred"
    PARTLY_COVERED = "partly_covered"
    NO_MOTION = "no_motion"
    LOW_RESOLUTION = "low_resolution"
    SLOW = "slow"


class Verdict(StrEnum):
    """Good; pictures arrive but show nothing of use; no pictures."""

    GOOD = "good"
    POOR = "poor"
    FAILED = "failed"


SPOILING = frozenset({Finding.BLACK, Finding.COVERED, Finding.BLURRED})


class Unusable(Exception):  # noqa: N818 - a result on its way up, not an error
    """Carries a failure, and the codec where that is it, to the check, which reports it."""

    def __init__(self, failure: Failure, codec: str | None = None) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.codec = codec


@dataclass(frozen=True)
class CheckReport:
    """
    What one check found.

    Attributes:
        findings: In the order of their weight; see `Finding`.
        codec: As FFmpeg calls it ("h264", "hevc", "mjpeg"); for a codec that cannot
            be read, the camera's own word.
        fps: Frames a second as they arrived, never what the camera claims.
        first_frame_s: From the start of the check to the first picture.
        measures: What the findings rest on; `tls_unverified` is 1 where the camera's
            certificate was taken as it came, as those of cameras have to be.
        still: A JPEG, its long side at most 1280.
    """

    verdict: Verdict
    failure: Failure | None = None
    findings: tuple[Finding, ...] = ()
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    first_frame_s: float | None = None
    measures: dict[str, float] = field(default_factory=dict)
    still: bytes | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the still, ready for JSON."""
        return {
            "verdict": self.verdict.value,
            "failure": self.failure.value if self.failure else None,
            "findings": [finding.value for finding in self.findings],
            "codec": self.codec,
            "width": self.width,
            "height": self.height,
            "fps": self.fps,
            "first_frame_s": self.first_frame_s,
            "measures": dict(self.measures),
        }


def verdict_on(findings: tuple[Finding, ...]) -> Verdict:
    """Poor where a finding spoils the picture; a mere remark leaves it good."""
    return Verdict.POOR if SPOILING.intersection(findings) else Verdict.GOOD
