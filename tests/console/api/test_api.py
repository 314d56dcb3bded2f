"""The interface for programs: what a key opens, what it does not, and what owners read of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS
from sqlalchemy import select

from nobs_bot.people.roles import Role, grant
from nobs_bot.people.tokens import Scope, make_token
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, KECAMATAN, OTHER_KECAMATAN, SHOP, House
from tests.console.hall import Hall
from tests.footage.live.looking import shared
from tests.footage.requests import send

EVERY_CALL = (
    "areas",
    "cameras",
    "cameras/1001",
    f"watchers?lat={SHOP[0]}&lon={SHOP[1]}",
    "requests",
    "requests/1001",
    "progress",
)


async def key(house: House, *scopes: Scope, area: str = KECAMATAN) -> str:
    async with house.acting("Kartika") as (work, who):
        await grant(work, who, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        await work.session.flush()
        _, token = await make_token(
            work, who, name="Pusat 112", area_code=area, scopes=set(scopes or Scope), days=30
        )
        return token


class Program:
    """Another system."""

    def __init__(self, hall: Hall, token: str) -> None:
        self.root = f"{hall.root}/api/v1"
        self.session = hall.stranger("program/1").session
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, **more: str) -> tuple[int, Any]:
        headers = {**self.headers, **more}
        async with self.session.get(f"{self.root}/{path}", headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def filled(any_hall: Hall) -> Hall:
    """Two cameras, one of them paused, and a request."""
    house = any_hall.house
    await shared(house)
    await house.approved("Budi", heading_deg=None)
    await house.waiting("Citra")
    await send(house)
    return any_hall


async def test_a_key_opens_what_its_scopes_say(filled: Hall) -> None:
    program = Program(filled, await key(filled.house))
    status, cameras = await program.get("cameras")
    assert status == 200
    assert [each["number"] for each in cameras["items"]] == [1001, 1002], "none that only waits"
    first = cameras["items"][0]
    assert (first["lat"], first["lon"]) == SHOP
    assert first["headings_deg"] == [135.0]
    assert cameras["items"][1]["headings_deg"] == []
    assert first["has_stream"]
    text = str(cameras)
    for secret in ("Sari", "rahasia", "203.0.113", "0812"):
        assert secret not in text
    _, page = await program.get("cameras?limit=1")
    assert page["next"] == 1001
    assert (await program.get("cameras?after=1001"))[1]["items"][0]["number"] == 1002
    _, requests = await program.get("requests?state=sent")
    (request,) = requests["items"]
    assert request["case_number"] == "LP/B/1042/XI/2026/SPKT"
    assert request["asked"] == 2
    _, progress = await program.get("progress")
    assert sum(each["approved"] for each in progress["items"]) == 2
    assert {each["code"][:8] for each in progress["items"]} == {KECAMATAN}
    _, areas = await program.get("areas")
    assert areas["items"][0] == {"code": KECAMATAN, "name": "Tambora", "level": "kecamatan"}


async def test_each_scope_opens_its_own_and_nothing_else(filled: Hall) -> None:
    opened = {
        Scope.CAMERAS: {"cameras", "cameras/1001"},
        Scope.COVERAGE: {EVERY_CALL[3]},
        Scope.REQUESTS: {"requests", "requests/1001"},
        Scope.PROGRESS: {"progress"},
    }
    for scope in Scope:
        program = Program(filled, await key(filled.house, scope))
        for call in EVERY_CALL:
            status, answer = await program.get(call)
            wanted = 200 if call in opened[scope] | {"areas"} else 403
            assert status == wanted, (scope, call, answer)


@pytest.mark.parametrize("token", ["", "nobs_wrong", "Bearer"])
async def test_nobody_without_a_key(filled: Hall, token: str) -> None:
    program = Program(filled, token)
    for call in EVERY_CALL:
        status, answer = await program.get(call)
        assert status == 401
        assert answer["title"] == "Unauthorized"


async def test_another_area_has_nothing_of_this_one(filled: Hall) -> None:
    program = Program(filled, await key(filled.house, area=OTHER_KECAMATAN))
    assert (await program.get("cameras"))[1]["items"] == []
    assert (await program.get("requests"))[1]["items"] == []
    for call in ("cameras/1001", "requests/1001", EVERY_CALL[3]):
        assert (await program.get(call))[0] == 404
    assert (await program.get(f"cameras?area={KECAMATAN}"))[0] == 403
    assert (await program.get(f"progress?area={KECAMATAN}"))[0] == 403


async def test_the_owner_reads_which_system_read(filled: Hall) -> None:
    house = filled.house
    program = Program(filled, await key(house))
    assert (await program.get("cameras/1001"))[0] == 200
    assert (await program.get(EVERY_CALL[3]))[0] == 200
    async with house.office.look() as work:
        query = select(AuditLine).where(
            AuditLine.owner_id == house.ids["Sari"], AuditLine.act == Act.API_READ
        )
        lines = (await work.session.execute(query)).scalars().all()
        assert [line.read_details(work)["system"] for line in lines] == ["Pusat 112"] * len(lines)
        assert lines


async def test_the_owner_reads_which_officer_read_the_list(filled: Hall) -> None:
    house = filled.house
    dewi = await filled.enter("Dewi")
    assert (await dewi.get("api/v1/cameras"))[0] == 200
    async with house.office.look() as work:
        query = select(AuditLine).where(
            AuditLine.act == Act.API_READ, AuditLine.actor_id == house.ids["Dewi"]
        )
        lines = (await work.session.execute(query)).scalars().all()
        assert {line.owner_id for line in lines} == {house.ids["Sari"], house.ids["Budi"]}
        assert {line.actor_role for line in lines} == {"reviewer"}


async def test_an_ended_or_outlived_key_opens_nothing(filled: Hall) -> None:
    house = filled.house
    program = Program(filled, await key(house))
    house.clock.advance(timedelta(days=31))
    assert (await program.get("areas"))[0] == 401


async def test_a_page_asks_with_its_session_and_sees_what_its_officer_may(filled: Hall) -> None:
    await send(filled.house, name="Rahmat")
    for name, calls in {
        "Rahmat": {"cameras": 200, "requests": 200, "progress": 200},
        "Dewi": {"cameras": 200, "requests": 403, "progress": 200},
        "Wayan": {"cameras": 200, "requests": 403, "progress": 200},
        "Kartika": {"cameras": 200, "requests": 200, "progress": 200},
    }.items():
        visitor = await filled.enter(name)
        for call, wanted in calls.items():
            assert (await visitor.get(f"api/v1/{call}"))[0] == wanted, (name, call)


async def test_what_is_wrong_is_said(filled: Hall) -> None:
    program = Program(filled, await key(filled.house))
    for call, status, said in (
        ("cameras?limit=0", 400, "limit"),
        ("cameras?limit=1&limit=2", 400, "limit"),
        ("cameras?colour=red", 400, "colour"),
        ("cameras?area=Tambora", 400, "area"),
        ("cameras/abc", 400, "number"),
        ("watchers?lat=100&lon=1", 400, "lat"),
        ("watchers", 400, "lat"),
        ("nothing", 404, "openapi.json"),
        ("cameras/99999", 404, "camera"),
    ):
        found, answer = await program.get(call)
        assert found == status, call
        assert said in answer["detail"], call
    async with program.session.post(f"{program.root}/cameras", headers=program.headers) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.usefixtures("paces_stand_still")
async def test_too_often_is_slowed_down(filled: Hall) -> None:
    program = Program(filled, await key(filled.house))
    seen: set[int] = set()
    for _ in range(60):
        calls = (program.get("areas") for _ in range(30))
        seen |= {status for status, _ in await asyncio.gather(*calls)}
        if 429 in seen:
            break
    assert seen == {200, 429}


async def test_it_does_as_its_document_says(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Schemathesis calls everything with everything, good and bad, and compares with the schema."""
    monkeypatch.setattr("nobs_bot.console.safety.Pace.call", lambda *_: None)
    house = hall.house
    await shared(house)
    await send(house)
    token = await key(house)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{hall.root}/api/v1/openapi.json") as answer,
    ):
        document = await answer.json()
    calls = await asyncio.to_thread(_contest, document, f"{hall.root}/api/v1", token)
    assert calls > 200


def _contest(document: dict[str, Any], root: str, token: str) -> int:
    schema = schemathesis.openapi.from_dict(document)
    headers = {"Authorization": f"Bearer {token}"}
    checks = [each for each in CHECKS.get_all() if each.__name__ != "ignored_auth"]
    calls = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @schemathesis_given(operation)
        def contest(case: Any) -> None:
            nonlocal calls
            calls += 1
            case.call_and_validate(base_url=root, headers=headers, checks=checks)

        contest()
    return calls


def schemathesis_given(operation: Any) -> Any:
    from hypothesis import given, strategies

    good = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
    return given(case=strategies.one_of(good, bad))
