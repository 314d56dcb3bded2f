"""What is delivered can be told: every package with its version and digests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)


def test_the_bill_of_materials_names_what_is_installed(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    tool = Path(sys.executable).with_name("cyclonedx-py")
    command = [tool, "requirements", "requirements.txt", "--pyproject", "pyproject.toml"]
    subprocess.run([*command, "--of", "JSON", "-o", out], check=True, cwd=ROOT, capture_output=True)
    bill = json.loads(out.read_text())
    listed = {(each["name"], each["version"]) for each in bill["components"]}
    pinned = set(PINNED.findall((ROOT / "requirements.txt").read_text()))
    assert listed == pinned
    assert len(pinned) > 40
    assert bill["metadata"]["component"]["name"] == "no-blindspot"
