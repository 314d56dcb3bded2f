"""`check-stream`: one check from the command line, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from nobs_bot.streams.address import (
    AddressFault,
    AddressProblem,
    StreamAddress,
    parse_address,
)
from nobs_bot.streams.check import CheckReport, Failure, Finding, Stage, StreamChecker, Verdict
from nobs_bot.streams.vetting import Network

GOOD, NOT_GOOD, NOT_AN_ADDRESS = 0, 1, 2

_STAGES = {
    Stage.resolving: "Resolving the name",
    Stage.connecting: "Connecting",
    Stage.opening: "Opening the stream",
    Stage.watching: "Watching",
    Stage.judging: "Judging the picture",
}
_FAILURES = {
    Failure.NAME_NOT_RESOLVED: "The host's name cannot be resolved.",
    Failure.PRIVATE_ADDRESS: "The address belongs to a private network, out of reach from here.",
    Failure.FORBIDDEN_ADDRESS: "The address is not one that may be connected to.",
    Failure.REFUSED: "The connection was refused: nothing listens on that port.",
    Failure.NO_ANSWER: "There was no answer in time.",
    Failure.WRONG_PASSWORD: "The user name or password is wrong.",
    Failure.PASSWORD_NEEDED: "The camera asks for a user name and password.",
    Failure.NO_SUCH_PATH: "The camera answers, but has no stream at that path.",
    Failure.NOT_A_CAMERA: "Something answers, but it is no camera.",
    Failure.REDIRECTED: "The camera points to another address; redirects are not followed.",
    Failure.UNSUPPORTED_CODEC: "The stream is in a format that cannot be read.",
    Failure.NO_PICTURES: "The camera answers, but sends no pictures.",
    Failure.TOO_LARGE: "The picture is too large to be checked.",
}
_FINDINGS = {
    Finding.BLACK: "The picture is black.",
    Finding.COVERED: "The lens is covered.",
    Finding.BLURRED: "The picture is blurred.",
    Finding.PARTLY_COVERED: "A large part of the picture shows nothing.",
    Finding.NO_MOTION: "No motion was seen.",
    Finding.LOW_RESOLUTION: "The resolution is low.",
    Finding.SLOW: "There are few pictures a second.",
}
_PROBLEMS = {
    AddressProblem.not_a_url: "That is no URL.",
    AddressProblem.unsupported_scheme: "The URL must begin with rtsp, rtsps, http or https.",
    AddressProblem.no_host: "The URL names no host.",
    AddressProblem.bad_host: "The host cannot be one.",
    AddressProblem.bad_port: "The port cannot be one.",
    AddressProblem.too_long: "The URL is too long.",
    AddressProblem.control_characters: "The URL contains control characters.",
}
_VERDICTS = {
    Verdict.GOOD: ("Good", "bold green"),
    Verdict.POOR: ("Poor", "bold yellow"),
    Verdict.FAILED: ("Failed", "bold red"),
}


async def check_stream(
    url: str,
    *,
    password_from_stdin: str | None,
    as_json: bool,
    still_path: Path | None,
    allowed_networks: Sequence[Network],
    out: TextIO,
) -> int:
    """
    Check one stream and print what was found.

    Args:
        url: As typed; may carry user name and password.
        password_from_stdin: Replaces the URL's password; its user is the URL's, or "admin".
        still_path: Where to write the still, if there is one.

    Returns:
        0 for a good stream, 1 for any other, 2 for a URL that is none.
    """
    try:
        address = parse_address(url)
        if password_from_stdin is not None:
            password = password_from_stdin.rstrip("\r\n")
            address = address.with_credentials(address.username or "admin", password)
    except AddressFault as fault:
        _print_fault(fault, as_json, out)
        return NOT_AN_ADDRESS
    report = await _checked(address, allowed_networks, None if as_json else out)
    saved = _save(report, still_path)
    if as_json:
        _print_json(report.as_dict() | {"still": saved}, out)
    else:
        _print_report(report, saved, out)
    return GOOD if report.verdict is Verdict.GOOD else NOT_GOOD


async def _checked(
    address: StreamAddress, allowed_networks: Sequence[Network], out: TextIO | None
) -> CheckReport:
    checker = StreamChecker(allowed_networks=allowed_networks)
    await checker.start()
    try:
        if out is None:
            return await checker.check(address)
        console = _console(out)
        console.print(Text(f"Checking {address.public}"))
        with console.status("...") as status:

            async def show(stage: Stage) -> None:
                status.update(_STAGES[stage])

            return await checker.check(address, show)
    finally:
        await checker.close()


def _save(report: CheckReport, path: Path | None) -> str | None:
    if path is None or report.still is None:
        return None
    path.write_bytes(report.still)
    return str(path)


def _print_fault(fault: AddressFault, as_json: bool, out: TextIO) -> None:
    if not as_json:
        _console(out).print(Text(_PROBLEMS[fault.kind], style="bold red"))
        return
    nothing = dict.fromkeys(("codec", "width", "height", "fps", "first_frame_s", "still"))
    said = {"verdict": Verdict.FAILED.value, "failure": "not_an_address", "problem": fault.kind}
    _print_json(said | {"findings": [], "measures": {}} | nothing, out)


def _print_json(fields: dict[str, Any], out: TextIO) -> None:
    out.write(json.dumps(fields) + "\n")


def _print_report(report: CheckReport, saved: str | None, out: TextIO) -> None:
    console = _console(out)
    word, style = _VERDICTS[report.verdict]
    console.print(Text(word, style=style))
    if report.failure is not None:
        console.print(Text(_FAILURES[report.failure]))
    for finding in report.findings:
        console.print(Text(_FINDINGS[finding]))
    if report.width is not None and report.height is not None:
        console.print(Text(_picture_line(report)))
    elif report.codec is not None:
        console.print(Text(f"Format: {report.codec}"))
    if "tls_unverified" in report.measures:
        console.print(Text("The camera's certificate was not verified."))
    if saved is not None:
        console.print(Text(f"Still: {saved}"))


def _picture_line(report: CheckReport) -> str:
    parts = [f"{report.codec or 'unknown format'}, {report.width}x{report.height}"]
    if report.fps is not None:
        parts.append(f"{report.fps:.1f} pictures a second")
    if report.first_frame_s is not None:
        parts.append(f"the first after {report.first_frame_s:.1f} s")
    return ", ".join(parts)


def _console(out: TextIO) -> Console:
    return Console(file=out, highlight=False, soft_wrap=True)
