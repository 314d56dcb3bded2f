"""
/metrics for Prometheus, on a port of its own, with health and readiness of any part.

A separate listener, bound to this machine unless told otherwise, so that no proxy hands it on.
There is nothing of a person in it.
"""

from __future__ import annotations

import time
from datetime import datetime

import psutil
from aiohttp import web
from sqlalchemy import and_, func, select, text

from nobs_bot import VERSION
from nobs_bot.cameras.record import Camera, State
from nobs_bot.console.readiness import Readiness
from nobs_bot.errors import CannotStart
from nobs_bot.footage.live.record import LiveView
from nobs_bot.messaging.inbox import Received
from nobs_bot.messaging.outbox import Outgoing
from nobs_bot.meter import CONTENT_TYPE, Family, gauge, text_of
from nobs_bot.storage.audit import AuditLine
from nobs_bot.storage.work import Office, Work

# however often somebody asks, the tables are counted no more often than this
KEPT_S = 10.0
# written out, not bound: only so can the database see that the partial indexes fit
IN_INBOX = text("inbox.state IN ('waiting', 'applied')")
IN_OUTBOX = text("outbox.state = 'pending'")


class MetricsSite:
    """
    Serves /metrics, /healthz and /readyz.

    Args:
        office: Reads the tables; its meter is what the process has counted.
        readiness: Says whether this process may be given work.
        parts: What it does, for a label.
    """

    def __init__(self, office: Office, readiness: Readiness, parts: str) -> None:
        self._office = office
        self._readiness = readiness
        self._parts = parts
        self._process = psutil.Process()
        self._runner: web.AppRunner | None = None
        self._tables: list[Family] = []
        self._counted_at = float("-inf")

    async def start(self, host: str, port: int) -> int:
        """
        Listen; returns the port, which matters where 0 was asked for.

        Raises:
            CannotStart: the port is taken, or not ours to take.
        """
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness.answer),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as exc:
            await self._runner.cleanup()
            raise CannotStart(
                f"Cannot listen on {host}, port {port}: {exc.strerror}. Choose another "
                "METRICS_PORT in .env; each part that runs on this machine needs its own."
            ) from None
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close."""
        if self._runner:
            await self._runner.cleanup()

    async def _health(self, request: web.Request) -> web.Response:
        # the loop answers; whether the database does is readiness, and no reason for a restart
        return web.json_response({"alive": True})

    async def _metrics(self, request: web.Request) -> web.Response:
        families = [*self._of_process(), *self._office.meter.families()]
        try:
            seconds = await self._office.database.ping()
            families.append(_one("nobs_database_seconds", "Seconds for one answer.", seconds))
            families += await self._of_tables()
            families.append(_one("nobs_database_up", "Whether the database answers.", 1))
        except Exception:
            families.append(_one("nobs_database_up", "Whether the database answers.", 0))
        return web.Response(body=text_of(families).encode(), headers={"Content-Type": CONTENT_TYPE})

    def _of_process(self) -> list[Family]:
        memory, started = self._process.memory_info().rss, self._process.create_time()
        used = self._process.cpu_times()
        about = (("part", self._parts), ("version", VERSION))
        return [
            gauge("nobs_info", "What runs here.", [(about, 1)]),
            _one("nobs_draining", "Whether it is about to end.", self._readiness.is_draining),
            _one("process_resident_memory_bytes", "Memory in use.", memory),
            _one("process_start_time_seconds", "When it began, Unix time.", started),
            Family(
                "process_cpu_seconds_total",
                "counter",
                "Processor time used.",
                [("", (), used.user + used.system)],
            ),
        ]

    async def _of_tables(self) -> list[Family]:
        if time.monotonic() - self._counted_at >= KEPT_S:
            async with self._office.long_look() as work:
                self._tables = await tables_of(work)
            self._counted_at = time.monotonic()
        return self._tables


async def tables_of(work: Work) -> list[Family]:
    """What the tables say; the same from whichever process one asks."""
    inbox = await _waiting(work, Received, Received.received_at, IN_INBOX)
    outbox = await _waiting(work, Outgoing, Outgoing.created_at, IN_OUTBOX)
    query = select(Camera.state, func.count()).group_by(Camera.state)
    cameras: dict[State, int] = dict((await work.session.execute(query)).all())
    # what goes on has a due time, which is indexed
    goes_on = and_(LiveView.due_at.is_not(None), LiveView.ended_at.is_(None))
    views = await _count(work, LiveView, goes_on)
    unsealed = await _count(work, AuditLine, AuditLine.sealed_in.is_(None))
    return [
        _one("nobs_inbox_waiting", "Updates that are not done.", inbox[0]),
        _one("nobs_inbox_oldest_seconds", "Age of the oldest of them.", inbox[1]),
        _one("nobs_outbox_waiting", "Messages to be sent.", outbox[0]),
        _one("nobs_outbox_oldest_seconds", "Age of the oldest of them.", outbox[1]),
        gauge(
            "nobs_cameras",
            "Cameras by state.",
            [((("state", state.value),), cameras.get(state, 0)) for state in State],
        ),
        _one("nobs_live_views", "Live views that are open.", views),
        _one("nobs_audit_unsealed", "Lines of the audit log without a seal.", unsealed),
    ]


async def _waiting(work: Work, kind: type, since: object, is_open: object) -> tuple[int, float]:
    query = select(func.count(), func.min(since)).select_from(kind).where(is_open)  # type: ignore[arg-type]
    count: int
    oldest: datetime | None
    count, oldest = (await work.session.execute(query)).one()  # type: ignore[assignment]
    return count, _age_s(work, oldest)


def _age_s(work: Work, since: datetime | None) -> float:
    return max(0.0, (work.now - since).total_seconds()) if since else 0.0


async def _count(work: Work, kind: type, only: object) -> int:
    query = select(func.count()).select_from(kind).where(only)  # type: ignore[arg-type]
    return int((await work.session.execute(query)).scalar_one())


def _one(name: str, about: str, value: float) -> Family:
    return gauge(name, about, [((), value)])
