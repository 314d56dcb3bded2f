"""The declarative base, column types and ids that every table shares."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Enum, LargeBinary, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

SEALED_BY = "sealed_by"


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def choice(kind: type[StrEnum]) -> Enum:
    """A column type that holds the values of *kind*, checked by the database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda enum: [each.value for each in enum],
        name=kind.__name__.lower(),
    )


def sealed(*, by: str = "id") -> MappedColumn[Any]:
    """
    A column whose values the vault has sealed, for the place `table.column`.

    Args:
        by: The column whose number they are bound to.
    """
    return mapped_column(LargeBinary, info={SEALED_BY: by})


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant}  # noqa: RUF012 - SQLAlchemy's own form

    def as_row(self) -> dict[str, Any]:
        """The columns by name, as they are in the database."""
        return {column.key: getattr(self, column.key) for column in self.__table__.columns}


class _Ids:
    """Ids that rise within this process, whatever the clock does."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        milliseconds = time.time_ns() // 1_000_000 & (1 << 41) - 1
        with self._lock:
            self._last = max(self._last + 1, milliseconds << 22 | secrets.randbits(21))
            return self._last


_ids = _Ids()


# what a signed 64-bit column holds; asked for more, the database breaks off instead of finding none
LARGEST_ID = 2**63 - 1


def new_id() -> int:
    """
    A row's id, made before the insert so that its ciphertexts can be bound to it.

    41 bits of milliseconds, then chance: it fits a signed 64-bit integer, sorts by time, and
    within one process each is greater than the one before.
    """
    return _ids.next()


class Identified:
    """A row with an id of ours."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, default=new_id)


class Waiting:
    """Work that waits: a due time, and a lease for whoever works on it."""

    due_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(default=None)
