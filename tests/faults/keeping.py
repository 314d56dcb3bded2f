"""Files that no row names: what somebody left behind who was killed between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import select

from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.photos import Photo
from nobs_bot.footage.request import Clip
from nobs_bot.storage.doomed import DoomedFile
from nobs_bot.storage.work import Work
from tests.faults.scene import Scene

NAMED = (Photo.file_name, Check.still_name, Clip.file_name, Clip.viewing_name, DoomedFile.name)


async def left_behind(scene: Scene, work: Work) -> AsyncIterator[str]:
    """Pictures and clips that would stay for ever, as nothing that is erased names them."""
    if scene.folder is None:
        return
    named: set[str] = set()
    for column in NAMED:
        query: Any = select(column).where(column.is_not(None))
        named |= set((await work.session.execute(query)).scalars())
    there = _names(scene.folder)
    for name in sorted(there):
        # what is being written is NAME#CHANCE, and goes with its name
        if name.partition("#")[0] not in named:
            yield f"the file {name} is named by no row"
    doomed = set((await work.session.execute(select(DoomedFile.name))).scalars())
    for name in sorted(named - doomed - there):
        yield f"the file {name} is named by a row, and not there"


def _names(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
