"""GET /draws and POST results: which roads are weighed for dust, how that was drawn, and what was found."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import JsonBody, body_of, checked
from api.dependencies import KeyHolder, Reading, Writing
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer, with_geometry
from api.listings import named_period
from api.parameters import Day, FormatChoice, only_known
from api.validators import valid_by
from gis.city import read_city
from gis.draw_reads import POINT_COLUMNS, draw_points, list_draws, point_feature, published, read_draw, revealed_row
from gis.dust import ROAD_COLUMNS, weighed_roads
from gis.dust_result_rows import Weighing
from gis.dust_results import add_result
from gis.errors import ParameterError

router = APIRouter(tags=["dust"], dependencies=[Depends(only_known)])
PeriodText = Annotated[str, Path(description="Ten-day period such as 2016-06-T1", max_length=40)]
Name = Annotated[str, Field(max_length=200)]


class NewResult(BaseModel):
    """What was swept up at one point."""

    model_config = ConfigDict(extra="forbid")

    point: Name = Field(description="Its name in the list of points", examples=["2016-06-T1-017-3"])
    g_per_m2: Annotated[Decimal, Field(ge=0, le=Decimal("9999.999"), decimal_places=3)] = Field(
        description="All that was swept up, g/m2, at most three decimals; no silt load", examples=[6.25]
    )
    weighed_on: Day = Field(description="Day of the city on which it was swept", examples=["2016-06-03"])
    weighed_by: Name = Field(description="Who weighed", examples=["team 2"])
    reason: Name | None = Field(None, description="Why a stored result was wrong; needed to correct one")


EXAMPLE = {
    "period": "2016-06-T1",
    "synthetic": [],
    "rows": [{"point": "2016-06-T1-001-1", "code": "R000017", "lon": 113.66, "lat": 34.75, "g_per_m2": 6.25}],
}


@router.get(
    "/draws",
    summary="Dust draws, the latest period first",
    description="What each draw committed to before its period, and its seed from the reveal on.",
    dependencies=[valid_by("city", "dust")],
)
def get_draws(conn: Reading) -> Response:
    """All draws."""
    return json_answer({"synthetic": synthetic_layers(read_city(conn)), "rows": list_draws(conn)})


@router.get(
    "/draws/{period}",
    summary="One dust draw",
    description="Digests of frame, seed and commitment; after the reveal also the seed, and how many roads of each "
    "class were drawn and points weighed.",
    dependencies=[valid_by("city", "dust")],
)
def get_draw(conn: Reading, period: PeriodText) -> Response:
    """One draw."""
    found = read_draw(conn, named_period(period))
    return json_answer(found | {"synthetic": synthetic_layers(read_city(conn))})


@router.get(
    "/draws/{period}/file",
    summary="The published file of a draw, from which anybody repeats it",
    description="Frame, digests, seed, order and points, as docs/dust-draw.md describes; before the reveal without the "
    "last three, so that others can keep what was committed. `finegrid draw verify FILE` and docs/repeat_draw.py read "
    "it.",
    dependencies=[valid_by("city", "dust")],
)
def get_draw_file(conn: Reading, period: PeriodText) -> Response:
    """Everything that is needed to repeat a draw."""
    chosen = named_period(period)
    named = {"Content-Disposition": f'attachment; filename="dust-draw-{chosen.name}.json"'}
    return json_answer(published(conn, chosen), headers=named)


@router.get(
    "/draws/{period}/points",
    summary="Where dust is weighed, with the results",
    description="From the reveal on; 409 before. As CSV it is the form that inspectors fill in and "
    "`finegrid draw results` takes.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by("city", "dust", "roads", "areas", "policy")],
)
def get_draw_points(request: Request, conn: Reading, period: PeriodText, f: FormatChoice = None) -> Response:
    """The weighing points of a draw."""
    chosen = named_period(period)
    rows = draw_points(conn, chosen)
    head = {"period": chosen.name, "synthetic": synthetic_layers(read_city(conn))}
    return table_answer(
        request, f, head, POINT_COLUMNS, rows, lambda: map(point_feature, rows), f"dust-points-{chosen.name}"
    )


@router.get(
    "/draws/{period}/roads",
    summary="The drawn roads with value, limit and points deducted",
    description="A road's value is the mean of its points, rounded to 0.001 g/m2; `mean_g_per_m2` and `deduction` are "
    "null where fewer points were weighed than the policy asks for.",
    responses=form_responses({**EXAMPLE, "rows": [{"number": 1, "code": "R000017", "deduction": 0.5}]}),
    dependencies=[valid_by("city", "dust", "roads", "areas", "policy")],
)
def get_draw_roads(request: Request, conn: Reading, period: PeriodText, f: FormatChoice = None) -> Response:
    """The drawn roads."""
    chosen = named_period(period)
    revealed_row(conn, chosen)
    found = weighed_roads(conn, chosen)
    rows = [{name: row[name] for name in ROAD_COLUMNS} for row in found]
    ids = np.array([row["segment_id"] for row in found], np.int32)
    head = {"period": chosen.name, "synthetic": synthetic_layers(read_city(conn))}
    features = with_geometry(request, conn, "road_segments", ids, [row["code"] for row in rows], rows)
    return table_answer(request, f, head, ROAD_COLUMNS, rows, features, f"dust-roads-{chosen.name}")


@router.post(
    "/draws/{period}/results",
    status_code=201,
    summary="Take in one weighing result",
    description="The same again changes nothing (200); another value for a point needs a `reason` and becomes a "
    "further revision, the first one stays. Files go through `finegrid draw results FILE`.",
    dependencies=[KeyHolder],
    responses={200: {"description": "It was known already"}},
    openapi_extra=body_of(NewResult),
)
def post_result(period: PeriodText, body: JsonBody, conn: Writing) -> Response:
    """Take in a result."""
    chosen = named_period(period)
    read_draw(conn, chosen)
    sent: NewResult = checked(NewResult, body)
    if not sent.point.startswith(f"{chosen.name}-"):
        raise ParameterError("point", f"{sent.point[:60]!r} is none of {chosen.name}")
    one = Weighing(sent.point, f"{sent.g_per_m2:f}", str(sent.weighed_on), sent.weighed_by, reason=sent.reason)
    done = add_result(conn, one, datetime.now(UTC))
    return json_answer(done.as_dict(), 200 if done.unchanged else 201)
