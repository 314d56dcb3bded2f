"""`check-stream`: what it prints and returns."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.streams.address import AddressProblem
from nobs_bot.streams.check import Failure, Finding
from nobs_bot.streams.command import _FAILURES, _FINDINGS, _PROBLEMS, check_stream
from tests.streams.conftest import LOOPBACK
from tests.streams.hostile import PASSWORD, USER, camera


async def run(
    url: str,
    *,
    password: str | None = None,
    as_json: bool = True,
    still: Path | None = None,
) -> tuple[int, str]:
    out = io.StringIO()
    code = await check_stream(
        url,
        password_from_stdin=password,
        as_json=as_json,
        still_path=still,
        allowed_networks=[LOOPBACK],
        out=out,
    )
    return code, out.getvalue()


async def test_good_stream_as_json(street: Clip, tmp_path: Path) -> None:
    async with camera(street) as port:
        url = f"rtsp://{USER}:{PASSWORD}@127.0.0.1:{port}/stream"
        code, text = await run(url, still=tmp_path / "still.jpg")
    fields = json.loads(text)
    assert (code, fields["verdict"], fields["failure"]) == (0, "good", None)
    assert (fields["codec"], fields["width"], fields["height"]) == ("h264", 1280, 720)
    assert fields["fps"] > 10
    assert fields["first_frame_s"] > 0
    assert fields["measures"]["sharpness"] > 0
    assert fields["still"] == str(tmp_path / "still.jpg")
    assert (tmp_path / "still.jpg").read_bytes().startswith(b"\xff\xd8")


async def test_good_stream_for_people(street: Clip) -> None:
    async with camera(street) as port:
        url = f"rtsp://{USER}@127.0.0.1:{port}/stream"
        code, text = await run(url, password=f"{PASSWORD}\n", as_json=False)
    assert code == 0
    assert f"Checking rtsp://127.0.0.1:{port}/stream" in text
    assert "Good" in text
    assert "h264, 1280x720" in text
    assert PASSWORD not in text


@pytest.mark.parametrize("as_json", [True, False])
async def test_wrong_password_is_not_echoed(street: Clip, as_json: bool) -> None:
    async with camera(street) as port:
        url = f"rtsp://admin:Rahasia-1@127.0.0.1:{port}/stream"
        code, text = await run(url, password="Rahasia-2", as_json=as_json)
    assert code == 1
    assert "wrong" in text
    assert "Rahasia" not in text


@pytest.mark.parametrize("as_json", [True, False])
async def test_text_that_is_no_url(as_json: bool) -> None:
    code, text = await run("rtsp://admin:Rahasia-1@host:99999/", as_json=as_json)
    assert code == 2
    assert "Rahasia" not in text
    if as_json:
        fields = json.loads(text)
        assert (fields["failure"], fields["problem"]) == ("not_an_address", "bad_port")
    else:
        assert text.strip() == "The port cannot be one."


def test_every_outcome_has_a_sentence() -> None:
    assert set(_FAILURES) == set(Failure)
    assert set(_FINDINGS) == set(Finding)
    assert set(_PROBLEMS) == set(AddressProblem)
