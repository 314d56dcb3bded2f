"""
The people of the cluster, who pause while it is examined.

They are the siege's, with more to do: be asked for footage and send it, ask for it and close the
case, leave the programme, give addresses that must not be looked at, and try what they may not.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from benchmarks.siege.crowd import Crowd, Deeds
from tests.conversations import enrolling
from tests.footage.recordings import video
from tests.phone import Phone, labels_of, words_of

PATIENCE_S = 170.0
LOOK_AGAIN_S = 2.0
# about 16 m: some neighbours within a request's 100 m, not all
STRIDE_DEG = 0.00015
# under every verdict on a stream
TO_BE_CHANGED = "Ubah alamat siaran"


class Gate:
    """Lets people act while it is open; tells when everybody stands before it."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._acting = 0
        self._waiting = 0

    @property
    def under_way(self) -> int:
        """How many act and do not stand before it."""
        return self._acting - self._waiting

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Somebody who passes now and then, for as long as the block."""
        self._acting += 1
        try:
            yield
        finally:
            self._acting -= 1

    async def passed(self) -> None:
        """Wait until one may act."""
        self._waiting += 1
        try:
            await self._open.wait()
        finally:
            self._waiting -= 1

    def open(self) -> None:
        """Everybody goes on."""
        self._open.set()

    def close(self) -> None:
        """Whoever acts next waits."""
        self._open.clear()


@dataclass
class MoreDeeds(Deeds):
    """
    What people did.

    Attributes:
        erased: Who had everything about them erased.
        requests: How many requests were sent to owners.
        closed: Names of requests that were closed.
        sent: SHA-256 of every file that was sent for a request.
        receipted: Of those, the ones for which there was a receipt.
        busy: What each of those who act is about.
    """

    erased: set[int] = field(default_factory=set)
    requests: int = 0
    closed: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    receipted: set[str] = field(default_factory=set)
    busy: dict[int, str] = field(default_factory=dict)


class GatedPhone(Phone):
    """
    A phone of somebody who acts only while the gate is open, and waits until the bot is back.
    """

    def __init__(self, url: str, person_id: int, gate: Gate, deeds: MoreDeeds) -> None:
        super().__init__(url, person_id)
        self._gate = gate
        self._deeds = deeds

    async def _post(self, act: str, **body: Any) -> Any:
        self._deeds.busy.pop(self.person_id, None)
        await self._gate.passed()
        self._deeds.busy[self.person_id] = f"{act} {str(body)[:60]}"
        return await super()._post(act, **body)

    async def expect(self, text_part: str, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """As any phone's, but what stands at the end of the chat unchanged counts too."""
        self._deeds.busy[self.person_id] = f"waits for {text_part!r}"
        for _ in range(round(PATIENCE_S / LOOK_AGAIN_S)):
            try:
                return await super().expect(text_part, LOOK_AGAIN_S)
            except AssertionError as exc:
                missing = exc
                last = await self.last()
                if text_part in words_of(last):
                    return last
        raise missing

    async def was_told(self, part: str) -> bool:
        """Whether there are new words with *part*, in a message or over the chat."""
        try:
            await super().expect(part, 0.01)
        except AssertionError:
            toasts = (await self._get("toasts", since=self._acted_at))["toasts"]
            return any(part in toast["text"] for toast in toasts)
        return True

    async def tap(self, label: str, times: int = 1) -> list[str]:
        """As any phone's, of the newest message that has such a button."""
        message, data = await self.button(label)
        return await self.tap_data(int(message["message_id"]), data, times)

    async def button(self, *labels: str) -> tuple[dict[str, Any], str]:
        """The newest message with a button of one of these labels, and that button's data."""
        self._deeds.busy[self.person_id] = f"looks for {labels}"
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for message in reversed(await self.messages()):
                    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                        for each in row:
                            if any(label in each["text"] for label in labels):
                                return message, str(each.get("callback_data", ""))
                await asyncio.sleep(0.2)


class People(Crowd):
    """
    Everybody who acts.

    Args:
        gate: Everybody waits before it now and then.
        lures: Addresses that must not be looked at.
    """

    def __init__(
        self,
        api_url: str,
        ids: Iterator[int],
        stream: str,
        chance: random.Random,
        gate: Gate,
        lures: list[str],
    ) -> None:
        super().__init__(api_url, ids, stream, chance)
        self.gate = gate
        self.deeds: MoreDeeds = MoreDeeds()
        self._lures = lures
        self._owners: list[GatedPhone] = []
        self._numbers = count(1)

    def phone(self, person_id: int) -> GatedPhone:
        """Somebody's phone."""
        return GatedPhone(self._api_url, person_id, self.gate, self.deeds)

    async def live(self, at_once: int, officers: dict[str, tuple[int, str]], stranger: int) -> None:
        """
        Act until `end`.

        Args:
            at_once: How many act side by side, officers aside.
            officers: Telegram id and invitation of the `reviewer` and the `investigator`.
            stranger: Who must see nothing.
        """
        roles = (
            self._enrol,
            self._turn,
            self._stream_too,
            self._leave_a_draft,
            self._leave,
            self._be_lured,
        )
        own = [self._again_and_again(roles, at) for at in range(at_once)]
        await asyncio.gather(
            *own,
            self._one(self._review(self.phone(officers["reviewer"][0]), officers["reviewer"][1])),
            self._one(self._investigate(*officers["investigator"])),
            self._one(self._snoop(self.phone(stranger))),
        )

    async def _one(self, acting: Any) -> None:
        with self.gate.acting():
            await self._noting(acting)

    async def _again_and_again(self, roles: Any, at: int) -> None:
        with self.gate.acting():
            while not self._over.is_set():
                phone = self.phone(next(self._ids))
                role = roles[at % len(roles)]
                at += 1
                await self._noting(role(phone))
                self.deeds.busy.pop(phone.person_id, None)

    async def _enrol(self, phone: Any) -> None:
        await super()._enrol(phone)
        self._owners.append(phone)

    async def _until_sharing(self, phone: Any) -> None:
        await enrolling.consent(phone)
        lat, lon = enrolling.SHOP
        at = phone.person_id % 900
        place = (lat + at % 30 * STRIDE_DEG, lon + at // 30 * STRIDE_DEG)
        await enrolling.until_sharing(phone, place)

    async def _stream_too(self, phone: Any) -> None:
        """Let the stream be looked at, and again for as long as it cannot be reached."""
        await self._until_sharing(phone)
        await self._choose_stills(phone)
        verdict = await self._give_stream(phone, self._stream)
        while "Ya, benar" not in str(labels_of(verdict)):
            than = int(verdict["message_id"])
            if "Periksa lagi" in str(labels_of(verdict)):
                await phone.tap("Periksa lagi")
                verdict = await self._verdict(phone, than)
            else:
                await phone.tap(TO_BE_CHANGED)
                verdict = await self._give_stream(phone, self._stream, than)
        self.deeds.streams.add(phone.person_id)
        await phone.tap("Ya, benar")
        await phone.expect("Ringkasan")
        await self._submit(phone)

    async def _be_lured(self, phone: GatedPhone) -> None:
        """Give an address that leads to where nobody may look; it remains a draft."""
        await self._until_sharing(phone)
        await self._choose_stills(phone)
        await self._give_stream(phone, self._lures[next(self._numbers) % len(self._lures)])
        self.deeds.drafts.add(phone.person_id)

    async def _choose_stills(self, phone: GatedPhone) -> None:
        await phone.tap("Gambar contoh")
        await phone.expect("Apa yang boleh kami lakukan")
        await phone.tap("Lanjut")

    async def _give_stream(self, phone: GatedPhone, address: str, than: int = 0) -> dict[str, Any]:
        """Give the address; the verdict on it."""
        await phone.expect("mencapai siaran kameranya")
        await phone.tap("alamat lengkap")
        await phone.expect("Kirim alamat siaran lengkap")
        await phone.send(address)
        return await self._verdict(phone, than)

    async def _verdict(self, phone: GatedPhone, than: int) -> dict[str, Any]:
        """The newest verdict, once it is another one than that of before."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message, _ = await phone.button(TO_BE_CHANGED)
                if int(message["message_id"]) > than:
                    return message
                await asyncio.sleep(0.2)

    async def _leave(self, phone: GatedPhone) -> None:
        """Take part, and have everything erased."""
        await super()._enrol(phone)
        self.deeds.submitted.discard(phone.person_id)
        await phone.send("/privasi")
        await phone.tap("Hapus semua")
        await phone.expect("tidak bisa dibatalkan")
        await phone.tap("Ya, hapus semuanya")
        await phone.expect("sudah dihapus")
        self.deeds.erased.add(phone.person_id)

    async def _review(self, phone: Any, invitation: str) -> None:
        await phone.start(invitation)
        await phone.expect("Selamat")
        while not self._over.is_set():
            await phone.send("/antrean")
            if (
                await self._either(phone, "kamera menunggu", "Tidak ada kamera")
                == "Tidak ada kamera"
            ):
                await asyncio.sleep(0.5)
                continue
            await phone.tap("Ambil yang paling lama")
            if await self._either(phone, "Ibu Sari", "Tidak ada") != "Ibu Sari":
                continue
            await phone.tap("Setujui", times=2)
            # the owner may have left meanwhile; a copy of an old dossier still has its buttons
            words = ("disetujui", "tidak ada dalam antrean", "sudah diputuskan")
            told = await self._either(phone, *words)
            self.deeds.approvals += told == "disetujui"

    async def _investigate(self, person_id: int, invitation: str) -> None:
        """Ask for footage, have an owner answer, close the case; again and again."""
        phone = self.phone(person_id)
        await phone.start(invitation)
        await phone.expect("Selamat")
        while not self._over.is_set():
            approved = [each for each in self._owners if await _is_approved(each)]
            if not approved:
                await self.gate.passed()
                await asyncio.sleep(0.5)
                continue
            await self._one_case(phone, self._chance.choice(approved))

    async def _one_case(self, phone: GatedPhone, owner: GatedPhone) -> None:
        at = owner.person_id % 900
        lat, lon = enrolling.SHOP
        lat, lon = lat + at % 30 * STRIDE_DEG, lon + at // 30 * STRIDE_DEG
        await phone.send("/minta")
        await phone.expect("Di mana kejadiannya")
        await phone.send(f"{lat:.5f}, {lon:.5f}")
        await phone.expect("Dalam jarak berapa")
        await phone.tap("100 m")
        await phone.expect("Kapan kejadiannya")
        await phone.send("kemarin 21.30–22.15")
        await phone.expect("Nomor perkaranya")
        await phone.send("LP/B/1042/XI/2026/SPKT")
        await phone.expect("Untuk perkara apa")
        await phone.tap("pencurian")
        await phone.expect("Apa yang dicari")
        await phone.tap("Lewati")
        await phone.expect("akan ditanya")
        await phone.tap("Kirim kepada pemilik", times=2)
        sent = words_of(await phone.expect("sudah dikirim"))
        self.deeds.requests += 1
        [name] = set(re.findall(r"R-\d+", sent))
        await self._answer(owner, name)
        await self._close(phone, name)

    async def _answer(self, owner: GatedPhone, name: str) -> None:
        await owner.expect(name)
        if self._chance.random() < 0.3:
            await owner.tap("Tidak ada")
            await owner.expect("Terima kasih sudah memeriksa")
            return
        await owner.tap("Saya punya")
        await owner.expect("sebagai berkas")
        content = _video() + next(self._numbers).to_bytes(8, "big") + self._chance.randbytes(4000)
        digest = hashlib.sha256(content).hexdigest()
        self.deeds.sent.add(digest)
        await owner.document(content, f"kamera-{owner.person_id}.mp4")
        await owner.expect("SHA-256")
        self.deeds.receipted.add(digest)

    async def _close(self, phone: GatedPhone, name: str) -> None:
        await phone.send("/permintaan")
        await phone.expect("Permintaan rekaman")
        await phone.tap(name)
        await phone.expect(name)
        await phone.tap("Selesai, beri tahu pemilik")
        await phone.expect("apa hasilnya")
        await phone.tap("Rekaman membantu")
        await phone.expect("ditutup")
        self.deeds.closed.add(name)

    async def _snoop(self, phone: GatedPhone) -> None:
        """Try every word that is for officers only."""
        await phone.start()
        await phone.expect("Selamat datang")
        words = ("/antrean", "/minta", "/permintaan", "/peta", "/kesehatan", "/kinerja")
        while not self._over.is_set():
            await phone.send(self._chance.choice(words))
            await asyncio.sleep(0.5)

    async def _either(self, phone: GatedPhone, *parts: str) -> str:
        """Which of *parts* the bot says, in the chat or over it; the first counts most."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for part in parts:
                    if await phone.was_told(part):
                        return part
                await asyncio.sleep(0.1)


async def _is_approved(owner: GatedPhone) -> bool:
    return any("sudah disetujui" in words_of(each) for each in await owner.messages())


@cache
def _video() -> bytes:
    return video()
