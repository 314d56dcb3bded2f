"""Sheets of stickers: A4 PDF for the label sizes that are sold everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from nobs_bot.cameras.sticker import LabelSize
from nobs_bot.texts.latin import latin

if TYPE_CHECKING:
    from fpdf import FPDF

_PAD_MM = 2.5
# beside the code where a label is wider than this many times its height, else below it
_WIDE = 1.3
_LARGEST_PT, _SMALLEST_PT = 30.0, 5.0
# from one line to the next, in millimetres for a point of type
_LINE_MM = 0.3528 * 1.18


@dataclass(frozen=True)
class Sheet:
    """How the labels lie on A4; millimetres."""

    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    column_gap: float = 0.0

    @property
    def count(self) -> int:
        """Labels on one page."""
        return self.columns * self.rows

    def place(self, at: int) -> tuple[float, float]:
        """The upper left corner of a label, counted by rows from 0."""
        row, column = divmod(at, self.columns)
        return (
            self.left + column * (self.width + self.column_gap),
            self.top + row * self.height,
        )


# as the makers of labels give them: Avery 3474, L7164, L7165, L7169 and their kin
SHEETS = {
    LabelSize.SMALL: Sheet(3, 8, 70, 37, 0, 0.5),
    LabelSize.SQUARE: Sheet(3, 4, 63.5, 72, 7.21, 4.5, 2.54),
    LabelSize.MEDIUM: Sheet(2, 4, 99.1, 67.7, 4.63, 13.1, 2.54),
    LabelSize.LARGE: Sheet(2, 2, 99.1, 139, 4.63, 9.5, 2.54),
}


class Label(BaseModel):
    """What one sticker says: the camera's name, its code, and where the QR code leads."""

    model_config = ConfigDict(frozen=True)

    name: str
    code: str
    link: str


class StickerSheet(BaseModel):
    """
    What a PDF of stickers shows, as JSON, so that it can be drawn again after a crash.

    Args:
        words: "Connected to ...", in the district's words.
        hint: What to do with the code.
        contact: Whom to call.
        language: Of those words, for the document.
    """

    model_config = ConfigDict(frozen=True)

    size: LabelSize
    labels: tuple[Label, ...]
    words: str
    hint: str
    contact: str
    language: str


def draw(sheet: StickerSheet) -> bytes:
    """The PDF, at its true size; takes some milliseconds a label."""
    # few processes ever print
    from fpdf import FPDF

    form = SHEETS[sheet.size]
    pdf = FPDF(format="A4")
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.set_auto_page_break(False)
    pdf.set_lang(sheet.language)
    pdf.set_title(latin(f"{sheet.words}: {sheet.labels[0].name} - {sheet.labels[-1].name}"))
    sizes = _Sizes(pdf)
    for at, label in enumerate(sheet.labels):
        if at % form.count == 0:
            pdf.add_page()
        _draw_label(sizes, form, form.place(at % form.count), sheet, label)
    return bytes(pdf.output())


class _Sizes:
    """The largest type in which a text fits its box; found once, since labels are much alike."""

    def __init__(self, pdf: FPDF) -> None:
        self.pdf = pdf
        self._found: dict[tuple[str, str, float, float], float] = {}

    def write(self, text: str, style: str, box: tuple[float, float, float, float]) -> None:
        """Write into (left, top, width, height), centred."""
        left, top, width, height = box
        # all digits are of one width, and no other letter of a code is wider than W
        widest = re.sub(r"\b[A-Z2-7]{8}\b", "W" * 8, re.sub(r"\d", "0", text))
        key = widest, style, round(width, 2), round(height, 2)
        if key not in self._found:
            self._found[key] = self._largest(widest, style, width, height)
        size = self._found[key]
        self.pdf.set_font("helvetica", style, size)
        self.pdf.set_xy(left, top)
        self.pdf.multi_cell(width, size * _LINE_MM, text, align="C")

    def _largest(self, text: str, style: str, width: float, height: float) -> float:
        size = _LARGEST_PT
        while size > _SMALLEST_PT:
            self.pdf.set_font("helvetica", style, size)
            line = size * _LINE_MM
            rows: Any = self.pdf.multi_cell(
                width, line, text, align="C", dry_run=True, output="LINES"
            )
            is_unbroken = all(self.pdf.get_string_width(word) <= width for word in text.split())
            if is_unbroken and len(rows) * line <= height:
                return size
            size -= 0.5
        return _SMALLEST_PT


def _draw_label(
    sizes: _Sizes, form: Sheet, corner: tuple[float, float], sheet: StickerSheet, label: Label
) -> None:
    pdf, (left, top) = sizes.pdf, corner
    # a thin grey line to cut along where the paper is a plain one
    pdf.set_draw_color(200)
    pdf.set_line_width(0.1)
    pdf.rect(left, top, form.width, form.height)
    width, height = form.width - 2 * _PAD_MM, form.height - 2 * _PAD_MM
    left, top = left + _PAD_MM, top + _PAD_MM
    if form.width > _WIDE * form.height:
        side = min(height, 0.45 * width)
        code = left, top + (height - side) / 2
        box = left + side + _PAD_MM, top, width - side - _PAD_MM, height
    else:
        side = min(width, 0.6 * height)
        code = left + (width - side) / 2, top
        box = left, top + side + 1, width, height - side - 1
    pdf.image(_qr(label.link), code[0], code[1], side, side, link=label.link)
    _write(sizes, box, sheet, label)


def _write(
    sizes: _Sizes, box: tuple[float, float, float, float], sheet: StickerSheet, label: Label
) -> None:
    """The words beside or below the code, each with its share of the height."""
    left, top, width, height = box
    lines = (
        (sheet.words, "B", 0.42),
        (label.name, "B", 0.26),
        (f"{sheet.hint} {sheet.contact}", "", 0.22),
        (label.code, "", 0.10),
    )
    for text, style, share in lines:
        sizes.write(latin(text), style, (left, top, width, height * share))
        top += height * share


def _qr(link: str) -> BytesIO:
    import segno

    picture = BytesIO()
    # where there is room the code stands more damage: weather gnaws at it
    code = segno.make(link, error="m", micro=False, boost_error=True)
    code.save(picture, kind="png", scale=8, border=4)
    picture.seek(0)
    return picture


def pages_of(size: LabelSize, count: int) -> int:
    """How many A4 pages so many labels take."""
    return -(-count // SHEETS[size].count)
