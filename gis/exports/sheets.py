"""Excel workbooks: the features on one sheet (more where a sheet is full), what they mean on the sheet `about`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from sqlalchemy import Connection
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from gis.collections.declared import PropertyKind
from gis.encoding import FORMULA_STARTS
from gis.errors import FileError
from gis.exports.batches import copy_batches
from gis.exports.copying import Copying
from gis.exports.order import Prepared
from gis.exports.texts import Progress

ROWS = 1 << 20
"""Rows of a sheet, its head among them."""

LONGEST = 32_767
FIRST_YEAR = 1900
WIDTHS: dict[PropertyKind, int] = {"string": 22, "date": 12, "date-time": 20}
Cell = Callable[[int, int, Any], object]


def write_workbook(conn: Connection, prepared: Prepared, copying: Copying, path: Path, progress: Progress) -> int:
    """A workbook; text is text, numbers are numbers, days and moments are dates (moments in the city's time)."""
    # Rows wait in files of their own until the workbook is put together.
    with tempfile.TemporaryDirectory(prefix="finegrid_export_") as folder:
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False}
        book = xlsxwriter.Workbook(str(path), options)
        try:
            count = _Sheets(book, prepared).write(conn, copying, progress)
            _about(book, prepared)
            title, moment = prepared.order.collection.title, prepared.as_of.replace(tzinfo=None)
            book.set_properties({"title": title, "created": moment})
            book.close()
        except FileCreateError as problem:
            msg = f"{path.name}: cannot be written: {problem}"
            raise FileError(msg) from problem
        except BaseException:
            _forget(book)
            raise
    return count


def _forget(book: xlsxwriter.Workbook) -> None:
    """Let go of a workbook that will not be finished: xlsxwriter would complain, and keep its sheets' files open."""
    book.fileclosed = 1
    for sheet in book.worksheets():
        if sheet.fh is not None:
            sheet.fh.close()


class _Sheets:
    """The sheets of features."""

    def __init__(self, book: xlsxwriter.Workbook, prepared: Prepared) -> None:
        self._book, self._order = book, prepared.order
        self._prepared = prepared
        self._kinds: list[PropertyKind] = [one.kind for one in self._order.columns]
        self._names = [*(one.name for one in self._order.columns), *self._order.place_names]
        self._more = " ".join(self._order.synthetic)
        if self._more:
            self._names.append("synthetic")
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._formats = {
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "date-time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        # What Excel itself keeps of an apostrophe typed before a text: it stays text also when the cell is edited.
        self._quoted = book.add_format({"quote_prefix": True})
        self._sheet: Worksheet = self._new()
        self._row = 0

    def write(self, conn: Connection, copying: Copying, progress: Progress) -> int:
        """Write all features and answer how many there were."""

        def take(batch: pa.RecordBatch) -> None:
            for at in range(0, batch.num_rows, 2000):
                copying.check()
                part = batch.slice(at, 2000)
                columns = [self._cells(column, number) for number, column in enumerate(part.columns)]
                for values in zip(*columns, strict=True):
                    self._write_row(values)
                progress(part.num_rows)

        return copy_batches(conn, self._prepared, copying, "point", take)

    def _new(self) -> Worksheet:
        number = len(self._book.worksheets())
        sheet = self._book.add_worksheet(self._order.collection.id[:28] + (f" {number + 1}" if number else ""))
        for at, name in enumerate(self._names):
            sheet.set_column(at, at, max(WIDTHS.get(self._kind(at), 12), len(name) + 2))
        for at, name in enumerate(self._names):
            sheet.write_string(0, at, name, self._bold)
        sheet.freeze_panes(1, 0)
        self._row = 0
        return sheet

    def _kind(self, number: int) -> PropertyKind:
        return self._kinds[number] if number < len(self._kinds) else "number"

    def _cells(self, column: pa.Array, number: int) -> list[Any]:
        if self._kind(number) == "date-time":
            # Excel knows no time zones.
            return [
                None if moment is None else moment.astimezone(self._order.city.zone).replace(tzinfo=None)
                for moment in column.to_pylist()
            ]
        cells: list[Any] = column.to_pylist()
        return cells

    def _write_row(self, values: tuple[Any, ...]) -> None:
        self._row += 1
        if self._row >= ROWS:
            self._sheet = self._new()
            self._row = 1
        sheet, row = self._sheet, self._row
        for at, value in enumerate(values):
            if value is None:
                continue
            if isinstance(value, str):
                write_text(sheet, row, at, value, self._quoted)
            elif isinstance(value, bool):
                sheet.write_boolean(row, at, value)
            elif isinstance(value, int | float):
                sheet.write_number(row, at, value)
            else:
                self._write_moment(row, at, value)
        if self._more:
            sheet.write_string(row, len(values), self._more)

    def _write_moment(self, row: int, at: int, value: date) -> None:
        if value.year < FIRST_YEAR:
            # Before Excel's calendar.
            self._sheet.write_string(row, at, value.isoformat())
            return
        kind = "date-time" if isinstance(value, datetime) else "date"
        self._sheet.write_datetime(row, at, value, self._formats[kind])


def write_text(sheet: Worksheet, row: int, column: int, text: str, quoted: Any, form: Any = None) -> None:
    """Text as text, cut where Excel's cells end; marked where a spreadsheet would take it for a formula."""
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    if text.startswith(FORMULA_STARTS):
        sheet.write_string(row, column, text, quoted)
    else:
        sheet.write_string(row, column, text, form)


def _about(book: xlsxwriter.Workbook, prepared: Prepared) -> None:
    """The sheet that says what the others hold, in Chinese and English."""
    order = prepared.order
    city, collection = order.city, order.collection
    sheet = book.add_worksheet("about")
    bold, quoted = book.add_format({"bold": True}), book.add_format({"quote_prefix": True})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 3, 44)
    metres = order.place_names == ("x", "y")
    facts = {
        "图层 Collection": f"{collection.title_zh} {collection.title} ({collection.id})",
        "说明": collection.description_zh,
        "Description": collection.description,
        "城市 City": f"{city.name} {city.name_en}",
        "时区 Time zone": f"{city.time_zone}；日期时间为当地时间 (moments are local time)",
        "数据截至 Data as of": prepared.as_of.astimezone(city.zone).isoformat(),
        "坐标 Coordinates": f"{order.items.crs.uri}: {'x, y (m)' if metres else 'lon, lat'}"
        + ("" if collection.geometry == "point" else "；图形内一点 (some point on the geometry)"),
        **{str(name): str(value) for name, value in prepared.facts.items()},
        "筛选 Filter": " & ".join(f"{name}={value}" for name, value in order.words) or "无 none",
        "虚构数据 Synthetic": ", ".join(order.synthetic) or "无 none",
    }
    for layer in dict.fromkeys([collection.synthetic or "", *collection.layers]):
        for language in ("text_zh", "text"):
            if said := city.provenance.get(layer, {}).get(language):
                facts[f"来源 Source: {layer}" + (" (zh)" if language == "text_zh" else "")] = said
    row = 0
    for name, value in facts.items():
        sheet.write_string(row, 0, name, bold)
        write_text(sheet, row, 1, value, quoted)
        row += 1
    row += 1
    for at, name in enumerate(("列 Column", "名称", "Title", "单位 Unit")):
        sheet.write_string(row, at, name, bold)
    for one in order.columns:
        row += 1
        for at, value in enumerate((one.name, one.title_zh, one.title, one.unit or "")):
            sheet.write_string(row, at, value)
