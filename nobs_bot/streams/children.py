"""The app's side of the forkserver: orders children, hears from them, ends them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import nobs_bot
from nobs_bot.streams.confinement import Layer
from nobs_bot.streams.forkserver import FRAME_HEAD

log = logging.getLogger(__name__)

_PROGRAM = ("-m", "nobs_bot.streams.forkserver")
_READY_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 5.0
_MESSAGE_LIMIT = 64 * 1024
_BLOB_LIMIT = 8 * 1024 * 1024


class ForkserverBroken(Exception):  # noqa: N818 - a state
    """The forkserver cannot start (OpenCV does not load, say) or ended."""


class Child:
    """
    One forked process, from its first message to its end.

    Attributes:
        pid: The process's id.
        cpu_s: Processor time it took, once it has ended.
    """

    def __init__(self, children: Children, number: int, connection: socket.socket) -> None:
        self.pid = 0
        self.cpu_s = 0.0
        self.forked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._children = children
        self._number = number
        self._connection = connection

    async def give(self, message: dict[str, Any], blob: bytes = b"") -> None:
        """
        Send the child its order, or the answer to what it asked.

        An order is {"task": "module:function", "arguments": {...}, "deadline_s": seconds}, with
        "port" where it needs that one TCP port, and "reads" where it needs files.
        """
        head = json.dumps(message).encode()
        frame = FRAME_HEAD.pack(len(head), len(blob)) + head + blob
        await asyncio.get_running_loop().sock_sendall(self._connection, frame)

    async def messages(self) -> AsyncIterator[tuple[dict[str, Any], bytes]]:
        """What the child says, until it ends."""
        while (head := await self._exactly(FRAME_HEAD.size)) is not None:
            message_length, blob_length = FRAME_HEAD.unpack(head)
            if message_length > _MESSAGE_LIMIT or blob_length > _BLOB_LIMIT:
                return
            data = await self._exactly(message_length + blob_length)
            if data is None:
                return
            yield json.loads(data[:message_length]), data[message_length:]

    async def _exactly(self, length: int) -> bytes | None:
        data = bytearray()
        loop = asyncio.get_running_loop()
        while len(data) < length:
            try:
                part = await loop.sock_recv(self._connection, length - len(data))
            except ConnectionError:
                return None
            if not part:
                return None
            data += part
        return bytes(data)

    async def end(self) -> None:
        """Kill the child if it still runs, and wait until it is gone."""
        if not self.ended.is_set():
            self._children.order({"kill": self._number})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self.ended.wait()
        self._connection.close()


class Children:
    """
    Starts the forkserver once and forks from it.

    `start` returns at once; the forkserver loads OpenCV meanwhile, and the first `fork`
    waits for it. Should it die, the next `fork` starts another.

    Attributes:
        missing: What this machine's kernel cannot keep children from; known once `ready`.
    """

    def __init__(self) -> None:
        self.missing: tuple[Layer, ...] = ()
        self._has_told = False
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._listener: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._numbers = count(1)
        self._running: dict[int, Child] = {}

    def start(self) -> None:
        """Start the forkserver, unless it runs."""
        if self._listener is not None and not self._listener.done():
            return
        self._let_go()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._process = _start_process(theirs)
        self._control = ours
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        self._listener = loop.create_task(self._listen(ours, self._ready))

    async def ready(self) -> None:
        """
        Wait until the forkserver can fork.

        Raises:
            ForkserverBroken: It cannot start.
        """
        self.start()
        assert self._ready is not None
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise ForkserverBroken("the forkserver was not ready in time") from None

    async def fork(self) -> Child:
        """
        A child that waits for its order.

        Raises:
            ForkserverBroken: There is no forkserver to be had.
        """
        await self.ready()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        number = next(self._numbers)
        child = self._running[number] = Child(self, number, ours)
        with theirs:
            self.order({"fork": number}, theirs)
        try:
            await child.forked
        except BaseException:
            await child.end()
            raise
        return child

    def order(self, order: dict[str, int], passed: socket.socket | None = None) -> None:
        """Send one line to the forkserver, with a socket for it to keep."""
        assert self._control is not None
        descriptors = [passed.fileno()] if passed else []
        with contextlib.suppress(OSError):  # it died: the listener sees that and ends everything
            socket.send_fds(self._control, [json.dumps(order).encode() + b"\n"], descriptors)

    async def close(self) -> None:
        """End the forkserver and every child."""
        if self._control is None or self._process is None:
            return
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        if self._listener is not None:
            await asyncio.wait([self._listener], timeout=_END_TIMEOUT_S)
        self._let_go()

    async def _listen(self, control: socket.socket, ready: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        held = b""
        with contextlib.suppress(ConnectionError):
            while data := await loop.sock_recv(control, 64 * 1024):
                *lines, held = (held + data).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line), ready)
        if not ready.done():
            ready.set_exception(ForkserverBroken("the forkserver ended before it was ready"))
        ready.exception()  # seen, whether or not anybody waited
        for number in list(self._running):
            self._settle(number, 0.0)

    def _hear(self, message: dict[str, Any], ready: asyncio.Future[None]) -> None:
        if "ready" in message:
            self._note_missing(message["held"])
            ready.set_result(None)
        elif "broken" in message:
            ready.set_exception(ForkserverBroken(message["broken"]))
        elif "forked" in message:
            child = self._running[message["forked"]]
            child.pid = message["pid"]
            if not child.forked.done():
                child.forked.set_result(None)
        elif "ended" in message:
            self._settle(message["ended"], message["cpu_s"])

    def _note_missing(self, held: list[str]) -> None:
        self.missing = tuple(layer for layer in Layer if layer not in held)
        if self.missing and not self._has_told:
            self._has_told = True
            log.warning("this kernel cannot keep a child from: %s", ", ".join(self.missing))

    def _settle(self, number: int, cpu_s: float) -> None:
        child = self._running.pop(number)
        child.cpu_s = cpu_s
        child.ended.set()
        if not child.forked.done():
            child.forked.set_exception(ForkserverBroken("the forkserver ended"))

    def _let_go(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._control = self._listener = None


def _start_process(control: socket.socket) -> subprocess.Popen[bytes]:
    """
    Start with an environment of its own: none of the app's secrets, no proxy that FFmpeg
    would use, one thread (a process with threads cannot fork safely), and nothing printed,
    since FFmpeg's messages carry addresses.
    """
    root = Path(nobs_bot.__file__).resolve().parents[1]
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # a thread's arena counts against the memory limit
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
    }
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, *_PROGRAM, str(control.fileno())],
        env=environment,
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl+C is for the app; this ends with its socket
    )
