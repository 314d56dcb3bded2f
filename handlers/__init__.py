"""The conversation: one file a dialogue; no SQL of their own, no OpenCV, no wording."""

from __future__ import annotations

from . import lazy_models  # noqa: F401 - before anything else of aiogram's

# isort: split
from aiogram import Dispatcher, Router

from . import (
    admin,
    agreement,
    answers,
    cameras,
    claiming,
    console,
    coverage,
    enrol,
    evidence,
    fallback,
    field,
    footage,
    health,
    hotspots,
    live,
    points,
    privacy,
    progress,
    recording,
    report,
    requests,
    review,
    stickers,
    uploads,
    worklist,
)
from . import start as start_dialogue
from .gate import Gate
from .switchboard import Switchboard


def build_dispatcher() -> Dispatcher:
    """A dispatcher with all dialogues; one a process, since routers can be built in only once."""
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.include_router(build_router())
    return dispatcher


def build_router() -> Router:
    """
    All dialogues, in the order in which they are asked.

    Commands and buttons that carry their own ids come first, so that they work from anywhere;
    then the dialogues, each of which answers only while its own question is open; the fallback
    last, so that nothing stays without an answer.
    """
    root = Switchboard(name="root")
    for observed in (root.message, root.callback_query):
        observed.middleware(Gate())
    for part in (
        start_dialogue.router,
        cameras.router,
        live.router,
        review.router,
        footage.router,
        requests.router,
        agreement.router,
        evidence.router,
        uploads.router,
        answers.router,
        field.router,
        recording.router,
        claiming.router,
        stickers.router,
        health.router,
        progress.router,
        console.router,
        coverage.router,
        hotspots.router,
        points.router,
        worklist.router,
        privacy.router,
        report.router,
        admin.router,
        enrol.router(),
        fallback.router,
    ):
        root.include_router(part)
    return root
