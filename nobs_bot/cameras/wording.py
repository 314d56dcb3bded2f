"""What stickers say, and how they stand, in words."""

from __future__ import annotations

from collections.abc import Sequence

from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.sheets import SHEETS, Label, StickerSheet
from nobs_bot.cameras.sticker import LabelSize, Sticker, link_of
from nobs_bot.cameras.stickers import code_for
from nobs_bot.errors import Refusal
from nobs_bot.settings import Settings
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words, plain


def sticker_words(words: Words, settings: Settings) -> str:
    """What a sticker says of its camera: the district's own words where it has some."""
    if settings.sticker_words:
        return settings.sticker_words
    return plain(words("sticker.words", district=settings.district_name))


def sticker_text(words: Words, sticker: Sticker | None) -> str:
    """Where the sticker of a camera is, and since when."""
    if sticker is None:
        return words("sticker.state.none")
    since = sticker.placed_at or sticker.handed_at or sticker.printed_at
    text = words(f"sticker.state.{sticker.state}", moment=words.moment(since))
    if sticker.code_read is None:
        return text
    return f"{text} {words('sticker.code_read' if sticker.code_read else 'sticker.code_unread')}"


def sheet_of(
    work: Work,
    size: LabelSize,
    stickers: Sequence[tuple[Sticker, Camera]],
    bot_name: str,
    *,
    skipped: int = 0,
) -> StickerSheet:
    """
    The sheet of these stickers, in the language of the district: it hangs where all pass by.

    Args:
        skipped: Labels of the first page that are used already.

    Raises:
        Refusal: a page does not have so many.
    """
    if not 0 <= skipped < SHEETS[size].count:
        raise Refusal("sticker.first_wrong", most=SHEETS[size].count)
    settings = work.settings
    words = work.texts.of(None)
    return StickerSheet(
        size=size,
        labels=tuple(_label(work, sticker, camera, bot_name) for sticker, camera in stickers),
        words=sticker_words(words, settings),
        hint=plain(words("sticker.hint")),
        contact=settings.district_contact,
        language=words.language,
        skipped=skipped,
    )


def _label(work: Work, sticker: Sticker, camera: Camera, bot_name: str) -> Label:
    code = code_for(work, sticker, camera)
    return Label(name=camera.name, code=code, link=link_of(work.settings, bot_name, code))
