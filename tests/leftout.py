"""Tells at the end which tests were left out for want of a system package, and what brings it."""

from __future__ import annotations

import os
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

PACKAGES = Path(__file__).parent / "system-packages.sh"


def left_out(config: pytest.Config) -> dict[str, int]:
    """The reasons for which tests were left out, with how many."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    counts: dict[str, int] = {}
    for report in reporter.stats.get("skipped", []) if reporter else []:
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if "left out:" in reason:
            short = reason.partition("left out:")[2].strip()
            counts[short] = counts.get(short, 0) + 1
    return counts


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was left out, and the one command."""
    counts = left_out(config)
    if not counts:
        return
    terminalreporter.section("left out")
    for reason, count in counts.items():
        terminalreporter.line(f"{count} tests: {reason}")
    listed = run([str(PACKAGES), "--list"], capture_output=True, text=True, check=True)
    packages = listed.stdout.strip()
    terminalreporter.line("This brings them (Debian, Ubuntu):")
    terminalreporter.line(f"  sudo apt-get install --no-install-recommends {packages}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be left out, a test that was is a failure."""
    if os.environ.get("NOBS_LEAVE_NOTHING_OUT") and left_out(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
