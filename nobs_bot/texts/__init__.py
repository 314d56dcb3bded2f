"""What the bot says: gettext catalogues in Indonesian and English, one file a subject."""

from nobs_bot.texts.catalogue import LANGUAGES, Markup, Texts, Words, plain

__all__ = ["LANGUAGES", "Markup", "Texts", "Words", "plain"]
