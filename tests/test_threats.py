"""The threat model names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODEL = TESTS.parent / "docs" / "threats.md"
NAMED = sorted(set(re.findall(r"`([\w/]+\.py(?:::\w+)?)`", MODEL.read_text(encoding="utf-8"))))
BOUNDARIES = ("Chat", "Camera", "Upload", "Command centre", "Operator", "Database thief", "Corrupt")


@pytest.mark.parametrize("named", [each for each in NAMED if not each.startswith("tests/")])
def test_a_named_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    source = (TESTS / path).read_text(encoding="utf-8")
    assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)


def test_each_boundary_has_its_page_and_each_threat_a_control_and_a_test() -> None:
    text = MODEL.read_text(encoding="utf-8")
    for boundary in BOUNDARIES:
        assert f"\n## {boundary}" in text
    rows = [
        line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| [STRIDE] \|", line)
    ]
    assert len(rows) > 45
    for kind, threat, control, tests in rows:
        assert kind.strip() in "STRIDE"
        assert threat.strip()
        assert control.strip()
        assert ".py" in tests, threat
