"""The commands that Telegram's menu shows each person: only theirs, in their language."""

from __future__ import annotations

from collections.abc import Iterable

from nobs_bot.people.roles import Role, grants_of
from nobs_bot.texts import Words

from .desk import Desk
from .gate import NOBODY, open_to

# Indonesian name, English alias
COMMANDS: dict[str, tuple[str, str]] = {
    "enrol": ("daftar", "enrol"),
    "cameras": ("kamera", "cameras"),
    "queue": ("antrean", "queue"),
    "request": ("minta", "request"),
    "requests": ("permintaan", "requests"),
    "record": ("catat", "record"),
    "worklist": ("tugas", "worklist"),
    "stickers": ("stiker", "sticker"),
    "health": ("kesehatan", "health"),
    "points": ("titik", "points"),
    "progress": ("kemajuan", "progress"),
    "coverage": ("cakupan", "coverage"),
    "hotspots": ("rawan", "hotspots"),
    "report": ("laporan", "report"),
    "console": ("konsol", "console"),
    "invite": ("undang", "invite"),
    "officers": ("petugas", "officers"),
    "log": ("riwayat", "log"),
    "privacy": ("privasi", "privacy"),
    "language": ("bahasa", "language"),
    "help": ("bantuan", "help"),
    "cancel": ("batal", "cancel"),
}
# where each is asked, which says whose it is (see `gate`); the others are everybody's
_DIALOGUES = {
    "queue": "review",
    "request": "footage",
    "requests": "requests",
    "record": "recording",
    "worklist": "worklist",
    "stickers": "stickers",
    "health": "health",
    "points": "points",
    "progress": "progress",
    "coverage": "coverage",
    "hotspots": "hotspots",
    "report": "report",
    "console": "console",
    "invite": "admin",
    "officers": "admin",
}


def menu_for(words: Words, roles: Iterable[Role]) -> list[tuple[str, str]]:
    """(command, description) of what somebody with these roles may use."""
    held = set(roles)
    is_english = words.language == "en"
    return [
        (names[1] if is_english else names[0], words(f"menu.{what}"))
        for what, names in COMMANDS.items()
        if what not in _DIALOGUES or (open_to(_DIALOGUES[what], None) or NOBODY) & held
    ]


async def refresh_menu(desk: Desk) -> None:
    """Show the person the menu that fits their roles and language now."""
    roles = [grant.role for grant in await grants_of(desk.work, desk.who.id)]
    desk.reply.menu(menu_for(desk.words, roles))
