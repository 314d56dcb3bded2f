"""A small disk of its own for one folder, which can be filled up."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MB = 1024 * 1024


class Disk:
    """
    A folder whose space can run out.

    Where we may mount, it is a tmpfs of *megabytes*, and full means full. Elsewhere the processes
    named to `fill` may make no file longer than it is (RLIMIT_FSIZE), which fails their writes too.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._limited: list[psutil.Process] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.is_mounted = os.geteuid() == 0 and self._mount(megabytes)
        self._ballast = folder / "ballast"

    def _mount(self, megabytes: int) -> bool:
        options = f"size={megabytes}m,mode=0755"
        mount = ["mount", "-t", "tmpfs", "-o", options, "nobs-faults", str(self.folder)]
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, pids: Iterable[int]) -> None:
        """Leave not a byte."""
        if not self.is_mounted:
            self._limit(pids)
            return
        with self._ballast.open("wb", buffering=0) as ballast:
            for block in (MB, 4096):
                try:
                    while True:
                        ballast.write(b"\0" * block)
                except OSError as exc:
                    if exc.errno != errno.ENOSPC:
                        raise

    def _limit(self, pids: Iterable[int]) -> None:
        for pid in pids:
            process = psutil.Process(pid)
            _, hard = process.rlimit(resource.RLIMIT_FSIZE)
            process.rlimit(resource.RLIMIT_FSIZE, (1024, hard))
            self._limited.append(process)

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)
        for process in self._limited:
            if process.is_running():
                _, hard = process.rlimit(resource.RLIMIT_FSIZE)
                process.rlimit(resource.RLIMIT_FSIZE, (hard, hard))
        self._limited.clear()

    def remove(self) -> None:
        """Unmount; nothing stays."""
        if self.is_mounted:
            # lazily: whatever still ends there must not keep the mount
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk while the block lasts."""
    made = Disk(folder, megabytes)
    try:
        yield made
    finally:
        made.free()
        made.remove()
