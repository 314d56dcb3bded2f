"""What an owner's camera shows besides its record: its sticker."""

from __future__ import annotations

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras import stickers
from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.sticker import StickerState

from .desk import Desk


async def more_lines(desk: Desk, camera: Camera) -> list[str]:
    """Sentences for the owner's page of a camera."""
    sticker = await stickers.live_sticker(desk.work, camera.id)
    if sticker is None:
        return []
    return [desk.words(f"sticker.owner.{sticker.state}")]


async def more_buttons(desk: Desk, camera: Camera) -> Keyboard:
    """Buttons for the same, above the others."""
    sticker = await stickers.live_sticker(desk.work, camera.id)
    is_here = sticker is not None and sticker.state is StickerState.HANDED
    label = desk.words("sticker.photo_button")
    return column(button(label, "stk.photo", sticker.id) if sticker and is_here else None)
