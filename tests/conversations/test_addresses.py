"""Addresses in words: looked up with a geocoder that may be slow, empty or away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from nobs_bot.sandbox import SandboxServer
from tests.conversations.enrolling import consent
from tests.installation import Installation, installation
from tests.phone import Phone

FOUND = [
    {
        "place_id": 1,
        "lat": "-6.1534",
        "lon": "106.7981",
        "display_name": "Toko Sari, Jalan Jembatan Besi, Tambora, Jakarta Barat",
    }
]


@asynccontextmanager
async def nominatim(answers: dict[str, object]) -> AsyncIterator[str]:
    """A Nominatim server on loopback; a missing answer is an error of its."""

    async def search(request: web.Request) -> web.Response:
        words = request.query["q"]
        if words not in answers:
            raise web.HTTPServiceUnavailable
        return web.json_response(answers[words])

    app = web.Application()
    app.router.add_get("/search", search)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _at_location(here: Installation) -> Phone:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa")
    await sari.send("Ibu Sari")
    await sari.expect("Nomor telepon")
    await sari.send("081234567890")
    await sari.expect("Bisa juga: alamat")
    return sari


async def test_an_address_becomes_a_button_that_sets_the_pin(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    answers: dict[str, object] = {"Toko Sari Tambora": FOUND, "Tidak Ada 99": []}
    async with (
        nominatim(answers) as url,
        installation(sandbox, tmp_path, geocoder_url=url) as here,
    ):
        sari = await _at_location(here)
        await sari.send("Tidak Ada 99")
        await sari.expect("tidak ditemukan", timeout_s=20)
        await sari.send("Toko Sari Tambora")
        await sari.expect("Yang mana", timeout_s=20)
        await sari.tap("Toko Sari, Jalan")
        await sari.expect("Apakah pinnya tepat")


async def test_a_geocoder_that_is_away_is_no_dead_end(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    async with nominatim({}) as url, installation(sandbox, tmp_path, geocoder_url=url) as here:
        sari = await _at_location(here)
        await sari.send("Toko Sari Tambora")
        await sari.expect("sedang tidak bisa dipakai", timeout_s=30)
        await sari.send("-6.1534, 106.7981")
        await sari.expect("Apakah pinnya tepat")
