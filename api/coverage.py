"""GET /coverage and /coverage/missing: how much of the roads was surveyed, and what is still to be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from api.dependencies import Reading
from api.encoding import form_responses, synthetic_layers, table_answer, with_geometry
from api.parameters import FormatChoice, OperationCode, only_known
from api.points import datum_of
from api.validators import valid_by
from gis.city import City, read_city
from gis.coverage import OTHER_LEVELS, SEGMENT, default_period, road_coverage
from gis.encoding import Feature
from gis.errors import ParameterError
from gis.geometry.datum import to_wgs84
from gis.operations import inside, named
from gis.rules.periods import Period, parse_period
from gis.unsurveyed import COLUMNS as MISSING_COLUMNS
from gis.unsurveyed import MissingQuery, missing_segments

router = APIRouter(tags=["survey"], dependencies=[Depends(only_known)])
MOST = 1000

PeriodText = Annotated[
    str | None,
    Query(
        description="Ten-day period 2016-05-T1, -T2, -T3, or a month 2016-05 (surveyed in any of its three); the last "
        "of the city's demo window, or today's, if not given",
        examples=["2016-05-T2"],
    ),
]
Level = Annotated[
    str | None,
    Query(
        description="city, district, street, community (as the city has them), class, group or segment; street, or the "
        "lowest above it that the city has, if not given",
        examples=["street"],
    ),
]
Street = Annotated[str | None, Query(description="Code of a street, district or community: only its segments")]
RoadClass = Annotated[str | None, Query(alias="class", description="ring, trunk, main, branch or back_street")]
Group = Annotated[str | None, Query(description="A named set of segments, such as one_ring_fifteen_roads")]
Lon = Annotated[float | None, Query(description="Where you are, degrees; with lat: nearest first")]
Lat = Annotated[float | None, Query(description="Where you are, degrees")]
Datum = Annotated[str | None, Query(description="What lon and lat mean: wgs84 (if not given), cgcs2000, gcj02 or bd09")]
Limit = Annotated[int, Query(ge=1, description=f"Most segments; {MOST} at most")]

HEAD_EXAMPLE = {"period": "2016-05-T2", "from": "2016-05-11", "to": "2016-05-21", "synthetic": []}
ROW_EXAMPLE = {
    "code": "410102001",
    "name": "林山寨街道",
    "segments": 210,
    "surveyed_segments": 190,
    "length_m": 32100.5,
    "surveyed_m": 29800.25,
    "coverage": 0.928,
    "enough": False,
}
MISSING_EXAMPLE = {
    "code": "ZR000123",
    "name": "建设路",
    "class": "main",
    "street_code": "410102001",
    "street_name": "林山寨街道",
    "length_m": 212.4,
    "surveyed_m": 0,
    "coverage": 0.0,
    "surveyed": False,
    "last_surveyed_at": None,
    "distance_m": 87.31,
}


def period_of(text: str | None, city: City) -> Period:
    """The period of a request.

    Raises
    ------
    ParameterError
        It is none.
    """
    if text is None:
        return default_period(city, datetime.now(city.zone).date())
    try:
        return parse_period(text)
    except ValueError as problem:
        raise ParameterError("period", str(problem)) from problem


@router.get(
    "/coverage",
    summary="How much of the roads was surveyed",
    description="By length: what was passed twice counts once, and a part of a segment counts as a part. Every segment "
    f"belongs to the street that holds most of its length, so rows add up. Levels: areas of the city, "
    f"{', '.join(OTHER_LEVELS)}. Without roads `coverage` is null; unsurveyed is 0, not clean. `enough`: whether the "
    "street's standing may count. With an operation: roads inside it, cut at its edge, passed in its window.",
    responses=form_responses({"level": "street", **HEAD_EXAMPLE, "rows": [ROW_EXAMPLE]}),
    dependencies=[valid_by("city", "surveys", "roads", "areas", "operations", "policy", daily=True)],
)
def get_coverage(
    request: Request,
    conn: Reading,
    level: Level = None,
    period: PeriodText = None,
    operation: OperationCode = None,
    f: FormatChoice = None,
) -> Response:
    """Coverage of one level."""
    city = read_city(conn)
    within = None if operation is None else inside(conn, operation)
    if within is not None and period is not None:
        raise ParameterError("period", "does not go with an operation, which has a window of its own")
    found = road_coverage(conn, period_of(period, city), level, within)
    head = {**found.head(), **named(within), "synthetic": synthetic_layers(city)}

    def features() -> Iterable[Feature]:
        target = "road_segments" if found.level == SEGMENT else "areas"
        ids = np.array([row.id or 0 for row in found.rows], np.int32)
        return with_geometry(request, conn, target, ids, [row.code for row in found.rows], found.listed())()

    file_name = f"coverage-{found.level}-{found.period.name}"
    return table_answer(request, f, head, found.columns, found.listed(), features, file_name)


@router.get(
    "/coverage/missing",
    summary="Segments not yet surveyed, nearest first",
    description="Segments of which less than `surveyed_share` was surveyed in the period, in the order of their "
    "distance from a coordinate; without one, in the order of their codes.",
    responses=form_responses({**HEAD_EXAMPLE, "rows": [MISSING_EXAMPLE]}),
    dependencies=[valid_by("city", "surveys", "roads", "areas", "policy", daily=True)],
)
def get_missing(
    request: Request,
    conn: Reading,
    period: PeriodText = None,
    lon: Lon = None,
    lat: Lat = None,
    datum: Datum = None,
    street: Street = None,
    road_class: RoadClass = None,
    group: Group = None,
    limit: Limit = 20,
    f: FormatChoice = None,
) -> Response:
    """What is still to be surveyed."""
    city = read_city(conn)
    query = MissingQuery(period_of(period, city), _place(lon, lat, datum), street, road_class, group, min(limit, MOST))
    return _missing(request, conn, city, query, f)


def _missing(request: Request, conn: Connection, city: City, query: MissingQuery, f: FormatChoice) -> Response:
    found = missing_segments(conn, query)
    head = {**found.head(), "synthetic": synthetic_layers(city)}
    codes = [row["code"] for row in found.rows]
    features = with_geometry(request, conn, "road_segments", np.array(found.ids, np.int32), codes, found.rows)
    return table_answer(request, f, head, MISSING_COLUMNS, found.rows, features, f"missing-{query.period.name}")


def _place(lon: float | None, lat: float | None, datum: str | None) -> tuple[float, float] | None:
    if lon is None and lat is None:
        if datum is not None:
            raise ParameterError("datum", "says what lon and lat mean, but they are missing")
        return None
    for name, value, limit in (("lon", lon, 180), ("lat", lat, 90)):
        if value is None:
            raise ParameterError(name, "is missing; degrees such as 113.65 and 34.76 are right, or neither lon nor lat")
        if not abs(value) <= limit:
            raise ParameterError(name, f"{value} is no number between -{limit} and {limit}")
    x, y = to_wgs84(np.array([lon], float), np.array([lat], float), datum_of(datum))
    return float(x[0]), float(y[0])
