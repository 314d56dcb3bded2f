"""Live view's part in a person's rights over their data."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from nobs_bot.cameras.record import Camera
from nobs_bot.footage.live.record import Ending, LiveTerms, LiveView, words_of
from nobs_bot.footage.live.views import end
from nobs_bot.storage.work import Work


class LiveHolder:
    """Who looked at an owner's cameras, and under which terms they may."""

    name = "live_views"

    async def export(self, work: Work, person_id: int) -> list[dict[str, Any]]:
        """Every look at the person's cameras."""
        query = select(LiveView).where(LiveView.owner_id == person_id).order_by(LiveView.id)
        views = (await work.session.execute(query)).scalars().all()
        return [
            {
                "camera_id": view.camera_id,
                "role": view.viewer_role,
                "purpose": view.purpose,
                "case_number": words_of(work, view).case_number,
                "is_emergency": view.is_emergency,
                "started_at": view.started_at.isoformat(),
                "ended_at": view.ended_at.isoformat() if view.ended_at else None,
                "ending": view.ending,
            }
            for view in views
        ]

    async def erase(self, work: Work, person_id: int) -> None:
        """End what goes on; looks at the person's cameras and their terms are removed."""
        going = select(LiveView).where(
            (LiveView.owner_id == person_id) | (LiveView.viewer_id == person_id),
            LiveView.ended_at.is_(None),
        )
        for view in (await work.session.execute(going.with_for_update())).scalars().all():
            is_owner = view.owner_id == person_id
            await end(work, view, Ending.CAMERA if is_owner else Ending.RIGHT)
        own = select(Camera.id).where(Camera.owner_id == person_id).scalar_subquery()
        await work.session.execute(delete(LiveTerms).where(LiveTerms.camera_id.in_(own)))
        await work.session.flush()
        await work.session.execute(delete(LiveView).where(LiveView.owner_id == person_id))
