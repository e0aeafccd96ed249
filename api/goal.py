"""GET /goal: how far the four chaoses fell against a base period."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, synthetic_layers, table_answer, with_geometry
from api.parameters import Day, FormatChoice, FromDay, Sources, ToDay, only_known
from api.validators import valid_by
from gis.goal import CATEGORIES, COLUMNS, LAYERS, GoalQuery, goal

router = APIRouter(tags=["density"], dependencies=[Depends(only_known)])
Level = Annotated[str, Query(description="A level that the city has: community, street, district", examples=["street"])]
BaseFrom = Annotated[Day, Query(description="First day of the base period", examples=["2015-05-01"])]
BaseTo = Annotated[Day, Query(description="Day after its last one; not after `from`", examples=["2015-06-01"])]
Chaoses = Annotated[
    list[str],
    Query(
        alias="category",
        description=f"{', '.join(CATEGORIES[:-1])} or {CATEGORIES[-1]}, all four together; repeat it for several; "
        "all five if not given",
    ),
]
ROW: dict[str, Any] = {
    "code": "410102001",
    "name": "林山寨街道",
    "category": "parking",
    "area_km2": 4.21,
    "count": 21,
    "base_count": 180,
    "rate_now": 0.160907,
    "rate_base": 1.37921,
    "fall": 0.8833,
    "fall_low": 0.8171,
    "fall_high": 0.9256,
    "reached": "yes",
    "note": None,
}
EXAMPLE = {
    "level": "street",
    "from": "2016-05-01",
    "to": "2016-06-01",
    "days": 31,
    "base_from": "2015-05-01",
    "base_to": "2015-06-01",
    "base_days": 31,
    "rule": {"clause": "2", "effective": "2015-01-01", "goal": 0.8, "confidence": 0.95, "text": "..."},
    "total": [{**ROW, "code": "4101", "name": "郑州市"}],
    "synthetic": [],
    "rows": [ROW],
}


@router.get(
    "/goal",
    summary="How far the four chaoses fell",
    description="The goal is 80 % less than in the base period, per area and chaos. `fall` is 1 - rate_now / "
    "rate_base, rates per km2 of responsible area and day; negative: it rose; null where nothing was counted in the "
    "base period. `fall_low` and `fall_high` are what the counts' own chance leaves open, and `reached` is yes, no or "
    "cannot_be_told by them. `any` is all four together; `total` the whole city.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by(*LAYERS)],
)
def get_goal(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    level: Level,
    from_day: FromDay,
    to_day: ToDay,
    base_from: BaseFrom,
    base_to: BaseTo,
    category: Chaoses = [],  # noqa: B006 - FastAPI copies it
    source: Sources = [],  # noqa: B006
    f: FormatChoice = None,
) -> Response:
    """The fall in each area of a level."""
    query = GoalQuery(from_day, to_day, base_from, base_to, tuple(category), tuple(source))
    found = goal(conn, ground, level, query)
    head = found.head() | {"synthetic": synthetic_layers(ground.city)}
    rows = list(found.listed())
    codes = [f"{row['code']}-{row['category']}" for row in rows]
    features = with_geometry(request, conn, "areas", found.ids, codes, rows)
    return table_answer(request, f, head, COLUMNS, rows, features, f"goal-{level}-{from_day}-{to_day}")
