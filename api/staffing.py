"""GET /staffing: coordinators needed and on post."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading
from api.encoding import form_responses, form_wanted, synthetic_layers, table_answer, with_geometry
from api.parameters import Day, FormatChoice, only_known
from api.validators import valid_by
from gis.city import read_city
from gis.encoding import Feature
from gis.staffing import COLUMNS, staffing

router = APIRouter(tags=["staffing"], dependencies=[Depends(only_known)])
Level = Annotated[str | None, Query(description="street or district; the lower one that the city has if not given")]
On = Annotated[Day | None, Query(description="Day on which people are counted; today if not given")]

EXAMPLE = {
    "level": "street",
    "on": "2016-06-01",
    "total": {"required": 53, "on_post": 50, "gap": -3},
    "synthetic": [],
    "rows": [
        {
            "code": "410102001",
            "name": "林山寨街道",
            "tier": "key",
            "area_km2": 1.75,
            "required": 53,
            "on_post": 50,
            "gap": -3,
            "explanation": {
                "worked_out": "176 key cells: 1.75 km2 x 30/km2 = 52.5, rounded up to 53; 50 on post, gap -3",
                "cells": 176,
                "cell_codes": ["410102001001001-410102001001176"],
            },
        }
    ],
}


@router.get(
    "/staffing",
    summary="Coordinators needed and on post",
    description="By the rule of at least 30 / 20 / 10 coordinators per km2 in key / secondary / general areas. One row "
    "per area and tier, explained: which cells, which area, which rule. `first-last` in `cell_codes` means all live "
    "cells of the street between the two. `required` is null where an area has no cells. GeoJSON has one feature per "
    "area.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by("city", "areas", "cells", "coordinators", "policy", daily=True)],
)
def get_staffing(
    request: Request, conn: Reading, level: Level = None, on: On = None, f: FormatChoice = None
) -> Response:
    """Demand and supply of a level."""
    answer = staffing(conn, level, on)
    head = {
        "level": answer.level,
        "on": answer.on,
        "rule": answer.rule(),
        "total": answer.total(),
        "synthetic": synthetic_layers(read_city(conn)),
    }
    brief = form_wanted(request, f) == "csv"
    rows = ({**row.as_dict(), "explanation": row.worked_out if brief else row.explanation()} for row in answer.rows)

    def features() -> Iterable[Feature]:
        areas = answer.by_area()
        ids = np.array([area.pop("id") for area in areas], np.int32)
        return with_geometry(request, conn, "areas", ids, [area["code"] for area in areas], areas)()

    file_name = f"staffing-{answer.level}-{answer.on}"
    return table_answer(request, f, head, [*COLUMNS, "explanation"], rows, features, file_name)
