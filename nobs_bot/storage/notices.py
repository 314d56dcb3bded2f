"""What other processes tell by PostgreSQL's NOTIFY."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from nobs_bot.storage.engine import Database


class NoticesLostError(Exception):
    """The connection by which notices come is not there."""


async def notices(database: Database, channel: str) -> AsyncGenerator[str, None]:
    """
    What is told on a channel from now on, by a connection of its own.

    Args:
        channel: A name of letters and underscores.

    Yields:
        The words of each notice; before the first an empty one, once we listen.

    Raises:
        NoticesLostError: the connection could not be made, or broke.
    """
    from psycopg import AsyncConnection, Error  # slow to import, and of no use on SQLite

    _, about = database.engine.dialect.create_connect_args(database.url)
    try:
        async with await AsyncConnection.connect(**about, autocommit=True) as connection:
            await connection.execute(f"LISTEN {channel}".encode())
            yield ""
            async for notice in connection.notifies():
                yield notice.payload
    except Error as exc:
        raise NoticesLostError(str(exc)) from exc
