"""The routes of the interface, each with its scope, and the document that tells of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from nobs_bot.console.api import reading, shapes
from nobs_bot.console.api.callers import Caller, Callers
from nobs_bot.console.api.document import document
from nobs_bot.console.api.problems import API_PATH as PATH
from nobs_bot.console.api.problems import NoAnswer, problem
from nobs_bot.console.gate import allow_anybody, status_of
from nobs_bot.errors import Refusal
from nobs_bot.people.tokens import Scope
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import plain

log = logging.getLogger(__name__)

Read = Callable[[Work, Areas, Caller, Any], Awaitable[BaseModel]]


@dataclass(frozen=True)
class Endpoint:
    """
    One call.

    Args:
        path: Below `PATH`; a name in braces is taken from the path.
        scope: What a system needs for it; None where any key is enough.
        notes: Whether it writes into the log of owners.
    """

    path: str
    summary: str
    scope: Scope | None
    query: type[shapes.Query]
    answer: type[shapes.Shape]
    read: Read
    notes: bool = False


ENDPOINTS = (
    Endpoint(
        "/areas", "Areas that are open to you", None, shapes.NoQuery, shapes.Areas, reading.areas
    ),
    Endpoint(
        "/cameras",
        "Cameras that take part",
        Scope.CAMERAS,
        shapes.CameraQuery,
        shapes.Cameras,
        reading.cameras,
        notes=True,
    ),
    Endpoint(
        "/cameras/{number}",
        "One camera",
        Scope.CAMERAS,
        shapes.ByNumber,
        shapes.CameraShape,
        reading.camera,
        notes=True,
    ),
    Endpoint(
        "/watchers",
        "Cameras that look at a place",
        Scope.COVERAGE,
        shapes.PlaceQuery,
        shapes.Watchers,
        reading.watchers,
        notes=True,
    ),
    Endpoint(
        "/requests",
        "Footage requests",
        Scope.REQUESTS,
        shapes.RequestQuery,
        shapes.Requests,
        reading.requests,
    ),
    Endpoint(
        "/requests/{number}",
        "One footage request",
        Scope.REQUESTS,
        shapes.ByNumber,
        shapes.RequestShape,
        reading.request,
    ),
    Endpoint(
        "/progress",
        "How far the programme has come",
        Scope.PROGRESS,
        shapes.AreaQuery,
        shapes.Progress,
        reading.progress_of,
    ),
)


class ApiPages:
    """The interface, as pages of the centre; it answers programs, in JSON alone."""

    def __init__(self, office: Office, areas: Areas, root: str) -> None:
        self._office = office
        self._areas = areas
        self._callers = Callers(office)
        self._document = document(ENDPOINTS, root + PATH, office.settings.district_name)

    def routes(self) -> list[web.RouteDef]:
        """One a call, the document, and an answer for whatever else is asked."""
        return [
            web.get(f"{PATH}/openapi.json", self._tell),
            *(web.get(PATH + _pattern(each.path), self._serving(each)) for each in ENDPOINTS),
            web.route("*", f"{PATH}/{{rest:.*}}", self._unknown),
        ]

    def _serving(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        @allow_anybody
        async def serve(request: web.Request) -> web.Response:
            return await self._serve(endpoint, request)

        return serve

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        try:
            caller = await self._callers.recognise(request)
            query = endpoint.query.model_validate(_given(request))
            opened = self._office.work() if endpoint.notes else self._office.look()
            async with opened as work:
                answer = await endpoint.read(work, self._areas, caller, query)
        except ValidationError as exc:
            return problem(400, _wrong(exc))
        except NoAnswer as exc:
            return problem(exc.status, exc.detail)
        except Refusal as refusal:
            words = self._office.texts.of("en")
            told = plain(words(refusal.text_key, **refusal.params))
            return problem(status_of(refusal), told)
        return web.Response(body=answer.model_dump_json().encode(), content_type="application/json")

    @allow_anybody
    async def _tell(self, request: web.Request) -> web.Response:
        return web.json_response(self._document)

    @allow_anybody
    async def _unknown(self, request: web.Request) -> web.Response:
        known = {f"{PATH}/openapi.json", *(PATH + each.path for each in ENDPOINTS)}
        path = "/" + request.match_info["rest"]
        is_known = any(_fits(path, each.removeprefix(PATH)) for each in known)
        if is_known and request.method not in ("GET", "HEAD"):
            return problem(405, "This is for reading: GET alone.", Allow="GET, HEAD")
        return problem(404, f"There is no such call; see {PATH}/openapi.json.")


def _pattern(path: str) -> str:
    return path.replace("{number}", "{number:[^/]+}")


def _fits(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        want == part or (want.startswith("{") and part)
        for part, want in zip(parts, wanted, strict=True)
    )


def _given(request: web.Request) -> dict[str, Any]:
    """The parameters of query and path; one that is given twice is a list, which none takes."""
    given: dict[str, Any] = {}
    for name in request.query:
        values = request.query.getall(name)
        given[name] = values[0] if len(values) == 1 else values
    return given | dict(request.match_info)


def _wrong(exc: ValidationError) -> str:
    parts = [
        f"{'.'.join(str(each) for each in error['loc'])}: {error['msg']}" for error in exc.errors()
    ]
    return "; ".join(parts)[:500]
