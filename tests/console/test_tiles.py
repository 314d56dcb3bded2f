"""The map on a district's own base map, in a real browser."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from playwright.async_api import Browser

from tests.cast import House
from tests.console.hall import hall_in
from tests.console.test_map import on_the_map
from tests.places.test_tiles import archive

RED = (200, 30, 30)


def red_tile() -> bytes:
    out = BytesIO()
    Image.new("RGB", (256, 256), RED).save(out, "PNG")
    return out.getvalue()


@pytest.mark.browser
async def test_the_map_lies_on_it(house: House, browser: Browser) -> None:
    # one tile for the world is enough: a browser stretches it
    archive(house.office.settings.data_dir, {(0, 0, 0): red_tile()}, attribution="© Dinas Peta")
    await house.approved()
    async with hall_in(house) as hall:
        page = await on_the_map(hall, browser, "Rahmat")
        await page.get_by_text("© Dinas Peta").wait_for()
        await page.wait_for_timeout(1500)
        picture = Image.open(BytesIO(await page.locator("#map").screenshot())).convert("RGB")
        reds = sum(abs(p[0] - RED[0]) < 12 and p[1] < 60 for p in picture.getdata())
        assert reds > 0.5 * picture.width * picture.height


async def test_tiles_are_for_officers_alone(house: House) -> None:
    archive(house.office.settings.data_dir, {(0, 0, 0): red_tile()})
    async with hall_in(house) as hall:
        rahmat = await hall.enter("Rahmat")
        async with rahmat.session.get(f"{rahmat.root}/peta/ubin/0/0/0") as answer:
            assert answer.status == 200
            assert answer.content_type == "image/png"
            assert await answer.read() == red_tile()
        assert (await rahmat.get("peta/ubin/5/0/0"))[0] == 204
        assert (await hall.stranger().get("peta/ubin/0/0/0"))[0] == 401
