"""Which features of a collection: everything that a request says about it, as one FROM and WHERE."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
    or_,
)
from sqlalchemy.sql.functions import Function
from sqlalchemy.sql.selectable import Subquery
from sqlalchemy.types import TypeEngine, UserDefinedType

from gis.city import City
from gis.collections.crs import CRS84, STORED_SRID, FeatureCrs
from gis.collections.declared import GEOMETRY, Bound, Collection, Given, PropertyKind
from gis.collections.intervals import Interval
from gis.collections.windows import window_of
from gis.cql2.queryables import Queryable
from gis.cql2.translate import FilterCrs, to_sql
from gis.store.database import sql


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


FilterLang = Literal["cql2-text", "cql2-json"]


@dataclass(frozen=True)
class Filter:
    """A CQL2 expression as it was sent."""

    expression: str | Mapping[str, Any]
    lang: FilterLang = "cql2-text"
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
    return selected(collection, collection.bound(conn, _with_window(collection, asked, city)), city, asked)


def selected(collection: Collection, bound: Bound, city: City, asked: Asked) -> Selection:
    """The same where the question is ready.

    Raises
    ------
    ParameterError
        A value that cannot be, named.
    """
    source = _source(collection, bound)
    where: list[ColumnElement[bool]] = [source.c[name] == value for name, value in asked.equals.items()]
    if asked.box is not None:
        where.append(meets(source, asked.box))
    if asked.interval is not None and collection.time is not None:
        where += _during(source, collection, asked.interval, city)
    if asked.filter is not None:
        crs = FilterCrs(asked.filter.crs.srid, asked.filter.crs.northing_first)
        names = queryables(source, collection)
        where.append(to_sql(asked.filter.expression, asked.filter.lang, names, crs=crs, zone=city.time_zone))
    return Selection(collection, source, tuple(where), bound.facts)


def one_feature(conn: Connection, collection: Collection, given: Given, feature_id: str) -> Selection | None:
    """The selection of one feature; None where none can be called so."""
    found = collection.finds(feature_id)
    if found is None or "\0" in feature_id:
        return None
    bound = collection.bound(conn, given)
    source = _source(collection, bound)
    return Selection(collection, source, tuple(source.c[name] == value for name, value in found.items()), bound.facts)


def queryables(source: Subquery, collection: Collection) -> dict[str, Queryable]:
    """What a filter may name: the properties and the geometry, nothing else."""
    found = {one.name: Queryable(source.c[one.name], one.kind) for one in collection.properties}
    return {**found, GEOMETRY: Queryable(source.c.geom, "geometry", STORED_SRID)}


def meets(source: Subquery, box: shapely.Geometry) -> ColumnElement[bool]:
    """Whether a feature's geometry meets a shape in WGS 84 degrees, its edge included."""
    # Plain functions: GeoAlchemy's own cost more than the question, and wrap what nobody selects.
    shape = Function("ST_GeomFromWKB", box.wkb, STORED_SRID)
    return Function("ST_Intersects", source.c.geom, shape, type_=Boolean())


def _source(collection: Collection, bound: Bound) -> Subquery:
    if not collection.kept:
        return _made(collection, bound.binds)
    # The same for every request; making it again would cost as much as asking.
    key = collection.question, *bound.binds.items()
    if key not in _SOURCES:
        _SOURCES[key] = _made(collection, bound.binds)
    return _SOURCES[key]


_SOURCES: dict[Hashable, Subquery] = {}


def _made(collection: Collection, binds: Mapping[str, Any]) -> Subquery:
    columns: dict[str, TypeEngine[Any]] = {
        one.name: TYPES[one.kind] for one in (*collection.properties, *collection.hidden)
    }
    question = sql(collection.question).bindparams(**binds)
    return question.columns(**columns, geom=_Geometry()).subquery("f")


def _with_window(collection: Collection, asked: Asked, city: City) -> Given:
    """The collection's own parameters; `datetime` is the window of a collection that counts one."""
    if asked.interval is None or not any(one.name == "from" for one in collection.parameters):
        return asked.given
    return window_of(asked.interval, asked.given, city.zone)


def _during(source: Subquery, collection: Collection, interval: Interval, city: City) -> list[ColumnElement[bool]]:
    """Whether a feature's time meets an interval; a feature with an open end goes on."""
    begins, ends = (source.c[name] for name in collection.time or ())
    found: list[ColumnElement[bool]] = []
    if isinstance(begins.type, Date):
        # From a day on and before another one, as days of the city.
        first, after = interval.days(city.zone)
        if after is not None:
            found.append(or_(begins.is_(None), begins < after))
        if first is not None:
            found.append(or_(ends.is_(None), ends > first))
        return found
    if interval.start is not None:
        found.append(ends >= interval.start)
    if interval.end is not None:
        found.append(begins < interval.end)
    if "day" in source.c:
        # BRIN keeps days, so the days in which the moments lie are asked for too.
        first, after = interval.days(city.zone)
        found += [source.c.day >= first] if first is not None else []
        found += [source.c.day < after] if after is not None else []
    return found
