"""Numbered messages into the outbox, from a process that nobody kills."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import count

from sqlalchemy.exc import DBAPIError

from nobs_bot.app import Foundation
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue
from tests.faults.crowd import Gate

PREFIX = "faults:"


class Teller:
    """
    Tells listeners numbers; in each chat they grow.

    `told` has the numbers of each chat in their order.
    """

    def __init__(
        self, foundation: Foundation, listeners: list[int], chance: random.Random, gate: Gate
    ) -> None:
        self._foundation = foundation
        self._chance = chance
        self._gate = gate
        self._numbers = count(1)
        self.told: dict[int, list[int]] = {each: [] for each in listeners}

    async def tell(self) -> None:
        """Tell until cancelled."""
        with self._gate.acting():
            while True:
                await self._once()

    async def _once(self) -> None:
        await self._gate.passed()
        chats = self._chance.choices(list(self.told), k=self._chance.randint(1, 3))
        letters = [(chat, next(self._numbers)) for chat in chats]
        await self._put_in(letters)
        for chat, number in letters:
            self.told[chat].append(number)
        await asyncio.sleep(self._chance.uniform(0.2, 0.8))

    async def _put_in(self, letters: list[tuple[int, int]]) -> None:
        """Once, however often it takes: the key of a message keeps it from being there twice."""
        while True:
            try:
                async with self._foundation.office.work() as work:
                    for chat, number in letters:
                        message = Message(text=json.dumps({"number": number}))
                        await enqueue(work, chat, message, f"{PREFIX}{number}")
            except DBAPIError:
                await asyncio.sleep(0.2)
            else:
                return
