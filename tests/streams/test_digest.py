"""Challenges and their answers, against the examples of RFC 7616."""

from __future__ import annotations

import time

import pytest

from nobs_bot.streams.digest import (
    Challenge,
    answer_matches,
    parameters,
    strongest_challenge,
)

RFC_7616 = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html",'
    ' algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
    ' nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth,'
    ' response="{response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_examples_of_the_rfc(algorithm: str, response: str) -> None:
    header = RFC_7616.format(algorithm=algorithm, response=response)
    assert answer_matches(header, "GET", "Mufasa", "Circle of Life")
    assert not answer_matches(header, "GET", "Mufasa", "Circle of Strife")
    assert not answer_matches(header, "POST", "Mufasa", "Circle of Life")


@pytest.mark.parametrize(
    "header",
    [
        'Digest realm="r", nonce="n"',
        'Digest realm="r", nonce="n", qop="auth"',
        'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth,auth-int", opaque="o"',
        'Digest realm="a \\"b\\", c", nonce="n", algorithm=MD5-sess, qop=auth',
        'Digest realm="r", nonce="n", algorithm=MD5-sess',
        'Basic realm="r"',
    ],
)
def test_answer_is_accepted_by_the_server_side(header: str) -> None:
    challenge = strongest_challenge([header])
    assert challenge is not None
    for _ in range(2):
        answer = challenge.answer("DESCRIBE", "rtsp://x/y?a=1", 'jo"ko', "p@ss:w/rd%#?1")
        assert "p@ss" not in answer
        assert answer_matches(answer, "DESCRIBE", 'jo"ko', "p@ss:w/rd%#?1")
        assert not answer_matches(answer, "DESCRIBE", 'jo"ko', "p@ss")


def test_count_goes_up_with_each_answer() -> None:
    challenge = Challenge("digest", "r", "n", "MD5", qop=True)
    counts = [parameters(challenge.answer("GET", "/", "u", "p"))["nc"] for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


def test_strongest_of_many_is_chosen() -> None:
    headers = [
        'Basic realm="b", Digest realm="m", nonce="1"',
        'Digest realm="s", nonce="2", algorithm=SHA-256',
    ]
    found = strongest_challenge(headers)
    assert found is not None
    assert (found.algorithm, found.realm) == ("SHA-256", "s")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Negotiate",
        'Digest realm="r", nonce="n", algorithm=FOO',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r"',
    ],
)
def test_challenge_that_cannot_be_met(header: str) -> None:
    assert strongest_challenge([header]) is None


def test_challenge_does_not_show_its_answers() -> None:
    assert not answer_matches("Digest garbage", "GET", "u", "p")
    assert not answer_matches("", "GET", "u", "p")


def test_one_letter_without_end_does_not_hold_everybody_up() -> None:
    began = time.process_time()
    assert strongest_challenge(["Digest " + "a" * 60_000]) is None
    assert time.process_time() - began < 1
