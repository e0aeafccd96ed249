"""Spatial functions (OGC 21-065r2 clauses 7.5 to 7.7): the relations of Simple Features, by PostGIS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import ColumnElement, func, not_, or_

from gis.cql2.geometries import box_to_transform, placed
from gis.cql2.limits import refusal
from gis.cql2.queryables import FilterCrs
from gis.cql2.terms import Term

FUNCTIONS: Mapping[str, str] = {
    "s_contains": "ST_Contains",
    "s_crosses": "ST_Crosses",
    "s_disjoint": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_intersects": "ST_Intersects",
    "s_overlaps": "ST_Overlaps",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
}


@dataclass(frozen=True)
class Shape:
    """A geometry literal; `box` where it was a BBOX."""

    geometry: shapely.Geometry
    box: bool = False


def relate(name: str, one: Term | Shape, other: Term | Shape, crs: FilterCrs) -> ColumnElement[bool]:
    """Apply a spatial function; a literal is brought into the CRS of the property, never the other way round.

    Raises
    ------
    ParameterError
        An operand is not a geometry, or a collection of points, lines and areas together for a relation that PostGIS
        does not define for it.
    """
    for operand in (one, other):
        if isinstance(operand, Term) and operand.kind != "geometry":
            msg = f"{name.upper()} relates geometries, such as POINT(113.6 34.7) or BBOX(113, 34, 114, 35); {operand}"
            raise refusal(msg)
    srid = next((operand.srid for operand in (one, other) if isinstance(operand, Term)), crs.srid)
    intersecting = FUNCTIONS[name] == "ST_Intersects"
    conditions = [
        getattr(func, FUNCTIONS[name])(left, right)
        for left in _sides(name, one, crs, srid, apart=intersecting)
        for right in _sides(name, other, crs, srid, apart=intersecting)
    ]
    # Disjoint is what does not intersect, by definition; so written, an index can serve it.
    return not_(or_(*conditions)) if name == "s_disjoint" else or_(*conditions)


def _sides(name: str, operand: Term | Shape, crs: FilterCrs, srid: int, *, apart: bool) -> Iterator[ColumnElement[Any]]:
    """An operand in the database, a mixed collection as its parts of one dimension."""
    if isinstance(operand, Term):
        yield operand.sql if operand.srid == srid else func.ST_Transform(operand.sql, srid)
        return
    geometry = operand.geometry
    if operand.box and crs.srid != srid:
        geometry = box_to_transform(geometry)
    if geometry.geom_type != "GeometryCollection":
        yield placed(geometry, crs, srid)
        return
    if not apart:
        msg = (
            f"{name.upper()} is not defined for a GEOMETRYCOLLECTION of points, lines and areas together; "
            "use S_INTERSECTS or S_DISJOINT, or one condition for each part"
        )
        raise refusal(msg)
    parts = shapely.get_parts(geometry)
    dimensions = shapely.get_dimensions(parts)
    for dimension in sorted(set(dimensions.tolist())):
        yield placed(shapely.union_all(parts[dimensions == dimension]), crs, srid)
