"""GET /areas, /categories, /sources and /reconciliation: what the city consists of, and whether its numbers add up."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer, with_geometry
from api.parameters import FormatChoice, only_known, window
from api.validators import valid_by
from gis.catalogue import list_areas, list_categories, list_sources
from gis.city import read_city
from gis.reconciliation import reconciliation

router = APIRouter(tags=["city"], dependencies=[Depends(only_known)])
Level = Annotated[str | None, Query(description="district, street or community; all that the city has if not given")]
AREA_COLUMNS = ("code", "level", "name", "name_en", "parent_code", "area_km2", "cells", "cells_km2")
RECONCILED = {
    "read": 1003,
    "accepted": 990,
    "duplicate": 10,
    "rejected": 3,
    "in_cells": 950,
    "outside": 38,
    "no_position": 2,
    "adds_up": True,
    "synthetic": [],
}


@router.get(
    "/areas",
    summary="Districts, streets and communities",
    description="`area_km2` is the area's own, `cells_km2` the responsible area that density divides by.",
    responses=form_responses({"synthetic": [], "rows": [dict.fromkeys(AREA_COLUMNS)]}),
    dependencies=[valid_by("city", "areas", "cells")],
)
def get_areas(
    request: Request, conn: Reading, ground: TrueGround, level: Level = None, f: FormatChoice = None
) -> Response:
    """The areas of a level, or all."""
    ids, rows = list_areas(ground, level)
    features = with_geometry(request, conn, "areas", ids, [row["code"] for row in rows], rows)
    head = {"synthetic": synthetic_layers(ground.city)}
    return table_answer(request, f, head, AREA_COLUMNS, rows, features, f"areas-{level or 'all'}")


@router.get("/categories", summary="The category dictionary", dependencies=[valid_by("city", "categories")])
def get_categories(conn: Reading) -> Response:
    """All categories."""
    return json_answer({"synthetic": synthetic_layers(read_city(conn)), "rows": list_categories(conn)})


@router.get("/sources", summary="Who reports", dependencies=[valid_by("reports", "imports")])
def get_sources(conn: Reading) -> Response:
    """All sources."""
    return json_answer({"rows": list_sources(conn)})


@router.get(
    "/reconciliation",
    summary="Do the numbers add up?",
    description="accepted + duplicate + rejected = read, and in_cells + outside + no_position = accepted, counted from "
    "the stored reports. `from` and `to` are days of the reports; rows rejected for their time belong to no day.",
    responses={200: {"content": {"application/json": {"example": RECONCILED}}}},
    dependencies=[valid_by("city", "reports", "imports")],
)
def get_reconciliation(conn: Reading, days: Annotated[tuple[date | None, date | None], Depends(window)]) -> Response:
    """The seven numbers."""
    return json_answer({**reconciliation(conn, *days), "synthetic": synthetic_layers(read_city(conn))})
