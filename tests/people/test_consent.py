"""What an owner agreed to, and the proof of it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from sqlalchemy import select

from nobs_bot.people import consent as consents
from nobs_bot.people.consent import (
    Consent,
    consent_text,
    current_consent,
    give_consent,
    withdraw_consent,
)
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import MONDAY, House


async def test_consent_keeps_version_language_time_and_digest_of_the_very_words(
    house: House,
) -> None:
    async with house.acting("Sari") as (work, sari):
        shown = consent_text(work, sari)
        given = await give_consent(work, sari)
        assert (given.version, given.language) == (consents.VERSION, "id")
        assert given.given_at == MONDAY
        assert given.text_sha256 == sha256(shown.encode()).hexdigest()
        await work.session.flush()
        assert [line.act for line in await lines_about(work, sari.id)] == [Act.CONSENTED]


async def test_each_language_has_its_own_words_and_digest(house: House) -> None:
    async with house.acting("Budi") as (work, budi):
        budi.language = "en"
        given = await give_consent(work, budi)
        assert given.language == "en"
        english = consent_text(work, budi)
        budi.language = "id"
        assert consent_text(work, budi) != english
        assert given.text_sha256 == sha256(english.encode()).hexdigest()


@pytest.mark.parametrize("language", ["id", "en"])
async def test_the_words_name_what_the_law_asks_for(house: House, language: str) -> None:
    async with house.acting("Sari") as (work, sari):
        sari.language = language
        words = consent_text(work, sari)
        for part in (work.settings.district_name, work.settings.district_contact, "27", "18"):
            assert part in words
        assert "{" not in words


async def test_agreeing_twice_is_one_consent(house: House) -> None:
    async with house.acting("Sari") as (work, sari):
        first = await give_consent(work, sari)
        await work.session.flush()
        assert (await give_consent(work, sari)).id == first.id


async def test_a_new_version_of_the_words_needs_a_new_consent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
    monkeypatch.setattr(consents, "VERSION", "2027-01")
    async with house.acting("Sari") as (work, sari):
        assert await current_consent(work, sari) is None
        await give_consent(work, sari)
        await work.session.flush()
        kept = (await work.session.execute(select(Consent).order_by(Consent.id))).scalars().all()
        assert [each.version for each in kept] == ["2026-12", "2027-01"]


async def test_a_withdrawn_consent_is_none_and_stays_as_proof(house: House) -> None:
    async with house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
    async with house.acting("Sari") as (work, sari):
        await withdraw_consent(work, sari)
        assert await current_consent(work, sari) is None
    async with house.acting("Sari") as (work, sari):
        [kept] = (await work.session.execute(select(Consent))).scalars().all()
        assert kept.withdrawn_at == MONDAY
        assert (await give_consent(work, sari)).id != kept.id


async def test_one_persons_consent_is_not_anothers(house: House) -> None:
    async with house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
    async with house.acting("Budi") as (work, budi):
        assert await current_consent(work, budi) is None
        await withdraw_consent(work, budi)
    async with house.acting("Sari") as (work, sari):
        assert await current_consent(work, sari) is not None
