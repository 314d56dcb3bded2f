"""What comes of holding two stills of a camera against each other, and asking a child for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from nobs_bot.streams.children import Children

DEADLINE_S = 20.0
_TASK = "nobs_bot.streams.turning:work"


class Change(StrEnum):
    """What became of the picture."""

    SAME = "same"
    TURNED = "turned"
    ELSEWHERE = "elsewhere"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Comparison:
    """
    How a newer still differs from an older one.

    Args:
        change: SAME within 3 degrees; ELSEWHERE is another place, or turned so far that nothing is
            left to compare; UNCLEAR is too dark or too plain to say.
        yaw_deg: By how much the heading grew, to the right positive; None where nothing agrees.
            Right to 2 degrees where the angle of view is wrong by an eighth at most.
        pitch_deg: By how much it looks higher.
        matched, agreeing: How many features were matched, and on how many the rotation rests.
    """

    change: Change
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    matched: int = 0
    agreeing: int = 0


async def compare_in_child(
    children: Children, before: bytes, after: bytes, width_deg: float
) -> Comparison:
    """
    As `turning.compare`, in a child that can be killed; what is no picture or breaks it is UNCLEAR.

    Raises:
        ForkserverBroken: there is no child to be had.
    """
    child = await children.fork()
    try:
        async with asyncio.timeout(DEADLINE_S):
            arguments = {"width_deg": width_deg}
            order = {"task": _TASK, "arguments": arguments, "deadline_s": DEADLINE_S}
            await child.give(order)
            await child.give({"picture": "before"}, before)
            await child.give({"picture": "after"}, after)
            async for message, _ in child.messages():
                if "done" in message:
                    said = message["done"]
                    return Comparison(**{**said, "change": Change(said["change"])})
    except (OSError, TimeoutError, TypeError, ValueError):
        pass
    finally:
        await child.end()
    return Comparison(Change.UNCLEAR)
