"""The rows of a CSV or XLSX file, as text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

MOST_ROWS = 100_000
# unpacked, where it is packed: some 2,000 bytes a row
MOST_BYTES = 200 * 1024 * 1024
_MOST_CELL = 500
_DELIMITERS = ";,\t|"


class UnreadableList(Exception):  # noqa: N818 - read by the operator as a sentence
    """The file cannot be read; the message says why, and what to do."""


@dataclass(frozen=True)
class Table:
    """
    A header and what stands under it.

    Args:
        header: The columns' names as they are written.
        rows: (line in the file, cells as text), blank rows left out; as many cells as columns.
    """

    header: list[str]
    rows: list[tuple[int, list[str]]]


def read_table(path: Path) -> Table:
    """
    Read a list; the first row that is not blank is its header.

    CSV in UTF-8, or Windows' Latin letters, parted by semicolon, comma, tab or bar; of an XLSX
    the first sheet.

    Raises:
        UnreadableList: not such a file, no rows, or more than we take.
    """
    try:
        lines = _sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path)
        filled = ((at, row) for at, row in lines if any(row))
        numbered = list(islice(filled, MOST_ROWS + 2))
    except FileNotFoundError:
        raise UnreadableList(f"{path} is not there.") from None
    except (OSError, csv.Error) as exc:
        raise UnreadableList(f"{path.name} cannot be read: {exc}") from None
    if len(numbered) < 2:
        raise UnreadableList(f"{path.name} holds no rows under a header.")
    if len(numbered) > MOST_ROWS + 1:
        raise UnreadableList(f"{path.name} has over {MOST_ROWS:,} rows; split it.")
    (_, header), *rows = numbered
    width = len(header)
    return Table(header, [(at, (row + [""] * width)[:width]) for at, row in rows])


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    if path.stat().st_size > MOST_BYTES:
        raise _too_large(path)
    raw = path.read_bytes()
    if b"\0" in raw[:4096]:
        raise UnreadableList(f"{path.name} is no text. Save the list as CSV or XLSX.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    lines = text.splitlines(keepends=True)
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(lines, delimiter=delimiter)
    for row in reader:
        yield reader.line_num, [_clean(cell) for cell in row]


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    # loaded by this command alone: 15 MB
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        if _unpacked(path) > MOST_BYTES:
            raise _too_large(path)
        book = load_workbook(path, read_only=True, data_only=True)
    except (FileNotFoundError, UnreadableList):
        raise
    except (InvalidFileException, OSError, KeyError, ValueError, EOFError) as exc:
        raise UnreadableList(f"{path.name} is no XLSX that can be opened: {exc}") from None
    except Exception as exc:  # a broken archive raises whatever its parser does
        raise UnreadableList(f"{path.name} is damaged ({type(exc).__name__}).") from None
    try:
        for at, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            yield at, [_clean(_text(cell)) for cell in row]
    finally:
        book.close()


def _unpacked(path: Path) -> int:
    """Bytes that an archive unpacks to; more than it says of itself are never unpacked."""
    with ZipFile(path) as archive:
        return sum(each.file_size for each in archive.infolist())


def _too_large(path: Path) -> UnreadableList:
    most = MOST_BYTES // (1024 * 1024)
    return UnreadableList(f"{path.name} holds over {most} MB. Split it, or save the list anew.")


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _clean(cell: str) -> str:
    return " ".join(cell.split())[:_MOST_CELL]
