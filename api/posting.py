"""GET /staffing/proposal: how so many coordinators should be posted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, synthetic_layers, table_answer, with_geometry
from api.parameters import Categories, Day, FormatChoice, OpenFromDay, OpenToDay, only_known
from api.validators import valid_by
from gis.collections.windows import window_or_default
from gis.encoding import Feature
from gis.posting import MOST_PEOPLE, parsed_caps, propose
from gis.proposal import COLUMNS, PostingQuery

router = APIRouter(tags=["staffing"], dependencies=[Depends(only_known)])
People = Annotated[
    int | None, Query(ge=1, le=MOST_PEOPLE, description="How many people; all who are on post if not given")
]
On = Annotated[Day | None, Query(description="Day on which people are counted as posted now; today if not given")]
Caps = Annotated[
    list[str], Query(description="Most people of one street, code=number such as 410102001=30; repeat it for several")
]
EXAMPLE = {
    "level": "street",
    "on": "2016-06-01",
    "from": "2016-05-01",
    "to": "2016-06-01",
    "people": 60,
    "feasible": True,
    "verdict": "feasible: all minima (53 people) are kept, 7 more are shared by workload",
    "breaks": [],
    "moves": [{"people": 10, "from": None, "to": {"code": "410102001", "name": "林山寨街道", "tier": "key"}}],
    "synthetic": [],
    "rows": [
        {
            "code": "410102001",
            "name": "林山寨街道",
            "tier": "key",
            "area_km2": 1.75,
            "required": 53,
            "problems": 421,
            "on_post": 50,
            "proposed": 60,
            "change": 10,
            "missing": 0,
            "load_before": 8.42,
            "load_after": 7.02,
            "reason": "the rule asks for at least 53; 421 problems: 7.0 per person with 60, now 8.4 with 50; "
            "+10: 3 to the minimum, the others because people are left to share when all minima are kept",
            "reason_zh": "按标准至少 53 人；……",
        }
    ],
}


@router.get(
    "/staffing/proposal",
    summary="How people should be posted",
    description="Minima of the 30 / 20 / 10 rule first, then the least sum of problems^2 / persons over all posts (a "
    "post is one tier of one street), and nobody is moved for little: an integer programme, solved exactly. Where the "
    "minima cannot all be kept, `feasible` is false, `breaks` says which one and by how many people, and the rows are "
    "what is nearest: key minima first, then secondary, then general. GeoJSON has one feature per street.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by("city", "areas", "cells", "coordinators", "reports", "categories", "policy", daily=True)],
)
def get_proposal(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    people: People = None,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    on: On = None,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    cap: Caps = [],  # noqa: B006
    f: FormatChoice = None,
) -> Response:
    """A proposal for the whole city."""
    first, after = window_or_default(conn, ground.city, from_day, to_day)
    found = propose(conn, ground, PostingQuery(first, after, people, on, tuple(category), parsed_caps(cap)))
    head = {**found.head(), "synthetic": synthetic_layers(ground.city)}

    def features() -> Iterable[Feature]:
        areas = found.by_area()
        ids = np.array([area.pop("id") for area in areas], np.int32)
        return with_geometry(request, conn, "areas", ids, [area["code"] for area in areas], areas)()

    rows = (row.as_dict() for row in found.rows)
    return table_answer(request, f, head, COLUMNS, rows, features, f"staffing-proposal-{found.people}-{found.on}")
