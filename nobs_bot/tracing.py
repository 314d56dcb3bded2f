"""
Where time goes, told to an OpenTelemetry collector where `OTLP_ENDPOINT` names one.

The packages are an extra (`requirements-tracing.txt`). A span holds words of the program's own (a
route, an outcome, a number of rows), never of a person; of an error it holds the kind alone, since
messages of errors quote what they were given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nobs_bot import VERSION
from nobs_bot.errors import CannotStart

_PATH = "/v1/traces"
_tracer: Any = None


def start_tracing(endpoint: str, part: str | None) -> Callable[[], None]:
    """
    Send spans to a collector from now on.

    Args:
        endpoint: The collector's address without its path, such as http://127.0.0.1:4318.
        part: What this process does, told with each span; None is all of it.

    Returns:
        Sends what is left and ends it; may take some seconds.

    Raises:
        CannotStart: the packages are not installed.
    """
    global _tracer  # noqa: PLW0603 - one a process, as the log is
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise CannotStart(
            "OTLP_ENDPOINT is set, and OpenTelemetry is not installed. Run `pip install "
            "--require-hashes -r requirements-tracing.txt`, or leave OTLP_ENDPOINT empty."
        ) from None
    about = {"service.name": "no-blindspot", "service.version": VERSION, "nobs.part": part or "all"}
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _PATH, timeout=2)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("nobs_bot")

    def stop() -> None:
        global _tracer  # noqa: PLW0603
        _tracer = None
        provider.shutdown()

    return stop


@contextmanager
def span(name: str, **words: str | int) -> Iterator[Callable[[str, str | int], None]]:
    """
    Note how long the block takes, within the span that is open.

    Args:
        words: What is known of it, of our own words only.

    Returns:
        Notes what becomes known in the block.
    """
    if _tracer is None:
        yield _unheard
        return
    with _tracer.start_as_current_span(
        name, attributes=words, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield opened.set_attribute
        except BaseException as exc:
            opened.set_attribute("error.type", type(exc).__qualname__)
            raise


def _unheard(_: str, __: str | int) -> None:
    """Where nobody listens."""
