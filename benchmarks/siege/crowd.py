"""
The people of the siege: they act through phones, and note what must have come of it.

Each goes on only once the bot has answered, as people do, except where they tap faster than it.
None repeats an act, so whatever is lost or doubled shows in the end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.conversations import enrolling
from tests.phone import Phone, words_of

PATIENCE_S = 120.0
LOOK_AGAIN_S = 15.0
TURN_DEG = 15
FIRST_HEADING_DEG = 150  # south-east, and one turn in `enrolling.until_sharing`


class PatientPhone(Phone):
    """A phone of somebody who waits until the bot is back."""

    async def expect(self, text_part: str, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """
        As any phone's, but what stands at the end of the chat unchanged counts too: after a kill
        an answer comes twice, and a tap on the second leaves it as it is.
        """
        for _ in range(round(PATIENCE_S / LOOK_AGAIN_S)):
            try:
                return await super().expect(text_part, LOOK_AGAIN_S)
            except AssertionError as exc:
                missing = exc
                last = await self.last()
                if text_part in words_of(last):
                    return last
        raise missing


@dataclass
class Deeds:
    """What people did, by their Telegram ids."""

    submitted: set[int] = field(default_factory=set)
    headings_deg: dict[int, int] = field(default_factory=dict)
    streams: set[int] = field(default_factory=set)
    drafts: set[int] = field(default_factory=set)
    approvals: int = 0
    gave_up: list[str] = field(default_factory=list)


class Crowd:
    """
    Everybody who acts.

    Args:
        api_url: The sandbox.
        ids: Telegram ids of people who have not met the bot.
        stream: Address of a camera that can be looked at, with user and password.
        chance: Decides who does what and how quickly.
    """

    def __init__(
        self, api_url: str, ids: Iterator[int], stream: str, chance: random.Random
    ) -> None:
        self._api_url = api_url
        self._ids = ids
        self._stream = stream
        self._chance = chance
        self._over = asyncio.Event()
        self.deeds = Deeds()

    async def act(self, at_once: int, reviewer_id: int, invitation: str) -> None:
        """Act until `end`; then everybody finishes what they began."""
        roles = (self._enrol, self._turn, self._stream_too, self._leave_a_draft)
        own = [self._keep_on(roles[at % len(roles)]) for at in range(at_once)]
        reviewer = PatientPhone(self._api_url, reviewer_id)
        await asyncio.gather(*own, self._noting(self._review(reviewer, invitation)))

    def end(self) -> None:
        """Begin nothing new."""
        self._over.set()

    async def _keep_on(self, role: Callable[[PatientPhone], Coroutine[Any, Any, None]]) -> None:
        while not self._over.is_set():
            await self._noting(role(PatientPhone(self._api_url, next(self._ids))))

    async def _noting(self, acting: Coroutine[Any, Any, None]) -> None:
        """Note who could not go on because the bot did not answer, or not as it should."""
        try:
            await acting
        except (AssertionError, TimeoutError) as exc:
            self.deeds.gave_up.append(f"{acting.__name__}: {exc}")

    async def _enrol(self, phone: PatientPhone) -> None:
        await self._until_sharing(phone)
        await enrolling.without_stream(phone)
        await self._submit(phone)

    async def _turn(self, phone: PatientPhone) -> None:
        """Turn the camera with taps that do not wait for one another; each is 15 degrees."""
        await self._until_sharing(phone)
        await phone.tap("Kembali")
        await phone.expect("Berapa hari perekam")
        await phone.tap("Kembali")
        shown = await phone.expect("bidang pandangnya")
        message_id, turns = int(str(shown["message_id"])), 0
        for _ in range(self._chance.randint(2, 5)):
            times = self._chance.randint(1, 4)
            await phone.tap_data(message_id, f"enrol.turn:{TURN_DEG}", times)
            turns += times
            await asyncio.sleep(self._chance.uniform(0, 0.5))
        self.deeds.headings_deg[phone.person_id] = (FIRST_HEADING_DEG + TURN_DEG * turns) % 360
        await phone.tap_data(message_id, "enrol.view")
        await phone.expect("Berapa hari perekam")
        await phone.tap("14 hari")
        await phone.expect("Apa yang boleh kami lakukan")
        await enrolling.without_stream(phone)
        await self._submit(phone)

    async def _stream_too(self, phone: PatientPhone) -> None:
        """Let the stream be looked at, which runs on while the process is killed."""
        await self._until_sharing(phone)
        await phone.tap("Gambar contoh")
        await phone.expect("Apa yang boleh kami lakukan")
        await phone.tap("Lanjut")
        await phone.expect("mencapai siaran kameranya")
        await phone.tap("alamat lengkap")
        await phone.expect("Kirim alamat siaran lengkap")
        await phone.send(self._stream)
        await phone.expect("Apakah ini yang dilihat kamera Anda")
        self.deeds.streams.add(phone.person_id)
        await phone.tap("Ya, benar")
        await phone.expect("Ringkasan")
        await self._submit(phone)

    async def _leave_a_draft(self, phone: PatientPhone) -> None:
        await enrolling.consent(phone)
        await phone.tap("Toko")
        await phone.expect("Siapa yang dapat kami hubungi")
        await phone.send("Ibu Sari")
        await phone.expect("Nomor telepon")
        self.deeds.drafts.add(phone.person_id)

    async def _until_sharing(self, phone: PatientPhone) -> None:
        await enrolling.consent(phone)
        lat, lon = enrolling.SHOP
        # side by side in a grid, a few metres apart
        at = phone.person_id % 1000
        await enrolling.until_sharing(phone, (lat + at % 30 * 0.00004, lon + at // 30 * 0.00004))

    async def _submit(self, phone: PatientPhone) -> None:
        """Tap twice, as people do; it counts once."""
        await phone.tap("📨 Kirim", times=2)
        await phone.expect("sudah masuk antrean")
        self.deeds.submitted.add(phone.person_id)

    async def _review(self, phone: PatientPhone, invitation: str) -> None:
        await phone.start(invitation)
        await phone.expect("Selamat")
        while not self._over.is_set():
            await phone.send("/antrean")
            if "kamera menunggu" not in await _either(phone, "kamera menunggu", "Tidak ada kamera"):
                await asyncio.sleep(0.5)
                continue
            await phone.tap("Ambil yang paling lama")
            await phone.expect("Ibu Sari")
            await phone.tap("Setujui", times=2)
            await phone.expect("disetujui")
            self.deeds.approvals += 1


async def _either(phone: PatientPhone, *parts: str) -> str:
    """The newest message with one of *parts*."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for part in parts:
                try:
                    return str((await Phone.expect(phone, part, 0.2))["text"])
                except AssertionError:
                    continue
