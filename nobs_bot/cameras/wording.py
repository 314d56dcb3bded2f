"""What stickers say, and how they stand, in words."""

from __future__ import annotations

from collections.abc import Sequence

from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.sheets import Label, StickerSheet
from nobs_bot.cameras.sticker import LabelSize, Sticker, link_of
from nobs_bot.cameras.stickers import code_for
from nobs_bot.settings import Settings
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words, plain


def sticker_words(words: Words, settings: Settings) -> str:
    """What a sticker says of its camera: the district's own words where it has some."""
    if settings.sticker_words:
        return settings.sticker_words
    return plain(words("sticker.words", district=settings.district_name))


def sheet_of(
    work: Work, size: LabelSize, stickers: Sequence[tuple[Sticker, Camera]], bot_name: str
) -> StickerSheet:
    """The sheet of these stickers, in the language of the district: it hangs where all pass by."""
    settings = work.settings
    words = work.texts.of(None)
    return StickerSheet(
        size=size,
        labels=tuple(_label(work, sticker, camera, bot_name) for sticker, camera in stickers),
        words=sticker_words(words, settings),
        hint=plain(words("sticker.hint")),
        contact=settings.district_contact,
        language=words.language,
    )


def _label(work: Work, sticker: Sticker, camera: Camera, bot_name: str) -> Label:
    code = code_for(work, sticker, camera)
    return Label(name=camera.name, code=code, link=link_of(work.settings, bot_name, code))
