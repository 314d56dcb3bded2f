"""Steps of the enrolment dialogue that several tests go through."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from tests.phone import Phone

# Jalan Duri Selatan, Tambora
SHOP = (-6.1534, 106.7981)


def photo(seed: int = 1) -> bytes:
    """A picture that differs from seed to seed, as a phone would send it."""
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).resize((640, 480)).save(out, "JPEG")
    return out.getvalue()


async def consent(phone: Phone) -> None:
    """From the first start to the first question."""
    await phone.start()
    await phone.expect("Selamat datang")
    await phone.tap("Daftarkan kamera")
    await phone.expect("UU No. 27/2022")
    await phone.tap("Saya setuju")
    await phone.expect("dipasang di mana")


async def until_sharing(
    phone: Phone,
    at: tuple[float, float] = SHOP,
    *,
    heading: str = "tenggara",
    nudge: str = "15° ↻",
    reach: str = "20 m",
) -> None:
    """From the first question to what is shared."""
    await until_heading(phone, at)
    await phone.tap(heading)
    await phone.expect("Seberapa lebar")
    await phone.tap("biasa")
    await phone.expect("Sejauh apa")
    await phone.tap(reach)
    await phone.expect("di dalam atau di luar")
    await phone.tap("di luar")
    await phone.expect("bidang pandangnya")
    if nudge:
        await phone.tap(nudge)
        await phone.expect("bidang pandangnya")
    await phone.tap("Sudah sesuai")
    await phone.expect("Berapa hari perekam")
    await phone.tap("14 hari")
    await phone.expect("Apa yang boleh kami lakukan")


async def until_heading(phone: Phone, at: tuple[float, float] = SHOP) -> None:
    """From the first question to the camera's direction."""
    await phone.tap("Toko")
    await phone.expect("Siapa yang dapat kami hubungi")
    await phone.send("Ibu Sari")
    await phone.expect("Nomor telepon")
    await phone.contact(own=True)
    await phone.expect("Di mana kameranya")
    await phone.location(*at)
    await phone.expect("Apakah pinnya tepat")
    await phone.tap("Sudah tepat")
    await phone.expect("foto kamera di tempatnya")
    await phone.album([photo(1), photo(2)])
    await phone.expect("2 foto diterima")
    await phone.tap("Lanjut")
    await phone.expect("menghadap ke arah mana")


async def without_stream(phone: Phone) -> None:
    """From what is shared to the summary, with footage on request only."""
    await phone.tap("Lanjut")
    await phone.expect("Ringkasan")


async def submit(phone: Phone) -> None:
    """From the summary into the queue."""
    await phone.tap("📨 Kirim")
    await phone.expect("sudah masuk antrean")


async def watchable(phone: Phone, url: str) -> None:
    """From what is shared into the queue, with live view allowed and the stream at *url*."""
    await phone.tap("Pantauan langsung")
    await phone.expect("Apa yang boleh kami lakukan")
    await phone.tap("Lanjut")
    await phone.expect("mencapai siaran kameranya")
    await phone.tap("alamat lengkap")
    await phone.expect("Kirim alamat siaran lengkap")
    await phone.send(url)
    await phone.expect("Apakah ini yang dilihat kamera Anda", timeout_s=25)
    await phone.tap("Ya, benar")
    await phone.expect("Ringkasan")
    await submit(phone)


async def approve(reviewer: Phone, owner: Phone) -> None:
    """The reviewer takes the oldest of the queue, and says yes."""
    await reviewer.start()
    await reviewer.send("/antrean")
    await reviewer.tap("Ambil yang paling lama")
    await reviewer.expect("Ibu Sari")
    await reviewer.tap("Setujui")
    await owner.expect("sudah disetujui")
