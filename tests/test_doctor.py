"""The doctor, against a real Telegram of our own, real files and a real database."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console
from sqlalchemy import text

from nobs_bot.app import Foundation
from nobs_bot.clock import ManualClock, SystemClock
from nobs_bot.console.site import Site
from nobs_bot.doctor import Finding, examine, kept, machine, telegram
from nobs_bot.doctor.examine import look_all_round
from nobs_bot.people.invitations import invite
from nobs_bot.people.roles import Role
from nobs_bot.sandbox import SandboxServer
from nobs_bot.settings import Settings, load_settings
from nobs_bot.storage.crypto import parse_keys
from tests.conftest import TOKEN
from tests.databases import lay_migrated


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
async def installation(tmp_path: Path, sandbox: SandboxServer) -> Settings:
    """A migrated installation with keys and one sealed line in its audit log."""
    settings = load_settings(
        _env_file=None,
        bot_token=TOKEN,
        bot_api_url=sandbox.api_url,
        data_dir=tmp_path / "data",
        listen_port=free_port(),
    )
    settings.data_dir.mkdir()
    await lay_migrated(settings.data_dir / "nobs.sqlite3")
    foundation = Foundation(settings)
    async with foundation.office.work() as work:
        invite(work, Role.ADMINISTRATOR, "31.73", created_by=None)
    await foundation.database.close()
    return settings


def changed(settings: Settings, **values: Any) -> Settings:
    return load_settings(_env_file=None, **(settings.model_dump() | values))


async def findings(settings: Settings, clock: Any = None) -> dict[str, Finding]:
    return {
        name: found
        async for name, found in look_all_round(settings, clock or SystemClock())
        if found is not None
    }


async def codes(settings: Settings, clock: Any = None) -> dict[str, str]:
    return {name: found.code for name, found in (await findings(settings, clock)).items()}


async def test_a_healthy_installation_has_no_finding_and_ends_with_0(
    installation: Settings,
) -> None:
    out = StringIO()
    assert await codes(installation) == {}
    assert await examine(installation, console=Console(file=out, width=100)) == 0
    assert "Nothing to mend, 0 to know of." in out.getvalue()
    assert "bad" not in out.getvalue()


async def test_before_the_first_start_there_is_only_something_to_know_of(tmp_path: Path) -> None:
    fresh = load_settings(_env_file=None, data_dir=tmp_path / "new", listen_port=0)
    assert await codes(fresh) == {"token": "W001", "keys": "W030", "database": "W031"}
    assert not (tmp_path / "new" / "nobs.sqlite3").exists()
    assert not (tmp_path / "new" / "keys").exists()


async def test_a_wrong_token_is_told_and_never_shown(installation: Settings) -> None:
    wrong = "4242:" + "B" * 35
    out = StringIO()
    settings = changed(installation, bot_token=wrong)
    assert await codes(settings) == {"token": "E002"}
    assert await examine(settings, console=Console(file=out, width=100)) == 1
    assert "E002" in out.getvalue()
    assert "B" * 20 not in out.getvalue()


async def test_an_unreachable_api_is_told_once(installation: Settings) -> None:
    settings = changed(installation, bot_api_url=f"http://127.0.0.1:{free_port()}")
    assert await codes(settings) == {"Bot API": "E001"}


async def test_a_server_that_is_no_bot_api_is_told(installation: Settings) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        found = await codes(changed(installation, bot_api_url=f"http://127.0.0.1:{port}"))
    finally:
        await runner.cleanup()
    assert found == {"Bot API": "E001"}


async def test_a_webhook_of_another_program_is_told_when_polling(
    installation: Settings, sandbox: SandboxServer
) -> None:
    hook = f"http://127.0.0.1:{free_port()}/elsewhere"
    await sandbox.api.call("setWebhook", _params(url=hook))
    assert await codes(installation) == {"webhook": "E003"}


async def test_a_webhook_that_is_not_the_one_of_the_settings_is_told(
    installation: Settings,
) -> None:
    settings = changed(
        installation, webhook_url="https://cctv.example.org", trusted_proxies="127.0.0.1"
    )
    found = await findings(settings)
    assert {name: each.code for name, each in found.items()} == {"webhook": "W003"}
    assert "https://cctv.example.org/telegram/webhook" in found["webhook"].problem


def _params(**values: Any) -> Any:
    from nobs_bot.sandbox.wire import Params

    return Params(values, {})


def answered(**result: Any) -> telegram.Answer:
    return telegram.Answer(200, {"ok": True, "result": result}, None)


def test_a_fresh_delivery_failure_is_told_and_an_old_one_is_not() -> None:
    clock = ManualClock(datetime(2026, 11, 14, 12, tzinfo=UTC))
    now = int(clock.now().timestamp())
    fresh = answered(last_error_date=now - 60, last_error_message="Connection refused")
    found = telegram.webhook_delivers(fresh, clock)
    assert found is not None
    assert (found.code, "Connection refused" in found.problem) == ("W004", True)
    assert telegram.webhook_delivers(answered(last_error_date=now - 7200), clock) is None


def test_updates_that_pile_up_are_told() -> None:
    found = telegram.updates_are_taken(answered(pending_update_count=4200))
    assert found is not None
    assert (found.code, "4200" in found.problem) == ("W005", True)
    assert telegram.updates_are_taken(answered(pending_update_count=3)) is None


@pytest.mark.parametrize(
    ("off_s", "words"), [(-6, "6 s behind"), (-5, None), (5, None), (90, "90 s ahead")]
)
def test_a_clock_more_than_five_seconds_off_is_told(off_s: int, words: str | None) -> None:
    theirs = datetime(2026, 11, 14, 12, tzinfo=UTC)
    me = telegram.Answer(200, {"ok": True}, theirs)
    found = telegram.clock_is_right(me, ManualClock(theirs + timedelta(seconds=off_s)))
    assert (found and words in found.problem) if words else found is None


async def test_the_clock_is_compared_with_the_servers_own_header(installation: Settings) -> None:
    clock = ManualClock(datetime.now(UTC) + timedelta(minutes=10))
    assert await codes(installation, clock) == {"clock": "W002"}


async def test_a_missing_migration_is_told(installation: Settings) -> None:
    foundation = Foundation(installation)
    async with foundation.database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    await foundation.database.close()
    found = await findings(installation)
    assert {name: each.code for name, each in found.items()} == {"database": "E033"}
    assert "bot.py migrate" in found["database"].hint


async def test_an_empty_database_is_told(installation: Settings) -> None:
    (installation.data_dir / "nobs.sqlite3").unlink()
    (installation.data_dir / "nobs.sqlite3").touch()
    assert await codes(installation) == {"database": "E033"}


async def test_a_file_that_is_no_database_is_told(installation: Settings) -> None:
    (installation.data_dir / "nobs.sqlite3").write_bytes(b"not a database" * 1000)
    found = await codes(installation)
    assert found == {"database": "E032", "database takes writes": "E034"}


async def test_looking_for_writes_leaves_nothing(installation: Settings) -> None:
    foundation = Foundation(installation)
    assert await kept.database_takes_writes(foundation.database) is None
    async with foundation.database.reading() as session:
        query = "SELECT name FROM sqlite_master WHERE name LIKE 'doctor%'"
        tables = (await session.execute(text(query))).all()
    await foundation.database.close()
    assert tables == []


async def test_a_database_server_that_is_away_is_told_without_its_password(
    installation: Settings,
) -> None:
    url = f"postgresql://nobs:tops3cret@127.0.0.1:{free_port()}/nobs"
    out = StringIO()
    settings = changed(installation, database_url=url)
    assert (await codes(settings))["database"] == "E032"
    assert await examine(settings, console=Console(file=out, width=100)) == 1
    assert "tops3cret" not in out.getvalue()


async def test_a_key_file_that_others_may_read_is_told(installation: Settings) -> None:
    (installation.data_dir / "keys").chmod(0o640)
    found = await findings(installation)
    assert {name: each.code for name, each in found.items()} == {"keys": "E031"}
    assert "0640" in found["keys"].problem
    assert "chmod 600" in found["keys"].hint


async def test_keys_that_are_gone_are_told(installation: Settings) -> None:
    (installation.data_dir / "keys").unlink()
    assert await codes(installation) == {"keys": "W030", "keys open what is stored": "E035"}
    assert not (installation.data_dir / "keys").exists()


async def test_keys_of_another_installation_are_told(installation: Settings) -> None:
    other = "1:" + "QUJD" * 10 + "QUI="
    parse_keys(other)
    (installation.data_dir / "keys").write_text(other)
    assert await codes(installation) == {"keys open what is stored": "E036"}


async def test_a_broken_key_file_is_told_without_its_content(installation: Settings) -> None:
    (installation.data_dir / "keys").write_text("1:c2VjcmV0c2VjcmV0")
    found = await findings(installation)
    assert found["keys"].code == "E030"
    assert not any("c2VjcmV0" in each.problem + each.hint for each in found.values())


async def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    found = machine.folder_is_writable(tmp_path / "data")
    assert found is not None
    assert found.code == "E010"


def test_a_disk_that_fills_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    for free, code in ((machine.GIB // 8, "E011"), (machine.GIB, "W011"), (9 * machine.GIB, None)):
        left = usage(10, 10, free)
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _, left=left: left)
        found = machine.disk_has_room(tmp_path)
        assert (found.code if found else None) == code


async def test_a_busy_port_is_told(installation: Settings) -> None:
    with socket.create_server(("127.0.0.1", installation.listen_port)):
        assert await codes(installation) == {"port": "E012"}


async def test_a_port_that_is_ours_is_fine(installation: Settings) -> None:
    async def receive(_: Any) -> None:
        raise AssertionError("nobody calls")

    foundation = Foundation(installation)
    site = Site(foundation.office, receive, "secret", foundation.files)
    port = await site.start("127.0.0.1", 0)
    try:
        assert await machine.port_is_free("127.0.0.1", port) is None
    finally:
        await site.stop()
        await foundation.database.close()


async def test_a_time_zone_of_elsewhere_is_told(installation: Settings) -> None:
    assert await codes(changed(installation, timezone="Europe/Berlin")) == {"time zone": "W006"}


async def test_a_proxy_that_hides_who_calls_is_told(installation: Settings) -> None:
    behind = changed(installation, console_url="https://cctv.example.org")
    assert await codes(behind) == {"proxy": "W007"}
    assert await codes(changed(behind, trusted_proxies="127.0.0.1")) == {}


async def test_children_that_the_kernel_does_not_hold_are_told(
    installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "from nobs_bot.streams import forkserver\n"
        "from nobs_bot.streams.confinement import Layer\n"
        "forkserver.held_here = lambda: [Layer.CALLS]\n"
        "forkserver.main()"
    )
    monkeypatch.setattr("nobs_bot.streams.children._PROGRAM", ["-c", script])
    finding = (await findings(installation))["children"]
    assert finding.code == "W021"
    assert "holds system calls, and does not hold files, ports" in finding.problem


async def test_a_geocoder_that_is_away_is_told(installation: Settings) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert await codes(changed(installation, geocoder_url=url)) == {"geocoder": "W040"}


async def test_a_file_store_that_is_in_the_way_is_told(
    installation: Settings, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file")
    settings = changed(installation, files_url=(tmp_path / "blocked").as_uri())
    assert await codes(settings) == {"file store": "E037"}


async def test_the_file_store_is_left_as_it_was(installation: Settings) -> None:
    assert await kept.files_can_be_stored(installation) is None
    assert list((installation.data_dir / "files").iterdir()) == []


async def test_a_look_that_breaks_off_does_not_end_the_others(
    installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError(f"with a secret: {TOKEN}")

    monkeypatch.setattr(machine, "areas_load", broken)
    found = await findings(installation)
    assert {name: each.code for name, each in found.items()} == {"areas": "E099"}
    assert TOKEN not in found["areas"].problem
