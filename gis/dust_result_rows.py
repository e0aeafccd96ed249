"""Rows of weighing results 称重结果, judged one by one; nothing is stored here (clause 10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

POINT = re.compile(r"(\d{4}-\d{2}-T[123])-(\d{1,5})-(\d{1,4})", re.ASCII)
GRAMS = re.compile(r"\d{1,4}(\.\d{1,3})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
UNITS = ("g/m2", "g/m²", "克/平方米")
SILT = re.compile(r"silt|积尘负荷", re.IGNORECASE)
LONGEST_TEXT = 200
OTHER_QUANTITY = "silt load (积尘负荷, 0.3-0.8 g/m2) is another quantity than what is swept up, and never mixed with it"


@dataclass(frozen=True)
class Weighing:
    """A result as somebody wrote it, nothing checked yet."""

    point: str | None
    g_per_m2: str | None
    weighed_on: str | None
    weighed_by: str | None
    unit: str | None = None
    reason: str | None = None


class Refused(ValueError):
    """Why a row cannot go in."""


@dataclass(frozen=True)
class ResultJudge:
    """What results are judged by.

    Parameters
    ----------
    draws
        Period -> its draw.
    places
        (Period, number of the road, point) -> the point with its last result; None: there is no such point.
    today
        Day of the city.
    """

    draws: Mapping[str, Row[Any]]
    places: Mapping[tuple[str, int, int], Row[Any] | None]
    today: date
    zone: ZoneInfo
    seen: set[tuple[str, int, int]] = field(default_factory=set)

    def judge(self, one: Weighing) -> dict[str, Any] | None:
        """A row of `dust_results`; None where it is stored already.

        Raises
        ------
        Refused
            It cannot go in.
        """
        draw, place = self._place(one)
        value = {
            "g_per_m2": _grams(one),
            "weighed_on": self._day(one, draw),
            "weighed_by": _line("weighed_by", one.weighed_by),
        }
        new = {"draw_id": draw.id, "road": place.road, "point": place.point, "revision": 1, "reason": None, **value}
        if place.revision is None:
            return new
        if all(getattr(place, name) == said for name, said in value.items()):
            return None
        if not one.reason:
            stored = f"{place.g_per_m2} g/m2 of {place.weighed_on} by {place.weighed_by}"
            msg = f"stored is {stored}; a correction needs a reason"
            raise Refused(msg)
        return new | {"revision": place.revision + 1, "reason": _line("reason", one.reason)}

    def _place(self, one: Weighing) -> tuple[Row[Any], Row[Any]]:
        found = POINT.fullmatch(one.point or "")
        if not found:
            msg = f"the point {(one.point or '')[:40]!r} is none; 2016-06-T1-017-3 is, as the list of points has it"
            raise Refused(msg)
        draw = self.draws.get(found[1])
        if draw is None:
            msg = f"there is no dust draw for {found[1]}"
            raise Refused(msg)
        if draw.revealed_at is None:
            msg = f"the draw of {draw.period} is not revealed, so nobody can have weighed its points"
            raise Refused(msg)
        key = found[1], int(found[2]), int(found[3])
        place = self.places[key]
        if place is None:
            msg = f"the draw of {draw.period} has no point {one.point}"
            raise Refused(msg)
        if key in self.seen:
            msg = f"the point {one.point} stands in the file more than once"
            raise Refused(msg)
        self.seen.add(key)
        return draw, place

    def _day(self, one: Weighing, draw: Row[Any]) -> date:
        try:
            day = date.fromisoformat(one.weighed_on or "") if DAY.fullmatch(one.weighed_on or "") else None
        except ValueError:
            day = None
        if day is None:
            msg = f"weighed_on {(one.weighed_on or '')[:40]!r} is no day; 2016-06-03 is"
            raise Refused(msg)
        known = draw.revealed_at.astimezone(self.zone).date()
        if not known <= day < draw.after_day:
            msg = (
                f"weighed_on {day} lies outside the period: the points of {draw.period} were known from {known} on, "
                f"and {draw.after_day} is no longer of it"
            )
            raise Refused(msg)
        if day > self.today:
            msg = f"weighed_on {day} lies in the future"
            raise Refused(msg)
        return day


def _grams(one: Weighing) -> Decimal:
    if one.unit and one.unit.replace(" ", "") not in UNITS:
        what = OTHER_QUANTITY if SILT.search(one.unit) else "results are in g/m2"
        msg = f"the unit {one.unit[:40]!r} is not g/m2: {what}"
        raise Refused(msg)
    if not GRAMS.fullmatch(one.g_per_m2 or ""):
        msg = f"the weight {(one.g_per_m2 or '')[:40]!r} is none; g/m2 from 0 to 9999.999 such as 6.25 are"
        raise Refused(msg)
    return Decimal(one.g_per_m2 or "")


def _line(name: str, said: str | None) -> str:
    found = (said or "").strip()
    if not found or len(found) > LONGEST_TEXT or not found.isprintable():
        msg = f"{name} is {'empty' if not found else 'no line'}; one line of at most {LONGEST_TEXT} characters is right"
        raise Refused(msg)
    return found
