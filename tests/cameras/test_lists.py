"""A district's list: what is taken, what is mended and said, what is refused and why."""

from __future__ import annotations

import csv
import random
from datetime import timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select
from typer.testing import CliRunner

import bot
from nobs_bot.cameras.claim import offer, open_claim
from nobs_bot.cameras.letters import letters_for, write
from nobs_bot.cameras.lists.columns import Column, match
from nobs_bot.cameras.lists.entry import BadRow, Entry, read_entry
from nobs_bot.cameras.lists.table import MOST_BYTES, MOST_ROWS, UnreadableList, read_table
from nobs_bot.cameras.lists.taking import Fate, Plan, carry_out, plan, read_entries
from nobs_bot.cameras.record import Camera, PlaceKind, State, Width, contact_of
from nobs_bot.cameras.recording import erase_unclaimed
from nobs_bot.cameras.takeover import take_over, turn_down
from nobs_bot.people.consent import give_consent
from nobs_bot.people.persons import Person
from nobs_bot.places.areas import Areas
from tests.cast import KECAMATAN, KELURAHAN, OTHER_KECAMATAN, SHOP, House

HEADER = ["No", "Nama Pemilik", "No. HP", "Alamat", "Lintang", "Bujur", "Arah", "Jenis", "URL"]
ROW = [
    "1",
    "Ibu Sari",
    "0812 5550 101",
    "Jl. Duri 1",
    "-6.1534",
    "106.7981",
    "tenggara",
    "Toko",
    "",
]


def row(**changes: str) -> list[str]:
    cells = dict(zip(HEADER, ROW, strict=True)) | {
        {"no": "No", "name": "Nama Pemilik", "phone": "No. HP", "lat": "Lintang"}.get(key)
        or {"lon": "Bujur", "heading": "Arah", "kind": "Jenis", "address": "Alamat"}[key]: value
        for key, value in changes.items()
    }
    return list(cells.values())


def write_csv(path: Path, rows: list[list[str]], delimiter: str = ";") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def entry(areas: Areas, **changes: str) -> Entry:
    return read_entry(2, row(**changes), match(HEADER), areas)


async def planned(house: House, rows: list[list[str]], tmp_path: Path) -> Plan:
    table = read_table(write_csv(tmp_path / "list.csv", [HEADER, *rows]))
    read = read_entries(table, match(table.header), house.areas)
    async with house.office.look() as work:
        return await plan(work, read)


async def imported(house: House, rows: list[list[str]], tmp_path: Path) -> int:
    whole = await planned(house, rows, tmp_path)
    async with house.office.work() as work:
        return await carry_out(work, whole)


def fates(whole: Plan) -> list[Fate]:
    return [each.fate for each in whole.verdicts]


# columns


def test_columns_are_found_in_both_languages() -> None:
    indonesian = match(HEADER)
    assert indonesian.at[Column.PHONE] == 2
    assert indonesian.at[Column.LAT], indonesian.at[Column.LON] == (4, 5)
    assert indonesian.secret == ["URL"]
    english = match(["ID", "Owner", "Mobile (WA)", "Latitude", "LONGITUDE", "Facing", "Colour"])
    assert english.have_a_place
    assert english.at[Column.NAME] == 1
    assert english.unused == ["Colour"]


def test_what_the_operator_says_goes_before_names() -> None:
    found = match(["a", "b", "lat"], {Column.LAT: "a", Column.LON: "b"})
    assert (found.at[Column.LAT], found.at[Column.LON]) == (0, 1)
    assert found.unused == ["lat"]
    assert not match(["a", "b"]).have_a_place
    with pytest.raises(KeyError):
        match(["a"], {Column.LAT: "z"})


# rows


def test_a_row_is_read_whole(areas: Areas) -> None:
    found = entry(areas)
    assert (found.lat, found.lon, found.area_code) == (*SHOP, KELURAHAN)
    assert (found.name, found.phone, found.kind) == ("Ibu Sari", "+628125550101", PlaceKind.SHOP)
    assert (found.heading_deg, found.mended) == (135.0, ())


@pytest.mark.parametrize(
    ("lat", "lon", "said"),
    [
        ("-6,1534", "106,7981", "comma"),
        ("106.7981", "-6.1534", "swapped"),
        ("6.1534", "106.7981", "minus"),
        ("106.7981", "6.1534", "minus"),
        ("-61534", "1067981", "decimal point"),
        ("-6.153.400", "106.798.100", "thousands"),
        ("\N{MINUS SIGN}6.1534°", "106.7981", ""),
    ],
)
def test_coordinates_are_mended_and_it_is_said(areas: Areas, lat: str, lon: str, said: str) -> None:
    found = entry(areas, lat=lat, lon=lon)
    assert (found.lat, found.lon) == pytest.approx(SHOP)
    assert said in "; ".join(found.mended)
    assert bool(found.mended) == bool(said)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"lat": ""}, "latitude is empty"),
        ({"lat": "enam"}, "latitude 'enam' is no number"),
        ({"lat": "-7.2504", "lon": "112.7688"}, "outside the district"),
        ({"lat": "999", "lon": "999"}, "outside the district"),
        ({"phone": "12345"}, "phone number '12345' cannot be called"),
        ({"name": "123"}, "the name '123' has no letters"),
        ({"heading": "ke sana"}, "direction 'ke sana' is no number"),
        ({"heading": "400"}, "not between 0 and 360"),
    ],
)
def test_a_bad_row_says_why(areas: Areas, changes: dict[str, str], why: str) -> None:
    with pytest.raises(BadRow, match=why):
        entry(areas, **changes)


def test_pairs_links_and_units(areas: Areas) -> None:
    columns = match(["Koordinat", "Sudut", "Jarak", "Lama simpan", "hp"])
    for place in ("-6.1534, 106.7981", "https://maps.google.com/?q=-6.1534,106.7981"):
        found = read_entry(2, [place, "110°", "25 m", "14 hari", "81255500101"], columns, areas)
        assert (found.lat, found.lon) == pytest.approx(SHOP)
        assert (found.width, found.range_m, found.retention_days) == (Width.WIDE, 25.0, 14)
        assert found.phone == "+6281255500101"
    with pytest.raises(BadRow, match="holds no coordinates"):
        read_entry(2, ["dekat pasar", "", "", "", ""], columns, areas)


# files


def test_xlsx_and_csv_say_the_same(areas: Areas, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append([])
    book.active.append(HEADER)
    book.active.append([1, *ROW[1:4], -6.1534, 106.7981, *ROW[6:]])
    book.save(tmp_path / "list.xlsx")
    of_sheet = read_table(tmp_path / "list.xlsx")
    for delimiter in ";,\t":
        of_text = read_table(write_csv(tmp_path / "list.csv", [HEADER, ROW], delimiter))
        assert of_text.header == of_sheet.header
        assert [cells for _, cells in of_text.rows] == [cells for _, cells in of_sheet.rows]
    assert of_sheet.rows[0][0] == 3


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("list.csv", b"", "no rows"),
        ("list.csv", b"lat;lon\n", "no rows"),
        ("list.csv", b"PK\0\0\0\0", "is no text"),
        ("list.xlsx", b"PK but not really", "list.xlsx"),
    ],
)
def test_what_is_no_list_says_so(tmp_path: Path, name: str, raw: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(UnreadableList, match=why):
        read_table(tmp_path / name)
    with pytest.raises(UnreadableList, match="not there"):
        read_table(tmp_path / f"other-{name}")


def test_a_list_that_unpacks_without_end_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    book = Workbook()
    book.save(path)
    with ZipFile(path, "a", ZIP_DEFLATED) as archive, archive.open("xl/strings.xml", "w") as file:
        for _ in range(MOST_BYTES // 2**20 + 1):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(UnreadableList, match="over 200 MB"):
        read_table(path)


def test_a_sheet_of_blank_rows_and_one_of_too_many_end(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("lat;lon\n" + ";\n" * 200_000)
    with pytest.raises(UnreadableList, match="no rows"):
        read_table(path)
    path.write_text("lat;lon\n" + "1;2\n" * MOST_ROWS)
    assert len(read_table(path).rows) == MOST_ROWS
    path.write_text("lat;lon\n" + "1;2\n" * (MOST_ROWS + 1))
    with pytest.raises(UnreadableList, match="over 100,000 rows"):
        read_table(path)


# taking over


async def test_twice_changes_nothing(any_house: House, tmp_path: Path) -> None:
    rows = [row(no=str(at), lat=f"-6.15{at}4") for at in range(5)]
    assert await imported(any_house, rows, tmp_path) == 5
    again = await planned(any_house, list(reversed(rows)), tmp_path)
    assert fates(again) == [Fate.KNOWN] * 5
    assert await imported(any_house, rows, tmp_path) == 0
    async with any_house.office.look() as work:
        cameras = (await work.session.execute(select(Camera))).scalars().all()
        assert {each.state for each in cameras} == {State.RECORDED}
        # one telephone number is one owner
        assert len({each.owner_id for each in cameras}) == 1
        assert contact_of(work, cameras[0]).address == "Jl. Duri 1"
        assert all(each.stream is None for each in cameras)


async def test_repeated_rows_and_known_cameras_are_told(any_house: House, tmp_path: Path) -> None:
    await any_house.approved("Budi", heading_deg=140.0)
    whole = await planned(
        any_house,
        [row(), row(no="2"), row(no="3", lat="-6.1540"), row(no="4", lat="-6.1540", name="Budi")],
        tmp_path,
    )
    assert fates(whole) == [Fate.REPEATED, Fate.REPEATED, Fate.NEW, Fate.REPEATED]
    assert "K-1001" in whole.verdicts[0].why
    assert "line 4" in whole.verdicts[3].why


async def test_what_an_owner_had_erased_is_not_recorded_again(
    any_house: House, tmp_path: Path
) -> None:
    for take in (False, True):
        rows = [row(no=f"r{take}", lat=f"-6.155{int(take)}")]
        assert await imported(any_house, rows, tmp_path) == 1
        async with any_house.acting("Sari") as (work, sari):
            await give_consent(work, sari)
            query = select(Camera).where(Camera.state == State.RECORDED)
            [camera] = (await work.session.execute(query)).scalars()
            claim, _ = await open_claim(work, sari, offer(work, camera))
            if take:
                from nobs_bot.cameras.rights import CameraHolder

                await take_over(work, sari, claim.id)
                await work.session.flush()
                await CameraHolder().erase(work, sari.id)
            else:
                await turn_down(work, sari, claim.id)
        assert fates(await planned(any_house, rows, tmp_path)) == [Fate.REFUSED]


async def test_a_list_is_erased_like_every_record(any_house: House, tmp_path: Path) -> None:
    await imported(any_house, [row()], tmp_path)
    any_house.clock.advance(timedelta(days=31))
    async with any_house.office.work() as work:
        assert await erase_unclaimed(work) == 1
        assert (await work.session.execute(select(func.count()).select_from(Person))).scalar() == 7


async def test_20000_rows_with_300_damaged(house: House, tmp_path: Path) -> None:
    chance = random.Random(5)
    west, south, east, north = house.areas.bounds
    rows: list[list[str]] = []
    while len(rows) < 20_000:
        lat, lon = round(chance.uniform(south, north), 6), round(chance.uniform(west, east), 6)
        if house.areas.locate(lat, lon):
            at = len(rows)
            phone = f"0812{at % 15_000:08d}"
            rows.append(
                row(no=str(at), lat=f"{lat:.6f}", lon=f"{lon:.6f}", phone=phone, heading="")
            )
    damaged = chance.sample(range(20_000), 300)
    for at in damaged:
        rows[at][4] = chance.choice(["", "abc", "-7.25", "99999999999"])
    whole = await planned(house, rows, tmp_path)
    assert [each.line - 2 for each in whole.verdicts if each.fate is Fate.BAD] == sorted(damaged)
    assert all(each.why for each in whole.verdicts if each.fate is Fate.BAD)
    async with house.office.work() as work:
        assert await carry_out(work, whole) == 19_700
    again = await planned(house, rows, tmp_path)
    assert again.count(Fate.KNOWN) == 19_700
    assert again.count(Fate.BAD) == 300


# letters and commands


async def test_each_owner_gets_one_letter_with_a_link_of_their_own(
    any_house: House, tmp_path: Path
) -> None:
    await imported(
        any_house,
        [row(), row(no="2", lat="-6.1541"), row(no="3", lat="-6.1550", phone="0812 5550 102")],
        tmp_path,
    )
    async with any_house.office.work() as work:
        letters = await letters_for(work, KECAMATAN, "NoBlindspotBot")
        assert await letters_for(work, OTHER_KECAMATAN, "NoBlindspotBot") == []
    assert [(each.name, each.cameras) for each in letters] == [("Ibu Sari", 2), ("Ibu Sari", 1)]
    async with any_house.acting("Sari") as (work, sari):
        start = letters[0].link.partition("?start=")[2]
        _, cameras = await open_claim(work, sari, start)
        assert len(cameras) == 2
    words = any_house.office.texts.of("id")
    pdf = tmp_path / "letters.pdf"
    write(pdf, letters, any_house.areas, words=words, settings=any_house.office.settings)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.read_bytes().count(b"/Type /Page\n") == 2


def test_the_command_records_once_and_says_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    path = write_csv(tmp_path / "list.csv", [HEADER, row(), row(no="2", lat="abc")])
    run = CliRunner()
    looked = run.invoke(bot.cli, ["import-cameras", str(path), "--dry-run"])
    assert looked.exit_code == 0
    assert "1 new" in looked.output
    assert "line 3: latitude 'abc' is no number" in looked.output
    asked = run.invoke(bot.cli, ["import-cameras", str(path)])
    assert (asked.exit_code, "Nothing was recorded" in asked.output) == (2, True)
    done = run.invoke(bot.cli, ["import-cameras", str(path), "--yes"])
    assert "1 cameras recorded" in done.output
    again = run.invoke(bot.cli, ["import-cameras", str(path), "--yes"])
    assert (again.exit_code, "nothing to record" in again.output) == (0, True)
    report = (tmp_path / "list.report.csv").read_text("utf-8-sig")
    assert "2;known;" in report
    assert "3;bad;latitude 'abc' is no number" in report
    (tmp_path / "other.report.csv").mkdir()
    other = write_csv(tmp_path / "other.csv", [HEADER, row(no="9", lat="-6.1551")])
    unwritten = run.invoke(bot.cli, ["import-cameras", str(other), "--yes"])
    assert (unwritten.exit_code, "Nothing was recorded" in unwritten.output) == (2, True)
    told = ["import-cameras", str(path), "--column", "lat=Bujur", "--column", "colour=x"]
    assert run.invoke(bot.cli, told).exit_code == 2
    # without a token there is no bot to which a letter could lead
    letters = run.invoke(bot.cli, ["claim-letters", str(tmp_path / "letters.pdf")])
    assert (letters.exit_code, (tmp_path / "letters.pdf").exists()) == (2, False)
