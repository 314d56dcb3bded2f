"""Nothing secret reaches the log, whatever is logged."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from nobs_bot.log import JsonFormatter, RedactingFormatter, redact

TOKEN = "4242:" + "A" * 35


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rtsp://admin:tops3cret@cam.example/1", "rtsp://***@cam.example/1"),
        ("rtsp://admin:p@ss/w:rd@cam.example:554/1", "rtsp://***@cam.example:554/1"),
        ("postgresql://nobs:tops3cret@db/nobs", "postgresql://***@db/nobs"),
        (f"POST /bot{TOKEN}/getMe", "POST /bot***/getMe"),
        (f"https://api.telegram.org/file/bot{TOKEN}/a.jpg", None),
        ("no secret: 12:30 at rtsp://cam.example/1", "no secret: 12:30 at rtsp://cam.example/1"),
    ],
)
def test_secrets_are_cut_out(text: str, wanted: str | None) -> None:
    cut = redact(text)
    assert wanted is None or cut == wanted
    assert TOKEN not in cut
    assert "tops3cret" not in cut


def test_two_addresses_in_one_line_are_both_cut() -> None:
    cut = redact("from rtsp://a:s3cret1@one/x to http://b:s3cret2@two/y")
    assert cut == "from rtsp://***@one/x to http://***@two/y"


def test_a_traceback_is_cut_too() -> None:
    try:
        raise ValueError("cannot open rtsp://admin:tops3cret@cam.example/1")
    except ValueError:
        import sys

        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "it broke: %s", (TOKEN,), sys.exc_info()
        )
    written = RedactingFormatter("%(message)s").format(record)
    assert "Traceback" in written
    assert "tops3cret" not in written
    assert TOKEN not in written


def test_json_is_an_object_a_line_and_cut_too() -> None:
    try:
        raise ValueError('cannot open "rtsp://admin:tops3cret@cam.example/1"\n' + TOKEN)
    except ValueError:
        record = logging.LogRecord(
            "nobs_bot.x", logging.ERROR, __file__, 1, "bot%s said %s", (TOKEN, "é"), sys.exc_info()
        )
    line = JsonFormatter().format(record)
    assert "\n" not in line
    about = json.loads(line)
    assert about["message"] == "bot*** said é"
    assert about["level"] == "ERROR"
    assert about["at"].endswith("+00:00")
    assert "ValueError: cannot open" in about["exception"]
    assert "rtsp://***@cam.example/1" in about["exception"]
    assert "tops3cret" not in line
    assert TOKEN not in line
