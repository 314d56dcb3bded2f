"""Somebody who writes without end."""

from __future__ import annotations

import asyncio
from typing import Any

from nobs_bot.pace import Pace
from tests.installation import Installation


async def test_who_floods_is_slowed_down_and_nobody_else(here: Installation) -> None:
    conversation: Any = here.app._outside.conversation
    conversation._pace = Pace(burst=5, per_second=0)
    sari, budi = here.phone("Sari"), here.phone("Budi")
    for nth in range(20):
        await sari.send(f"halo {nth}")
    await sari.expect("terlalu cepat")
    await budi.start()
    await budi.expect("Selamat datang")
    # what is secret goes, also where nothing else is read
    await sari.send("rtsp://warga:rahasia@cam.example/1")
    await sari.expect("sudah saya hapus")
    await asyncio.sleep(1.5)
    said = [message["text"] for message in await sari.messages() if message.get("text")]
    assert sum("terlalu cepat" in each for each in said) == 1
    conversation._pace = Pace(burst=5, per_second=0)
    await sari.start()
    await sari.expect("Selamat datang")
