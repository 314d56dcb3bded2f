"""What is written about the house agrees with the house."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

import bot
from nobs_bot.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
IGNORED = {".git", ".venv", "data", ".hypothesis"}
# put together here, so that this file does not name them itself
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("golang", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.~*}\"'/])/(?:work|root|home/\w+|tmp/[\w.]+)/")


def committed_files() -> list[Path]:
    """What git keeps; in a copy without git, everything but what is made here."""
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if found.returncode == 0:
        paths = [ROOT / name for name in found.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not IGNORED & set(path.parts)]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def text_of(path: Path) -> str:
    """The file's text; empty for pictures and the like."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def pages() -> list[Path]:
    return [path for path in committed_files() if path.suffix == ".md"]


def shown(default: object) -> str:
    return "" if default in (None, ()) else str(default)


def commands() -> set[str]:
    group = typer.main.get_command(bot.cli)
    return set(group.commands)  # type: ignore[attr-defined]


# settings


def test_the_example_has_every_setting_in_order_with_its_description_and_default() -> None:
    wanted = []
    for name, field in Settings.model_fields.items():
        default = shown(field.default)
        line = f"{name.upper()}={default}" if default else f"# {name.upper()}="
        wanted += ["", f"# {field.description}", line]
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert lines[lines.index("") :] == wanted


def test_the_example_as_it_is_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    assert load_settings(_env_file=ROOT / ".env.example") == load_settings(_env_file=None)


def test_the_readme_has_every_setting_with_its_default() -> None:
    wanted = [
        f"| `{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |"
        for name, field in Settings.model_fields.items()
        for default in [shown(field.default)]
    ]
    rows = [line for line in README.splitlines() if re.match(r"\| `[A-Z_]+` \|", line)]
    assert rows == wanted


def test_every_setting_has_a_description_that_is_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_wrong_settings_are_all_told_at_once_and_end_with_2(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "BOT_TOKEN=secret-and-wrong\n"
        "LISTEN_PORT=99999\n"
        "TIMEZONE=Mars/Olympus\n"
        "DATABASE_URL=mysql://nobs:tops3cret@db/nobs\n"
        "WEBHOOK_URL=http://cctv.example.org\n"
        "ALLOWED_NETWORKS=10.0.0.1/8\n"
        "CASE_NUMBER_PATTERN=(\n"
    )
    ended = subprocess.run(
        [sys.executable, str(ROOT / "bot.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    for part in (
        "BOT_TOKEN: a token looks like",
        "LISTEN_PORT: Input should be less than or equal to 65535",
        "TIMEZONE: give a name such as Asia/Jakarta",
        "DATABASE_URL: give postgresql://",
        "WEBHOOK_URL: Telegram calls webhooks by https only",
        "ALLOWED_NETWORKS: 10.0.0.1/8 has host bits set; give networks such as",
        "CASE_NUMBER_PATTERN: not a regular expression",
        ".env.example",
    ):
        assert part in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret-and-wrong" not in ended.stderr
    assert "tops3cret" not in ended.stderr


def test_wrong_keys_are_told_without_a_traceback(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "bot.py"), "migrate"],
        cwd=tmp_path,
        env={"SECRET_KEYS": "1:c2VjcmV0", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "A key is ID:BASE64" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "c2VjcmV0" not in ended.stderr


# commands


def test_the_readme_has_every_command_of_bot_py_and_no_other() -> None:
    table = set(re.findall(r"^\| `python bot\.py ([a-z][a-z-]*)", README, re.MULTILINE))
    assert table == commands()


def test_no_page_names_a_command_that_there_is_not() -> None:
    for page in pages():
        named = set(re.findall(r"bot\.py ([a-z][a-z-]+)", text_of(page)))
        assert named <= commands(), page.name


def test_every_make_target_that_a_page_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    for page in pages():
        code = re.findall(r"`[^`]+`|^make .*$", text_of(page), re.MULTILINE)
        named = {name for part in code for name in re.findall(r"\bmake ([a-z]\w*)", part)}
        assert named <= targets, page.name
    assert {"run", "test", "check", "bench"} <= set(re.findall(r"\| `make (\w+)`", README))


def test_every_file_and_folder_that_a_page_names_exists() -> None:
    for page in pages():
        for named in re.findall(
            r"`((?:nobs_bot|handlers|tests|migrations)/[\w./-]+)`", text_of(page)
        ):
            assert (ROOT / named).exists(), f"{page.name}: {named}"


# links


def anchors_of(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_links_inside_the_repository_lead_somewhere() -> None:
    checked = 0
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            goal = (page.parent / path).resolve() if path else page
            assert goal.exists(), f"{page.relative_to(ROOT)}: {target}"
            assert not anchor or anchor in anchors_of(goal), f"{page.name}: {target}"
            checked += 1
    assert checked > 10


def test_the_picture_of_the_demo_is_a_picture() -> None:
    from PIL import Image

    with Image.open(ROOT / "docs" / "demo.png") as picture:
        assert picture.width >= 1000


def test_the_licence_is_whole() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "limitations under the License." in licence


# what must not be there


def test_no_committed_file_names_a_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in committed_files()
        for host in REGISTRIES
        if host in text_of(path)
    ]
    assert found == []


def test_no_committed_file_names_a_path_of_this_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed_files()
        for match in MACHINE_PATH.finditer(text_of(path))
    ]
    assert found == []
    assert str(ROOT) not in "".join(text_of(path) for path in committed_files())


def test_the_version_that_evidence_names_is_the_projects() -> None:
    import tomllib

    from nobs_bot import VERSION

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
