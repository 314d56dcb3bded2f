"""Updates of one person that come in the wrong order, or to two processes at once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from nobs_bot.cameras import enrolment
from nobs_bot.cameras.record import Camera
from nobs_bot.console.site import SECRET_HEADER, WEBHOOK_PATH
from nobs_bot.sandbox import SandboxServer
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Work
from tests.conversations import enrolling
from tests.installation import Installation, installation
from tests.messaging.updates import settle_in

FIRST_OF_OURS = 500_000_000


def tap(person_id: int, message_id: int, data: str, update_id: int) -> dict[str, Any]:
    """An update as Telegram sends it when a button is tapped."""
    chat = {"id": person_id, "type": "private"}
    message = {"message_id": message_id, "date": int(time.time()), "chat": chat, "text": "…"}
    who = {"id": person_id, "is_bot": False, "first_name": "Sari"}
    query = {"id": str(update_id), "from": who, "chat_instance": "1", "data": data}
    return {"update_id": update_id, "callback_query": query | {"message": message}}


async def submissions(here: Installation) -> int:
    async with here.foundation.office.look() as work:
        query = select(AuditLine.id).where(AuditLine.act == Act.SUBMITTED)
        return len((await work.session.execute(query)).all())


async def test_two_taps_in_the_wrong_order_submit_once(
    migrated_url: str | None,
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_no_hurry = enrolment.waiting_before

    async def waiting_before(work: Work, camera: Camera) -> int:
        await asyncio.sleep(0.5)
        return await in_no_hurry(work, camera)

    monkeypatch.setattr(enrolment, "waiting_before", waiting_before)
    async with installation(sandbox, tmp_path, webhook=True, database_url=migrated_url) as here:
        sari = here.phone("Sari")
        await enrolling.consent(sari)
        await enrolling.until_sharing(sari)
        await enrolling.without_stream(sari)
        summary = await sari.expect("Ringkasan")
        rows = summary["reply_markup"]["inline_keyboard"]
        data = next(
            each["callback_data"] for row in rows for each in row if "Kirim" in each["text"]
        )
        taps = [
            tap(sari.person_id, summary["message_id"], data, FIRST_OF_OURS + number)
            for number in (1, 0)
        ]
        for each in taps:
            await here.app.pump.receive([each])
            await asyncio.sleep(0.1)
        await here.settled()
        assert await submissions(here) == 1
        assert "IntegrityError" not in here.logged.getvalue(), "they were run side by side"


async def test_hasty_taps_that_come_in_reverse_are_taken_as_they_were_made(
    migrated_url: str | None,
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with installation(sandbox, tmp_path, webhook=True, database_url=migrated_url) as here:
        sari = here.phone("Sari")
        await enrolling.consent(sari)
        await enrolling.until_sharing(sari)
        for earlier in ("Berapa hari perekam", "bidang pandangnya"):
            await sari.tap("Kembali")
            shown = await sari.expect(earlier)
        before = await heading(here)
        made = ["enrol.turn:15"] * 3 + ["enrol.view"]
        taps = [
            tap(sari.person_id, shown["message_id"], data, FIRST_OF_OURS + number)
            for number, data in enumerate(made)
        ]
        settle_in(monkeypatch, seconds=1)
        for each in reversed(taps):
            await call_webhook(here, each)
        await here.settled()
        assert await heading(here) == (before + 45) % 360
        await sari.expect("Berapa hari perekam")


async def heading(here: Installation) -> float:
    async with here.foundation.office.look() as work:
        found = (await work.session.execute(select(Camera.heading_deg))).scalar_one()
        assert found is not None
        return found


async def call_webhook(here: Installation, update: dict[str, Any]) -> None:
    """As Telegram does."""
    headers = {SECRET_HEADER: here.foundation.webhook_secret}
    url = f"http://127.0.0.1:{here.app.port}{WEBHOOK_PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=update, headers=headers) as answer,
    ):
        assert answer.status == 200
