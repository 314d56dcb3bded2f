"""
One process of load: a minimal Bot API, and persons who wait for an answer before they go on.

Speaks JSON lines: prints its port, then answers every line of {"webhooks", "seconds", "persons",
"prepare", "dialogue", "most"} with what the bot made of it, whose processes take updates at those
webhooks in turns; "dialogue" where the answers must be the real dialogue's, "most" where it is
enough after so many updates. The same for the app and its peer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from itertools import count, cycle
from math import inf
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from yarl import URL

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
ANSWER_WITHIN_S = 30
# what is typed, and what the real dialogue asks then: each step writes, and has one message for
# its answer
STEPS = (("Toko Sari", "Langkah 3 "), ("⬅️ Kembali", "Langkah 2 "))
FIRST_STEPS = (
    ("Toko Sari", "Langkah 3 "),
    ("08125550{person:02d}77", "Langkah 4 "),
    ("⬅️ Kembali", "Langkah 3 "),
    ("⬅️ Kembali", "Langkah 2 "),
)
BOT = {"id": 42, "is_bot": True, "first_name": "Bot", "username": "LoadBot"}


@dataclass
class Person:
    """Somebody who types, and what the bot last said to them."""

    person_id: int
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    said: dict[str, Any] = field(default_factory=dict)

    def hear(self, call: dict[str, Any]) -> None:
        self.said = call
        self.heard.set()


class Peer:
    """As much of the Bot API as both bots call."""

    def __init__(self) -> None:
        self.persons: dict[int, Person] = {}
        self.secrets: dict[str, str] = {}
        self.update_ids = count(1)
        self._message_ids = count(1)

    async def start(self) -> int:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    async def _serve(self, request: web.Request) -> web.Response:
        values = {name: str(value) for name, value in (await request.post()).items()}
        return web.json_response({"ok": True, "result": self._result(request, values)})

    def _result(self, request: web.Request, values: dict[str, str]) -> object:
        match request.match_info["method"]:
            case "getMe":
                return BOT
            case "setWebhook":
                self.secrets[values["url"]] = values.get("secret_token", "")
                return True
            case "sendMessage" | "editMessageText":
                return self._message(values)
        return True

    def _message(self, values: dict[str, str]) -> object:
        chat_id = int(values["chat_id"])
        message_id = int(values.get("message_id") or next(self._message_ids))
        if chat_id in self.persons:
            self.persons[chat_id].hear({**values, "message_id": message_id})
        chat = {"id": chat_id, "type": "private"}
        return {"message_id": message_id, "date": 1, "chat": chat, "text": values["text"]}


class Crowd:
    """The persons, and their way to the bot's webhooks, which a balancer serves in turns."""

    def __init__(self, peer: Peer, session: ClientSession, urls: list[str]) -> None:
        self._peer = peer
        self._session = session
        self._ways = cycle([(url, {SECRET_HEADER: peer.secrets[url]}) for url in urls])
        self.latencies_ms: list[float] = []

    async def prepare(self, person: Person) -> None:
        """Consent, begin an enrolment and go back from its fourth question to the second."""
        await self.post(_text(person, "/daftar"))
        await self._tap(person, "consent.agree")
        await self._tap(person, "enrol.place:shop")
        await self._until(person, "Langkah 2 ")
        for words, next_question in FIRST_STEPS:
            await self.post(_text(person, words.format(person=person.person_id % 100)))
            await self._until(person, next_question)

    async def type_until(
        self, person: Person, deadline: float, most: float, *, as_asked: bool
    ) -> None:
        """Step after step, each once the one before is answered; ends where it began."""
        while time.perf_counter() < deadline and len(self.latencies_ms) < most:
            for words, next_question in STEPS:
                said = await self._type(person, words)
                if as_asked and next_question not in said:
                    raise RuntimeError(f"the answer to {words!r} was {said!r}")

    async def _type(self, person: Person, text: str) -> str:
        person.heard.clear()
        started = time.perf_counter()
        await self.post(_text(person, text))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await person.heard.wait()
        self.latencies_ms.append((time.perf_counter() - started) * 1000)
        return str(person.said["text"])

    async def post(self, body: dict[str, Any]) -> None:
        """Hand one update to the webhook, as Telegram does."""
        update = {"update_id": next(self._peer.update_ids), **body}
        url, headers = next(self._ways)
        async with self._session.post(url, json=update, headers=headers) as answer:
            answer.raise_for_status()

    async def _tap(self, person: Person, data: str) -> None:
        await self._until(person, data)
        message_id = int(person.said["message_id"])
        await self.post(_tap(person, message_id, data))

    async def _until(self, person: Person, part: str) -> None:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while part not in person.said.get("text", "") + person.said.get("reply_markup", ""):
                person.heard.clear()
                await person.heard.wait()


def _text(person: Person, text: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "message_id": 1,
        "date": int(time.time()),
        "chat": {"id": person.person_id, "type": "private", "first_name": "Sari"},
        "from": _user(person),
        "text": text,
    }
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return {"message": message}


def _tap(person: Person, message_id: int, data: str) -> dict[str, Any]:
    message = _text(person, "…")["message"] | {"message_id": message_id, "from": BOT}
    query = {"id": str(message_id), "from": _user(person), "chat_instance": "1", "data": data}
    return {"callback_query": query | {"message": message}}


def _user(person: Person) -> dict[str, Any]:
    return {
        "id": person.person_id,
        "is_bot": False,
        "first_name": "Sari",
        "language_code": "id",
    }


async def _listening(peer: Peer, url: str) -> None:
    """Wait until the bot has announced its webhook and listens there."""
    address = URL(url)
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(address.host, address.port)
            except OSError:
                pass
            else:
                writer.close()
                if url in peer.secrets:
                    return
            await asyncio.sleep(0.05)


async def run(peer: Peer, order: dict[str, Any]) -> dict[str, Any]:
    """Carry out one order against the bot at its webhooks."""
    urls = order["webhooks"]
    for url in urls:
        await _listening(peer, url)
    people = [Person(710_000_100 + at) for at in range(order["persons"])]
    peer.persons = {person.person_id: person for person in people}
    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        crowd = Crowd(peer, session, urls)
        if order["prepare"]:
            await asyncio.gather(*[crowd.prepare(person) for person in people])
        started = time.perf_counter()
        deadline = started + order["seconds"]
        as_asked, most = order["dialogue"], order["most"] or inf
        typing = [crowd.type_until(each, deadline, most, as_asked=as_asked) for each in people]
        await asyncio.gather(*typing)
    took_s = time.perf_counter() - started
    return {"updates": len(crowd.latencies_ms), "seconds": took_s, "ms": crowd.latencies_ms}


async def serve() -> None:
    """Obey stdin until it closes."""
    peer = Peer()
    print(json.dumps({"port": await peer.start()}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        result = await run(peer, order)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
