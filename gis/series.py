"""Series 时间序列: problems, exposures, praise and satisfaction side by side, period by period (clauses 6, 12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.errors import ParameterError
from gis.ground import Area, Ground
from gis.media import POSITIVE, ancestry, exposures_among, media_memory_days, media_reports
from gis.period_counts import periods_between, sums_of_periods
from gis.satisfaction import CITY_LEVEL, SurveyResult, survey_results

COLUMNS = (
    "period",
    "from",
    "to",
    "problems",
    "problems_per_day",
    "exposures",
    "positive",
    "satisfied_share",
    "score",
    "respondents",
)


@dataclass(frozen=True)
class SeriesQuery:
    """Whose series, and when.

    Parameters
    ----------
    level
        `city`, or a level of areas that the city has.
    code
        Of the area; None for the city.
    from_day, to_day
        Days of the city, `to_day` exclusive; the periods that hold them are shown whole.
    by
        `period` (ten days) or `month`.
    categories
        Whose problems are counted, as in `gis.density.DensityQuery`; empty: all.
    """

    level: str
    code: str | None
    from_day: date
    to_day: date
    by: str = "period"
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """A series and whose it is: one row for each period, in order."""

    level: str
    code: str
    name: str
    rows: list[dict[str, Any]]

    def head(self) -> dict[str, Any]:
        """What an answer says besides its rows."""
        return {"level": self.level, "code": self.code, "name": self.name}


def series(conn: Connection, ground: Ground, query: SeriesQuery) -> Series:
    """What was found, printed and thought of a place in each period.

    Problems are reports in the place's cells. An exposure counts in the period of its first report, once per incident,
    as it deducts; media reports that name no place, and are linked to no report that does, count for the city alone.
    Satisfaction is that of surveys of this very place, weighted by respondents; a period without a survey has none.

    Raises
    ------
    ParameterError
        There is no such level, area, category or step, or the window is wrong.
    """
    area = _area(ground, query)
    periods = periods_between(query.from_day, query.to_day, query.by)
    problems = sums_of_periods(conn, ground, _cells_of(ground, area), periods, query.categories)
    places = ancestry(conn)
    told = media_reports(conn, None, periods[-1].after)
    surveys = [one for one in survey_results(conn, periods[0].first, periods[-1].after, query.level) if _of(one, area)]
    rows = []
    for period, reports in zip(periods, problems, strict=True):
        exposed = exposures_among(told, period, media_memory_days(conn, period), places)
        praised = [one for one in told if one.tone == POSITIVE and one.day in period]
        rows.append(
            {
                "period": period.name,
                "from": period.first,
                "to": period.after,
                "problems": reports,
                "problems_per_day": reports / period.days,
                "exposures": sum(area is None or area.code in (one.street_code, one.district_code) for one in exposed),
                "positive": sum(area is None or area.code in _codes(places, one.area_id) for one in praised),
                **_satisfaction(one for one in surveys if one.day in period),
            }
        )
    name = area.name if area else ground.city.name
    return Series(query.level, area.code if area else ground.city.code, name, rows)


def _area(ground: Ground, query: SeriesQuery) -> Area | None:
    levels = (CITY_LEVEL, *ground.city.area_levels)
    if query.level not in levels:
        raise ParameterError("level", f"there are {', '.join(levels)}, not {query.level[:40]!r}")
    if query.level == CITY_LEVEL:
        if query.code not in (None, ground.city.code):
            raise ParameterError(
                "code", f"the city's code is {ground.city.code}; leave it out, or choose another level"
            )
        return None
    if query.code is None:
        raise ParameterError("code", f"is missing: the code of a {query.level} (GET /areas lists them)")
    found = (area for area in ground.areas.values() if (area.level, area.code) == (query.level, query.code))
    area = next(found, None)
    if area is None:
        raise ParameterError("code", f"there is no {query.level} {query.code[:60]!r}; GET /areas lists them")
    return area


def _cells_of(ground: Ground, area: Area | None) -> NDArray[np.bool_]:
    if area is None:
        return np.ones(len(ground.cell_ids), bool)
    listed, position = ground.cells_by_area(area.level)
    return np.asarray(position == listed.index(area))


def _of(result: SurveyResult, area: Area | None) -> bool:
    return result.area_id == (None if area is None else area.id)


def _codes(places: dict[int, dict[str, str]], area_id: int | None) -> Iterable[str]:
    return () if area_id is None else places[area_id].values()


def _satisfaction(results: Iterable[SurveyResult]) -> dict[str, Any]:
    """Means over surveys, weighted by respondents; None where there was no survey."""
    found = list(results)
    answer: dict[str, Any] = {}
    for name in ("satisfied_share", "score"):
        said = [(one.respondents, getattr(one, name)) for one in found if getattr(one, name) is not None]
        asked = sum(weight for weight, _ in said)
        answer[name] = float(sum(weight * value for weight, value in said) / asked) if asked else None
    answer["respondents"] = sum(one.respondents for one in found)
    return answer
