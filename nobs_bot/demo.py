"""The demo: the whole programme against a Telegram of its own, with test cameras and a cast."""

from __future__ import annotations

import secrets
import socket
from ipaddress import ip_network
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel

from nobs_bot.app import Foundation
from nobs_bot.people.persons import meet, person_of, set_service_name
from nobs_bot.people.roles import Role, grant
from nobs_bot.sandbox import SandboxServer, the_cast
from nobs_bot.sandbox.cameras import CameraInfo, DemoCameras
from nobs_bot.schema import upgrade
from nobs_bot.serving import Compose, until_told_to_stop
from nobs_bot.settings import Settings
from nobs_bot.storage.work import Work
from nobs_bot.streams.address import parse_address

PAGE_PORT = 8081
UPLOAD_PORT = 8082
CAMERA_PORT = 8554
ROLES = {
    "Wayan": (Role.FIELD_OFFICER,),
    "Dewi": (Role.REVIEWER,),
    "Rahmat": (Role.INVESTIGATOR,),
    "Kartika": (Role.SUPERVISOR, Role.ADMINISTRATOR),
}


async def run_demo(settings: Settings, compose: Compose) -> int:
    """Start everything on loopback, print where the chat page is, run until told to stop."""
    home = settings.data_dir / "demo"
    token = _token(home)
    cameras = DemoCameras()
    infos = await _start_cameras(cameras, home / "cameras")
    sandbox = await _start_sandbox(token, home, infos, cameras)
    port = _free_port(UPLOAD_PORT)
    demo_settings = _demo_settings(settings, home, token, sandbox.api_url, port)
    foundation = Foundation(demo_settings)
    await upgrade(foundation.database)
    async with foundation.office.work() as work:
        await _seat_cast(work, foundation.areas.district.code)
    app, bot = await compose(foundation)
    _say_where(sandbox.page_url, infos)
    try:
        await until_told_to_stop(app)
    finally:
        await bot.session.close()
        await cameras.stop()
        await sandbox.stop()
    return 0


def _token(home: Path) -> str:
    """The demo bot's token, the same at every start so that its chats go on."""
    path = home / "token"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.write_text(f"7{secrets.randbelow(10**9):09d}:{secrets.token_urlsafe(26)}")
        path.chmod(0o600)
    return path.read_text()


async def _start_cameras(cameras: DemoCameras, cache_dir: Path) -> list[CameraInfo]:
    """On the same port at every start where it is free, so that volunteered ones stay reachable."""
    try:
        return await cameras.start(port=CAMERA_PORT, cache_dir=cache_dir)
    except OSError:
        return await cameras.start(cache_dir=cache_dir)


async def _start_sandbox(
    token: str, home: Path, infos: list[CameraInfo], cameras: DemoCameras
) -> SandboxServer:
    streams = {
        info.key: parse_address(info.url).with_credentials(info.username, info.password).url
        for info in infos
    }
    for port in (PAGE_PORT, 0):
        sandbox = SandboxServer(
            token,
            port=port,
            state_dir=home / "telegram",
            cast=the_cast(),
            streams=streams,
            cameras=cameras,
        )
        try:
            await sandbox.start()
        except OSError:
            await sandbox.stop()
            if port == 0:
                raise
        else:
            return sandbox
    raise AssertionError("unreachable")


def _free_port(wanted: int) -> int:
    """*wanted* where nobody listens on it, so that links to uploads outlive a restart; else any."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("unreachable")


def _demo_settings(settings: Settings, home: Path, token: str, api_url: str, port: int) -> Settings:
    loopback = ip_network("127.0.0.0/8")
    return settings.model_copy(
        update={
            "bot_token": SecretStr(token),
            "bot_api_url": api_url,
            "webhook_url": None,
            "console_url": f"http://127.0.0.1:{port}",
            "listen_host": "127.0.0.1",
            "database_url": None,
            "files_url": None,
            "secret_keys": None,
            "data_dir": home,
            "listen_port": port,
            "allowed_networks": (*settings.allowed_networks, loopback),
        }
    )


async def _seat_cast(work: Work, district_code: str) -> None:
    """Give the cast their names and roles; Sari, Budi and Citra have none."""
    for member in the_cast():
        who = await person_of(work, member.person_id)
        if who is None:
            who = meet(work, member.person_id, None)
            await work.session.flush()
        if who.service_name is None and member.name in ROLES:
            set_service_name(work, who, member.name)
        for role in ROLES.get(member.name, ()):
            await grant(work, who, role, district_code, granted_by=None)


def _say_where(page_url: str, cameras: list[CameraInfo]) -> None:
    lines = [f"Open [bold]{page_url}[/] in a browser.", "", "Cameras to volunteer:"]
    for info in cameras:
        secret = f"user [bold]{info.username}[/], password [bold]{info.password}[/]"
        lines.append(f"  {info.url}  {secret}")
    lines += ["", "Ctrl+C ends the demo; the chats are kept."]
    Console().print(Panel("\n".join(lines), title="No Blindspot demo", expand=False))
