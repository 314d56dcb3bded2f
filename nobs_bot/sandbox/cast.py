"""Whom a newcomer can be: the seven people of the tests and the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CastMember:
    """
    Somebody with a phone.

    Attributes:
        person_id: Telegram user id.
        phone: International, with plus sign.
        language_code: What their Telegram app is set to.
        about_id: A line on the page: what this person can do here, in Indonesian.
        start_payload: Deep link that goes along when they press Start for the first time.
    """

    name: str
    person_id: int
    username: str
    phone: str
    language_code: str = "id"
    about_id: str = ""
    about_en: str = ""
    start_payload: str | None = None


def the_cast() -> tuple[CastMember, ...]:
    """Sari, Budi, Wayan, Dewi, Rahmat, Kartika and Citra, without invitations."""
    rows = (
        (
            "Sari",
            "Punya toko dan kamera di Jl. Duri Selatan. Daftarkan kameranya.",
            "Owns a shop and a camera in Jl. Duri Selatan. Register her camera.",
        ),
        ("Budi", "Tinggal di dekat toko Sari.", "Lives near Sari's shop."),
        (
            "Wayan",
            "Bhabinkamtibmas: mendata kamera sambil berkeliling.",
            "Community officer: records cameras on foot.",
        ),
        (
            "Dewi",
            "Petugas pemeriksa: menyetujui atau menolak kamera.",
            "Reviewer: approves or rejects cameras.",
        ),
        ("Rahmat", "Penyidik: meminta rekaman.", "Investigator: asks for footage."),
        (
            "Kartika",
            "Atasan: menyetujui permintaan di luar batas, melihat seluruh wilayah.",
            "Supervisor: approves requests beyond the limits, sees the whole area.",
        ),
        ("Citra", "Tidak boleh melihat apa pun.", "Must see nothing."),
    )
    return tuple(
        CastMember(
            name, 710_000_001 + at, f"{name.lower()}_sandbox", f"+62812555010{at + 1}", "id", *about
        )
        for at, (name, *about) in enumerate(rows)
    )
