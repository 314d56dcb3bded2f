"""
A small process with OpenCV loaded, which forks a child for each check.

Run as `python -m nobs_bot.streams.forkserver FD`. FD is one end of a stream socket; lines of
JSON go both ways, and each order carries the child's own socket:

    in   {"fork": id}  {"kill": id}
    out  {"ready": true, "held": [layer, ...]} | {"broken": why}
         {"forked": id, "pid": n}, {"ended": id, "cpu_s": x}

It ends with its control socket, and takes its children with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections import deque
from typing import Any

from nobs_bot.streams.confinement import Layer, confine, held_here

FRAME_HEAD = struct.Struct(">II")
MEMORY_LIMIT_BYTES = 2 * 1024**3
_PR_SET_PDEATHSIG = 1
_CONTROL_LIMIT = 64 * 1024


class Channel:
    """The child's end of its socket: one JSON object and one blob a message."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        """For `select`: whether the parent has said something."""
        return self._connection.fileno()

    def send(self, message: dict[str, Any], blob: bytes = b"") -> None:
        head = json.dumps(message).encode()
        self._connection.sendall(FRAME_HEAD.pack(len(head), len(blob)) + head + blob)

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """
        The next message of the parent.

        Raises:
            EOFError: The parent is gone.
        """
        head_length, blob_length = FRAME_HEAD.unpack(self._exactly(FRAME_HEAD.size))
        data = self._exactly(head_length + blob_length)
        return json.loads(data[:head_length]), data[head_length:]

    def ask(self, message: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Send *message* and wait for what the parent answers; raises like `receive`."""
        self.send(message)
        return self.receive()

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._connection.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)


class Forkserver:
    """Takes orders, forks, reaps and kills; single-threaded, so that forking is safe."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._layers = held_here()
        self._lines = b""
        self._sockets: deque[int] = deque()
        self._pids: dict[int, int] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def serve(self) -> None:
        """Work until the control socket closes."""
        signal.set_wakeup_fd(self._wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._tell({"ready": True, "held": self._layers})
        awaited: list[Any] = [self._control, self._wake_read]
        while True:
            readable, _, _ = select.select(awaited, [], [])
            if self._wake_read in readable:
                os.read(self._wake_read, 512)
                self._reap()
            if self._control in readable and not self._take_orders():
                break
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _take_orders(self) -> bool:
        try:
            data, sockets, _, _ = socket.recv_fds(self._control, _CONTROL_LIMIT, 16)
        except ConnectionError:
            return False
        self._sockets.extend(sockets)
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "fork" in order:
                self._fork(order["fork"], self._sockets.popleft())
            elif order["kill"] in self._pids:
                os.kill(self._pids[order["kill"]], signal.SIGKILL)
        return bool(data)

    def _fork(self, number: int, descriptor: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self._become_child(parent, descriptor)
            finally:
                os._exit(1)
        os.close(descriptor)
        self._pids[number] = pid
        self._tell({"forked": number, "pid": pid})

    def _become_child(self, parent: int, descriptor: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
        self._control.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        for other in self._sockets:
            os.close(other)
        work(Channel(socket.socket(fileno=descriptor)), self._layers)

    def _reap(self) -> None:
        numbers = {pid: number for number, pid in self._pids.items()}
        while self._pids:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            number = numbers[pid]
            del self._pids[number]
            self._tell({"ended": number, "cpu_s": usage.ru_utime + usage.ru_stime})

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # the next read sees the end of the socket
            self._control.sendall(json.dumps(message).encode() + b"\n")


def work(channel: Channel, layers: list[Layer]) -> None:
    """
    The child: learn its task, give up all that is not needed for it, do it, end.

    Args:
        layers: What this machine's kernel can keep it from. Its order may name a port
            ("port"), else it has no network, and what it may read ("reads").
    """
    channel.send({"alive": True})
    order, _ = channel.receive()
    limit_resources(order["deadline_s"])
    module, _, function = order["task"].partition(":")
    do = getattr(importlib.import_module(module), function)
    confine(layers, port=order.get("port"), reads=order.get("reads", ()))
    do(channel, **order["arguments"])
    os._exit(0)


def limit_resources(deadline_s: float) -> None:
    """Bound memory, processor time and files; die by alarm should nobody else see to it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    seconds = int(deadline_s) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if sys.platform == "linux":  # macOS counts shared libraries in, and refuses
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, deadline_s + 1)
    os.nice(5)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        importlib.import_module("nobs_bot.streams.capture").warm_up()
    except Exception as exc:
        control.sendall(json.dumps({"broken": f"{type(exc).__name__}: {exc}"}).encode() + b"\n")
        return
    Forkserver(control).serve()


if __name__ == "__main__":
    main()
