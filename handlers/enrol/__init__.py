"""Enrolling a camera: one file for each part of the dialogue, the order in `steps`."""

from __future__ import annotations

from aiogram import Router

from . import begin, place, review, stream, view


def router() -> Router:
    """The dialogue's routers; each question is answered in one of them only."""
    whole = Router(name="enrol")
    for part in (begin, place, view, stream, review):
        whole.include_router(part.router)
    return whole
