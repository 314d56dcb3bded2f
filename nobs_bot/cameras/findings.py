"""What a check found, in words that say what to do."""

from __future__ import annotations

from typing import Any

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.streams.check import Failure, Finding, Stage, Verdict
from nobs_bot.texts import Markup, Words

_BAR = {stage: place for place, stage in enumerate(Stage, start=1)}
_UNREACHABLE = {Failure.PRIVATE_ADDRESS, Failure.FORBIDDEN_ADDRESS}
_CREDENTIALS = {Failure.WRONG_PASSWORD, Failure.PASSWORD_NEEDED}
_PASSING = {Failure.REFUSED, Failure.NO_ANSWER, Failure.NO_PICTURES}


def progress_text(words: Words, stage: Stage) -> str:
    """How far a check has come, with a bar."""
    done = _BAR[stage]
    bar = "▰" * done + "▱" * (len(_BAR) - done)
    return words("check.progress", bar=bar, stage=Markup(words(f"check.stage.{stage.value}")))


def report_text(words: Words, report: dict[str, Any]) -> str:
    """The report as lines: what came of it, what was measured, what was noticed."""
    if not report:
        return words("check.broke_off")
    if report.get("failure"):
        return words(f"check.failure.{report['failure']}")
    verdict = Verdict(report["verdict"])
    lines = [words("check.good" if verdict is Verdict.GOOD else "check.poor")]
    if report.get("width"):
        lines.append(_measured(words, report))
    lines += [words(f"check.finding.{finding}") for finding in report.get("findings", ())]
    return "\n\n".join(lines)


def _measured(words: Words, report: dict[str, Any]) -> str:
    return words(
        "check.measured",
        width=Markup(report["width"]),
        height=Markup(report["height"]),
        codec=(report.get("codec") or "?").upper(),
        fps=round(report.get("fps") or 0, 1),
        seconds=round(report.get("first_frame_s") or 0, 1),
    )


def short_finding(words: Words, report: dict[str, Any] | None) -> str:
    """The report in a few words, for lists."""
    if not report:
        return words("check.short.none")
    if report.get("failure"):
        return words(f"check.short.{report['failure']}")
    findings = [words(f"check.short.{Finding(each).value}") for each in report.get("findings", ())]
    good = words("check.short.good") if report["verdict"] == Verdict.GOOD.value else ""
    return ", ".join(part for part in (good, *findings) if part)


def result_message(
    words: Words, camera_id: int, report: dict[str, Any], still_name: str | None
) -> Message:
    """The result for the owner, with the picture and what can be done next."""
    text = report_text(words, report)
    if still_name:
        text += "\n\n" + words("check.is_this_it")
    pictures = (Picture(kind=PictureKind.FILE, name=still_name),) if still_name else ()
    return Message(text=text, keyboard=_next(words, camera_id, report), pictures=pictures)


def _next(words: Words, camera_id: int, report: dict[str, Any]) -> Keyboard:
    """What can be done next, the most promising first."""
    failure = Failure(report["failure"]) if report.get("failure") else None
    actions = {
        name: button(words(f"check.{name}_button"), action, camera_id)
        for name, action in _ACTIONS.items()
    }
    return column(*(actions[name] for name in _order(failure, report)))


_ACTIONS = {
    "yes": "enrol.seen",
    "keep": "enrol.seen",
    "again": "enrol.check",
    "cred": "enrol.cred",
    "edit": "enrol.stream",
    "open_access": "enrol.access",
    "without": "enrol.nostream",
}


def _order(failure: Failure | None, report: dict[str, Any]) -> tuple[str, ...]:
    if failure in _UNREACHABLE:
        return "without", "open_access", "edit"
    if failure in _CREDENTIALS:
        return "cred", "edit", "without"
    if failure in _PASSING or not report:
        return "again", "edit", "without"
    if failure:
        return "edit", "without"
    if report["verdict"] == Verdict.GOOD.value:
        return "yes", "again", "edit"
    return "again", "edit", "keep", "without"
