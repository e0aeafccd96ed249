"""Which features of a collection: everything that a request says about it, as one FROM and WHERE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import shapely
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    String,
    and_,
    column,
    func,
    literal,
    or_,
)
from sqlalchemy.sql.selectable import Subquery
from sqlalchemy.types import TypeEngine, UserDefinedType

from gis.city import City
from gis.collections.crs import CRS84, FeatureCrs
from gis.collections.declared import GEOMETRY, Bound, Collection, Given, PropertyKind
from gis.collections.intervals import Interval
from gis.cql2.queryables import Queryable
from gis.cql2.translate import FilterCrs, to_sql
from gis.store.database import sql

# BRIN keeps days, so a moment also asks for the days that it can lie in, wherever on earth the city is.
DAY_SLACK = "1 day"


class _Geometry(UserDefinedType[Any]):
    """A column that is passed on as it is; GeoAlchemy's own type would wrap it in ST_AsEWKB wherever it is selected."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "geometry"


TYPES: dict[PropertyKind, TypeEngine[Any]] = {
    "string": String(collation="C"),
    "integer": Integer(),
    "number": Double(),
    "boolean": Boolean(),
    "date": Date(),
    "date-time": DateTime(timezone=True),
}


@dataclass(frozen=True)
class Filter:
    """A CQL2 expression as it was sent."""

    expression: str | Mapping[str, Any]
    lang: str = "cql2-text"
    crs: FeatureCrs = CRS84


@dataclass(frozen=True)
class Asked:
    """What a request says about a collection's features.

    Parameters
    ----------
    given
        Values of the collection's own parameters.
    equals
        Property -> value that it must have, of the property's type.
    box
        Polygon in WGS 84 degrees (longitude, latitude) that a feature must meet.
    interval
        Time that a feature must meet.
    filter
        CQL2 expression that must hold.
    """

    given: Given = field(default_factory=dict)
    equals: Mapping[str, Any] = field(default_factory=dict)
    box: shapely.Geometry | None = None
    interval: Interval | None = None
    filter: Filter | None = None


@dataclass(frozen=True)
class Selection:
    """Features ready to be asked for.

    Parameters
    ----------
    source
        FROM: the collection's question as subquery `f`; columns as declared, hidden ones and `geom` (EPSG:4326).
    where
        Conditions that must all hold.
    facts
        What the answer should say about itself, e.g. the window that was counted.
    narrowed
        Whether anything was asked that leaves features out.
    """

    collection: Collection
    source: Subquery
    where: tuple[ColumnElement[bool], ...]
    facts: Mapping[str, Any]

    @property
    def narrowed(self) -> bool:
        """Whether features may be left out."""
        return bool(self.where)


def select_features(conn: Connection, city: City, collection: Collection, asked: Asked) -> Selection:
    """What a request asks for.

    Raises
    ------
    ParameterError
        A value that cannot be, named.
    """
    given = dict(asked.given)
    where: list[ColumnElement[bool]] = []
    if asked.interval is not None and _counts_a_window(collection):
        given.setdefault("from", asked.interval.days(city.zone)[0])
        given.setdefault("to", asked.interval.days(city.zone)[1])
    source = _source(collection, collection.bind(conn, given))
    facts = collection.bind(conn, given).facts if False else {}
    where += [source.c[name] == value for name, value in asked.equals.items()]
    if asked.box is not None:
        where.append(func.ST_Intersects(source.c.geom, func.ST_GeomFromWKB(asked.box.wkb, 4326)))
    if asked.interval is not None and collection.time is not None:
        where += _during(source, collection, asked.interval)
    if asked.filter is not None:
        crs = FilterCrs(asked.filter.crs.srid, asked.filter.crs.northing_first)
        where.append(to_sql(asked.filter.expression, asked.filter.lang, queryables(source, collection), crs=crs))
    return Selection(collection, source, tuple(where), facts)
