"""What an OpenTelemetry collector hears: how long, and nothing of anybody."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nobs_bot.errors import CannotStart
from nobs_bot.sandbox import SandboxServer
from nobs_bot.tracing import span, start_tracing
from tests.conftest import TOKEN
from tests.installation import installation

PASSWORD = "rahasia-sekali"


@dataclass
class Collector:
    """What was sent to it, as it came and as spans."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)
    spans: list[Any] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {e.key: e.value.string_value for e in of_resource.resource.attributes}
            for scope in of_resource.scope_spans:
                self.spans += scope.spans
        return web.Response(content_type="application/x-protobuf")

    def named(self, name: str) -> list[Any]:
        return [each for each in self.spans if each.name == name]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield collector
    await runner.cleanup()


def words_of(each: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in each.attributes}


async def test_updates_and_calls_are_told_and_nobodys_words(
    collector: Collector, sandbox: SandboxServer, tmp_path: Path
) -> None:
    stop = start_tracing(collector.url, "bot")
    try:
        async with installation(sandbox, tmp_path, webhook=True) as here:
            sari = here.phone("Sari")
            await sari.send(f"rtsp://admin:{PASSWORD}@192.168.1.64/rahasia")
            await sari.expect("")
            url = f"http://127.0.0.1:{here.app.port}/unggah/kode-rahasia"
            async with aiohttp.ClientSession() as session:
                for method in ("GET", "RAHASIA"):
                    answer = await session.request(method, url)
                    assert answer.status >= 400
    finally:
        await asyncio.to_thread(stop)
    assert (collector.resource["service.name"], collector.resource["nobs.part"]) == (
        "no-blindspot",
        "bot",
    )
    (update,) = collector.named("update")
    (apply,), (answered,) = collector.named("apply"), collector.named("answer")
    assert apply.parent_span_id == answered.parent_span_id == update.span_id
    assert update.start_time_unix_nano < apply.end_time_unix_nano <= update.end_time_unix_nano
    assert words_of(answered)["answers"] >= 1
    (call,) = collector.named("POST /telegram/webhook")
    assert words_of(call)["http.response.status_code"] == 200
    heard = b"".join(collector.bodies)
    for secret in (
        PASSWORD,
        TOKEN,
        "rahasia",
        "RAHASIA",
        "Sari",
        "192.168.1.64",
        str(sari.person_id),
    ):
        assert secret.encode() not in heard


async def test_of_an_error_the_kind_alone_is_told(collector: Collector) -> None:
    stop = start_tracing(collector.url, "worker")
    with pytest.raises(ValueError, match=PASSWORD), span("check", attempt=2) as note:  # noqa: PT012
        note("rows", 3)
        raise ValueError(PASSWORD)
    await asyncio.to_thread(stop)
    (told,) = collector.spans
    assert words_of(told) == {"attempt": 2, "rows": 3, "error.type": "ValueError"}
    assert PASSWORD.encode() not in b"".join(collector.bodies)


async def test_a_collector_that_is_away_holds_nobody_up() -> None:
    stop = start_tracing("http://127.0.0.1:9", None)
    for _ in range(300):
        with span("update"):
            pass
    async with asyncio.timeout(15):
        await asyncio.to_thread(stop)


def test_nobody_is_told_where_nobody_asked() -> None:
    with span("update", attempt=1) as note:
        note("rows", 3)


@contextmanager
def without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = builtins.__import__

    def refuse(name: str, *more: Any, **options: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name)
        return real(name, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(builtins, "__import__", refuse)
        yield


def test_without_the_packages_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        without_opentelemetry(monkeypatch),
        pytest.raises(CannotStart, match=r"requirements-tracing\.txt"),
    ):
        start_tracing("http://127.0.0.1:4318", None)
