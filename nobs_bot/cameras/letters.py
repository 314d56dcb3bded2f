"""Letters to the owners of recorded cameras, each with a code to take them over or erase them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from sqlalchemy import or_, select

from nobs_bot.cameras.claim import offer
from nobs_bot.cameras.record import Camera, State, contact_of
from nobs_bot.cameras.recording import good_until
from nobs_bot.places.areas import Areas
from nobs_bot.settings import Settings
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words, plain
from nobs_bot.texts.latin import latin

_MARGIN_MM = 25
_CODE_MM = 42

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Letter:
    """
    To one owner.

    Args:
        areas: Codes of the kelurahan in which the cameras hang.
        link: Opens the bot; whoever opens it last may act on it.
        until: When link and records end.
    """

    name: str
    address: str
    cameras: int
    areas: tuple[str, ...]
    link: str
    until: datetime


async def letters_for(work: Work, area_code: str, bot_name: str) -> list[Letter]:
    """
    A letter for each owner in an area whose cameras were recorded from a list; sorted by area.

    Each has a link of its own, made now; those of earlier letters stay good until they end.
    """
    query = (
        select(Camera)
        .where(
            Camera.state == State.RECORDED,
            Camera.recorded_by.is_(None),
            Camera.handed_over_at.is_not(None),
            or_(Camera.area_code == area_code, Camera.area_code.startswith(f"{area_code}.")),
        )
        .order_by(Camera.area_code, Camera.id)
    )
    of_owner: dict[int, list[Camera]] = {}
    for camera in (await work.session.execute(query)).scalars():
        of_owner.setdefault(camera.owner_id, []).append(camera)
    return [_letter(work, cameras, bot_name) for cameras in of_owner.values()]


def _letter(work: Work, cameras: Sequence[Camera], bot_name: str) -> Letter:
    contact = contact_of(work, cameras[0])
    return Letter(
        name=contact.name,
        address=contact.address,
        cameras=len(cameras),
        areas=tuple(dict.fromkeys(camera.area_code or "" for camera in cameras)),
        link=f"https://t.me/{bot_name}?start={offer(work, cameras[0])}",
        until=good_until(work, cameras[0]),
    )


def write(
    path: Path,
    letters: Sequence[Letter],
    areas: Areas,
    *,
    words: Words,
    settings: Settings,
    progress: Progress = lambda done, of: None,
) -> None:
    """
    One page a letter, A4.

    Raises:
        OSError: the file cannot be written.
    """
    # loaded by this command alone
    import segno
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_margin(_MARGIN_MM)
    pdf.set_lang(words.language)
    for done, letter in enumerate(letters, start=1):
        pdf.add_page()
        pdf.set_font("helvetica", size=11)
        for line in filter(None, (letter.name, *letter.address.split(", "))):
            pdf.cell(0, 6, latin(line), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(10)
        pdf.set_font("helvetica", "B", 13)
        pdf.multi_cell(0, 7, latin(plain(words("letter.title"))), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(3)
        pdf.set_font("helvetica", size=11)
        text = words.plural(
            "letter.text",
            letter.cameras,
            district=settings.district_name,
            area="; ".join(areas.name(code) for code in letter.areas),
            until=words.date(letter.until),
            contact=settings.district_contact,
        )
        pdf.multi_cell(0, 6, latin(plain(text)), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(5)
        code = BytesIO()
        segno.make(letter.link, error="m", micro=False).save(code, kind="png", scale=4, border=4)
        pdf.image(code, w=_CODE_MM)
        pdf.set_font("helvetica", size=8)
        pdf.cell(0, 5, letter.link, link=letter.link, new_x="LMARGIN", new_y="NEXT")
        progress(done, len(letters))
    path.write_bytes(bytes(pdf.output()))
