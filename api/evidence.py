"""GET /media, /satisfaction and /series: what was printed and thought, beside what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import JSON, Row, form_wanted, synthetic_layers, table_answer
from api.parameters import Categories, Format, FromDay, OpenFromDay, OpenToDay, ToDay, only_known, window
from api.validators import valid_by
from gis.errors import ParameterError
from gis.media_reads import AREA_COLUMNS, media_by_area, media_rows
from gis.media_reads import COLUMNS as MEDIA_COLUMNS
from gis.satisfaction import COLUMNS as SATISFACTION_COLUMNS
from gis.satisfaction import result_rows, survey_results
from gis.series import COLUMNS as SERIES_COLUMNS
from gis.series import SeriesQuery, series

router = APIRouter(tags=["evidence"], dependencies=[Depends(only_known)])

PlainFormat = Literal["json", "csv"]
PlainForm = Annotated[PlainFormat | None, Query(description="Form of the answer; else by the Accept header; else json")]
Tone = Annotated[str | None, Query(description="positive or exposure; both if not given")]
MediaLevel = Annotated[
    str | None, Query(description="Count by area: city, district, street, ... ; one row for each report if not given")
]
SurveyLevel = Annotated[str | None, Query(description="city, district, street, ... ; all if not given")]
SeriesLevel = Annotated[str, Query(description="city, district, street, ... as the city has them")]
Code = Annotated[str | None, Query(description="Code of the area; not needed for the city")]
By = Annotated[str, Query(description="period (ten days) or month")]


def plain_answer(
    request: Request, f: PlainFormat | None, head: Row, names: Sequence[str], rows: Iterable[Row], file_name: str
) -> Response:
    """Rows that are no places, as JSON or CSV; whoever accepts GeoJSON gets JSON."""
    form: Format = "csv" if form_wanted(request, f) == "csv" else "json"
    answer = table_answer(request, form, head, names, rows, list, file_name)
    if f is None:
        answer.headers["Vary"] = "Accept"
    return answer


def plain_responses(example: Row) -> dict[int | str, dict[str, Any]]:
    """How the two forms are documented."""
    rows = {"schema": {"type": "object"}, "example": {"synthetic": [], "rows": [example]}}
    return {200: {"description": "The rows, as JSON or CSV", "content": {JSON: rows, "text/csv": {}}}}


MEDIA_EXAMPLE = {
    "ref": "M-0603-4",
    "day": "2016-06-03",
    "outlet": "晨报",
    "title": "人行道成了停车场",
    "url": None,
    "tone": "exposure",
    "incident": "CHANGJIANG-PARKING",
    "counts": True,
    "area_code": "410103001",
    "area_name": "淮河路街道",
    "category": "event:0505",
    "source": None,
    "source_ref": None,
}
SATISFACTION_EXAMPLE = {
    "survey": "2016-Q2",
    "day": "2016-06-20",
    "level": "city",
    "area_code": None,
    "area_name": None,
    "respondents": 600,
    "satisfied_share": 0.815,
    "share_low": 0.782,
    "share_high": 0.844,
    "score": None,
}
SERIES_EXAMPLE = {
    "period": "2016-06-T1",
    "from": "2016-06-01",
    "to": "2016-06-11",
    "problems": 120,
    "problems_per_day": 12.0,
    "exposures": 1,
    "positive": 0,
    "satisfied_share": None,
    "score": None,
    "respondents": 0,
}


@router.get(
    "/media",
    summary="Media reports, one by one or by area",
    description="Praise (`positive`) and exposures. An exposure `counts` where it is the first report of its incident: "
    "by that one the incident deducts, however many papers print it. The place is what the media report names, else "
    "that of the stored report it is linked to. With `level`, rows of areas: `reports`, `positive`, `exposures` (those "
    "that count).",
    responses=plain_responses(MEDIA_EXAMPLE),
    dependencies=[valid_by("city", "media", "reports", "areas", "cells", "categories", "policy")],
)
def get_media(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    tone: Tone = None,
    level: MediaLevel = None,
    f: PlainForm = None,
) -> Response:
    """What the media printed."""
    window(from_day, to_day)
    head = {"from": from_day, "to": to_day, "synthetic": synthetic_layers(ground.city)}
    if level is None:
        rows = media_rows(conn, ground, from_day, to_day, tone)
        return plain_answer(request, f, head, MEDIA_COLUMNS, rows, "media")
    if tone is not None:
        raise ParameterError("tone", "does not go with a level, which counts both")
    rows = media_by_area(conn, ground, level, from_day, to_day)
    return plain_answer(request, f, {"level": level, **head}, AREA_COLUMNS, rows, f"media-{level}")


@router.get(
    "/satisfaction",
    summary="Results of satisfaction surveys",
    description="Each survey, day and area with the number of respondents, the share that was satisfied and its "
    "interval (Wilson, 95 %, for people drawn at random), or a mean score of 100.",
    responses=plain_responses(SATISFACTION_EXAMPLE),
    dependencies=[valid_by("city", "satisfaction", "areas", "policy")],
)
def get_satisfaction(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    level: SurveyLevel = None,
    f: PlainForm = None,
) -> Response:
    """What surveys found."""
    window(from_day, to_day)
    rows = result_rows(conn, survey_results(conn, from_day, to_day, level))
    head = {"level": level, "from": from_day, "to": to_day, "synthetic": synthetic_layers(ground.city)}
    return plain_answer(request, f, head, SATISFACTION_COLUMNS, rows, "satisfaction")


@router.get(
    "/series",
    summary="Problems, exposures, praise and satisfaction beside each other, period by period",
    description="For one place. The periods that hold the days from `from` to `to` are shown whole. `problems` are "
    "reports in the place's cells; `exposures` count once per incident, as they deduct; satisfaction is that of "
    "surveys of this very place, weighted by respondents, null in a period without one.",
    responses=plain_responses(SERIES_EXAMPLE),
    dependencies=[valid_by("city", "reports", "categories", "cells", "areas", "media", "satisfaction", "policy")],
)
def get_series(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    level: SeriesLevel,
    from_day: FromDay,
    to_day: ToDay,
    code: Code = None,
    by: By = "period",
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    f: PlainForm = None,
) -> Response:
    """One place over time."""
    found = series(conn, ground, SeriesQuery(level, code, from_day, to_day, by, tuple(category)))
    head = {**found.head(), "by": by, "category": category, "synthetic": synthetic_layers(ground.city)}
    return plain_answer(request, f, head, SERIES_COLUMNS, found.rows, f"series-{found.code}")
