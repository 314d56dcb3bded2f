"""The families of expected failure; anything else is a bug and propagates."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - the domain's word, not an error
    """
    A request that cannot be met, and that the person can act on.

    Args:
        text_key: Catalogue key of the sentence that says what to do.
        params: Values for the sentence's named placeholders.
    """

    def __init__(self, text_key: str, **params: object) -> None:
        super().__init__(text_key)
        self.text_key = text_key
        self.params = params


class ExternalError(Exception):
    """
    Something outside the machine failed: Telegram, a geocoder.

    Args:
        message: What happened, without secrets.
        permanent: Trying again cannot help.
        retry_after_s: How long the other side asked to be left alone.
        new_chat_id: The chat's new id, where a group became a supergroup.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
        new_chat_id: int | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.new_chat_id = new_chat_id


class TokenRefused(ExternalError):  # noqa: N818 - what happened
    """Telegram does not accept the bot's token, or no longer."""


class CannotStart(Exception):  # noqa: N818 - the end of a start, told in a sentence
    """The process cannot do its work with these settings; the message says what to do."""
