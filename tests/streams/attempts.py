"""What somebody would try who has broken a decoder: each attempt says whether it came through."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from nobs_bot.streams.forkserver import Channel

_PTRACE_ATTACH = 16
_MPTCP = 262
_FAST_OPEN = 0x20000000
_libc = ctypes.CDLL(None, use_errno=True)


def attempt_all(*, canary: int, secret: str, folder: str, victim: int) -> dict[str, bool]:
    """
    Try everything.

    Args:
        canary: A port of loopback that is not the relay's.
        secret: A file that the user may read.
        folder: One that the user may write in.
        victim: Another process of the user.

    Returns:
        Whether each attempt came through.
    """
    tries: dict[str, Callable[[], object]] = {
        "connect to another port": lambda: socket.create_connection(("127.0.0.1", canary), 2),
        "connect by IPv6": lambda: socket.create_connection(("::1", canary), 2),
        "connect by MPTCP": lambda: _connect(canary, socket.SOCK_STREAM, _MPTCP),
        "connect by Fast Open": lambda: _fast_open(canary),
        "send a datagram": lambda: _datagram(canary),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "listen without bind": lambda: socket.socket().listen(),
        "open a local socket": lambda: socket.socket(socket.AF_UNIX),
        "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "read the secret": lambda: Path(secret).read_bytes(),
        "read the users": lambda: Path("/etc/passwd").read_bytes(),
        "read another's environment": lambda: Path(f"/proc/{victim}/environ").read_bytes(),
        "list the folder": lambda: os.listdir(folder),
        "write a file": lambda: Path(folder, "made").write_bytes(b""),
        "overwrite a file": lambda: os.open(secret, os.O_WRONLY),
        "empty a file": lambda: os.truncate(secret, 1),
        "link a file": lambda: os.link(secret, f"{folder}/linked"),
        "make a folder": lambda: os.mkdir(f"{folder}/folder"),
        "change a mode": lambda: os.chmod(secret, 0o666),
        "fork": _fork,
        "vfork and execute": _spawn,
        "trace another": lambda: _trace(victim),
        "read another's memory": lambda: _read_memory(victim),
        "signal another": lambda: os.kill(victim, 0),
        "signal another's thread": lambda: _tgkill(victim),
        "limit another": lambda: resource.prlimit(victim, resource.RLIMIT_CORE, (0, 0)),
        "lift a limit": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        "outlive the deadline": lambda: signal.setitimer(signal.ITIMER_REAL, 100),
        "outlive the parent": lambda: _checked(_libc.prctl(1, 0, 0, 0, 0)),
        "leave the namespace": lambda: _checked(_libc.unshare(0x04000000)),
        "make memory that runs as a file": lambda: os.close(os.memfd_create("x")),
        "take a key ring": lambda: _checked(_libc.syscall(_number("add_key"), 0, 0, 0, 0, 0), 14),
        "set up a ring": lambda: _checked(_libc.syscall(_number("io_uring_setup"), 1, 0), 14, 22),
    }
    return {name: _comes_through(act) for name, act in tries.items()}


def try_all(channel: Channel, **about: str | int) -> None:
    """`attempt_all` in a child, which says as well that it can still do what a decoder does."""
    channel.send({"can_work": _can_work()})
    came_through = attempt_all(**about)  # type: ignore[arg-type]
    # where this came through, nothing would be sent
    came_through["execute"] = _comes_through(lambda: os.execv("/bin/true", ["true"]))
    channel.send({"came_through": came_through})


def call(channel: Channel, *, port: int) -> None:
    """Connect to one port and say what came of it."""
    channel.send(
        {"connected": _comes_through(lambda: socket.create_connection(("127.0.0.1", port)))}
    )


def count_threads(channel: Channel) -> None:
    """How many threads the child has."""
    channel.send({"threads": threading.active_count()})


def _comes_through(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    except ValueError:  # `setrlimit` where the kernel refuses
        return False
    return True


def _can_work() -> bool:
    """Threads, memory, and libraries that are loaded late."""
    done: list[int] = []
    threads = [threading.Thread(target=done.append, args=(each,)) for each in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mmap.mmap(-1, 1 << 20).close()
    import wave  # noqa: F401 - from the standard library, for the first time

    return len(done) == 3


def _checked(result: int, *not_refused: int) -> None:
    """Raise unless the call came through, or failed in a way that shows it was let through."""
    number = ctypes.get_errno()
    if result < 0 and number not in not_refused:
        raise OSError(number, os.strerror(number))


def _number(name: str) -> int:
    from nobs_bot.streams.seccomp import _numbers

    return _numbers()[name]


def _connect(port: int, kind: int, protocol: int = 0) -> None:
    with socket.socket(socket.AF_INET, kind, protocol) as made:
        made.settimeout(2)
        made.connect(("127.0.0.1", port))


def _fast_open(port: int) -> None:
    with socket.socket() as made:
        made.settimeout(2)
        made.sendto(b"x", _FAST_OPEN, ("127.0.0.1", port))


def _datagram(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"x", ("127.0.0.1", port))


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _spawn() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def _trace(pid: int) -> None:
    """Attach, and let go again."""
    _checked(_libc.ptrace(_PTRACE_ATTACH, pid, 0, 0))
    os.waitpid(pid, 0x40000000)
    _checked(_libc.ptrace(17, pid, 0, 0))


def _read_memory(pid: int) -> None:
    here = (ctypes.c_ulong * 2)(0, 0)
    # nothing is read from nowhere: who may not, is refused before
    _checked(_libc.process_vm_readv(pid, here, 1, here, 1, 0), 14)


def _tgkill(pid: int) -> None:
    _checked(_libc.syscall(_number("tgkill"), pid, pid, 0))


if __name__ == "__main__":
    import json

    given = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(attempt_all(**given)))
