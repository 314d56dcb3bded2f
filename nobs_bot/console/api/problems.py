"""Why a call has no answer, as RFC 9457 tells it."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from nobs_bot.console.api.shapes import Problem

API_PATH = "/api/v1"
MEDIA_TYPE = "application/problem+json"


class NoAnswer(Exception):  # noqa: N818 - a result
    """A call that cannot be answered; the detail says what to do."""

    status = 400

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class NotKnown(NoAnswer):
    """Nobody we know."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Send a key that is good: Authorization: Bearer nobs_…")


class NotAllowed(NoAnswer):
    """Somebody we know, who may not."""

    status = 403


class NotThere(NoAnswer):
    """No such record for this caller; whether there is one for others is not told."""

    status = 404


def problem(status: int, detail: str, **headers: str) -> web.Response:
    """The answer that says why there is none."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        body=body.model_dump_json().encode(),
        status=status,
        content_type=MEDIA_TYPE,
        headers=headers,
    )
