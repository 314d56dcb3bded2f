"""Axe in a page: nothing against WCAG 2.2, levels A and AA."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.async_api import Page

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page) -> list[str]:
    """What axe objects to on the page as it is now, a line each; empty where nothing."""
    # a page of ours takes no script from elsewhere, so it is given through the debugger
    await page.evaluate(f"() => {{ {_SCRIPT} }}")
    found: dict[str, Any] = await page.evaluate(
        "rules => axe.run(document, { runOnly: { type: 'tag', values: rules } })", _RULES
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
