"""Satisfaction surveys 满意度调查: how many of those asked were satisfied, where and when (clause 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gis.city import read_city
from gis.errors import ParameterError
from gis.evidence_files import area_ids, days_of, decimals, reject_long, reject_repeated, reject_without, whole_numbers
from gis.loading import DATE, INTEGER, TEXT, LoadSummary, stage
from gis.policies import policy_by_day
from gis.readers import Layout, read_features
from gis.rules.shares import share_interval
from gis.store.database import bump_version, sql

LAYER = "satisfaction"
NEEDED = ("survey", "day", "respondents")
SATISFACTION = Layout("survey results", NEEDED, ("area_code", "satisfied_share", "score"))
CITY_LEVEL = "city"
COLUMNS = (
    "survey",
    "day",
    "level",
    "area_code",
    "area_name",
    "respondents",
    "satisfied_share",
    "share_low",
    "share_high",
    "score",
)


@dataclass(frozen=True)
class SurveyResult:
    """What one survey found in one place.

    Parameters
    ----------
    level
        Of the area, `city` for the whole city.
    area_id, area_code, area_name
        None: the whole city.
    satisfied_share
        Of the respondents, 0 to 1; None: the survey says a score alone.
    score
        Mean, 0 to 100; None: not said.
    """

    survey: str
    day: date
    level: str
    area_id: int | None
    area_code: str | None
    area_name: str | None
    respondents: int
    satisfied_share: Decimal | None
    score: Decimal | None

    def as_dict(self, confidence: float) -> dict[str, Any]:
        """The row's columns; the interval of the share is that of people drawn at random."""
        own: dict[str, Any] = dict.fromkeys(("satisfied_share", "share_low", "share_high", "score"))
        if self.satisfied_share is not None:
            share = float(self.satisfied_share)
            low, high = share_interval(share, self.respondents, confidence)
            own |= {"satisfied_share": share, "share_low": round(low, 6), "share_high": round(high, 6)}
        if self.score is not None:
            own["score"] = float(self.score)
        return {name: own[name] if name in own else getattr(self, name) for name in COLUMNS}


def survey_results(
    conn: Connection, from_day: date | None, to_day: date | None, level: str | None = None
) -> list[SurveyResult]:
    """Results of some days of the city, `to_day` exclusive, by day, survey and area; None: open, any level.

    Raises
    ------
    ParameterError
        The city has no such level.
    """
    levels = (CITY_LEVEL, *read_city(conn).area_levels)
    if level is not None and level not in levels:
        raise ParameterError("level", f"there are {', '.join(levels)}, not {level[:40]!r}")
    asked = {"from_day": from_day, "to_day": to_day, "levels": list(levels) if level is None else [level]}
    return [SurveyResult(*row) for row in conn.execute(sql("satisfaction"), asked)]


def result_rows(conn: Connection, results: list[SurveyResult]) -> list[dict[str, Any]]:
    """Results with the intervals that the policy of their days gives them."""
    policies = policy_by_day(conn)
    confidence = {day: policies(day).effect_confidence for day in {one.day for one in results}}
    return [one.as_dict(confidence[one.day]) for one in results]


def load_satisfaction(
    conn: Connection, path: Path, mapping: Mapping[str, str] | None = None, *, encoding: str | None = None
) -> LoadSummary:
    """Load survey results; one of the same survey, day and area becomes what the file says, the others stay.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    city = read_city(conn)
    features = read_features(path, None, mapping or {}, SATISFACTION, encoding=encoding)
    reject_without(features, NEEDED)
    reject_long(features, "survey")
    reject_repeated(features, "survey", "day", "area_code")
    shares, scores = decimals(features, "satisfied_share", 1), decimals(features, "score", 100)
    said = zip(features.column("satisfied_share"), features.column("score"), strict=True)
    for at, (share, score) in enumerate(said):
        if share is None and score is None:
            features.reject(at, "it has neither a satisfied_share (0 to 1) nor a score (0 to 100)")
    columns: dict[str, tuple[str, Any]] = {
        "survey": (TEXT, features.column("survey")),
        "day": (DATE, days_of(features, "day")),
        "area_id": (INTEGER, area_ids(conn, features, city.area_levels)),
        "respondents": (INTEGER, whole_numbers(features, "respondents", 1)),
        "satisfied_share": (TEXT, [None if one is None else f"{one:f}" for one in shares]),
        "score": (TEXT, [None if one is None else f"{one:f}" for one in scores]),
    }
    features.refuse()
    stage(conn, "incoming_satisfaction", columns)
    summary = LoadSummary.of("survey results", features)
    summary.merged(list(conn.execute(sql("merge_satisfaction")).scalars()))
    if summary.changes:
        bump_version(conn, LAYER)
    return summary
