"""Pages from their templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from nobs_bot.texts import Markup

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def template(name: str) -> Any:
    """A template; whatever is filled in is escaped unless it is `safe`."""
    # 5 MB that an idle process need not carry
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    return environment.get_template(name)


def safe(value: object) -> object:
    """A catalogue's sentence is HTML already, and has escaped what was filled in."""
    from markupsafe import Markup as SafeText

    return SafeText(value) if isinstance(value, Markup) else value  # noqa: S704
