"""GET /density and /roads/density: reports per km2 and per km."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, synthetic_layers, table_answer, with_geometry
from api.parameters import FormatChoice, density_query, only_known
from api.validators import valid_by
from gis.density import DensityQuery, DensityTable, density, road_density
from gis.ground import Ground
from gis.operations import named

router = APIRouter(tags=["density"], dependencies=[Depends(only_known)])
Asked = Annotated[DensityQuery, Depends(density_query)]
Level = Annotated[
    str, Query(description="cell, or a level that the city has: community, street, district", examples=["street"])
]

HEAD_EXAMPLE = {"from": "2016-05-01", "to": "2016-06-01", "days": 31, "synthetic": []}
ROW_EXAMPLE = {
    "code": "410102001",
    "name": "林山寨街道",
    "count": 421,
    "area_km2": 4.21,
    "per_km2": 100.0,
    "per_km2_per_day": 3.23,
    "note": None,
}
ROAD_EXAMPLE = {"code": "R000001", "name": "建设路", "class": "main", "count": 12, "length_m": 400.0, "per_km": 30.0}


@router.get(
    "/density",
    summary="Reports per km2",
    description="Counts and areas of a street or district are the sums over its cells, so numbers add up at every "
    "level. `per_km2` is null where there are no cells. Divide by the days (`per_km2_per_day`) to compare windows. "
    "With an operation, cells are cut at its edge, and `days` is its exact length.",
    responses=form_responses({"level": "street", **HEAD_EXAMPLE, "rows": [ROW_EXAMPLE]}),
    dependencies=[valid_by("city", "reports", "categories", "cells", "areas", "operations")],
)
def get_density(
    request: Request, conn: Reading, ground: TrueGround, level: Level, query: Asked, f: FormatChoice = None
) -> Response:
    """Density of one level."""
    table = density(conn, ground, level, query)
    head = {"level": level, **_head(ground, query, table)}
    return _answer(request, conn, f, head, table, f"density-{level}")


@router.get(
    "/roads/density",
    summary="Reports per km of road",
    description="Each report counts at its nearest road segment within 30 m.",
    responses=form_responses({**HEAD_EXAMPLE, "rows": [ROAD_EXAMPLE]}),
    dependencies=[valid_by("city", "reports", "categories", "roads", "operations")],
)
def get_road_density(
    request: Request, conn: Reading, ground: TrueGround, query: Asked, f: FormatChoice = None
) -> Response:
    """Density of road segments."""
    table = road_density(conn, ground, query)
    return _answer(request, conn, f, _head(ground, query, table), table, "density-roads")


def _head(ground: Ground, query: DensityQuery, table: DensityTable) -> dict[str, Any]:
    return {
        "from": query.from_day,
        "to": query.to_day,
        "days": table.days,
        **named(query.operation),
        "synthetic": synthetic_layers(ground.city),
    }


def _answer(
    request: Request, conn: Reading, f: FormatChoice, head: dict[str, Any], table: DensityTable, name: str
) -> Response:
    rows = table.rows()
    features = with_geometry(request, conn, table.target, table.ids, table.columns["code"], rows)
    return table_answer(request, f, head, list(table.columns), rows, features, f"{name}-{head['from']}-{head['to']}")
