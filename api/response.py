"""GET /response and /response/live: how often double ten was kept, and what runs out now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from api.case_parameters import NOT_KEPT, AskedWindow, JudgedAt, Street
from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, form_wanted, synthetic_layers, table_answer, with_geometry
from api.parameters import Categories, FormatChoice, OperationCode, days_or_operation, only_known
from gis.encoding import Feature, to_json
from gis.errors import ParameterError
from gis.operations import named
from gis.response import COLUMNS, LEVELS, ResponseQuery, response
from gis.response_live import COLUMNS as LIVE_COLUMNS
from gis.response_live import LiveQuery, response_live

router = APIRouter(tags=["cases"], dependencies=[Depends(only_known)])
LONGEST_S = 86_400
STEPS = {"1": (1,), "2": (2,), "both": (1, 2)}
Level = Annotated[str, Query(description=f"{', '.join(LEVELS)}: one that the city has", examples=["street"])]
StepChoice = Annotated[
    Literal["1", "2", "both"],
    Query(description="1: the responsible person on the spot; 2: enforcement after persuasion failed"),
]
Within = Annotated[
    int,
    Query(ge=1, le=LONGEST_S, description="Seconds: what runs out within them, and what ran out within them before"),
]
ROW_EXAMPLE = {
    "code": "410102001",
    "name": "林山寨街道",
    "on_time": 27,
    "late": 2,
    "pending": 1,
    "not_required": 40,
    "missing": 1,
    "rate": 0.9,
    "median_s": 341.0,
    "p95_s": 702.0,
}
LIVE_EXAMPLE = {
    "case_id": 17,
    "step": 1,
    "verdict": "pending",
    "begun_at": "2016-05-03T00:30:00+00:00",
    "due_at": "2016-05-03T00:40:00+00:00",
    "seconds_left": 95.0,
    "category": "event:0505",
    "category_name": "机动车乱停放",
    "category_name_en": "Cars parked chaotically",
    "cell": "410102001001003",
    "street_code": "410102001",
    "street": "林山寨街道",
    "responsible": {"ref": "ZR-01", "name": "王网格长", "phone": "13800000000"},
    "lon": 113.6012,
    "lat": 34.7044,
}


@router.get(
    "/response",
    summary="Double ten: how often ten minutes were kept",
    description="Steps of the cases found in the window by verdict. `rate` is on_time / (on_time + late + missing), 0 "
    "to 1, null where none was judged: missing is not on time. By `hour`: the city's hour in which the step began. "
    "By `person`: who answered for the cell when the problem was found. `median_s` and `p95_s`: seconds of the steps "
    "that were done.",
    responses=form_responses({"level": "street", "from": "2016-05-01", "to": "2016-06-01", "rows": [ROW_EXAMPLE]}),
)
def get_response(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    level: Level,
    window: AskedWindow,
    at: JudgedAt,
    step: StepChoice = "both",
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    street: Street = None,
    operation: OperationCode = None,
    f: FormatChoice = None,
) -> Response:
    """Verdicts of a level."""
    first, after, within = days_or_operation(conn, operation, *window)
    query = ResponseQuery(first, after, STEPS[step], tuple(category), street, within)
    table = response(conn, ground, level, query, at)
    if table.target is None and form_wanted(request, f) == "geojson":
        raise ParameterError("f", f"the level {level} has no geometry; json or csv is right")
    head = {
        "level": level,
        "from": query.from_day,
        "to": query.to_day,
        "step": step,
        "at": table.at.astimezone(UTC),
        **named(within),
        "total": table.total,
        "elsewhere": table.elsewhere,
        "synthetic": synthetic_layers(ground.city),
    }
    rows = table.rows()
    ids = np.array([one.key for one in table.members], np.int32)
    codes = [one.code for one in table.members]
    features = with_geometry(request, conn, table.target or "areas", ids, codes, rows)
    answer = table_answer(request, f, head, COLUMNS, rows, features, f"response-{level}-{first}-{after}")
    answer.headers.update(NOT_KEPT)
    return answer


@router.get(
    "/response/live",
    summary="Double ten: what runs out in the next minutes",
    description="Steps that wait for somebody in open cases, most urgent first, then those that ran out a moment ago "
    "(`verdict` missing, `seconds_left` negative). With `at` a past instant as it was then.",
    responses=form_responses({"at": "2016-05-03T00:38:25+00:00", "within_s": 600, "rows": [LIVE_EXAMPLE]}),
)
def get_response_live(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    at: JudgedAt,
    within_s: Within = 600,
    category: Categories = [],  # noqa: B006
    street: Street = None,
    f: FormatChoice = None,
) -> Response:
    """The live list."""
    rows = response_live(conn, ground, LiveQuery(within_s, tuple(category), street), at)
    head = {"at": at.astimezone(UTC), "within_s": within_s, "synthetic": synthetic_layers(ground.city)}
    flat = rows if form_wanted(request, f) != "csv" else [_flat(row) for row in rows]
    answer = table_answer(request, f, head, LIVE_COLUMNS, flat, lambda: map(_feature, rows), "response-live")
    answer.headers.update(NOT_KEPT)
    return answer


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a table: the person by reference."""
    return row | {"responsible": row["responsible"] and row["responsible"]["ref"]}


def _feature(row: dict[str, Any]) -> Feature:
    point: Iterable[float] | None = None if row["lon"] is None else (row["lon"], row["lat"])
    geometry = b"null" if point is None else to_json({"type": "Point", "coordinates": point})
    return f"{row['case_id']}-{row['step']}", geometry, row
