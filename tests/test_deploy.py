"""What lies in docs/deploy fits the program, and is what its tools read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nobs_bot.console.compass_page import PATH as COMPASS_PATH
from nobs_bot.console.figures_page import PATH as FIGURES_PATH
from nobs_bot.console.gate import PATH as CENTRE_PATH
from nobs_bot.console.site import WEBHOOK_PATH
from nobs_bot.console.sticker_page import PATH as STICKER_PATH
from nobs_bot.console.upload_page import PATH as UPLOAD_PATH
from nobs_bot.meter import HELP
from nobs_bot.settings import Settings
from tests.test_docs import commands

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
SETTINGS = {name.upper() for name in Settings.model_fields}
# read by others than the bot
OTHERS = {"SITE", "UPSTREAM", "POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB"}
# what OpenTelemetry and Docker read
THEIRS = {"OTEL_TRACES_SAMPLER", "REQUIREMENTS"}
PYTHONS = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
PUBLIC = (
    WEBHOOK_PATH,
    f"{UPLOAD_PATH}/x",
    CENTRE_PATH,
    f"{CENTRE_PATH}/peta",
    "/evidence/x",
    "/keys/evidence",
    f"{FIGURES_PATH}/2026",
    f"{COMPASS_PATH}/x",
    f"{STICKER_PATH}/x",
)
INSIDE = ("/healthz", "/readyz", "/metrics", "/", "/telegram/webhookx", "/konsolx")


def metrics() -> set[str]:
    """Every metric there is, as the code names it."""
    code = (ROOT / "nobs_bot" / "console" / "metrics.py").read_text(encoding="utf-8")
    return set(HELP) | set(re.findall(r'"((?:nobs|process)_[a-z_]+)"', code))


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_the_image_copies_what_exists_and_runs_without_rights() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if re.match(r"COPY (?!--from)", line)]
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {f"!{name}" for names in copied for name in names} <= set(kept)
    assert any("--require-hashes" in line for line in lines)
    user, entry = lines.index("USER nobs"), lines.index('ENTRYPOINT ["/venv/bin/python", "bot.py"]')
    assert user < entry
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    named = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", "\n".join(lines), re.MULTILINE))
    assert {"DATA_DIR", "LISTEN_HOST", "METRICS_PORT"} <= named <= SETTINGS | PYTHONS


def test_everything_the_program_imports_is_in_the_image() -> None:
    """The image holds these folders only; the program must start from them."""
    used = re.findall(r"^COPY (?!--from)(\w[\w.]*) \w", read("Dockerfile"), re.MULTILINE)
    assert {"handlers", "migrations", "nobs_bot"} <= set(used)


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def test_the_compose_file_holds_together() -> None:
    found = compose()
    services, volumes = found["services"], set(found["volumes"])
    ours = {name: each for name, each in services.items() if each["image"] == "no-blindspot"}
    assert {"migrate", "bot", "worker", "console", "backup"} == set(ours)
    for name, each in services.items():
        for needed in each.get("depends_on", ()):
            assert needed in services, name
        for volume in each.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in volumes or (DEPLOY / source).exists(), volume
    for each in ours.values():
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in each["security_opt"]
        assert "/tmp" in each["tmpfs"]
        assert set(each["environment"]) <= SETTINGS
        assert (DEPLOY / each["build"]["context"]).resolve() == ROOT
        assert (ROOT / each["build"]["dockerfile"]).is_file()
        for word in each.get("command", ()):
            assert word in commands()
    used = set(re.findall(r"\$\{([A-Z_]+)", read("compose.yaml")))
    assert used <= OTHERS


@pytest.mark.parametrize("path", [*PUBLIC, *INSIDE])
def test_the_proxies_hand_on_what_the_public_may_reach_and_no_more(path: str) -> None:
    nginx, caddy = read("nginx.conf"), read("Caddyfile")
    [pattern] = re.findall(r"location ~ (\S+) \{", nginx)
    [prefix] = re.findall(r"location \^~ (\S+) \{", nginx)
    wanted = path in PUBLIC
    assert bool(path.startswith(prefix) or re.search(pattern, path)) == wanted
    by_caddy = any(
        path.startswith(each[:-1]) if each.endswith("*") else path == each
        for matched in re.findall(r"@\w+ path (.+)", caddy)
        for each in matched.split()
    )
    assert by_caddy == wanted


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    names = []
    for path in DEPLOY.glob("nobs*"):
        name = path.name.replace("@.", "@worker.")
        text = path.read_text(encoding="utf-8")
        # only that program is not there; all else is verified as it is
        (tmp_path / name).write_text(
            text.replace("/opt/no-blindspot/.venv/bin/python", sys.executable)
        )
        names.append(name)
    assert len(names) == 6
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in verified.stderr.splitlines() if "nobs" in line]
    assert ours == []
    assert verified.returncode == 0, verified.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_units_are_closed(tmp_path: Path) -> None:
    for name in ("nobs.service", "nobs-backup.service", "nobs-expire.service"):
        shutil.copy(DEPLOY / name, tmp_path)
        asked = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30"]
        found = subprocess.run(
            [*asked, str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stdout[-300:]


def test_units_name_settings_and_commands_that_exist() -> None:
    for path in DEPLOY.glob("nobs*.service"):
        text = path.read_text(encoding="utf-8")
        for line in re.findall(r"^Environment=(.+)$", text, re.MULTILINE):
            assert {pair.split("=")[0] for pair in line.split()} <= SETTINGS | PYTHONS
        for word in re.findall(r"bot\.py ([a-z][a-z-]+)", text):
            assert word in commands()


def test_the_board_and_the_alerts_ask_for_metrics_that_exist() -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load(read("alerts.yaml"))
    asked += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    known = metrics()
    for expression in asked:
        for name in re.findall(r"\b((?:nobs|process)_[a-z_]+)", expression):
            assert re.sub(r"_bucket$", "", name) in known, expression
    rules = yaml.safe_load(read("prometheus.yaml"))["rule_files"]
    assert all((DEPLOY / name).exists() for name in rules)


def test_the_page_names_every_metric_and_only_settings_that_exist() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\b(nobs_[a-z_]+)", page))
    ours = {name for name in metrics() if name.startswith("nobs_")}
    assert told == ours
    named = set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", page)) | set(
        re.findall(r"^([A-Z_]+)=", page, re.MULTILINE)
    )
    assert named <= SETTINGS | OTHERS | THEIRS, named - SETTINGS
    for name in re.findall(r"docs/deploy/([\w@.-]+)", page):
        assert (DEPLOY / name).exists(), name
