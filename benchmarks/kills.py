"""`kill -9` fifty times at random points under load: what was lost, and what was done twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.siege.run import besiege

KILLS = 50
SEED = 20201221


async def measure() -> list[Figure]:
    """Half of the kills while polling, half with a webhook; every violation is printed."""
    outcomes = []
    for webhook in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            outcomes.append(
                await besiege(Path(folder), kills=KILLS // 2, seed=SEED + webhook, webhook=webhook)
            )
    violations = [line for outcome in outcomes for line in outcome.violations]
    for line in violations:
        print(line)
    updates = sum(outcome.updates for outcome in outcomes)
    messages = sum(outcome.messages for outcome in outcomes)
    return [
        Figure(
            f"killed {KILLS} times under load: lost, doubled or out of order",
            len(violations),
            "violations",
            f"{updates} updates, {messages} messages; half by polling, half by webhook",
            "0",
            not violations,
        )
    ]
