"""What is reckoned for a page is kept for a moment, since many officers look at the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """
    Values by what they rest on; a value is made once, however many ask for it at the same time.

    Whoever asks puts everything into the key that the value depends on: whose areas, the newest
    change, and where time itself changes it, the minute.
    """

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, asyncio.Future[V]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        """The value of *key*; one that could not be made is not kept."""
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = asyncio.ensure_future(make())
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        try:
            # somebody who goes away leaves the value to the others
            return await asyncio.shield(found)
        except BaseException:
            if found.done() and self._values.get(key) is found:
                del self._values[key]
            raise

    def forget(self) -> None:
        """What the keys do not tell has changed."""
        self._values.clear()
