"""What an owner's camera shows besides its record: how it answers, and its sticker."""

from __future__ import annotations

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras import stickers
from nobs_bot.cameras.advice import advice_for
from nobs_bot.cameras.health import health_of, is_connected
from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.sticker import StickerState
from nobs_bot.cameras.uptime import DAYS_SHOWN, uptime_of

from .desk import Desk
from .health import percent


async def more_lines(desk: Desk, camera: Camera) -> list[str]:
    """Sentences for the owner's page of a camera."""
    lines = await _health_lines(desk, camera)
    sticker = await stickers.live_sticker(desk.work, camera.id)
    if sticker is not None:
        lines.append(desk.words(f"sticker.owner.{sticker.state}"))
    return lines


async def _health_lines(desk: Desk, camera: Camera) -> list[str]:
    health = await health_of(desk.work, camera.id) if is_connected(camera) else None
    if health is None or health.pulse_at is None:
        return []
    words = desk.words
    share = percent(words, await uptime_of(desk.work, camera.id))
    lines = []
    if health.failure is None:
        lines.append(words("health.owner.up", moment=words.moment(health.pulse_at)))
    else:
        since = words.moment(health.silent_since or health.pulse_at)
        lines.append(words("health.owner.silent", since=since))
        lines.append(advice_for(words, health))
    lines[0] += " " + words("health.owner.share", percent=share, days=DAYS_SHOWN)
    return lines


async def more_buttons(desk: Desk, camera: Camera) -> Keyboard:
    """Buttons for the same, above the others."""
    sticker = await stickers.live_sticker(desk.work, camera.id)
    is_here = sticker is not None and sticker.state is StickerState.HANDED
    label = desk.words("sticker.photo_button")
    return column(button(label, "stk.photo", sticker.id) if sticker and is_here else None)
