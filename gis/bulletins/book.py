"""The bulletin 通报 as a workbook: numbers as numbers, one sheet a table, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from gis.bulletins import sentences as said
from gis.bulletins.columns import Column, Columns
from gis.bulletins.gathered import Bulletin
from gis.bulletins.method import method
from gis.bulletins.words import GLOSSARY, SHEETS, TEXTS, Language
from gis.exports.sheets import write_text
from gis.rules.policy import policy_numbers

YUAN = "#,##0;[Red]-#,##0;0"
FORMATS: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True},
    "quoted": {"text_wrap": True, "quote_prefix": True},
    "stated": {"text_wrap": True, "num_format": "#,##0", "align": "left"},
    "whole": {"num_format": "#,##0"},
    "places": {"num_format": "+0;[Red]-0;0"},
    "yuan": {"num_format": YUAN},
    "one": {"num_format": "#,##0.0"},
    "two": {"num_format": "#,##0.00"},
    "three": {"num_format": "#,##0.000"},
    "exact": {"num_format": "#,##0.00###"},
    "change": {"num_format": "+#,##0.00###;-#,##0.00###;0"},
    "share": {"num_format": "0.0%"},
    "share_change": {"num_format": "+0.0%;-0.0%;0.0%"},
    "degrees": {"num_format": "0.000000"},
}
HEAD = {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#F1F3F5", "bottom": 1}
PAPER_A4 = 9
FIRST_ROW = 2
"""Rows above: what the sheet is, and the head of the table."""


def bulletin_book(found: Bulletin, lang: Language) -> bytes:
    """Make the workbook."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    _Book(book, found, lang).write()
    book.close()
    return target.getvalue()


class _Book:
    """The sheets."""

    def __init__(self, book: xlsxwriter.Workbook, found: Bulletin, lang: Language) -> None:
        self._book, self._found, self._lang = book, found, lang
        self._text = TEXTS[lang]
        base = {"valign": "top"}
        self._formats = {name: book.add_format(base | form) for name, form in FORMATS.items()}
        self._sums = {name: book.add_format(base | form | {"bold": True, "top": 1}) for name, form in FORMATS.items()}
        self._head = book.add_format(HEAD)
        self._title = book.add_format({"bold": True, "font_size": 12})
        self._alarm = book.add_format({"bold": True, "font_size": 12, "font_color": "#B91C1C"})

    def write(self) -> None:
        """Write all sheets, in the order of SHEETS."""
        found, names = self._found, iter(SHEETS[self._lang])
        record = found.standing.record
        moment: datetime = record.published_at or record.drafted_at
        self._book.set_properties(
            {
                "title": self._called(),
                "author": found.city.name,
                "comments": f"facts {record.facts_sha256}",
                "created": moment.astimezone(found.city.zone).replace(tzinfo=None, microsecond=0),
            }
        )
        columns = Columns(found, self._lang)
        self._table(next(names), columns.standing(), found.rows, columns.standing_sums())
        self._table(next(names), columns.kind(), found.rows, columns.kind_sums())
        self._table(next(names), columns.place("segment"), found.worst.segments)
        self._table(next(names), columns.place("spot"), found.worst.spots)
        self._table(next(names), columns.overdue(), found.overdue)
        self._table(next(names), columns.change(), [*found.rows, *map(columns.gone, found.gone)])
        self._table(next(names), columns.chaos(), found.chaoses)
        self._method(next(names))

    def _called(self) -> str:
        found, text = self._found, self._text
        record = found.standing.record
        city = found.city.name if self._lang == "zh" else f"{found.city.name_en} "
        state = text["revision"].format(n=record.revision) if found.published else text["draft"]
        made_up = f" · {text['made_up']}" if found.synthetic else ""
        return f"{city}{text['title']} · {record.period} · {state}{made_up}"

    def _new_sheet(self, name: str, columns: Sequence[Column]) -> Worksheet:
        """A sheet set up for A4 across, its head on each page."""
        sheet = self._book.add_worksheet(name)
        sheet.write_string(0, 0, f"{name} · {self._called()}", self._title if self._found.published else self._alarm)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
            sheet.write_string(1, at, column.title, self._head)
        sheet.set_row(1, 30)
        sheet.freeze_panes(FIRST_ROW, 0)
        sheet.set_paper(PAPER_A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, 1)
        sheet.set_margins(0.4, 0.4, 0.6, 0.6)
        text, digest = self._text, self._found.standing.record.facts_sha256[:12]
        sheet.set_footer(f"&L{text['facts']} {digest}&C{text['page']} &P {text['pages']} &N {text['page_end']}")
        return sheet

    def _table(
        self, name: str, columns: Sequence[Column], rows: Iterable[Any], sums: Sequence[Any] | None = None
    ) -> None:
        """Rows under their head, and a last row of sums."""
        sheet = self._new_sheet(name, columns)
        number = FIRST_ROW
        for row in rows:
            for at, column in enumerate(columns):
                self._cell(sheet, number, at, column.of(row), column.form, self._formats)
            number += 1
        if number > FIRST_ROW:
            sheet.autofilter(1, 0, number - 1, len(columns) - 1)
        for at, (column, value) in enumerate(zip(columns, sums or (), strict=False)):
            self._cell(sheet, number, at, value, column.form, self._sums)

    def _cell(self, sheet: Worksheet, row: int, at: int, value: Any, form: str, formats: dict[str, Any]) -> None:
        if value is None:
            sheet.write_blank(row, at, None, formats[form])
        elif isinstance(value, str):
            write_text(sheet, row, at, value, formats["quoted"], formats[form])
        else:
            sheet.write_number(row, at, float(value), formats[form])

    def _method(self, name: str) -> None:
        """What identifies the standing, how it was worked out, with which numbers, and what was made up."""
        found, lang, text = self._found, self._lang, self._text
        head, record = found.head, found.standing.record
        moment: datetime = record.published_at or record.drafted_at
        facts: list[tuple[str, Any]] = [
            (text["period"], f"{head['period']} ({said.period_words(found.period, lang)})"),
            (text["state"], text["published" if found.published else "draft"]),
            (text["revision"].format(n="").strip(), head["revision"]),
            (text["published_at" if found.published else "drafted_at"], moment.astimezone(found.city.zone).isoformat()),
            (text["policy"], head["policy_effective"].isoformat()),
            (text["rewards_sum"], head["money"]["rewards_yuan"]),
            (text["penalties_sum"], head["money"]["penalties_yuan"]),
            (text["balance"], head["money"]["balance_yuan"]),
            *said.digests(found, lang),
            (text["as_of"], head["as_of"].astimezone(found.city.zone).isoformat()),
            *([] if found.published else [(text["draft"], text["draft_note"])]),
            *([(text["correction"], record.reason)] if record.reason else []),
            (text["changes"], said.before_words(found, lang)),
            (text["chaoses"], said.chaos_note(found, lang)),
            (f"{text['worst_segments']}, {text['worst_spots']}", said.worst_source(found, lang)),
            *((f"{text['clause']} {clause}", sentence) for clause, sentence in self._sentences()),
            *GLOSSARY[lang],
            (text["verify"], text["verify_text"]),
            *((f"{text['provenance']}: {layer}", words) for layer, words in said.provenance(found, lang)),
        ]
        columns = [
            Column(text["method"], 30, "text", lambda pair: pair[0]),
            Column(text["value"], 110, "stated", lambda pair: pair[1]),
        ]
        numbers = (
            (f"{one['name']} ({text['clause']} {one['clause']})", f"{one['value']} {one['unit']}: {one['meaning']}")
            for one in policy_numbers(found.policy)
        )
        self._table(name, columns, [*facts, *numbers])

    def _sentences(self) -> list[tuple[str, str]]:
        return method(self._found.policy, month=not self._found.period.is_ten_days, lang=self._lang)
