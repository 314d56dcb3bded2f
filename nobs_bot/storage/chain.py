"""
The chain over the audit log, by which any change, cut or swap is found.

Every second the lines that are new are sealed: a seal lists their ids and marks, names the digest
of the seal before, and has a digest of its own over all that, made with the keys. So a line cannot
be changed, taken out or put in, nor a seal, without the keys; and since the newest digest goes to
the administrators each day (see `people.heads`), nor with them.

Lines about an owner who was erased are gone, lawfully: the line that says so names their ids, and
is itself sealed.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, LargeBinary, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.audit import Act, AuditLine, is_unchanged, mark
from nobs_bot.storage.base import Base
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.work import Office, Work

# a line that is older and in no seal was kept from being sealed
SEALED_WITHIN = timedelta(minutes=5)
_MOST_LINES = 500
_AT_ONCE = 200
_SEAL = "audit_seals"
_ENTRY = struct.Struct(">q33s")
_FIRST = bytes(33)

Tick = Callable[[int, int], None]


class AuditSeal(Base):
    """
    One link of the chain.

    Args:
        number: From 1, without gaps.
        prior: Digest of the seal before; zeros in the first one.
        entries: (id, mark) of each line, `_ENTRY` after `_ENTRY`.
        digest: Over all of it, made with the keys.
    """

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    prior: Mapped[bytes] = mapped_column(LargeBinary)
    entries: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)

    def read_entries(self) -> Iterator[tuple[int, bytes]]:
        """(id, mark) of each line; those that were cut off are missing."""
        whole = len(self.entries) - len(self.entries) % _ENTRY.size
        return _ENTRY.iter_unpack(self.entries[:whole])

    def covered(self) -> bytes:
        """What the digest is over."""
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return f"{self.number}\0{at}\0".encode() + self.prior + self.entries


async def seal_lines(office: Office) -> int:
    """
    Seal the lines that are new; returns how many.

    Of two processes at once one makes the next seal and the other, finding the number taken,
    nothing.
    """
    async with office.look() as work:
        if (await work.session.execute(_UNSEALED.limit(1))).first() is None:
            return 0
        is_first = await newest_seal(work) is None
    # lines from before there were marks; once the chain has begun, whoever writes a line marks it
    while is_first and await _adopt(office):
        continue
    try:
        async with office.work() as work:
            return await _seal(work)
    except IntegrityError:
        return 0


_UNSEALED = select(AuditLine).where(AuditLine.sealed_in.is_(None)).order_by(AuditLine.id)


async def _adopt(office: Office) -> int:
    async with office.work() as work:
        query = _UNSEALED.where(AuditLine.mark.is_(None)).limit(_MOST_LINES)
        lines = (await work.session.execute(query)).scalars().all()
        for line in lines:
            line.mark = mark(work.vault, line)
        return len(lines)


async def _seal(work: Work) -> int:
    # before the lines: whoever seals in between takes the number away, and lines with it
    last = await newest_seal(work)
    query = _UNSEALED.where(AuditLine.mark.is_not(None)).limit(_MOST_LINES)
    lines = (await work.session.execute(query)).scalars().all()
    if not lines:
        return 0
    seal = AuditSeal(
        number=last.number + 1 if last else 1,
        at=work.now,
        prior=last.digest if last else _FIRST,
        entries=b"".join(_ENTRY.pack(line.id, line.mark) for line in lines),
    )
    seal.digest = work.vault.mac(_SEAL, seal.covered())
    work.session.add(seal)
    # the number is taken, or not, before a line is touched
    await work.session.flush()
    await work.session.execute(
        update(AuditLine)
        .where(AuditLine.id.in_([line.id for line in lines]))
        .values(sealed_in=seal.number)
        .execution_options(synchronize_session=False)
    )
    return len(lines)


async def newest_seal(work: Work) -> AuditSeal | None:
    """The end of the chain; None where there is none yet."""
    query = select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)
    return (await work.session.execute(query)).scalar_one_or_none()


# heads


def _signing_key(vault: Vault) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(vault.derive("nobs/audit-signing/1"))


def head_of(vault: Vault, seal: AuditSeal) -> str:
    """A seal in one word, signed, to be kept elsewhere: number, digest and signature."""
    said = f"{seal.number}:{seal.digest.hex()}"
    signature = base64.urlsafe_b64encode(_signing_key(vault).sign(said.encode())).decode()
    return f"{said}:{signature.rstrip('=')}"


def read_head(vault: Vault, head: str) -> tuple[int, bytes]:
    """
    Number and digest of what `head_of` said.

    Raises:
        ValueError: it was not said by this installation.
    """
    number, _, rest = "".join(head.split()).partition(":")
    digest, _, signature = rest.partition(":")
    try:
        signed = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        _signing_key(vault).public_key().verify(signed, f"{number}:{digest}".encode())
        return int(number), bytes.fromhex(digest)
    except (ValueError, InvalidSignature):
        raise ValueError("the head was not signed by this installation") from None


# verifying


@dataclass
class Verdict:
    """
    What was found.

    Args:
        erased: Lines that are gone because their owner was erased.
        findings: What is not as it must be, a sentence each; empty where all is well.
    """

    seals: int = 0
    lines: int = 0
    erased: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


async def verify_chain(
    office: Office, heads: Sequence[tuple[int, bytes]] = (), tick: Tick = lambda *_: None
) -> Verdict:
    """
    Look at every seal and every line.

    Args:
        heads: Numbers and digests that were said earlier (see `read_head`).
        tick: Is told how many seals have been looked at, and of how many.
    """
    return await _Verification(office, dict(heads)).run(tick)


class _Verification:
    """One way along the chain, from the first seal to the last."""

    def __init__(self, office: Office, told: dict[int, bytes]) -> None:
        self._office = office
        self._told = told
        self._verdict = Verdict()
        self._prior, self._due = _FIRST, 1
        self._missing: dict[int, int] = {}
        self._erased: set[int] = set()

    async def run(self, tick: Tick) -> Verdict:
        async with self._office.look() as work:
            count = (await work.session.execute(select(func.count(AuditSeal.number)))).scalar_one()
        while await self._go_on():
            tick(self._verdict.seals, count)
        for number in sorted(self._told):
            self._found(f"seal {number}, whose head was told, is gone")
        await self._look_for_strangers()
        for line_id, number in self._missing.items():
            if line_id in self._erased:
                self._verdict.erased += 1
            else:
                self._found(f"line {line_id} of seal {number} is gone")
        return self._verdict

    def _found(self, finding: str) -> None:
        self._verdict.findings.append(finding)

    async def _go_on(self) -> bool:
        query = (
            select(AuditSeal)
            .where(AuditSeal.number >= self._due)
            .order_by(AuditSeal.number)
            .limit(_AT_ONCE)
        )
        async with self._office.look() as work:
            seals = (await work.session.execute(query)).scalars().all()
            for seal in seals:
                self._look_at_seal(work.vault, seal)
                await self._look_at_lines(work, seal)
        return bool(seals)

    def _look_at_seal(self, vault: Vault, seal: AuditSeal) -> None:
        if seal.number != self._due:
            self._found(f"seals {self._due} to {seal.number - 1} are gone")
        elif seal.prior != self._prior:
            self._found(f"seal {seal.number} does not follow from the one before")
        if not vault.is_mac(_SEAL, seal.covered(), seal.digest):
            self._found(f"seal {seal.number} was changed")
        if self._told.pop(seal.number, seal.digest) != seal.digest:
            self._found(f"seal {seal.number} is not the one whose head was told")
        self._prior, self._due = seal.digest, seal.number + 1
        self._verdict.seals += 1

    async def _look_at_lines(self, work: Work, seal: AuditSeal) -> None:
        entries = dict(seal.read_entries())
        query = select(AuditLine).where(AuditLine.id.in_(entries))
        found = {line.id: line for line in (await work.session.execute(query)).scalars()}
        for line_id, marked in entries.items():
            line = found.get(line_id)
            if line is None:
                self._missing[line_id] = seal.number
                continue
            self._verdict.lines += 1
            if line.mark != marked or not is_unchanged(work.vault, line):
                self._found(f"line {line_id} of seal {seal.number} was changed")
            elif line.sealed_in != seal.number:
                self._found(f"line {line_id} names another seal than its own, {seal.number}")
            else:
                self._note_erased(work, line)

    def _note_erased(self, work: Work, line: AuditLine) -> None:
        if line.act is Act.ERASED:
            self._erased.update(line.read_details(work).get("gone", ()))

    async def _look_for_strangers(self) -> None:
        """Lines that stand in the log and in no seal."""
        async with self._office.look() as work:
            if not self._verdict.seals:
                if (await work.session.execute(_UNSEALED.limit(1))).first():
                    self._found("nothing is sealed; a worker does that as soon as it runs")
                return
            old = work.now - SEALED_WITHIN
            for line in (await work.session.execute(_UNSEALED)).scalars():
                if line.mark is None:
                    self._found(f"line {line.id} has no mark: of an older version, or put in")
                    continue
                if not is_unchanged(work.vault, line):
                    self._found(f"line {line.id} was not written by this installation")
                    continue
                self._note_erased(work, line)
                if line.at <= old:
                    self._found(f"line {line.id} is old and not sealed; does a worker run?")
            # in one question, since the sealing goes on meanwhile
            is_beyond = AuditLine.sealed_in > select(func.max(AuditSeal.number)).scalar_subquery()
            known = func.count().filter(AuditLine.sealed_in < self._due)
            counts = select(known, func.count().filter(is_beyond)).select_from(AuditLine)
            sealed, beyond = (await work.session.execute(counts)).one()
        surplus = beyond + max(0, sealed - self._verdict.lines)
        if surplus:
            self._found(f"{surplus} lines say that they are sealed, and are in no seal")
