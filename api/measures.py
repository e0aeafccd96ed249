"""GET /measures and /facilities: what was built, how it grows, and whether it helped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer
from api.evidence import By, PlainForm, plain_answer, plain_responses
from api.parameters import Categories, Day, FormatChoice, FromDay, Sources, ToDay, only_known
from api.validators import valid_by
from gis.city import read_city
from gis.effect_kinds import kind_effect
from gis.effects import EffectQuery, measure_effects
from gis.encoding import Feature
from gis.errors import NotFound
from gis.facilities import COLUMNS as FACILITY_COLUMNS
from gis.facilities import (
    GROWTH_COLUMNS,
    GrowthQuery,
    facilities,
    facility_rows,
    facility_shapes,
    growth,
)
from gis.measures import COLUMNS, measure_shapes, measures, read_measure

router = APIRouter(tags=["measures"], dependencies=[Depends(only_known)])
MOST_MEASURES = 50
"""In one request; each takes up to a second."""
EFFECT_LAYERS = ("city", "measures", "reports", "categories", "cells", "areas", "roads", "policy")
Kind = Annotated[str | None, Query(description="Only this kind, as the files call it; all if not given")]
NeededKind = Annotated[str, Query(description="The kind, as the files call it", examples=["barrier"])]
OnDay = Annotated[Day | None, Query(alias="on", description="Only what is there on this day")]
GrowthLevel = Annotated[str, Query(description="city, district, street, ... as the city has them")]

MEASURE_EXAMPLE = {
    "ref": "M-2016-07",
    "kind": "barrier",
    "name": "陇海路护栏",
    "valid_from": "2016-06-01",
    "valid_to": None,
    "begun": "2016-05-25",
    "cost_yuan": 86000,
    "shape": "line",
    "length_m": 240.51,
    "area_m2": 0,
}
FACILITY_EXAMPLE = {
    "code": "P-0017",
    "kind": "parking_place",
    "name": "陇海路停车场",
    "capacity": 120,
    "valid_from": "2016-03-01",
    "valid_to": None,
    "area_code": "410103001",
    "area_name": "淮河路街道",
}
GROWTH_EXAMPLE = {
    "code": "410103001",
    "name": "淮河路街道",
    "period": "2016-06",
    "count": 12,
    "capacity": 940,
    "added": 2,
    "removed": 0,
    "capacity_added": 130,
    "capacity_removed": 0,
}


@router.get(
    "/measures",
    summary="Engineering measures",
    description="Barriers, bollards, pocket greens, parking spaces, ... in the order of their refs. GeoJSON has them "
    "as they were drawn; the collection `measures` has all as polygons.",
    responses=form_responses({"synthetic": [], "rows": [MEASURE_EXAMPLE]}),
    dependencies=[valid_by("city", "measures")],
)
def get_measures(
    request: Request, conn: Reading, kind: Kind = None, on: OnDay = None, f: FormatChoice = None
) -> Response:
    """All measures."""
    found = measures(conn, kind=kind, on_day=on)
    rows = [one.as_dict() for one in found]

    def features() -> Iterable[Feature]:
        shapes = measure_shapes(conn, [one.id for one in found])
        return ((one.ref, shapes[one.id], row) for one, row in zip(found, rows, strict=True))

    head = {"synthetic": synthetic_layers(read_city(conn))}
    return table_answer(request, f, head, COLUMNS, rows, features, "measures")


@router.get(
    "/measures/effects",
    summary="The mean effect of all measures of a kind",
    description="Each measure as GET /measures/{ref}/effect, and the mean of those that can be judged, weighted by how "
    "sure each is. No two are compared with the same place.",
    dependencies=[valid_by(*EFFECT_LAYERS)],
)
def get_kind_effect(
    conn: Reading,
    ground: TrueGround,
    kind: NeededKind,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    source: Sources = [],  # noqa: B006
) -> Response:
    """The effect of a kind."""
    found = kind_effect(conn, ground, kind, EffectQuery(tuple(category), tuple(source)), most=MOST_MEASURES)
    if not found.effects:
        msg = f"there is no measure of the kind {kind[:60]!r}; GET /measures lists all"
        raise NotFound(msg)
    return json_answer({"category": category, "synthetic": synthetic_layers(ground.city), **found.as_dict(ground)})


@router.get(
    "/measures/{ref}",
    summary="One measure",
    dependencies=[valid_by("city", "measures")],
)
def get_measure(conn: Reading, ref: str) -> Response:
    """One measure."""
    return json_answer({**read_measure(conn, ref).as_dict(), "synthetic": synthetic_layers(read_city(conn))})


@router.get(
    "/measures/{ref}/effect",
    summary="Did it help? Before and after, against places alike where nothing was done",
    description="`ratio`: problems in the cells it touches, as a share of what they would be without it; `low` and "
    "`high` hold it with the confidence of the policy. `verdict`: fewer, more, cannot_be_told or too_little_data. "
    "`ring`: the same for the cells around, to where problems may have moved. `controls`: the places it was compared "
    "with. `before_after` is what a glance at it would say, and is no effect: the worst places get better by "
    "themselves.",
    dependencies=[valid_by(*EFFECT_LAYERS)],
)
def get_effect(
    conn: Reading,
    ground: TrueGround,
    ref: str,
    category: Categories = [],  # noqa: B006
    source: Sources = [],  # noqa: B006
) -> Response:
    """The effect of one measure."""
    query = EffectQuery(tuple(category), tuple(source))
    (found,) = measure_effects(conn, ground, [read_measure(conn, ref)], query)
    return json_answer({"category": category, "synthetic": synthetic_layers(ground.city), **found.as_dict(ground)})


@router.get(
    "/facilities",
    summary="Facilities",
    description="Parking places with their spaces, public toilets, ... in the order of their codes. GeoJSON has the "
    "outline where one is known, else a point.",
    responses=form_responses({"synthetic": [], "rows": [FACILITY_EXAMPLE]}),
    dependencies=[valid_by("city", "facilities", "areas")],
)
def get_facilities(
    request: Request, conn: Reading, ground: TrueGround, kind: Kind = None, on: OnDay = None, f: FormatChoice = None
) -> Response:
    """All facilities."""
    found = facilities(conn, kind=kind, on_day=on)
    rows = facility_rows(ground, found)

    def features() -> Iterable[Feature]:
        shapes = facility_shapes(conn, [one.id for one in found])
        return ((one.code, shapes[one.id], row) for one, row in zip(found, rows, strict=True))

    head = {"synthetic": synthetic_layers(ground.city)}
    return table_answer(request, f, head, FACILITY_COLUMNS, rows, features, "facilities")


@router.get(
    "/facilities/growth",
    summary="Facilities and their capacity period by period",
    description="What is there at the end of each period, and what came and went in it, by area. Each count is the one "
    "before, plus added, minus removed. The periods that hold the days from `from` to `to` are counted whole.",
    responses=plain_responses(GROWTH_EXAMPLE),
    dependencies=[valid_by("city", "facilities", "areas")],
)
def get_growth(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    level: GrowthLevel,
    from_day: FromDay,
    to_day: ToDay,
    by: By = "period",
    kind: Kind = None,
    f: PlainForm = None,
) -> Response:
    """How facilities grow."""
    rows = growth(conn, ground, GrowthQuery(level, from_day, to_day, by, kind))
    head = {"level": level, "by": by, "kind": kind, "synthetic": synthetic_layers(ground.city)}
    return plain_answer(request, f, head, GROWTH_COLUMNS, rows, f"facilities-{level}")
