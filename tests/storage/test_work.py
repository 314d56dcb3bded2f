"""Rows by their ids, as quickly as they can be had."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.engine import Engine

from nobs_bot.people.persons import Person, set_name
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import find
from tests.cast import House


async def test_a_row_is_asked_for_once_and_what_was_changed_is_kept(any_house: House) -> None:
    asked: list[str] = []

    def count(_1: object, _2: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        async with any_house.office.work() as work:
            sari = await find(work, Person, any_house.ids["Sari"])
            assert sari is not None
            assert len(asked) == 1
            set_name(work, sari, "Ibu Sari")
            assert await find(work, Person, sari.id) is sari
            assert len(asked) == 1
            budi = await find(work, Person, any_house.ids["Budi"])
            assert budi is not None
            assert budi.id == any_house.ids["Budi"]
            assert await find(work, Person, new_id()) is None
    finally:
        event.remove(Engine, "before_cursor_execute", count)
