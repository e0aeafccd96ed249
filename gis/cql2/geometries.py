"""Geometry literals (OGC 21-065r2 clauses 7.5.1 and 7.7.1): GeoJSON geometries and boxes, judged before the database.

PostGIS answers a coordinate that cannot be transformed, and some invalid polygons, with an internal error. So what
is wrong with a literal is found here: its form, its range, its validity, and that it can be transformed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from sqlalchemy import ColumnElement, LargeBinary, func, literal

from gis.cql2.limits import COORDINATE, refusal, shown
from gis.cql2.queryables import FilterCrs

TYPES = (
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
BOX_STEPS = 16
"""Pieces of a box's edge where it is transformed, because its edges follow the axes of its own CRS."""


def geometry_literal(node: Mapping[str, Any], crs: FilterCrs) -> shapely.Geometry:
    """Read a GeoJSON geometry, axes in the order x, y, height left out.

    Raises
    ------
    ParameterError
        Its form is wrong, a coordinate is out of range, or it crosses itself.
    """
    geometry = shapely.force_2d(_read(node))
    if shapely.is_empty(geometry):
        msg = f"{_name(node)} is empty; an empty geometry meets nothing"
        raise refusal(msg)
    if crs.northing_first:
        geometry = shapely.transform(geometry, lambda positions: positions[:, ::-1])
    _in_range(shapely.get_coordinates(geometry), crs)
    if not shapely.is_valid(geometry):
        msg = f"{_name(node)} is not valid: {shapely.is_valid_reason(geometry)}"
        raise refusal(msg)
    return _plain(geometry)


def box_literal(numbers: Any, crs: FilterCrs) -> shapely.Geometry:
    """Read BBOX(west, south, east, north), or with heights, which are left out; west > east crosses the antimeridian.

    Raises
    ------
    ParameterError
        Not four or six numbers, out of range, or south of nothing.
    """
    if not isinstance(numbers, list) or len(numbers) not in (4, 6) or not all(_is_number(one) for one in numbers):
        msg = "BBOX takes four numbers, west, south, east, north, or six with heights"
        raise refusal(msg)
    half = len(numbers) // 2
    low, high = numbers[:2], numbers[half : half + 2]
    if crs.northing_first:
        low, high = low[::-1], high[::-1]
    (west, south), (east, north) = low, high
    _in_range(np.array([low, high], float), crs)
    if south > north:
        msg = f"BBOX has its south {south} above its north {north}"
        raise refusal(msg)
    if west <= east:
        return _box(west, south, east, north)
    if not is_geographic(crs.srid):
        msg = f"BBOX has its west {west} beyond its east {east}, which only degrees can cross over"
        raise refusal(msg)
    halves = [(west, 180.0), (-180.0, east)]
    return shapely.union_all([_box(one, south, other, north) for one, other in halves])


def placed(geometry: shapely.Geometry, crs: FilterCrs, srid: int) -> ColumnElement[Any]:
    """A literal in the database, in the CRS of what it is compared with.

    Raises
    ------
    ParameterError
        It has no valid image in that CRS.
    """
    if crs.srid != srid:
        _transformable(geometry, crs.srid, srid)
    sql = func.ST_SetSRID(func.ST_GeomFromWKB(literal(shapely.to_wkb(geometry), LargeBinary)), crs.srid)
    return sql if crs.srid == srid else func.ST_Transform(sql, srid)


def box_to_transform(box: shapely.Geometry) -> shapely.Geometry:
    """A box with enough vertices that its image keeps its shape."""
    west, south, east, north = box.bounds
    longest = max(east - west, north - south)
    return shapely.segmentize(box, longest / BOX_STEPS) if longest else box


@cache
def is_geographic(srid: int) -> bool:
    """Whether a CRS has degrees.

    Raises
    ------
    ParameterError
        There is no such CRS.
    """
    try:
        return bool(CRS.from_epsg(srid).is_geographic)
    except CRSError as problem:
        msg = f"EPSG has no coordinate reference system {srid}, in which its geometries are said to be"
        raise refusal(msg) from problem


@cache
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _transformable(geometry: shapely.Geometry, source: int, target: int) -> None:
    def image(positions: Any) -> Any:
        return np.column_stack(_transformer(source, target).transform(positions[:, 0], positions[:, 1]))

    moved = shapely.transform(geometry, image)
    if not np.isfinite(shapely.get_coordinates(moved)).all() or not shapely.is_valid(moved):
        msg = f"a geometry in EPSG:{source} reaches beyond where EPSG:{target} is defined"
        raise refusal(msg)


def _read(node: Any) -> shapely.Geometry:
    kind = node.get("type") if isinstance(node, Mapping) else None
    if kind not in TYPES:
        msg = f"{shown(kind)} is no geometry; there are {', '.join(TYPES)} and BBOX"
        raise refusal(msg)
    if kind == "GeometryCollection":
        return shapely.GeometryCollection([_read(one) for one in _list(node.get("geometries"), "GEOMETRYCOLLECTION")])
    coordinates = node.get("coordinates")
    match kind:
        case "Point":
            return shapely.Point(_position(coordinates))
        case "LineString":
            return shapely.LineString(_line(coordinates))
        case "Polygon":
            return _polygon(coordinates)
        case "MultiPoint":
            return shapely.MultiPoint([_position(one) for one in _list(coordinates, "MULTIPOINT")])
        case "MultiLineString":
            return shapely.MultiLineString([_line(one) for one in _list(coordinates, "MULTILINESTRING")])
        case _:
            return shapely.MultiPolygon([_polygon(one) for one in _list(coordinates, "MULTIPOLYGON")])


def _polygon(rings: Any) -> shapely.Polygon:
    shell, *holes = [_ring(one) for one in _list(rings, "POLYGON")]
    return shapely.Polygon(shell, holes)


def _ring(positions: Any) -> list[list[float]]:
    ring = _line(positions)
    if ring[0] != ring[-1]:
        msg = (
            f"a ring of a POLYGON is not closed: it begins at {_at(ring[0])} and must end there, not at {_at(ring[-1])}"
        )
        raise refusal(msg)
    if len(ring) < 4:
        msg = f"a ring of a POLYGON has {len(ring)} positions; it needs at least four, the last one equal to the first"
        raise refusal(msg)
    return ring


def _line(positions: Any) -> list[list[float]]:
    line = [_position(one) for one in _list(positions, "LINESTRING")]
    if len(line) < 2:
        msg = "a LINESTRING has one position; it needs at least two"
        raise refusal(msg)
    return line


def _position(numbers: Any) -> list[float]:
    if not isinstance(numbers, list) or len(numbers) not in (2, 3) or not all(_is_number(one) for one in numbers):
        msg = f"{shown(numbers)} is no position; it takes two numbers, or three with a height"
        raise refusal(msg)
    # Heights play no part in CQL2's functions and would make rings unequal that meet on the map.
    return [float(one) for one in numbers[:2]]


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        msg = f"{name} has no coordinates"
        raise refusal(msg)
    return value


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**1000 and math.isfinite(value)


def _in_range(positions: Any, crs: FilterCrs) -> None:
    if is_geographic(crs.srid):
        inside = (np.abs(positions) <= (180, 90)).all(axis=1)
        order = "latitude, longitude" if crs.northing_first else "longitude, latitude"
        rule = f"degrees as {order}, -180 to 180 and -90 to 90; filter-crs says in which CRS geometries are written"
    else:
        inside = (np.abs(positions) <= COORDINATE).all(axis=1)
        rule = f"coordinates of EPSG:{crs.srid}"
    if not inside.all():
        x, y = positions[~inside][0].tolist()
        msg = f"{_at([y, x] if crs.northing_first else [x, y])} is out of range: {rule}"
        raise refusal(msg)


def _box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A box, or the line or point that is left of one without width or height."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _plain(geometry: shapely.Geometry) -> shapely.Geometry:
    """A collection as one multi-geometry where its members are of one dimension."""
    return shapely.union_all(geometry) if geometry.geom_type == "GeometryCollection" else geometry


def _name(node: Mapping[str, Any]) -> str:
    return str(node["type"]).upper()


def _at(position: list[float]) -> str:
    return f"({position[0]:g} {position[1]:g})"
