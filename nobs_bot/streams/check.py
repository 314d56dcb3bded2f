"""The whole check: address, vetting, handshake, relay, child, report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.children import Child, Children
from nobs_bot.streams.handshake import Welcome, shake_hands
from nobs_bot.streams.relay import Relay, relay_for
from nobs_bot.streams.report import (
    CheckReport,
    Failure,
    Finding,
    Stage,
    Unusable,
    Verdict,
    verdict_on,
)
from nobs_bot.streams.vetting import Network, Resolver, Vetted, system_resolver, vet

__all__ = [
    "CheckReport",
    "Failure",
    "Finding",
    "OnStage",
    "Stage",
    "StreamChecker",
    "Verdict",
]

OnStage = Callable[[Stage], Awaitable[None]]


async def _no_stage(_: Stage) -> None:
    """For a caller who does not want to know."""


@dataclass
class _Course:
    """What one check has learnt so far; all that is left when the deadline falls."""

    on_stage: OnStage
    started_at: float = field(default_factory=time.monotonic)
    codec: str | None = None
    first_frame_s: float | None = None
    is_greeted: bool = False
    measures: dict[str, float] = field(default_factory=dict)

    def failed(self, failure: Failure) -> CheckReport:
        return CheckReport(Verdict.FAILED, failure, codec=self.codec, measures=dict(self.measures))


class StreamChecker:
    """
    Looks at cameras' streams. One for the whole app; `start` it early, `close` it at the end.

    Args:
        allowed_networks: Networks that may be connected to though they are not public.
        connect_timeout_s: For the connection, and again for the camera's first answers.
        deadline_s: For the whole check; nothing outlives it.
        watch_s: How long pictures are watched.
        at_once: Checks that run side by side; others wait, and their time does not count.
    """

    def __init__(
        self,
        *,
        allowed_networks: Sequence[Network] = (),
        connect_timeout_s: float = 4.0,
        deadline_s: float = 12.0,
        watch_s: float = 1.5,
        at_once: int = 8,
        resolver: Resolver = system_resolver,
    ) -> None:
        self._allowed_networks = tuple(allowed_networks)
        self._connect_timeout_s = connect_timeout_s
        self._deadline_s = deadline_s
        self._watch_s = watch_s
        self._resolver = resolver
        self._children = Children()
        self._slots = asyncio.Semaphore(at_once)

    @property
    def children(self) -> Children:
        """Where the checks' children come from, for others who have something to look at."""
        return self._children

    @property
    def connect_timeout_s(self) -> float:
        """How long a camera may take for the connection, and again for its first answers."""
        return self._connect_timeout_s

    async def start(self) -> None:
        """Start the forkserver; returns at once, while it loads OpenCV."""
        self._children.start()

    async def close(self) -> None:
        """End the forkserver, and whatever still runs."""
        await self._children.close()

    async def check(self, address: StreamAddress, on_stage: OnStage | None = None) -> CheckReport:
        """
        Look at one stream.

        A camera that cannot be reached is a report like any other.

        Raises:
            ForkserverBroken: OpenCV cannot be loaded on this machine.
        """
        async with self._slots:
            await self._children.ready()  # not the camera's time
            course = _Course(on_stage or _no_stage)
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._check(address, course)
            except TimeoutError:
                return course.failed(
                    Failure.NO_PICTURES if course.is_greeted else Failure.NO_ANSWER
                )
            except Unusable as unusable:
                course.codec = unusable.codec or course.codec
                return course.failed(unusable.failure)

    async def approach(self, address: StreamAddress, on_stage: OnStage = _no_stage) -> Welcome:
        """
        Vet where *address* leads and shake hands with the camera there.

        Raises:
            Unusable: With the failure that tells the owner what to do.
        """
        await on_stage(Stage.resolving)
        vetted = await self._vet(address.host, address.port)
        if isinstance(vetted, Failure):
            raise Unusable(vetted)
        await on_stage(Stage.connecting)
        return await shake_hands(address, vetted, vet=self._vet, timeout_s=self._connect_timeout_s)

    async def _check(self, address: StreamAddress, course: _Course) -> CheckReport:
        if address.is_encrypted:
            course.measures["tls_unverified"] = 1.0
        welcome = await self.approach(address, course.on_stage)
        course.is_greeted, course.codec = True, welcome.codec
        return await self._look(welcome, course)

    async def _look(self, welcome: Welcome, course: _Course) -> CheckReport:
        relay = relay_for(welcome, stall_timeout_s=self._connect_timeout_s)
        try:
            await relay.open()
            await course.on_stage(Stage.opening)
            child = await self._children.fork()
            try:
                return await self._hear(child, relay, course)
            finally:
                await child.end()
        finally:
            relay.close()

    async def _hear(self, child: Child, relay: Relay, course: _Course) -> CheckReport:
        arguments = {
            "url": relay.url,
            "kind": relay.kind,
            "watch_s": self._watch_s,
            "open_timeout_s": self._connect_timeout_s + 1,
        }
        await child.give(
            {
                "task": "nobs_bot.streams.capture:watch",
                "arguments": arguments,
                "deadline_s": self._deadline_s,
                "port": urlsplit(relay.url).port,
            }
        )
        async for message, blob in child.messages():
            if "opened" in message:
                course.codec = course.codec or message["opened"]["codec"]
            elif "first" in message:
                course.first_frame_s = round(time.monotonic() - course.started_at, 3)
                await course.on_stage(Stage.watching)
            elif "judging" in message:
                await course.on_stage(Stage.judging)
            elif "done" in message:
                return _report(message["done"], blob, relay, course)
        # The child ended without a word: out of memory or time, or broken by the stream.
        return course.failed(relay.fault or Failure.NO_PICTURES)

    async def _vet(self, host: str, port: int) -> Vetted | Failure:
        return await vet(
            host,
            port,
            allowed_networks=self._allowed_networks,
            resolver=self._resolver,
            timeout_s=self._connect_timeout_s,
        )


def _report(done: dict[str, Any], still: bytes, relay: Relay, course: _Course) -> CheckReport:
    if done.get("too_large"):
        return course.failed(Failure.TOO_LARGE)
    if not done["frames"]:
        return course.failed(relay.fault or Failure.NO_PICTURES)
    findings = tuple(Finding(name) for name in done["findings"])
    fps = done["fps"]
    report = CheckReport(verdict_on(findings), findings=findings, still=still or None)
    return replace(
        report,
        codec=course.codec,
        width=done["width"],
        height=done["height"],
        fps=round(fps, 2) if fps else None,
        first_frame_s=course.first_frame_s,
        measures=course.measures | done["measures"] | {"frames": done["frames"]},
    )
