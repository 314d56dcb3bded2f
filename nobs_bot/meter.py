"""
What a process counts of its own work, and the text in which Prometheus reads it.

Labels are words of the program's own (an outcome, a loop's name), never of a person.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

# upper bounds in seconds, of what people wait for
BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HELP = {
    "nobs_updates_received_total": "Updates taken in from Telegram.",
    "nobs_updates_handled_total": "Updates that were run, by outcome.",
    "nobs_update_seconds": "Seconds from claiming an update to its answers being sent.",
    "nobs_messages_total": "Messages of the outbox, by outcome.",
    "nobs_checks_total": "Checks of streams, by outcome.",
    "nobs_loop_failures_total": "How often a loop of the worker broke off, by loop.",
}
UNLABELLED = {"nobs_updates_received_total"}

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Family:
    """
    One metric with its samples.

    Args:
        kind: counter, gauge or histogram.
        samples: A suffix of the name, labels and value each.
    """

    name: str
    kind: str
    help: str
    samples: list[tuple[str, Labels, float]]


def gauge(name: str, about: str, values: Iterable[tuple[Labels, float]]) -> Family:
    """A metric that goes up and down."""
    return Family(name, "gauge", about, [("", labels, value) for labels, value in values])


@dataclass
class _Spread:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0


class Meter:
    """Counts, in one event loop."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[Labels, float]] = {}
        self._spreads: dict[str, _Spread] = {}

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Count up; *name* is one of `HELP`."""
        of_name = self._counts.setdefault(name, {})
        key = tuple(sorted(labels.items()))
        of_name[key] = of_name.get(key, 0) + by

    def took(self, name: str, seconds: float) -> None:
        """Note how long something took."""
        spread = self._spreads.setdefault(name, _Spread())
        spread.counts[bisect_left(BOUNDS_S, seconds)] += 1
        spread.total_s += seconds

    def families(self) -> Iterator[Family]:
        """Everything that was counted so far."""
        for name, about in HELP.items():
            if name.endswith("_seconds"):
                yield Family(name, "histogram", about, _buckets(self._spreads.get(name, _Spread())))
            else:
                # what has no labels is there from the start, at zero
                values = self._counts.get(name, {(): 0} if name in UNLABELLED else {})
                yield Family(name, "counter", about, [("", key, n) for key, n in values.items()])


def _buckets(spread: _Spread) -> list[tuple[str, Labels, float]]:
    samples: list[tuple[str, Labels, float]] = []
    below = 0
    for bound, count in zip((*BOUNDS_S, float("inf")), spread.counts, strict=True):
        below += count
        samples.append(("_bucket", (("le", _number(bound)),), below))
    return [*samples, ("_sum", (), spread.total_s), ("_count", (), below)]


def text_of(families: Iterable[Family]) -> str:
    """Prometheus' text format, version 0.0.4."""
    lines = []
    for each in families:
        lines += [f"# HELP {each.name} {each.help}", f"# TYPE {each.name} {each.kind}"]
        lines += [
            f"{each.name}{suffix}{_braced(labels)} {_number(value)}"
            for suffix, labels, value in each.samples
        ]
    return "\n".join(lines) + "\n"


def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
