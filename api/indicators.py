"""GET /indicators: the rates of clause 8 by place, department and category."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from api.case_parameters import NOT_KEPT, AskedWindow, Street, is_over, valid_when_over
from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, form_wanted, synthetic_layers, table_answer, with_geometry
from api.parameters import Categories, FormatChoice, OperationCode, days_or_operation, only_known
from gis.errors import ParameterError
from gis.indicators import COLUMNS, LAYERS, LEVELS, Exclusion, IndicatorQuery, indicators
from gis.operations import named

router = APIRouter(tags=["cases"], dependencies=[Depends(only_known)])
Level = Annotated[str, Query(description=f"{', '.join(LEVELS)}: one that the city has", examples=["street"])]
Exclude = Annotated[Exclusion | None, Query(description="four_chaos: without the four chaoses")]
Department = Annotated[str | None, Query(description="Code of the department that was the lead at the window's end")]

COUNTS_EXAMPLE = {
    "accepted": 51571,
    "filed": 51229,
    "dispatched": 49151,
    "due": 52434,
    "closed": 43523,
    "on_time": 40394,
    "rework": 276,
    "extended": 104,
    "enforcement_needed": 812,
    "enforcement_valid": 790,
    "filing_rate": 99.34,
    "dispatch_rate": 95.94,
    "closure_rate": 83.01,
    "on_time_rate": 77.04,
    "rework_rate": 0.53,
    "extension_rate": 0.2,
    "governance_rate": 97.29,
}
EXAMPLE = {
    "level": "city",
    "from": "2019-04-08",
    "to": "2019-04-15",
    "as_of": "2019-04-14T16:00:00+00:00",
    "total": COUNTS_EXAMPLE,
    "synthetic": [],
    "rows": [{"code": "4101", "name": "郑州市", **COUNTS_EXAMPLE}],
}


@router.get(
    "/indicators",
    summary="Filing, dispatch, closure, on time, rework, extension",
    description="Each case counts once per column, where its first move of the kind lies in the window. `due`: closed "
    "in the window, or open past its limit at the window's end, so that it may exceed `filed`. Rates are percent with "
    "two decimals; null where nothing is there to divide by. `as_of` is the window's end, or now where it has not "
    "ended; what happens later changes nothing. `elsewhere` are cases that belong to no row.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_when_over(*LAYERS, "operations")],
)
def get_indicators(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    level: Level,
    window: AskedWindow,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    exclude: Exclude = None,
    department: Department = None,
    street: Street = None,
    operation: OperationCode = None,
    f: FormatChoice = None,
) -> Response:
    """Counts and rates of a level."""
    now = datetime.now(UTC)
    first, after, within = days_or_operation(conn, operation, *window)
    query = IndicatorQuery(first, after, tuple(category), exclude, department, street, within)
    table = indicators(conn, ground, level, query, now)
    if table.target is None and form_wanted(request, f) == "geojson":
        raise ParameterError("f", f"the level {level} has no geometry; json or csv is right")
    head = {
        "level": level,
        "from": query.from_day,
        "to": query.to_day,
        "as_of": table.as_of.astimezone(UTC),
        **named(within),
        "total": table.total,
        "elsewhere": table.elsewhere,
        "synthetic": synthetic_layers(ground.city),
    }
    rows = table.rows()
    ids = np.array([one.key for one in table.members], np.int32)
    codes = [one.code for one in table.members]
    features = with_geometry(request, conn, table.target or "areas", ids, codes, rows)
    answer = table_answer(request, f, head, COLUMNS, rows, features, f"indicators-{level}-{first}-{after}")
    if not is_over(window[1], now):
        answer.headers.update(NOT_KEPT)
    return answer
