"""
A seccomp filter: which system calls a child may make, and with what.

The filter is a program of the classic BPF that the kernel runs at each call. What nobody needs who
decodes pictures is refused with EPERM, so that a library which tries goes on without; a call by
another architecture's numbers ends the process. Calls that are newer than this list do not exist
(ENOSYS), as on an older kernel.

Source: the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

from nobs_bot.streams.syscalls import ARCHITECTURES, NEWEST, REFUSED, SYSCALLS

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_SET_FILTER, _ALL_THREADS = 1, 1
_THREAD, _NEW_NAMESPACES = 0x00010000, 0x7E020000
# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND and O_TMPFILE's own bit
_WRITING = 0o3 | 0o100 | 0o1000 | 0o2000 | 0o20000000
_FAST_OPEN = 0x20000000
_SET_NAME, _GET_NAME = 15, 16
_TYPE_MASK = 0xF

_libc = ctypes.CDLL(None, use_errno=True)

Instruction = tuple[int, int, int, int]


def install(*, may_connect: bool) -> None:
    """
    Refuse, from here on and for good, what a child has no business with.

    Args:
        may_connect: Whether it may open TCP connections.

    Raises:
        OSError: The kernel refuses, or this architecture is not known.
    """
    code = b"".join(struct.pack("=HBBI", *each) for each in program(may_connect=may_connect))
    held = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    number = ctypes.c_long(_numbers()["seccomp"])
    result = _libc.syscall(number, ctypes.c_long(_SET_FILTER), ctypes.c_long(_ALL_THREADS), header)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if result > 0:
        raise OSError(errno.ESRCH, "a thread could not be filtered")


def program(*, may_connect: bool) -> list[Instruction]:
    """The filter for this architecture and this process, instruction by instruction."""
    numbers = _numbers()
    made: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, ARCHITECTURES[platform.machine()]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        # x32's calls are above this, too
        (_AT_LEAST, 0, 1, NEWEST + 1),
        _fail(errno.ENOSYS),
    ]
    for name, rule in _rules(may_connect=may_connect).items():
        if name in numbers:
            made += [(_EQUAL, 0, len(rule), numbers[name]), *rule]
    for name in REFUSED:
        if name in numbers:
            made += [(_EQUAL, 0, 1, numbers[name]), _fail(errno.EPERM)]
    return [*made, (_RETURN, 0, 0, _ALLOW)]


def _rules(*, may_connect: bool) -> dict[str, list[Instruction]]:
    """What is looked at more closely: each ends with a return."""
    me = os.getpid()
    mine_or_nobodys = [(_EQUAL, 2, 0, 0), (_EQUAL, 1, 0, me), _fail(errno.EPERM)]
    yes, no = (_RETURN, 0, 0, _ALLOW), _fail(errno.EPERM)
    return {
        # glibc falls back to `clone`, whose flags can be seen
        "clone3": [_fail(errno.ENOSYS)],
        "openat2": [_fail(errno.ENOSYS)],
        "clone": [
            _argument(0),
            (_ANY_BIT, 2, 0, _NEW_NAMESPACES),
            (_ANY_BIT, 0, 1, _THREAD),
            yes,
            no,
        ],
        "open": _without(1, _WRITING, errno.EACCES),
        "openat": _without(2, _WRITING, errno.EACCES),
        "tgkill": [_argument(0), (_EQUAL, 1, 0, me), no, yes],
        # limits may be read, of nobody else, and not set
        "prlimit64": [
            _argument(0),
            *mine_or_nobodys,
            _argument(2),
            (_EQUAL, 0, 3, 0),
            _argument(2, high=True),
            (_EQUAL, 0, 1, 0),
            yes,
            no,
        ],
        "prctl": [_argument(0), (_EQUAL, 2, 0, _SET_NAME), (_EQUAL, 1, 0, _GET_NAME), no, yes],
        "socket": _tcp_only() if may_connect else [no],
        "connect": [yes if may_connect else no],
        # an address beside the bytes, or TCP Fast Open, would be a connection without `connect`
        "sendto": [
            _argument(4),
            (_EQUAL, 0, 5, 0),
            _argument(4, high=True),
            (_EQUAL, 0, 3, 0),
            _argument(3),
            (_ANY_BIT, 1, 0, _FAST_OPEN),
            yes,
            no,
        ],
        "sendmsg": _without(2, _FAST_OPEN, errno.EPERM),
    }


def _tcp_only() -> list[Instruction]:
    """IPv4 or IPv6, a stream, and TCP: not MPTCP, which Landlock does not look at."""
    yes, no = (_RETURN, 0, 0, _ALLOW), _fail(errno.EPERM)
    return [
        _argument(0),
        (_EQUAL, 1, 0, socket.AF_INET),
        (_EQUAL, 0, 6, socket.AF_INET6),
        _argument(1),
        (_AND, 0, 0, _TYPE_MASK),
        (_EQUAL, 0, 3, socket.SOCK_STREAM),
        _argument(2),
        (_EQUAL, 2, 0, 0),
        (_EQUAL, 1, 0, socket.IPPROTO_TCP),
        no,
        yes,
    ]


def _without(place: int, bits: int, number: int) -> list[Instruction]:
    return [_argument(place), (_ANY_BIT, 0, 1, bits), _fail(number), (_RETURN, 0, 0, _ALLOW)]


def _argument(place: int, *, high: bool = False) -> Instruction:
    """Half of an argument's 64 bits; both architectures have the low half first."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * place + (4 if high else 0))


def _fail(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _numbers() -> dict[str, int]:
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.maxsize < 2**32:
        raise OSError(errno.ENOSYS, f"no system calls are known of {machine}")
    column = list(ARCHITECTURES).index(machine)
    return {name: number for name, row in SYSCALLS.items() if (number := row[column]) is not None}
