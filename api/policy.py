"""GET /policy: the numbers of the rule book that hold on a day, and what the city overrides."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading
from api.encoding import form_wanted, table_answer
from api.parameters import Day, FormatChoice, only_known
from api.validators import valid_by
from gis.city import read_city
from gis.encoding import Feature
from gis.errors import ParameterError
from gis.policies import LAYER
from gis.policy_reads import COLUMNS, policy_of_day

router = APIRouter(tags=["city"], dependencies=[Depends(only_known)])
On = Annotated[Day | None, Query(description="Day of the city; today if not given")]

EXAMPLE = {
    "on": "2016-06-01",
    "effective": "2016-03-01",
    "overrides": {
        "number": 1,
        "loaded_at": "2016-02-20T08:00:00Z",
        "loaded_by": "city office",
        "file_name": "policy.toml",
        "sha256": "0f4d...",
    },
    "rows": [
        {
            "name": "coordinators_key_per_km2",
            "value": 35,
            "unit": "persons/km2",
            "clause": "11",
            "mark": "rule",
            "meaning": "coordinators a key area needs at least",
            "overridden": True,
            "rule_book": 30,
            "since": "2016-03-01",
            "reason": "Order 12 of the city government",
        }
    ],
}


@router.get(
    "/policy",
    summary="The numbers of the rule book on a day",
    description="Each with unit, clause and mark (rule, found, default). `value` is what holds; where the city "
    "overrides the rule book, `rule_book` is what that says, `since` the day from which the city's own holds, and "
    "`reason` why. `effective` is the day from which all of these hold together.",
    responses={
        200: {
            "description": "The numbers, as JSON or CSV",
            "content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}, "text/csv": {}},
        }
    },
    dependencies=[valid_by("city", LAYER, daily=True)],
)
def get_policy(request: Request, conn: Reading, on: On = None, f: FormatChoice = None) -> Response:
    """The policy of a day."""
    if form_wanted(request, f) == "geojson":
        raise ParameterError("f", "a number has no geometry; json or csv is right")
    city = read_city(conn)
    found = policy_of_day(conn, on or datetime.now(city.zone).date())

    def features() -> list[Feature]:
        return []

    return table_answer(request, f, found.head(), COLUMNS, found.rows, features, f"policy-{found.on}")
