"""Fetches or draws what a message shows, for both ways out."""

from __future__ import annotations

import asyncio
from io import BytesIO

from nobs_bot.cameras.sheets import StickerSheet, draw
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.drawing import MapView, draw_map
from nobs_bot.messaging.message import Picture, PictureKind
from nobs_bot.storage.files import FileStore


class Gallery:
    """
    Turns descriptions of pictures into what can be sent.

    Args:
        base: Draws maps.
        files: Holds photos, stills and clips.
    """

    def __init__(self, base: BaseMap, files: FileStore) -> None:
        self._base = base
        self._files = files

    async def load(self, picture: Picture) -> bytes | str:
        """The bytes of a map, file or text; Telegram's own id where it has the file."""
        match picture.kind:
            case PictureKind.MAP:
                view = MapView.model_validate(picture.about)
                return await asyncio.to_thread(draw_map, self._base, view)
            case PictureKind.FILE:
                return await self._files.get(picture.name)
            case PictureKind.TEXT:
                return str(picture.about["text"]).encode()
            case PictureKind.QR:
                return await asyncio.to_thread(_code, str(picture.about["text"]))
            case PictureKind.STICKERS:
                sheet = StickerSheet.model_validate(picture.about)
                return await asyncio.to_thread(draw, sheet)
            case PictureKind.TELEGRAM:
                return picture.name


def _code(text: str) -> bytes:
    """A QR code as PNG, with the quiet zone that readers want."""
    import segno  # few messages show one

    picture = BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=10, border=4)
    return picture.getvalue()
