"""The app's side of the survey: keeps a child at it, tells it what stands, asks it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
# what it may live and reckon at most; then another takes over
_LIFE_S = 3600.0
_ANSWER_S = 120.0
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
    # part by part: twenty thousand at once would hold everybody up for a tenth of a second
    async for part in rows.partitions(500):
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
        self._child: Child | None = None
        self._said: AsyncIterator[tuple[dict[str, Any], bytes]] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def ask(self, do: str, standing: Standing, **order: object) -> Any:
        """
        What the survey says to *do* (see `surveying.Surveying`), as JSON.

        Raises:
            ExternalError: the child cannot start, or broke off twice.
        """
        return json.loads(await self.draw(do, standing, **order))

    async def draw(self, do: str, standing: Standing, **order: object) -> bytes:
        """As `ask`, for what is a picture."""
        blob = json.dumps({"cameras": standing.cameras, "hotspots": standing.hotspots}).encode()
        async with self._turn:
            for _ in range(2):
                answer = await self._ask_once({"do": do, **order}, blob)
                if answer is not None:
                    self._leave_later()
                    return answer
        raise ExternalError("the survey broke off")

    async def _ask_once(self, order: dict[str, Any], blob: bytes) -> bytes | None:
        """The answer; None where the child died over it, or had died before."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                child, said = await self._at_work()
                await child.give(order, blob)
                async for message, made in said:
                    if "done" in message:
                        return made
        except ForkserverBroken as exc:
            raise ExternalError("no child for the survey") from exc
        except (OSError, TimeoutError) as exc:
            log.warning("the survey's child broke off: %s", type(exc).__name__)
        except BaseException:
            # cancelled in the middle: its answer would be taken for the next order's
            await self._end()
            raise
        await self._end()
        return None

    async def _at_work(
        self,
    ) -> tuple[Child, AsyncIterator[tuple[dict[str, Any], bytes]]]:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._child is not None and self._said is not None and not self._child.ended.is_set():
            return self._child, self._said
        await self._end()
        child = self._child = await self._children.fork()
        said = self._said = child.messages()
        order = {"task": _TASK, "arguments": self._arguments, "deadline_s": _LIFE_S}
        await child.give(order | {"reads": [self._ground]})
        return child, said

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
        child, self._child, self._said = self._child, None, None
        if child is not None:
            await child.end()

    async def close(self) -> None:
        """End the child."""
        if self._leaving is not None:
            self._leaving.cancel()
        await self._end()
