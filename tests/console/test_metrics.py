"""Metrics, health and readiness of a process, on a port of their own."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

import bot as composition
from benchmarks.processes import APP, environment, free_port, start
from nobs_bot import VERSION
from nobs_bot.app import Foundation, Part
from nobs_bot.console.metrics import tables_of
from nobs_bot.console.readiness import Readiness
from nobs_bot.messaging import inbox
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue
from nobs_bot.meter import BOUNDS_S, Meter, text_of
from nobs_bot.sandbox import SandboxServer
from nobs_bot.schema import has_tables, upgrade
from nobs_bot.storage.engine import Database
from nobs_bot.storage.loops import keep_at
from tests.cast import House
from tests.conftest import TOKEN
from tests.conversations.enrolling import consent, submit, until_sharing, without_stream
from tests.installation import installation, settings_for
from tests.messaging.updates import update

# of the text format: https://prometheus.io/docs/instrumenting/exposition_formats/
HEAD = re.compile(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))")
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"([a-z_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9][0-9.e+-]*|\+Inf)")


def samples(text: str) -> dict[str, float]:
    """Every sample by its name and labels; fails on what Prometheus would not read."""
    assert text.endswith("\n")
    found = {}
    typed: set[str] = set()
    for line in text.splitlines():
        if line.startswith("#"):
            assert HEAD.fullmatch(line), line
            if line.startswith("# TYPE"):
                assert line.split()[2] not in typed, "a family twice"
                typed.add(line.split()[2])
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name, labels, value = match.groups()
        assert re.sub(r"_(bucket|sum|count)$", "", name) in typed or name in typed, line
        key = f"{name}{{{labels}}}" if labels else name
        assert key not in found, key
        found[key] = float(value)
    return found


async def get(port: int | None, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_what_was_done_is_counted_and_nobody_is_named(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    async with installation(sandbox, tmp_path, metrics_port=0) as here:
        sari = here.phone("Sari")
        await consent(sari)
        await until_sharing(sari)
        await without_stream(sari)
        await submit(sari)
        here.app.metrics._counted_at = float("-inf")
        status, text = await get(here.app.metrics_port, "/metrics")
        now = samples(text)
    assert status == 200
    assert now["nobs_updates_received_total"] > 15
    handled = now['nobs_updates_handled_total{outcome="applied"}']
    assert handled >= now["nobs_update_seconds_count"] > 15
    assert now['nobs_update_seconds_bucket{le="+Inf"}'] == now["nobs_update_seconds_count"]
    assert now['nobs_cameras{state="waiting"}'] == 1
    assert now["nobs_database_up"] == 1
    assert 0 < now["nobs_database_seconds"] < 5
    assert now[f'nobs_info{{part="bot+console+worker",version="{VERSION}"}}'] == 1
    assert now["process_resident_memory_bytes"] > 1e6
    # of names and labels: a number of bytes may hold any digits
    told = "\n".join(line.rpartition(" ")[0] for line in text.splitlines())
    for word in ("Sari", "7100000", "-6.15", "106.79", "0812"):
        assert word not in told


@pytest.mark.parametrize("part", list(Part))
async def test_a_part_alone_tells_them_too(
    sandbox: SandboxServer, tmp_path: Path, part: Part
) -> None:
    foundation = Foundation(settings_for(sandbox, tmp_path, metrics_port=0))
    await upgrade(foundation.database)
    app, bot = await composition.compose(foundation, frozenset({part}))
    await app.start()
    try:
        assert (await get(app.metrics_port, "/healthz"))[0] == 200
        assert (await get(app.metrics_port, "/readyz"))[0] == 200
        assert f'part="{part}"' in (await get(app.metrics_port, "/metrics"))[1]
    finally:
        await app.stop()
        await bot.session.close()


async def test_without_the_setting_nothing_listens(sandbox: SandboxServer, tmp_path: Path) -> None:
    async with installation(sandbox, tmp_path) as here:
        assert here.app.metrics_port is None
        assert (await get(here.app.port, "/metrics"))[0] == 404


async def test_while_it_drains_it_serves_on_and_is_not_ready(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    async with installation(sandbox, tmp_path, drain_seconds=1) as here:
        assert await get(here.app.port, "/readyz") == (200, '{"ready": true}')
        draining = asyncio.create_task(here.app.drain())
        await asyncio.sleep(0.05)
        status, text = await get(here.app.port, "/readyz")
        assert (status, "draining" in text) == (503, True)
        assert (await get(here.app.port, "/healthz"))[0] == 200
        await consent(here.phone("Sari"))
        await draining


async def test_readiness_asks_for_the_tables(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'nobs.sqlite3'}")
    readiness = Readiness(database, has_tables)
    assert await readiness.problem() == "database"
    await upgrade(database)
    assert await readiness.problem() is None
    for revision, problem in (("0001", "migrations"), ("9999", None)):
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql(f"UPDATE alembic_version SET version_num='{revision}'")
        assert await readiness.problem() == problem
    await database.close()


async def test_the_tables_are_counted_on_both_engines(any_house: House) -> None:
    await any_house.approved("Sari")
    await any_house.waiting("Budi")
    async with any_house.office.work() as work:
        for number in range(2):
            await enqueue(work, number, Message(text="kabar"), f"news {number}")
        await inbox.store(work, [update(1), update(2), update(3)])
    async with any_house.office.look() as work:
        now = samples(text_of(await tables_of(work)))
    assert now['nobs_cameras{state="approved"}'] == 1
    assert now['nobs_cameras{state="waiting"}'] == 1
    assert now["nobs_outbox_waiting"] == 2
    assert now["nobs_inbox_waiting"] == 3
    assert now["nobs_outbox_oldest_seconds"] == 0
    any_house.clock.advance(timedelta(seconds=90))
    async with any_house.office.look() as work:
        now = samples(text_of(await tables_of(work)))
    assert now["nobs_outbox_oldest_seconds"] == now["nobs_inbox_oldest_seconds"] == 90


async def test_a_loop_that_breaks_off_is_counted() -> None:
    meter = Meter()

    async def break_off() -> int:
        raise RuntimeError("on purpose")

    loop = asyncio.create_task(keep_at("clips", break_off, idle_s=0.01, meter=meter))
    await asyncio.sleep(0.05)
    loop.cancel()
    assert samples(text_of(meter.families()))['nobs_loop_failures_total{loop="clips"}'] == 1


def test_the_buckets_of_a_histogram_add_up() -> None:
    meter = Meter()
    for seconds in (0.001, 0.01, 0.3, 70.0):
        meter.took("nobs_update_seconds", seconds)
    now = samples(text_of(meter.families()))
    counts = [now[f'nobs_update_seconds_bucket{{le="{bound:g}"}}'] for bound in BOUNDS_S]
    assert counts == sorted(counts)
    assert counts[0] == 2
    assert now['nobs_update_seconds_bucket{le="+Inf"}'] == now["nobs_update_seconds_count"] == 4
    assert now["nobs_update_seconds_sum"] == pytest.approx(70.311)


def test_a_label_cannot_break_the_format() -> None:
    meter = Meter()
    meter.count("nobs_checks_total", outcome='a"b\\c\nd')
    (found,) = [key for key in samples(text_of(meter.families())) if "checks" in key]
    assert found == r'nobs_checks_total{outcome="a\"b\\c\nd"}'


@pytest.mark.parametrize("signals", [1, 2])
async def test_told_to_stop_a_process_is_drained_and_told_twice_it_ends_at_once(
    sandbox: SandboxServer, tmp_path: Path, signals: int
) -> None:
    port, drain_s = free_port(), 3 if signals == 1 else 60
    env = environment(sandbox.api_url, tmp_path, metrics_port=str(port), drain_seconds=str(drain_s))
    process = await start(APP, env | {"BOT_TOKEN": TOKEN}, tmp_path / "log")
    try:
        async with asyncio.timeout(60):
            while await status_of(port) != 200:
                await asyncio.sleep(0.2)
        told_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(2):
            while await status_of(port) != 503:
                await asyncio.sleep(0.02)
        if signals == 2:
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        took_s = time.monotonic() - told_at
        assert took_s >= drain_s if signals == 1 else took_s < drain_s
    finally:
        if process.returncode is None:
            process.kill()


async def status_of(port: int) -> int | None:
    try:
        return (await get(port, "/readyz"))[0]
    except aiohttp.ClientError:
        return None
