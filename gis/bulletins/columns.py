"""What each sheet of a bulletin's workbook shows: a title, a width, a form and a cell for each column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gis.bulletins import sentences as said
from gis.bulletins.chaoses import CHAOSES
from gis.bulletins.gathered import Bulletin
from gis.bulletins.words import CHANGE, CHAOS, KINDS, TEXTS, Language


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Parameters
    ----------
    width
        In characters.
    form
        Key of `gis.bulletins.book.FORMATS`.
    of
        The cell of a row: text, number or None.
    """

    title: str
    width: float
    form: str
    of: Callable[[Any], Any]


class Columns:
    """The columns of a bulletin's sheets, and their sums."""

    def __init__(self, found: Bulletin, lang: Language) -> None:
        self._found, self._lang, self._text = found, lang, TEXTS[lang]

    def _named(self) -> list[Column]:
        """Rank, code, name; of a street its district."""
        text = self._text
        columns = [
            Column(text["rank"], 7, "whole", lambda row: row["rank"]),
            Column(text["code"], 12, "text", lambda row: row["code"]),
            Column(text["name"], 20, "text", lambda row: row["name"]),
        ]
        if self._found.level == "street":
            columns.append(Column(text["district"], 14, "text", lambda row: row.get("district")))
        return columns

    def standing(self) -> list[Column]:
        """The standing with its money."""
        text, lang, needed = self._text, self._lang, self._found.policy.coverage_needed
        density = text["density" if self._found.period.is_ten_days else "density_month"]
        yes_no = {True: text["yes"], False: text["no"], None: None}
        return [
            *self._named(),
            Column(text["rank_change"], 9, "places", lambda row: row["rank_change"]),
            Column(text["deduction"], 11, "exact", lambda row: row["deduction"]),
            Column(text["area"], 10, "three", lambda row: row["area_km2"]),
            Column(density, 12, "three", lambda row: row["density"]),
            Column(text["score"], 9, "two", lambda row: row["score"]),
            Column(text["problems"], 9, "whole", lambda row: row["problems"]),
            Column(text["coverage"], 10, "share", lambda row: row["coverage"]),
            Column(text["provisional"], 10, "text", lambda row: yes_no[row["provisional"]]),
            Column(text["reward"], 12, "yuan", lambda row: row["reward_yuan"]),
            Column(f"{text['interval']} ≥", 9, "whole", lambda row: row["rank_low"]),
            Column(f"{text['interval']} ≤", 9, "whole", lambda row: row["rank_high"]),
            Column(text["apart"], 11, "text", lambda row: yes_no[row["apart"]]),
            Column(text["smoothed"], 10, "three", lambda row: row["smoothed"]),
            Column(text["bottom_run"], 9, "whole", lambda row: row["bottom_run"] or None),
            Column(text["consequences"], 24, "text", lambda row: said.consequences(row, lang) or None),
            Column(text["notes"], 36, "text", lambda row: said.note(row, needed, lang) or None),
        ]

    def standing_sums(self) -> list[Any]:
        """Sums under the standing; rewards and penalties cancel."""
        told = self._found.summary()
        sums: dict[str, Any] = {
            self._text["name"]: self._text["total"],
            self._text["deduction"]: told["deduction"],
            self._text["problems"]: told["problems"],
            self._text["reward"]: self._found.head["money"]["balance_yuan"],
        }
        return [sums.get(column.title) for column in self.standing()]

    def kind(self) -> list[Column]:
        """Points by kind of deduction."""

        def points_of(kind: str) -> Callable[[Any], Any]:
            return lambda row: Decimal(row["parts"].get(kind, 0))

        kinds = [Column(KINDS[self._lang][kind], 12, "exact", points_of(kind)) for kind in self._found.kinds]
        whole = Column(self._text["total"], 12, "exact", lambda row: row["deduction"])
        return [*self._named(), *kinds, whole]

    def kind_sums(self) -> list[Any]:
        """Sums under them."""
        columns = self.kind()
        named = len(self._named())
        sums = [sum((Decimal(column.of(row)) for row in self._found.rows), Decimal(0)) for column in columns[named:]]
        return [None, None, self._text["total"], *[None] * (named - 3), *sums]

    def place(self, kind: str) -> list[Column]:
        """The worst segments or spots."""
        text, lang = self._text, self._lang

        def reports_of(chaos: str) -> Callable[[Any], Any]:
            return lambda row: row["by_chaos"].get(chaos, 0)

        long = kind == "segment"
        own = [Column(text["code"], 12, "text", lambda row: row["code"])] if long else []
        size = (
            Column(text["length"], 10, "one", lambda row: row["length_m"])
            if long
            else Column(text["width"], 10, "one", lambda row: row["width_m"])
        )
        return [
            Column(text["rank"], 7, "whole", lambda row: row["rank"]),
            *own,
            Column(text["place"], 22, "text", lambda row: said.place_name(row, lang)),
            Column(text["street"], 20, "text", lambda row: row["street_name"]),
            Column(text["per_km" if long else "spot_score"], 14, "three", lambda row: row["score"]),
            *([Column(text["weighted"], 11, "two", lambda row: row["weighted"])] if long else []),
            Column(text["reports"], 9, "whole", lambda row: row["reports"]),
            *(Column(words, 10, "whole", reports_of(chaos)) for chaos, words in CHAOS[lang].items()),
            size,
            Column(text["lon"], 12, "degrees", lambda row: row["lon"]),
            Column(text["lat"], 12, "degrees", lambda row: row["lat"]),
            Column(text["listing"], 9, "whole", lambda row: row["listing"]),
        ]

    def overdue(self) -> list[Column]:
        """Listed places over their deadline."""
        text = self._text
        return [
            Column(text["listing"], 9, "whole", lambda row: row["listing"]),
            Column(text["kind"], 9, "text", lambda row: text[row["kind"]]),
            Column(text["place"], 22, "text", lambda row: row["name"] or text["unnamed"]),
            Column(text["code"], 12, "text", lambda row: row["code"]),
            Column(text["listed_for"], 12, "text", lambda row: row["listed_for"]),
            Column(text["name"], 20, "text", lambda row: row["street_name"]),
            Column(text["days"], 12, "whole", lambda row: row["days"]),
            Column(text["points"], 10, "exact", lambda row: row["points"]),
        ]

    def gone(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the period before that this one no longer has."""
        nothing = dict.fromkeys(("rank_change", "deduction_change", "density_change", "district"))
        before = {f"{name}_before": row[name] for name in ("rank", "deduction", "density")}
        now = dict.fromkeys(("rank", "deduction", "density"))
        return {"code": row["code"], "name": row["name"], "change": "gone", **now, **nothing, **before}

    def change(self) -> list[Column]:
        """Rows beside those of the period before."""
        text = self._text
        words = {"better": "▲", "worse": "▼", **CHANGE[self._lang]}
        return [
            *self._named(),
            Column(text["change"], 10, "text", lambda row: words.get(row["change"])),
            Column(text["rank_before"], 9, "whole", lambda row: row["rank_before"]),
            Column(text["rank_change"], 9, "places", lambda row: row["rank_change"]),
            Column(text["deduction"], 11, "exact", lambda row: row["deduction"]),
            Column(text["deduction_before"], 11, "exact", lambda row: row["deduction_before"]),
            Column(text["deduction_change"], 11, "change", lambda row: row["deduction_change"]),
            Column(text["density"], 11, "three", lambda row: row["density"]),
            Column(text["density_before"], 11, "three", lambda row: row["density_before"]),
            Column(text["density_change"], 11, "change", lambda row: row["density_change"]),
        ]

    def chaos(self) -> list[Column]:
        """The four chaoses of both periods."""
        text = self._text

        def now(chaos: str) -> Callable[[Any], Any]:
            return lambda one: one.counts[chaos]

        def change(chaos: str) -> Callable[[Any], Any]:
            return lambda one: one.change_of(chaos)

        pairs = [
            column
            for chaos in CHAOSES
            for column in (
                Column(CHAOS[self._lang][chaos], 11, "whole", now(chaos)),
                Column(text["share"], 9, "share_change", change(chaos)),
            )
        ]
        return [
            Column(text["code"], 12, "text", lambda one: one.code or None),
            Column(text["name"], 18, "text", lambda one: one.name or text["whole_city"]),
            *pairs,
            Column(text["count"], 11, "whole", lambda one: one.count),
            Column(text["count_before"], 11, "whole", lambda one: one.count_before),
            Column(text["share"], 11, "share_change", lambda one: one.change),
        ]
