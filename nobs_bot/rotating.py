"""The command that changes the key with which everything is sealed, while everybody works."""

from __future__ import annotations

import asyncio
import base64
import secrets
from pathlib import Path

from rich.console import Console

from nobs_bot.app import KEYS_LOOKED_AT_EVERY_S
from nobs_bot.errors import CannotStart
from nobs_bot.preparing import progress_bar
from nobs_bot.schema import metadata
from nobs_bot.serving import prepared
from nobs_bot.settings import Settings
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.crypto import KEY_BYTES, MOST_KEYS, MasterKey, load_keys, write_keys
from nobs_bot.storage.resealing import reseal

_BY_HAND = """\
The keys come from SECRET_KEYS, which this command cannot change. In these steps nothing stops:
1. Put the new key first, with a plus: SECRET_KEYS=+{key},...the others
2. Restart the processes one after the other; each now opens what the new key seals.
3. Take the plus away, and restart them once more.
4. Run `python bot.py rotate-keys --reseal`."""


async def rotate(settings: Settings, *, only_reseal: bool, pause_s: float | None = None) -> int:
    """
    Make a key, let every process learn it, seal with it, and seal anew what there is.

    Each step that was done is done when the command is run again after it broke off.

    Args:
        only_reseal: The keys are as they shall be.
        pause_s: How long the processes have for taking up what changed; three looks by default.
    """
    console = Console()
    path = settings.data_dir / "keys"
    pause = 3 * KEYS_LOOKED_AT_EVERY_S if pause_s is None else pause_s
    # keys and database exist, and fit each other, before anything changes
    foundation = await prepared(settings)
    try:
        if not only_reseal:
            if settings.secret_keys is not None:
                fresh = _fresh(foundation.keys)
                console.print(_BY_HAND.format(key=_line(fresh)), markup=False, soft_wrap=True)
                return 2
            await _bring_in(path, console, pause)
            foundation.vault.take(load_keys(path))
        newest = foundation.vault.newest
        done = 0
        with progress_bar(console, "sealing anew") as tick:
            # once more for what was written by a process that had not looked yet
            while anew := await reseal(foundation.office, metadata(), tick):
                done += anew
        async with foundation.office.work() as work:
            record(work, Act.KEYS_ROTATED, actor_id=None, key=newest, values=done)
    finally:
        await foundation.database.close()
    console.print(
        f"Key {newest} seals; {done} values were sealed anew with it. Back the keys up now, apart "
        "from the database. Keep the older ones: files and backups, the indexes and the "
        "signature of evidence still need them.",
        soft_wrap=True,
    )
    return 0


async def _bring_in(path: Path, console: Console, pause_s: float) -> None:
    keys = load_keys(path)
    if not any(key.is_coming for key in keys):
        keys = [_fresh(keys), *keys]
        write_keys(path, keys)
    with console.status("Every process takes the new key up ..."):
        await asyncio.sleep(pause_s)
    write_keys(path, [MasterKey(key.key_id, key.secret) for key in keys])
    with console.status("Every process begins to seal with it ..."):
        await asyncio.sleep(pause_s)


def _fresh(keys: list[MasterKey]) -> MasterKey:
    """
    A key of the next number that is free.

    Raises:
        CannotStart: there is none.
    """
    taken = {key.key_id for key in keys}
    free = [*range(max(taken) + 1, MOST_KEYS + 1), *range(1, max(taken))]
    for number in free:
        if number not in taken:
            return MasterKey(number, secrets.token_bytes(KEY_BYTES), is_coming=True)
    raise CannotStart(f"There are {MOST_KEYS} keys already. Take out those that nothing needs.")


def _line(key: MasterKey) -> str:
    return f"{key.key_id}:{base64.b64encode(key.secret).decode()}"
