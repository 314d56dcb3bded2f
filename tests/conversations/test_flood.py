"""Somebody who writes without end."""

from __future__ import annotations

import asyncio
from typing import Any

from nobs_bot.pace import Pace
from tests.installation import Installation
from tests.phone import Phone


async def test_who_floods_is_slowed_down_and_nobody_else(here: Installation) -> None:
    conversation: Any = here.app._outside.conversation
    conversation._pace = Pace(burst=5, per_second=0)
    sari, budi = here.phone("Sari"), here.phone("Budi")
    for nth in range(20):
        await sari.send(f"halo {nth}")
    await _told(sari)
    await budi.start()
    await budi.expect("Selamat datang")
    # what is secret goes, also where nothing else is read
    await sari.send("rtsp://warga:rahasia@cam.example/1")
    await sari.expect("sudah saya hapus")
    await asyncio.sleep(1.5)
    assert len(await _told(sari)) == 1
    conversation._pace = Pace(burst=5, per_second=0)
    await sari.start()
    await sari.expect("Selamat datang")


async def _told(phone: Phone) -> list[str]:
    """What was said of it, as soon as it was, be it before the last message."""
    async with asyncio.timeout(10):
        while True:
            said = [str(message.get("text")) for message in await phone.messages()]
            if found := [each for each in said if "terlalu cepat" in each]:
                return found
            await asyncio.sleep(0.1)
