"""What anybody reads who scans a sticker: whether it counts, and whom to call."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from nobs_bot.cameras.sticker import PAGE_PATH, bot_link
from nobs_bot.cameras.stickers import Scan, Standing, scan
from nobs_bot.cameras.wording import sticker_words
from nobs_bot.console import safety
from nobs_bot.console.rendering import safe, template
from nobs_bot.errors import Refusal
from nobs_bot.storage.work import Office
from nobs_bot.texts import LANGUAGES, Markup, Words

PATH = PAGE_PATH
_ASSETS = Path(__file__).parent / "assets"


class StickerPage:
    """
    Serves a page for each code. It is made anew at every look: a withdrawn camera's sticker expires
    with the withdrawal.

    Args:
        bot_name: The bot's username; empty where it is not known, and then no button leads there.
    """

    def __init__(self, office: Office, bot_name: str) -> None:
        self._office = office
        self._bot_name = bot_name
        # whoever tries codes that are none of ours is slowed down; nobody else is
        self._pace = safety.Pace(burst=30, per_second=2)

    def site(self) -> web.Application:
        """An application of its own, to be mounted under `PATH`."""
        site = web.Application()
        site.add_routes([web.get(r"/{code:[\w-]{1,40}}", self._page), web.static("/aset", _ASSETS)])
        site.on_response_prepare.append(safety.add_headers)
        return site

    async def _page(self, request: web.Request) -> web.Response:
        code = request.match_info["code"].upper()
        async with self._office.look() as work:
            found = await scan(work, code)
        if found.standing is Standing.UNKNOWN:
            try:
                self._pace.call("unknown")
            except Refusal:
                raise web.HTTPTooManyRequests from None
        return self._rendered(request, code, found)

    def _rendered(self, request: web.Request, code: str, found: Scan) -> web.Response:
        words = self._office.texts.of(request.query.get("lang"))
        other = next(each for each in LANGUAGES if each != words.language)
        shown = {name: safe(value) for name, value in self._values(words, found).items()}
        is_ours = found.standing is not Standing.UNKNOWN
        html = template("sticker.html").render(
            **shown,
            standing=found.standing.value,
            district=self._office.settings.district_name,
            language=words.language,
            other_language=other,
            other_language_name=words(f"language.{other}"),
            code=code,
            call=_callable(self._office.settings.district_contact),
            bot=bot_link(self._bot_name, code) if is_ours and self._bot_name else None,
        )
        status = 200 if is_ours else 404
        return web.Response(text=html, content_type="text/html", status=status)

    def _values(self, words: Words, found: Scan) -> dict[str, object]:
        settings = self._office.settings
        number = found.camera.name if found.camera else None
        is_valid = found.standing is Standing.VALID
        return {
            "title": Markup(words("sticker.page.title")),
            "verdict": Markup(words(f"sticker.standing.{found.standing}")),
            "meaning": Markup(words(f"sticker.meaning.{found.standing}")),
            "connected": sticker_words(words, settings) if is_valid else None,
            "number": number,
            "call_label": Markup(
                words("sticker.page.call_button", contact=settings.district_contact)
            ),
            "bot_label": Markup(words("sticker.page.bot_button")),
            "bot_note": Markup(words("sticker.page.bot_note")),
        }


def _callable(contact: str) -> str | None:
    """The contact as telephones dial it; None where it is none."""
    digits = "".join(each for each in contact if each.isdigit() or each == "+")
    return digits if len(digits) >= 3 else None
