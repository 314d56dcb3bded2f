"""Looks at the machine: folder, disk, port, time zone, OpenCV, and the geocoder it asks."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path

import aiohttp

from nobs_bot.clock import Clock
from nobs_bot.doctor.finding import Finding
from nobs_bot.errors import ExternalError
from nobs_bot.places.areas import KELURAHAN_FILE, load_areas
from nobs_bot.places.nominatim import NominatimGeocoder
from nobs_bot.settings import Settings
from nobs_bot.streams.address import parse_address
from nobs_bot.streams.check import Failure, StreamChecker
from nobs_bot.streams.children import Children, ForkserverBroken
from nobs_bot.streams.confinement import Layer

GIB = 1 << 30
LITTLE_SPACE_BYTES = 2 * GIB
NO_SPACE_BYTES = GIB // 4
DISTRICT_ZONES = ("WIB", "WITA", "WIT")


def folder_is_writable(folder: Path) -> Finding | None:
    """Whether files can be made in DATA_DIR."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as exc:
        return Finding(
            "E010",
            f"DATA_DIR ({folder}) takes no files: {exc.strerror}",
            "Let DATA_DIR name a folder that belongs to the user who runs the bot.",
        )


def disk_has_room(folder: Path) -> Finding | None:
    """Whether the disk under DATA_DIR has room."""
    if not folder.exists():
        return None
    free = shutil.disk_usage(folder).free
    if free >= LITTLE_SPACE_BYTES:
        return None
    code = "E011" if free < NO_SPACE_BYTES else "W011"
    return Finding(
        code,
        f"{free / GIB:.1f} GiB are left for DATA_DIR",
        "Make room, or move the files to an S3-compatible store (FILES_URL).",
    )


async def port_is_free(host: str, port: int) -> Finding | None:
    """Whether the site can listen, or does already."""
    try:
        with socket.create_server((host, port)):
            return None
    except OSError as exc:
        if await _is_ours(host, port):
            return None
        return Finding(
            "E012",
            f"nothing can listen on {host}:{port}: {exc.strerror}",
            "Give LISTEN_PORT another number, or end the program that has it (ss -ltnp).",
        )


async def _is_ours(host: str, port: int) -> bool:
    timeout = aiohttp.ClientTimeout(total=3)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{host}:{port}/healthz") as response,
        ):
            return "database" in await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError, TypeError):
        return False


def zone_is_the_districts(settings: Settings, clock: Clock) -> Finding | None:
    """Whether times are told in a zone of Indonesia."""
    name = clock.now().astimezone(settings.zone).tzname()
    if name in DISTRICT_ZONES:
        return None
    return Finding(
        "W006",
        f"times are told in {settings.timezone} ({name})",
        "Set TIMEZONE to Asia/Jakarta, Asia/Makassar or Asia/Jayapura, unless this is meant so.",
    )


def callers_are_told_apart(settings: Settings) -> Finding | None:
    """Whether whoever calls through the proxy, which https wants, is one of many to us."""
    if settings.trusted_proxies or not (settings.pages or "").startswith("https://"):
        return None
    return Finding(
        "W007",
        "all who come through the proxy count as one caller",
        "Let the proxy write X-Forwarded-For itself, as docs/deploy/nginx.conf does; then put "
        "TRUSTED_PROXIES=127.0.0.1, or where it stands, into .env.",
    )


async def opencv_starts() -> Finding | None:
    """Whether the child that opens streams starts; it is asked for a camera that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed_port = taken.getsockname()[1]
    checker = StreamChecker(allowed_networks=[ip_network("127.0.0.1/32")], deadline_s=10)
    await checker.start()
    try:
        report = await checker.check(parse_address(f"rtsp://127.0.0.1:{closed_port}/doctor"))
    except ForkserverBroken:
        return Finding(
            "E020",
            "OpenCV cannot be loaded, so no stream can be checked",
            "Install the packages again; `python -c 'import cv2'` tells what is missing.",
        )
    finally:
        await checker.close()
    if report.failure is Failure.REFUSED:
        return None
    return Finding(
        "W020",
        "a closed port of this machine did not refuse the connection",
        "A firewall swallows connections; checks will take longer and say less.",
    )


async def children_are_confined() -> Finding | None:
    """Whether the kernel keeps the children that decode from files, network and processes."""
    children = Children()
    try:
        await children.ready()
    except ForkserverBroken:
        return None  # said already: OpenCV does not load
    finally:
        await children.close()
    if not children.missing:
        return None
    held = [layer for layer in Layer if layer not in children.missing]
    return Finding(
        "W021",
        "who breaks a decoder is not kept from everything on this machine; the kernel holds "
        f"{_listed(held)}, and does not hold {_listed(children.missing)}",
        "A kernel of 6.7 or newer with Landlock and seccomp holds all; a container may hide them. "
        "Until then give the bot a machine or a user of its own.",
    )


def _listed(layers: Iterable[Layer]) -> str:
    return ", ".join(layers) or "nothing"


def areas_load(settings: Settings) -> Finding | None:
    """Whether the district's boundaries can be read."""
    try:
        load_areas(settings.district_name)
    except (OSError, ValueError, LookupError) as exc:
        return Finding(
            "E040",
            f"the areas cannot be read: {type(exc).__name__}",
            f"Put {KELURAHAN_FILE.name} of this version back.",
        )
    return None


async def geocoder_answers(settings: Settings) -> Finding | None:
    """Whether the geocoder that is set answers."""
    assert settings.geocoder_url is not None
    areas = load_areas(settings.district_name)
    geocoder = NominatimGeocoder(settings.geocoder_url, settings.geocoder_user_agent, areas.bounds)
    try:
        await geocoder.find("Jakarta Barat")
    except ExternalError as exc:
        return Finding(
            "W040",
            f"the geocoder does not answer: {exc}",
            "Check GEOCODER_URL; until then people send a pin or coordinates.",
        )
    return None
