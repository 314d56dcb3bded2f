"""Cameras by the thousand, written straight into the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from math import cos, radians
from random import Random
from typing import Any

from sqlalchemy import insert

from nobs_bot.app import Foundation
from nobs_bot.cameras.record import Camera, State, Width
from nobs_bot.people.persons import Person, meet
from nobs_bot.people.roles import Role, grant

CENTER = (-6.1534, 106.7981)
AREA = "31.73.04.1006"
_BATCH = 20_000


async def owners(foundation: Foundation, count: int, first_account: int) -> list[int]:
    """Persons by their accounts; their ids."""
    now = datetime.now(UTC)
    rows = [
        {
            "id": at + 1,
            "telegram_id": first_account + at,
            "phone_verified": False,
            "created_at": now,
            "seen_at": now,
        }
        for at in range(count)
    ]
    async with foundation.office.work() as work:
        await work.session.execute(insert(Person), rows)
    return [int(row["id"]) for row in rows]


async def cameras(
    foundation: Foundation, owner_ids: list[int], count: int, *, within_m: float, seed: int = 1
) -> None:
    """Approved cameras, evenly over a square of twice *within_m*, looking anywhere."""
    chance, now = Random(seed), datetime.now(UTC)
    made: list[dict[str, Any]] = []
    for at in range(count):
        east, north = (chance.uniform(-within_m, within_m) for _ in range(2))
        made.append(
            {
                "id": at + 1,
                "number": 1001 + at,
                "owner_id": owner_ids[at % len(owner_ids)],
                "state": State.APPROVED,
                "lat": CENTER[0] + north / 110_574,
                "lon": CENTER[1] + east / (111_320 * cos(radians(CENTER[0]))),
                "area_code": AREA,
                "heading_deg": chance.uniform(0, 359),
                "heading_unknown": False,
                "width": chance.choice(list(Width)),
                "range_m": float(chance.choice((10, 20, 40))),
                "retention_days": 14,
                "share_footage": True,
                "share_stills": False,
                "share_live": False,
                "sharing_chosen": True,
                "stream_declined": False,
                "created_at": now,
                "touched_at": now,
                "submitted_at": now,
            }
        )
        if len(made) == _BATCH or at == count - 1:
            async with foundation.office.work() as work:
                await work.session.execute(insert(Camera), made)
            made = []


async def investigator(foundation: Foundation) -> int:
    """An investigator of the whole district; their id."""
    async with foundation.office.work() as work:
        officer = meet(work, 1, None)
        await work.session.flush()
        await grant(work, officer, Role.INVESTIGATOR, "31.73", granted_by=None)
        return officer.id
