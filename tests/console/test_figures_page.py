"""The public report: in both languages, as page and CSV, for the years there were; names nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.console.conftest import Counter


@pytest.mark.parametrize(
    ("language", "told"), [("id", "Permintaan rekaman 2026"), ("en", "Footage requests in 2026")]
)
async def test_anybody_reads_the_year(counter: Counter, language: str, told: str) -> None:
    browser = counter.browser()
    root = f"http://127.0.0.1:{counter.port}/laporan"
    status, page = await browser.look(f"{root}/2026?lang={language}")
    assert status == 200
    assert told in page
    for private in ("Sari", "Rahmat", "LP/B", "Jl. Duri", "K-1001", "R-1001"):
        assert private not in page
    status, table = await browser.look(f"{root}/2026.csv?lang={language}")
    assert status == 200
    assert table.count(";") == len(table.splitlines())


@pytest.mark.parametrize("year", ["2019", "2027", "9999"])
async def test_other_years_are_not_there(counter: Counter, year: str) -> None:
    browser = counter.browser()
    for name in (year, f"{year}.csv"):
        status, _ = await browser.look(f"http://127.0.0.1:{counter.port}/laporan/{name}")
        assert status == 404


async def test_counts_are_taken_anew_after_a_while(counter: Counter) -> None:
    browser = counter.browser()
    address = f"http://127.0.0.1:{counter.port}/laporan/2026.csv"
    _, before = await browser.look(address)
    await counter.close_request()
    _, still = await browser.look(address)
    assert still == before
    counter.house.clock.advance(timedelta(minutes=11))
    _, after = await browser.look(address)
    assert after != before
