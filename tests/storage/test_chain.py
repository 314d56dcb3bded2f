"""The chain over the audit log: whatever an intruder does to the database is found."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from nobs_bot.people import privacy
from nobs_bot.people.heads import tell_heads
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, AuditLine, record, record_seen
from nobs_bot.storage.chain import (
    SEALED_WITHIN,
    AuditSeal,
    Verdict,
    head_of,
    newest_seal,
    read_head,
    seal_lines,
    verify_chain,
)
from nobs_bot.storage.crypto import Vault, parse_keys
from tests.cast import DISTRICT, House
from tests.test_starting import started


async def written(house: House, count: int = 3, owner: str = "Sari") -> None:
    """Lines about an owner, some with details, and one for many cameras at once."""
    async with house.office.work() as work:
        for nth in range(count):
            details = {"request": f"R-{nth}"} if nth % 2 else {}
            record(
                work,
                Act.ASKED,
                actor_id=house.ids["Rahmat"],
                actor_role=Role.INVESTIGATOR,
                owner_id=house.ids[owner],
                camera_id=nth,
                **details,
            )
        seen = [(100 + nth, house.ids[owner]) for nth in range(count)]
        await record_seen(
            work, Act.COVERAGE_SEEN, seen, actor_id=house.ids["Dewi"], actor_role=Role.REVIEWER
        )


async def sealed(house: House, *, seals: int = 3) -> None:
    """So many links of a chain, a second apart."""
    while await seal_lines(house.office):
        continue
    for _ in range(seals):
        house.clock.advance(timedelta(seconds=1))
        await written(house)
        assert await seal_lines(house.office) == 6


async def verified(house: House, *heads: tuple[int, bytes]) -> Verdict:
    return await verify_chain(house.office, heads)


async def run(house: House, sql: str, **values: Any) -> None:
    """What somebody does who has the database and not the keys."""
    async with house.office.work() as work:
        await work.session.execute(text(sql), values)


async def lines(house: House) -> list[AuditLine]:
    async with house.office.look() as work:
        query = select(AuditLine).order_by(AuditLine.id)
        return list((await work.session.execute(query)).scalars())


async def last(house: House) -> AuditSeal:
    async with house.office.look() as work:
        seal = await newest_seal(work)
        assert seal is not None
        return seal


async def test_what_was_written_is_sealed_and_verifies(any_house: House) -> None:
    await sealed(any_house)
    assert await seal_lines(any_house.office) == 0
    ticks: list[tuple[int, int]] = []
    verdict = await verify_chain(any_house.office, (), lambda *each: ticks.append(each))
    count = len(await lines(any_house))
    assert (verdict.is_well, verdict.lines, verdict.erased) == (True, count, 0)
    assert (await last(any_house)).number == verdict.seals
    assert ticks[-1] == (verdict.seals, verdict.seals)


async def test_more_than_a_seal_holds_goes_into_several(house: House) -> None:
    async with house.office.work() as work:
        for _ in range(1203):
            record(work, Act.CHECKED, actor_id=None)
    held = 0
    while done := await seal_lines(house.office):
        held += done
    assert held >= 1203
    verdict = await verified(house)
    assert (verdict.is_well, verdict.lines) == (True, held)


async def test_of_many_sealers_each_line_has_one_seal(any_house: House) -> None:
    await written(any_house, 40)
    done = await asyncio.gather(*(seal_lines(any_house.office) for _ in range(6)))
    assert sum(done) == len(await lines(any_house))
    assert (await verified(any_house)).is_well


CHANGES = {
    "act": "UPDATE audit_lines SET act = 'checked' WHERE id = :id",
    "actor": "UPDATE audit_lines SET actor_id = :citra WHERE id = :id",
    "nobody": "UPDATE audit_lines SET actor_id = NULL WHERE id = :id",
    "role": "UPDATE audit_lines SET actor_role = 'supervisor' WHERE id = :id",
    "owner": "UPDATE audit_lines SET owner_id = :citra WHERE id = :id",
    "camera": "UPDATE audit_lines SET camera_id = 77 WHERE id = :id",
    "request": "UPDATE audit_lines SET request_id = 77 WHERE id = :id",
    "time": "UPDATE audit_lines SET at = :earlier WHERE id = :id",
    "details": "UPDATE audit_lines SET details = NULL WHERE id = :id",
    "other details": "UPDATE audit_lines SET details = (SELECT details FROM audit_lines"
    " WHERE id = :other) WHERE id = :id",
    "mark": "UPDATE audit_lines SET mark = (SELECT mark FROM audit_lines WHERE id = :other)"
    " WHERE id = :id",
    "no mark": "UPDATE audit_lines SET mark = NULL WHERE id = :id",
    "seal": "UPDATE audit_lines SET sealed_in = sealed_in - 1 WHERE id = :id",
    "id": "UPDATE audit_lines SET id = id + 1000000 WHERE id = :id",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_changed_line_is_found(any_house: House, change: str) -> None:
    house = any_house
    await sealed(house)
    with_details = [line for line in await lines(house) if line.details and line.request_id is None]
    chosen, other = with_details[-1], with_details[-2]
    given = {
        "id": chosen.id,
        "other": other.id,
        "citra": house.ids["Citra"],
        "earlier": chosen.at - timedelta(days=1),
    }
    await run(
        house, CHANGES[change], **{key: given[key] for key in given if f":{key}" in CHANGES[change]}
    )
    verdict = await verified(house)
    assert any(str(chosen.id) in finding for finding in verdict.findings), verdict.findings


async def test_swapped_lines_are_found(house: House) -> None:
    await sealed(house)
    one, other = (await lines(house))[-2:]
    for column in ("camera_id", "mark", "sealed_in"):
        async with house.office.work() as work:
            for here, there in ((one, other), (other, one)):
                await work.session.execute(
                    update(AuditLine)
                    .where(AuditLine.id == here.id)
                    .values({column: getattr(there, column)})
                )
    found = (await verified(house)).findings
    assert len(found) == 2
    assert all("was changed" in each for each in found)


async def test_a_cut_line_is_found(any_house: House) -> None:
    await sealed(any_house)
    gone = (await lines(any_house))[-1].id
    await run(any_house, "DELETE FROM audit_lines WHERE id = :id", id=gone)
    seal = (await last(any_house)).number
    assert (await verified(any_house)).findings == [f"line {gone} of seal {seal} is gone"]


async def test_a_line_that_was_put_in_is_found(house: House) -> None:
    await sealed(house)
    real = (await lines(house))[-1]
    for sealed_in, finding in (
        (None, "was not written by this installation"),
        (real.sealed_in, "1 lines say that they are sealed, and are in no seal"),
        (10**6, "1 lines say that they are sealed, and are in no seal"),
    ):
        async with house.office.work() as work:
            forged = AuditLine(id=real.id + 9, at=work.now, act=Act.CLIP_OPENED)
            forged.actor_id, forged.mark, forged.sealed_in = 5, real.mark, sealed_in
            work.session.add(forged)
        [found] = (await verified(house)).findings
        assert finding in found
        await run(house, "DELETE FROM audit_lines WHERE id = :id", id=real.id + 9)
    assert (await verified(house)).is_well


async def test_a_line_without_a_mark_is_never_sealed_once_there_is_a_chain(house: House) -> None:
    await sealed(house)
    async with house.office.work() as work:
        work.session.add(AuditLine(id=12345, at=work.now, act=Act.CLIP_OPENED, actor_id=5))
    assert await seal_lines(house.office) == 0
    await written(house)
    assert await seal_lines(house.office) == 6
    [found] = (await verified(house)).findings
    assert found.startswith("line 12345 has no mark")


SEALS = {
    "was changed": ["UPDATE audit_seals SET entries = substr(entries, 1, 41) WHERE number = :n"],
    "are gone": ["DELETE FROM audit_seals WHERE number = :n"],
    "does not follow from the one before": [
        # one by one, as a key is checked row by row
        "UPDATE audit_seals SET number = -1 WHERE number = :n",
        "UPDATE audit_seals SET number = :n WHERE number = :n + 1",
        "UPDATE audit_seals SET number = :n + 1 WHERE number = -1",
    ],
}


@pytest.mark.parametrize("finding", SEALS)
async def test_a_seal_that_was_changed_cut_or_swapped_is_found(house: House, finding: str) -> None:
    await sealed(house, seals=5)
    number = (await last(house)).number - 2
    for sql in SEALS[finding]:
        await run(house, sql, n=number)
    found = (await verified(house)).findings
    assert any(str(number) in each and finding in each for each in found), found


async def test_a_log_that_lost_its_end_or_was_replaced_does_not_end_in_what_was_told(
    house: House,
) -> None:
    await sealed(house)
    seal = await last(house)
    head = head_of(house.office.vault, seal)
    told = read_head(house.office.vault, head)
    await sealed(house)
    assert (await verified(house, told)).is_well
    # the end, without a trace but for the head
    lines_after = "DELETE FROM audit_lines WHERE sealed_in >= :n"
    await run(house, lines_after, n=seal.number)
    await run(house, "DELETE FROM audit_seals WHERE number >= :n", n=seal.number)
    assert (await verified(house)).is_well
    assert (await verified(house, told)).findings == [
        f"seal {seal.number}, whose head was told, is gone"
    ]
    # and written anew, with the keys
    await sealed(house)
    assert (await verified(house)).is_well
    assert (await verified(house, told)).findings == [
        f"seal {seal.number} is not the one whose head was told"
    ]


@pytest.mark.parametrize("spoiled", ["number", "digest", "signature", "rest", "other"])
async def test_a_head_is_signed(house: House, spoiled: str) -> None:
    await sealed(house)
    seal = await last(house)
    number, digest, signature = head_of(house.office.vault, seal).split(":")
    other = Vault(parse_keys("1:" + "QUJE" * 10 + "QUI="))
    heads = {
        "number": f"{int(number) + 1}:{digest}:{signature}",
        "digest": f"{number}:{'00' * 33}:{signature}",
        "signature": f"{number}:{digest}:{signature[::-1]}",
        "rest": f"{number}:{digest}",
        "other": head_of(other, seal),
    }
    with pytest.raises(ValueError, match="not signed by this installation"):
        read_head(house.office.vault, heads[spoiled])
    broken = f"{number}:{digest[:20]}\n{digest[20:]}:{signature} "
    assert read_head(house.office.vault, broken) == (int(number), seal.digest)


async def test_an_owner_who_was_erased_leaves_no_hole(any_house: House) -> None:
    house = any_house
    await sealed(house)
    await written(house, owner="Budi")
    async with house.acting("Sari") as (work, sari):
        await privacy.erase(work, sari, ())
    for _ in range(2):
        verdict = await verified(house)
        assert (verdict.is_well, verdict.erased > 0) == (True, True), verdict.findings
        await seal_lines(house.office)
    # it names those lines and no others
    gone = (await lines(house))[-2].id
    await run(house, "DELETE FROM audit_lines WHERE id = :id", id=gone)
    [found] = (await verified(house)).findings
    assert found.startswith(f"line {gone} of seal ")


async def test_lines_from_before_there_were_marks_are_taken_into_the_first_seals(
    any_house: House,
) -> None:
    house = any_house
    await written(house, 400)
    await run(house, "UPDATE audit_lines SET mark = NULL")
    assert (await verified(house)).findings == [
        "nothing is sealed; a worker does that as soon as it runs"
    ]
    while await seal_lines(house.office):
        continue
    verdict = await verified(house)
    assert (verdict.is_well, verdict.lines) == (True, len(await lines(house)))


async def test_that_nobody_seals_is_found(house: House) -> None:
    await sealed(house)
    await written(house)
    assert (await verified(house)).is_well
    house.clock.advance(SEALED_WITHIN)
    found = (await verified(house)).findings
    assert len(found) == 6
    assert all("is old and not sealed" in each for each in found)


async def test_administrators_are_told_once_a_day(house: House) -> None:
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    heads = []
    for _ in range(3):
        await sealed(house, seals=1)
        seal = await last(house)
        for _ in range(2):
            async with house.office.work() as work:
                await tell_heads(work)
        heads.append(head_of(house.office.vault, seal))
        house.clock.advance(timedelta(days=1))
    told = await house.told("Budi")
    assert len(told) == 3
    for head, message in zip(heads, told, strict=True):
        assert head in message
    assert [await house.told(name) for name in ("Sari", "Dewi", "Kartika")] == [[], [], []]
    # at night nobody is woken
    house.clock.advance(timedelta(hours=-6))
    async with house.office.work() as work:
        assert await tell_heads(work) == 0


async def test_keys_that_open_nothing_verify_nothing(house: House) -> None:
    await sealed(house)
    other = Vault(parse_keys("1:" + "QUJE" * 10 + "QUI="))
    stranger = type(house.office)(
        house.office.database, other, house.clock, house.office.texts, house.office.settings
    )
    verdict = await verify_chain(stranger)
    assert len(verdict.findings) >= verdict.seals + verdict.lines


async def test_a_rotated_key_still_verifies_what_the_old_one_sealed(house: House) -> None:
    await sealed(house)
    old = house.office.vault._keys
    rotated = Vault([*parse_keys("2:" + "QUJE" * 10 + "QUI="), *old])
    office = type(house.office)(
        house.office.database, rotated, house.clock, house.office.texts, house.office.settings
    )
    async with office.work() as work:
        record(work, Act.CHECKED, actor_id=None, note="by the new key")
    assert await seal_lines(office) == 1
    assert (await verify_chain(office)).is_well


async def test_the_command(migrated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "nobs.sqlite3").write_bytes(migrated.read_bytes())
    code, said = await started(tmp_path, "verify-audit", COLUMNS="200")
    assert (code, said) == (0, "The audit log is as it was written: 0 lines in 0 seals.")
    with sqlite3.connect(folder / "nobs.sqlite3") as database:
        database.execute(
            "INSERT INTO audit_lines (id, at, act, actor_id) VALUES (7, '2026-11-16', 'asked', 5)"
        )
    code, said = await started(tmp_path, "verify-audit", "--json")
    assert (code, json.loads(said)["well"]) == (1, False)
    code, said = await started(tmp_path, "verify-audit", "--head", "1:ab:cd")
    assert (code, "was not signed" in said) == (2, True)
