"""What a filter may name, and in which coordinate reference system it writes its geometries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement

QueryableKind = Literal["string", "integer", "number", "boolean", "date", "date-time", "geometry"]


@dataclass(frozen=True)
class Queryable:
    """One property that a filter may name.

    Parameters
    ----------
    column
        Where it is; of a type that fits `kind`: text, integer, numeric or double, boolean, date, timestamptz, geometry.
    kind
        As in the collection's description.
    srid
        Of a geometry column.
    """

    column: ColumnElement[Any]
    kind: QueryableKind
    srid: int = 4326


@dataclass(frozen=True)
class FilterCrs:
    """Coordinate reference system of geometry literals (parameter `filter-crs`, OGC 19-079r2 clause 6.3).

    Parameters
    ----------
    srid
        EPSG code.
    northing_first
        Whether coordinates are written latitude or northing first, as EPSG:4326 is and CRS84 is not.
    """

    srid: int
    northing_first: bool = False


CRS84 = FilterCrs(4326)
