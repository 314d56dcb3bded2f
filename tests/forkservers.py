"""
A process with OpenCV loaded that becomes a forkserver as often as it is asked to.

Most tests that start an app never check a stream, and loading OpenCV for each is a quarter of a
second of processor time. Run as `python -m tests.forkservers FD` with the environment of the real
one; each byte on FD brings the control socket of one more, whose process id is told.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys

from nobs_bot.streams import children

_PID = struct.Struct(">I")
_OWN = ("-m", "tests.forkservers")
REAL = children._PROGRAM
started_alone = children._start_process


class Lent:
    """A forkserver that is not this process's child, with what `Children` asks of a process."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> None:
        """Until it has ended; raises `subprocess.TimeoutExpired`."""
        if self._descriptor < 0:
            return
        if not select.select([self._descriptor], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("forkserver", timeout or 0.0)
        os.close(self._descriptor)
        self._descriptor = -1

    def kill(self) -> None:
        """End it now."""
        signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)


class Lender:
    """Starts the process at the first call, and again should it have died."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None

    def start(self, control: socket.socket) -> Lent | subprocess.Popen[bytes]:
        """A forkserver that obeys *control*; one of its own where a test has put its program."""
        if children._PROGRAM is not REAL:
            return started_alone(control)
        try:
            return self._asked(control)
        except OSError:
            self._line = None
            return self._asked(control)

    def _asked(self, control: socket.socket) -> Lent:
        if self._line is None:
            self._begin()
        assert self._line is not None
        socket.send_fds(self._line, [b"+"], [control.fileno()])
        said = self._line.recv(_PID.size, socket.MSG_WAITALL)
        if len(said) < _PID.size:
            raise ConnectionError("the lender ended")
        return Lent(*_PID.unpack(said))

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        children._PROGRAM = _OWN
        try:
            with theirs:
                started_alone(theirs).wait()
        finally:
            children._PROGRAM = REAL
        self._line = ours


def main() -> None:
    from nobs_bot.streams.capture import warm_up
    from nobs_bot.streams.forkserver import Forkserver

    if os.fork():
        return  # a child of nobody's: tests count the children of their process
    line = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them but with a pidfd
    warm_up()
    while True:
        said, descriptors, _, _ = socket.recv_fds(line, 1, 1)
        if not said:
            return
        if pid := os.fork():
            os.close(descriptors[0])
            line.sendall(_PID.pack(pid))
            continue
        line.close()
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        Forkserver(socket.socket(fileno=descriptors[0])).serve()
        os._exit(0)


if __name__ == "__main__":
    main()
