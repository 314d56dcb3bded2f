"""Taking files over from Telegram, through aiogram."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from nobs_bot.errors import ExternalError

CHUNK_BYTES = 256 * 1024
TIMEOUT_S = 120
# a token that was replaced says nothing about the file
_LATER = (
    ClientDecodeError,
    TelegramNetworkError,
    TelegramServerError,
    TelegramUnauthorizedError,
)


class TelegramDownloads:
    """Hands over what people sent (see `cameras.photos.TelegramFiles`)."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def stream(self, file_id: str) -> AsyncIterator[bytes]:
        """
        The file's bytes, block by block.

        Raises:
            ExternalError: Telegram does not hand it over, now or for good.
        """
        try:
            file = await self._bot.get_file(file_id)
            url = self._bot.session.api.file_url(self._bot.token, file.file_path or "")
            blocks = self._bot.session.stream_content(
                url, timeout=TIMEOUT_S, chunk_size=CHUNK_BYTES, raise_for_status=True
            )
            async for block in blocks:
                yield block
        except TelegramRetryAfter as exc:
            raise ExternalError("told to wait", retry_after_s=float(exc.retry_after)) from exc
        except _LATER as exc:
            raise ExternalError(type(exc).__name__) from exc
        except TelegramAPIError as exc:
            raise ExternalError(exc.message, permanent=True) from exc
        except (aiohttp.ClientError, TimeoutError) as exc:
            # the address in the error holds the bot's token
            raise ExternalError(type(exc).__name__) from None
