"""
Landlock by its three system calls: which files a process may read, which TCP ports it may call.

It holds for the calling thread and whatever comes from it, cannot be taken off, and needs no
privilege. Source: the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_BENEATH, _PORT = 1, 2
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_CONNECT = 1 << 1
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
# how many rights over files each version of the interface knows; the last one holds from there on
_FILE_RIGHTS = (0, 13, 14, 15, 15, 16)

PORTS_SINCE, SCOPES_SINCE = 4, 6


def version() -> int:
    """The interface's version; 0 where the kernel has no Landlock, or keeps it from us."""
    try:
        return _call(_CREATE, None, 0, _ASK_VERSION)
    except (OSError, AttributeError):
        return 0


def allow_reading(paths: Iterable[Path]) -> None:
    """
    Let nothing be read but what lies under *paths*, and nothing be written or executed at all.

    Paths that are not there are left out. Where the kernel knows scopes, signals and abstract
    sockets of others are out of reach, too.

    Raises:
        OSError: The kernel refuses.
    """
    known = version()
    handled = (1 << _FILE_RIGHTS[min(known, len(_FILE_RIGHTS) - 1)]) - 1
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if known >= SCOPES_SINCE else 0
    ruleset = _ruleset(known, handled, 0, scoped)
    try:
        for path in paths:
            _add_path(ruleset, path)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def allow_port(port: int | None) -> None:
    """
    Let TCP connect to *port* and to no other, and listen nowhere; None: to none.

    Raises:
        OSError: The kernel refuses.
    """
    ruleset = _ruleset(version(), 0, _BIND_AND_CONNECT, 0)
    try:
        if port is not None:
            _call(_ADD_RULE, ruleset, _PORT, struct.pack("=QQ", _CONNECT, port), 0)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _ruleset(known: int, files: int, ports: int, scoped: int) -> int:
    about = struct.pack("=QQQ", files, ports, scoped)
    size = 8 if known < PORTS_SINCE else 16 if known < SCOPES_SINCE else 24
    return _call(_CREATE, about[:size], size, 0)


def _add_path(ruleset: int, path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        allowed = _READ_FILE | (_READ_FOLDER if is_folder else 0)
        _call(_ADD_RULE, ruleset, _BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *passed)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
