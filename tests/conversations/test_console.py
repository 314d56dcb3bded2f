"""Officers are let into the command centre from the chat, and see who is in."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from nobs_bot.sandbox import SandboxServer
from tests.installation import Installation, free_port, installation
from tests.phone import Message, labels_of


def address_in(message: Message) -> str:
    [url] = [
        each["url"]
        for row in message["reply_markup"]["inline_keyboard"]
        for each in row
        if "url" in each
    ]
    return str(url)


async def enter(address: str, agent: str) -> None:
    async with (
        aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"User-Agent": agent}
        ) as browser,
        browser.post(address) as answer,
    ):
        assert answer.status == 200


async def test_a_link_a_list_and_an_end(sandbox: SandboxServer, tmp_path: Path) -> None:
    port = free_port()
    pages = f"http://127.0.0.1:{port}"
    async with installation(sandbox, tmp_path, listen_port=port, console_url=pages) as here:
        dewi, rahmat = here.phone("Dewi"), here.phone("Rahmat")
        await dewi.start()
        await dewi.tap("Pusat komando")
        sent = await dewi.expect("dalam 2 menit")
        await enter(address_in(sent), "Firefox/140.0 Windows")
        await dewi.send("/konsol")
        sent = await dewi.expect("dalam 2 menit")
        await enter(address_in(sent), "Chrome/140.0 Android")
        await dewi.send("/console")
        sent = await dewi.expect("dalam 2 menit")
        assert "Peramban yang masuk: 2" in labels_of(sent)
        await dewi.tap("Peramban yang masuk")
        shown = await dewi.expect("2 peramban sedang masuk")
        assert "Firefox, Windows" in shown["text"]
        end = shown["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        # another officer taps a button that was never shown to them
        await rahmat.start()
        welcome = await rahmat.expect("Selamat datang")
        await rahmat.tap_data(welcome["message_id"], end)
        await rahmat.expect_toast("sudah tidak ada")
        await dewi.tap("Akhiri: Chrome, Android", times=2)
        await dewi.expect("1 peramban sedang masuk")
        await dewi.tap("Akhiri: Firefox, Windows")
        assert "Pusat komando" in " ".join(labels_of(await dewi.expect("Tidak ada peramban")))
        assert address_in(sent) not in here.logged.getvalue()
        assert address_in(sent).rpartition("/")[2] not in here.logged.getvalue()


@pytest.mark.parametrize("name", ["Sari", "Citra"])
async def test_who_has_no_role_is_not_even_shown_the_way(here: Installation, name: str) -> None:
    phone = here.phone(name)
    await phone.start()
    welcome = await phone.expect("Selamat datang")
    assert "Pusat komando" not in labels_of(welcome)
    await phone.send("/konsol")
    await phone.expect("hanya untuk petugas")
    await phone.tap_data(welcome["message_id"], "con.start")
    await phone.expect_toast("hanya untuk petugas")
    await phone.tap_data(welcome["message_id"], "con.list")
    assert "Pusat komando" not in labels_of(await phone.expect("Tidak ada peramban"))


async def test_without_pages_the_officer_is_told_why(here: Installation) -> None:
    dewi = here.phone("Dewi")
    await dewi.start()
    assert "Pusat komando" not in labels_of(await dewi.expect("Selamat datang"))
    await dewi.send("/konsol")
    await dewi.expect("CONSOLE_URL")


async def test_by_https_it_also_opens_inside_of_telegram(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    pages = "https://cctv.example.org"
    async with installation(sandbox, tmp_path, console_url=pages) as here:
        dewi = here.phone("Dewi")
        await dewi.start()
        await dewi.send("/konsol")
        sent = await dewi.expect("dalam 2 menit")
        [_, [app]] = sent["reply_markup"]["inline_keyboard"]
        assert app["web_app"] == {"url": f"{pages}/konsol/aplikasi"}
        assert "url" not in app
