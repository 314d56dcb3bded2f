"""The commands that Telegram's menu shows each person: only theirs, in their language."""

from __future__ import annotations

from collections.abc import Iterable

from nobs_bot.people.roles import Role, grants_of
from nobs_bot.texts import Words

from .desk import Desk

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
# who may know what is watched and what is not
OFFICERS = {Role.FIELD_OFFICER, Role.REVIEWER, Role.INVESTIGATOR, Role.SUPERVISOR}
_NEEDS = {
    "queue": {Role.REVIEWER},
    "request": {Role.INVESTIGATOR},
    "requests": {Role.INVESTIGATOR, Role.SUPERVISOR},
    "record": {Role.FIELD_OFFICER},
    "worklist": {Role.FIELD_OFFICER, Role.SUPERVISOR},
    "stickers": {Role.FIELD_OFFICER, Role.SUPERVISOR},
    "health": OFFICERS,
    "points": OFFICERS,
    "progress": set(Role),
    "coverage": OFFICERS,
    "hotspots": OFFICERS,
    "report": {Role.SUPERVISOR},
    "console": set(Role),
    "invite": {Role.ADMINISTRATOR},
    "officers": {Role.ADMINISTRATOR},
}


def menu_for(words: Words, roles: Iterable[Role]) -> list[tuple[str, str]]:
    """(command, description) of what somebody with these roles may use."""
    held = set(roles)
    is_english = words.language == "en"
    return [
        (names[1] if is_english else names[0], words(f"menu.{what}"))
        for what, names in COMMANDS.items()
        if what not in _NEEDS or _NEEDS[what] & held
    ]


async def refresh_menu(desk: Desk) -> None:
    """Show the person the menu that fits their roles and language now."""
    roles = [grant.role for grant in await grants_of(desk.work, desk.who.id)]
    desk.reply.menu(menu_for(desk.words, roles))
