"""Runs migrations, on the connection that the app hands over or on one of its own."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine

from nobs_bot.schema import metadata
from nobs_bot.settings import load_settings
from nobs_bot.storage.base import Instant
from nobs_bot.storage.engine import async_url


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Write our own type as what it is in the database, so that migrations stand alone."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Apply what is missing, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    url = async_url(load_settings().database)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
    with create_engine(url).begin() as own:
        run(own)
