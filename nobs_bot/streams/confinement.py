"""
What a child gives up before it meets the first byte of somebody else's: files, network, processes.

The layers are the kernel's, need no privilege, and cannot be taken off again. A kernel without one
of them leaves the others; `held_here` says which hold, the log and the doctor say which do not.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path

from nobs_bot.streams import landlock, seccomp

_PR_SET_NO_NEW_PRIVS = 38
_PACKAGE = Path(__file__).resolve().parents[1]
_PACKAGES_FOLDERS = ("site-packages", "dist-packages")
# shared libraries, time zones and the number of processors; nothing of anybody's
_SYSTEM_PATHS = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
    "/dev/null",
    "/dev/urandom",
)

_libc = ctypes.CDLL(None, use_errno=True)


class Layer(StrEnum):
    """One thing that the kernel keeps a child from."""

    CALLS = "system calls"
    FILES = "files"
    PORTS = "ports"


def confine(layers: Iterable[Layer], *, port: int | None, reads: Iterable[str] = ()) -> None:
    """
    Give up, for good, what *layers* keep from.

    Args:
        layers: Those that hold on this machine.
        port: The TCP port that may be connected to; None for no network at all.
        reads: Files and folders that may be read, beside Python's own and ours.

    Raises:
        OSError: A layer does not hold: whoever asked for it must not go on.
    """
    wanted = set(layers)
    if not wanted:
        return
    _give_up_privileges()
    if Layer.FILES in wanted:
        landlock.allow_reading([*_own_paths(), *map(Path, reads)])
    if Layer.PORTS in wanted:
        landlock.allow_port(port)
    if Layer.CALLS in wanted:  # the last: it refuses what the others are made with
        seccomp.install(may_connect=port is not None)


def held_here() -> list[Layer]:
    """
    The layers that hold on this machine, each tried in a process of its own.

    To be called where there are no other threads.
    """
    if sys.platform != "linux":
        return []
    _own_paths()  # found once: what is forked from here need not look again
    known = landlock.version()
    there = [Layer.CALLS]
    there += [Layer.FILES] if known else []
    there += [Layer.PORTS] if known >= landlock.PORTS_SINCE else []
    return [layer for layer in there if _holds(layer)]


def _holds(layer: Layer) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            confine([layer], port=1)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    return status == 0


def _give_up_privileges() -> None:
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(each) for each in (1, 0, 0, 0))):
        raise OSError(ctypes.get_errno(), "no_new_privs")


@cache
def _own_paths() -> tuple[Path, ...]:
    """Where Python, its packages and we lie; never the folder that holds `.env` or the data."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    pythons = [sysconfig.get_path(name) for name in names]
    pythons += [each for each in sys.path if Path(each).name in _PACKAGES_FOLDERS]
    return tuple(dict.fromkeys(map(Path, [*pythons, *_SYSTEM_PATHS, str(_PACKAGE)])))
