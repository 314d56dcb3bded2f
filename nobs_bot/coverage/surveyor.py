"""The app's side of the survey: keeps a child at it, tells it what stands, asks it."""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from nobs_bot.cameras.record import Camera, Drift, State
from nobs_bot.coverage.hotspots import current
from nobs_bot.errors import ExternalError
from nobs_bot.places.layers import GROUND
from nobs_bot.storage.work import Work
from nobs_bot.streams.children import Child, Children, ForkserverBroken

log = logging.getLogger(__name__)

# a child that nobody asked for so long goes, and takes its memory with it
IDLE_S = 600.0
# whoever looks at a page waits so long for others' orders, and then does something else
PATIENCE_S = 20.0
# what it may live and reckon at most; then another takes over
_LIFE_S = 3600.0
_ANSWER_S = 120.0
# as much more for each camera; a worklist of 40,000 took 0.002 (two cores, no houses)
_ANSWER_S_A_CAMERA = 0.005
# a large register in one piece would hold everybody up, and take longer than an answer may
_PART = 200
_TASK = "nobs_bot.coverage.surveying:serve"


Mounted = tuple[int, float, float, float | None, float, float, bool, Sequence[float]]


@dataclass(frozen=True)
class Standing:
    """
    What stands now.

    Args:
        cameras: (id, lat, lon, heading or None, width in degrees, range in metres, at night,
            where else it looks).
        hotspots: (id, lat, lon, radius in metres, weight, share of its hours that is dark).
    """

    cameras: Sequence[Mounted]
    hotspots: Sequence[tuple[int, float, float, float, int, float]]


async def standing(work: Work) -> Standing:
    """Every camera that takes part, sees the street and works; every hotspot that counts today."""
    query = select(
        Camera.id,
        Camera.lat,
        Camera.lon,
        Camera.heading_deg,
        Camera.width,
        Camera.range_m,
        Camera.sees_at_night,
        Camera.other_headings,
    ).where(
        Camera.state == State.APPROVED,
        Camera.paused_at.is_(None),
        Camera.indoors.is_not(True),
        Camera.drift.is_(None) | (Camera.drift == Drift.MOVED),
    )
    cameras: list[Mounted] = []
    rows = await work.session.stream(query)
    async for part in rows.partitions(_PART):
        for camera_id, lat, lon, heading, width, range_m, night, others in part:
            assert lat is not None
            assert lon is not None
            sees = heading, width.degrees if width else 80.0, range_m or 20.0, bool(night)
            cameras.append((camera_id, lat, lon, *sees, others or ()))
        await asyncio.sleep(0)
    hotspots = [
        (each.id, each.lat, each.lon, each.radius_m, each.weight, each.hours.night_share)
        for each in await current(work)
    ]
    return Standing(cameras, hotspots)


class _Asked(NamedTuple):
    """The child, and what it says."""

    child: Child
    said: AsyncIterator[tuple[dict[str, Any], bytes]]


class _Refused(Exception):  # noqa: N818 - says what it did
    """What was asked about is not in the survey."""


class Surveyor:
    """
    Asks the survey's child, one order after the other.

    Args:
        children: Forks it.
        district: The district's name.
        data_dir: Where imported areas, roads and buildings may lie.
        heading_error_deg, position_error_m: Standard deviations of what owners tell us.
    """

    def __init__(
        self,
        children: Children,
        district: str,
        data_dir: Path,
        *,
        heading_error_deg: float = 15.0,
        position_error_m: float = 5.0,
        idle_s: float = IDLE_S,
    ) -> None:
        self._children = children
        self._ground = str(data_dir.absolute() / GROUND)
        self._arguments = {
            "district": district,
            "data_dir": str(data_dir.absolute()),
            "heading_deg": heading_error_deg,
            "position_m": position_error_m,
        }
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._asked: _Asked | None = None
        # what the child was told last, so that the next order on the same goes alone
        self._told: weakref.ref[Standing] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def ask(
        self, do: str, standing: Standing, *, patience_s: float | None = None, **order: object
    ) -> Any:
        """
        What the survey says to *do* (see `surveying.Surveying`), as JSON.

        Args:
            patience_s: How long others may be served before; as long as it takes, unless given.

        Raises:
            ExternalError: the child cannot start, broke off twice, or does not know what is asked
                about; or others took longer than our patience.
        """
        return json.loads(await self.draw(do, standing, patience_s=patience_s, **order))

    async def draw(
        self, do: str, standing: Standing, *, patience_s: float | None = None, **order: object
    ) -> bytes:
        """As `ask`, for what is a picture."""
        async with self._our_turn(patience_s):
            for _ in range(2):
                answer = await self._ask_once({"do": do, **order}, standing)
                if answer is not None:
                    self._leave_later()
                    return answer
        raise ExternalError("the survey broke off")

    @asynccontextmanager
    async def _our_turn(self, patience_s: float | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(patience_s):
                await self._turn.acquire()
        except TimeoutError:
            raise ExternalError("the survey is busy") from None
        try:
            yield
        finally:
            self._turn.release()

    async def _ask_once(self, order: dict[str, Any], standing: Standing) -> bytes | None:
        """The answer; None where the child died over it, or had died before."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                asked = await self._at_work()
            await self._tell(asked, standing)
            within_s = _ANSWER_S + _ANSWER_S_A_CAMERA * len(standing.cameras)
            return await _answer(asked, order, within_s=within_s)
        except ForkserverBroken as exc:
            raise ExternalError("no child for the survey") from exc
        except _Refused as exc:
            raise ExternalError(f"the survey refused: {exc}") from None
        except (OSError, EOFError, TimeoutError) as exc:
            log.warning("the survey's child broke off: %s", type(exc).__name__)
        except BaseException:
            # cancelled in the middle: its answer would be taken for the next order's
            await self._end()
            raise
        await self._end()
        return None

    async def _tell(self, asked: _Asked, standing: Standing) -> None:
        """Let the child know what stands, unless it is what it was told last."""
        if self._told is not None and self._told() is standing:
            return
        self._told = None
        cameras = standing.cameras
        for first in range(0, len(cameras), _PART):
            await _answer(asked, {"do": "hold"}, cameras[first : first + _PART])
        await _answer(asked, {"do": "stand"}, standing.hotspots)
        self._told = weakref.ref(standing)

    async def _at_work(self) -> _Asked:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._asked is not None and not self._asked.child.ended.is_set():
            return self._asked
        await self._end()
        child = await self._children.fork()
        asked = self._asked = _Asked(child, child.messages())
        order = {"task": _TASK, "arguments": self._arguments, "deadline_s": _LIFE_S}
        await child.give(order | {"reads": [self._ground]})
        return asked

    def _leave_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._leaving = loop.call_later(self._idle_s, self._leave)

    def _leave(self) -> None:
        task = asyncio.ensure_future(self._leave_if_idle())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _leave_if_idle(self) -> None:
        async with self._turn:
            if self._leaving is not None:
                await self._end()

    async def _end(self) -> None:
        asked, self._asked, self._told = self._asked, None, None
        if asked is not None:
            await asked.child.end()

    async def close(self) -> None:
        """End the child."""
        if self._leaving is not None:
            self._leaving.cancel()
        await self._end()


async def _answer(
    asked: _Asked, order: dict[str, Any], given: Sequence[Any] = (), *, within_s: float = _ANSWER_S
) -> bytes:
    """
    What the child answers to one order.

    Raises:
        OSError: it is gone.
        EOFError: it ended without an answer.
        _Refused: it does not know what is asked about.
        TimeoutError: it takes too long.
    """
    async with asyncio.timeout(within_s):
        await asked.child.give(order, json.dumps(given).encode())
        async for message, made in asked.said:
            if "refused" in message:
                raise _Refused(message["refused"])
            if "done" in message:
                return made
    raise EOFError
