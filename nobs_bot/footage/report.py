"""The report that a prosecutor reads, as PDF; and the text that says what is in the export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fpdf import FPDF
from fpdf.fonts import FontFace

from nobs_bot.texts import Words, plain
from nobs_bot.texts.latin import latin

_BLUE, _GREY = (16, 42, 84), (236, 239, 244)
_MARGIN_MM = 14


def read_me(words: Words, manifest: dict[str, Any]) -> bytes:
    """What lies in the export and how to check it."""
    text = words(
        "report.read_me",
        request=manifest["request"]["number"],
        fingerprint=manifest["signed_with"],
    )
    return plain(text).encode() + b"\n"


def report(words: Words, manifest: dict[str, Any], made_at: datetime) -> bytes:
    """The manifest for people: summary, files, chain of custody, how to verify."""
    sheet = _Sheet(words, manifest, made_at)
    sheet.summary()
    sheet.files()
    sheet.asks()
    sheet.custody()
    sheet.how_to_verify()
    return sheet.finish()


class _Sheet:
    """The pages as they grow."""

    def __init__(self, words: Words, manifest: dict[str, Any], made_at: datetime) -> None:
        self._words = words
        self._manifest = manifest
        self._request = manifest["request"]
        self._pdf = _Pages(plain(words("report.footer", request=self._request["number"])))
        self._pdf.set_creation_date(made_at)
        self._pdf.set_title(latin(self._say("report.title")))
        self._pdf.set_lang("id")
        self._pdf.set_margin(_MARGIN_MM)
        self._pdf.set_auto_page_break(True, margin=18)
        self._pdf.add_page()
        self._made_at = made_at

    def finish(self) -> bytes:
        return bytes(self._pdf.output())

    def summary(self) -> None:
        request, pdf = self._request, self._pdf
        pdf.set_font("helvetica", "B", 17)
        pdf.set_text_color(*_BLUE)
        pdf.multi_cell(0, 9, latin(self._say("report.title")), new_x="LMARGIN", new_y="NEXT")
        pdf.set_text_color(0)
        self._paragraph(self._say("report.what_this_is"))
        place = request["place"]
        rows = [
            ("report.request", request["number"]),
            ("report.case", request["case_number"]),
            ("report.purpose", self._say(f"purpose.{request['purpose']}")),
            ("report.asked_by", self._officer(request["asked_by"])),
            ("report.agreed_by", self._officer(request["agreed_by"])),
            ("report.because", request["agreed_because"]),
            ("report.emergency", request["emergency_because"] if request["emergency"] else ""),
            ("report.district", request["district"]),
            ("report.area", request["authority"]["area"]),
            ("report.law", request["authority"]["law"]),
            ("report.place", f"{place['words']} ({place['lat']}, {place['lon']})"),
            ("report.windows", "\n".join(self._window(each) for each in request["windows"])),
            ("report.sent_at", self._moment(request["sent_at"])),
            ("report.made_at", self._words.exactly(self._made_at)),
            ("report.key", self._manifest["signed_with"]),
        ]
        self._pairs([(self._say(key), value) for key, value in rows if value])

    def files(self) -> None:
        self._heading("report.files")
        self._paragraph(self._say("report.files_note"))
        for clip in self._manifest["clips"]:
            rows = [
                ("report.file", clip["file"] or self._say("report.not_included")),
                ("report.receipt", clip["receipt"]),
                ("report.camera", clip["camera"]),
                ("report.name_given", clip["name_given"]),
                ("report.size", f"{self._words.number(clip['size_bytes'] or 0)} byte"),
                ("report.sha256", clip["sha256"] or ""),
                ("report.format", self._format(clip)),
                ("report.clock", self._clock(clip["recorder_clock_ahead_s"])),
                ("report.collected", self._moment(clip["collected_at"])),
                ("report.acquired", self._moment(clip["acquired_at"])),
                ("report.verified", self._moment(clip["verified_at"])),
                ("report.damaged", self._moment(clip["damaged_at"])),
                ("report.erased", self._moment(clip.get("erased_at"))),
            ]
            self._pairs([(self._say(key), value) for key, value in rows if value])
            self._pdf.ln(3)

    def asks(self) -> None:
        self._heading("report.asks")
        heads = (
            "report.camera",
            "report.view",
            "report.clock",
            "report.reply",
            "report.answered",
        )
        rows = [
            (
                ask["camera"],
                self._view(ask),
                self._clock(ask["recorder_clock_ahead_s"]),
                self._say(f"reply.{ask['reply']}"),
                self._moment(ask["answered_at"]) or "-",
            )
            for ask in self._manifest["asks"]
        ]
        self._table(heads, (17, 45, 45, 33, 42), rows)

    def custody(self) -> None:
        self._heading("report.custody")
        self._paragraph(self._say("report.custody_note"))
        heads = ("report.when", "report.who", "report.act", "report.file_or_camera")
        rows = [
            (
                self._moment(line["at"]),
                self._actor(line),
                plain(
                    self._words(
                        f"act.{line['act']}",
                        camera=line["camera"],
                        request=self._request["number"],
                    )
                ),
                line.get("receipt", line["camera"]),
            )
            for line in self._manifest["hand_overs"]
        ]
        self._table(heads, (46, 44, 60, 32), rows)

    def how_to_verify(self) -> None:
        self._heading("report.verifying")
        text = self._say("report.how_to_verify", fingerprint=self._manifest["signed_with"])
        self._paragraph(text)

    # words

    def _say(self, key: str, **values: object) -> str:
        return plain(self._words(key, **values))

    def _moment(self, text: str | None) -> str:
        return self._words.exactly(datetime.fromisoformat(text)) if text else ""

    def _window(self, ends: Sequence[str]) -> str:
        return " - ".join(self._moment(each) for each in ends)

    def _officer(self, officer: dict[str, str] | None) -> str:
        if officer is None:
            return ""
        role = self._say(f"role.{officer['role']}")
        return f"{officer['name']} ({role})"

    def _actor(self, line: dict[str, Any]) -> str:
        if line["by"] == "system":
            return self._say("log.the_system")
        if line["by"] == "owner":
            return self._say("report.owner", camera=line["camera"])
        name = line.get("name") or self._say("log.an_officer")
        role = self._say(f"role.{line['by']}")
        return f"{name} ({role})"

    def _format(self, clip: dict[str, Any]) -> str:
        looked = clip["looked"] or {}
        parts = [clip["media_type"] or ""]
        if "codec" in looked:
            parts.append(f"{looked['codec']}, {looked.get('width')}x{looked.get('height')}")
        if "duration_ms" in looked:
            seconds = looked["duration_ms"] // 1000
            parts.append(f"{seconds // 60}:{seconds % 60:02}")
        if clip["recompressed_on_the_way"]:
            parts.append(self._say("report.recompressed"))
        return "; ".join(part for part in parts if part)

    def _clock(self, ahead_s: int | None) -> str:
        if ahead_s is None:
            return self._say("report.clock_unknown")
        return self._say("report.clock_ahead", seconds=ahead_s)

    def _view(self, ask: dict[str, Any]) -> str:
        if not ask.get("heading_deg"):
            return self._say("report.view_unknown")
        return self._say(
            "report.view_line",
            heading=ask["heading_deg"],
            width=ask["width_deg"] or "?",
            range=ask["range_m"] or "?",
        )

    # shapes

    def _heading(self, key: str) -> None:
        pdf = self._pdf
        pdf.ln(5)
        pdf.set_font("helvetica", "B", 12)
        pdf.set_text_color(*_BLUE)
        pdf.multi_cell(0, 7, latin(self._say(key)), new_x="LMARGIN", new_y="NEXT")
        pdf.set_text_color(0)

    def _paragraph(self, text: str) -> None:
        self._pdf.set_font("helvetica", "", 9)
        self._pdf.multi_cell(0, 4.6, latin(text), align="L", new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(2)

    def _pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        self._pdf.set_font("helvetica", "", 9)
        bold = FontFace(emphasis="BOLD", fill_color=_GREY)
        with self._pdf.table(
            first_row_as_headings=False, col_widths=(46, 136), text_align="LEFT", line_height=5
        ) as table:
            for label, value in rows:
                row = table.row()
                row.cell(latin(label), style=bold)
                row.cell(latin(value))

    def _table(
        self, heads: Sequence[str], widths: tuple[int, ...], rows: Sequence[Sequence[str]]
    ) -> None:
        self._pdf.set_font("helvetica", "", 8)
        headings = FontFace(emphasis="BOLD", fill_color=_GREY)
        with self._pdf.table(
            col_widths=widths, text_align="LEFT", line_height=4.5, headings_style=headings
        ) as table:
            for cells in ([self._say(key) for key in heads], *rows):
                row = table.row()
                for cell in cells:
                    row.cell(latin(cell))


class _Pages(FPDF):
    """Numbered pages that name what they belong to."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot

    def footer(self) -> None:
        self.set_y(-13)
        self.set_font("helvetica", "", 8)
        self.set_text_color(110)
        self.cell(0, 6, latin(f"{self._foot} · {self.page_no()}/{{nb}}"), align="C")
        self.set_text_color(0)
