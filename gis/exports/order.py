"""What is exported: which features of a collection, which columns, in which CRS; and the questions that fetch them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import pyproj
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Numeric,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
)

from gis.city import City
from gis.collections.crs import STORED_SRID, FeatureCrs
from gis.collections.declared import GEOMETRY, Collection, Property
from gis.collections.order import full_order, order_by
from gis.collections.requests import ItemsRequest
from gis.collections.selection import Selection, select_features
from gis.collections.texts import around, as_written
from gis.encoding import FORMULA_STARTS
from gis.store.database import sql

ID = Property("id", "string", "Identifier, as in /items", "标识（同 /items）")


@dataclass(frozen=True)
class ExportOrder:
    """An export that was asked for.

    Parameters
    ----------
    items
        Filters, order, properties and CRS, as a request for pages has them.
    words
        The request's own words (name, value), for whoever opens the file later.
    """

    city: City
    collection: Collection
    items: ItemsRequest
    words: tuple[tuple[str, str], ...] = ()

    @property
    def synthetic(self) -> list[str]:
        """The layers behind the collection that were made up, as the city's provenance says."""
        layer = self.collection.synthetic
        return [layer] if layer and self.city.provenance.get(layer, {}).get("synthetic") else []

    @property
    def columns(self) -> tuple[Property, ...]:
        """Columns of a table: the chosen properties, before them what identifies a feature unless it is among them."""
        names = self.items.properties
        chosen = [one for one in self.collection.properties if names is None or one.name in names]
        if any(one.name == self.collection.feature_id for one in chosen):
            return tuple(chosen)
        known = self.collection.property(self.collection.feature_id)
        return (known or replace(ID, name=self.collection.feature_id), *chosen)

    @property
    def place_names(self) -> tuple[str, str]:
        """What the two numbers of a point are called in tables: degrees are lon and lat, metres x and y."""
        return ("lon", "lat") if pyproj.CRS.from_epsg(self.items.crs.srid).is_geographic else ("x", "y")


@dataclass(frozen=True)
class Prepared:
    """An order at the moment of one transaction.

    Parameters
    ----------
    as_of
        When the data behind it last changed.
    """

    order: ExportOrder
    selection: Selection
    as_of: datetime

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the answer should say about itself, e.g. the window that was counted."""
        return self.selection.facts


def prepare(conn: Connection, order: ExportOrder) -> Prepared:
    """Make an order ready in this transaction, whose answers it must be read in.

    Raises
    ------
    ParameterError
        A value that cannot be, named.
    """
    # Dates are read from the COPY as text.
    conn.execute(text("SET LOCAL datestyle = 'ISO, YMD'"))
    selection = select_features(conn, order.city, order.collection, order.items.asked)
    layers = {"city", *order.collection.layers}
    changed = [row[2] for row in conn.execute(sql("data_versions")) if row[0] in layers]
    return Prepared(order, selection, datetime.fromtimestamp(max(changed, default=0) // 1_000_000, UTC))


def features(prepared: Prepared) -> Select[Any]:
    """One column: each feature as GeoJSON text, as in /items."""
    order, f = prepared.order, prepared.selection.source
    names = order.items.properties
    chosen = [one for one in order.collection.properties if names is None or one.name in names]
    # Beside the feature and not in a subquery of its own, which would keep PostgreSQL from sharing the work out.
    beside = select(*(literal_column(as_written(f.name, one)) for one in chosen)).lateral("p")
    properties = cast(func.row_to_json(literal_column("p")), Text) if chosen else literal_column("'{}'", Text)
    feature = around(f, order.collection, order.items.crs, properties)
    return _in_order(select(feature).select_from(f.join(beside, true()) if chosen else f), prepared)


def csv_cells(prepared: Prepared) -> tuple[list[str], Select[Any]]:
    """Names and text of a table's cells; geometry as the two numbers of a point, or as WKT."""
    order = prepared.order
    f = prepared.selection.source
    cells: dict[str, ColumnElement[Any]] = {one.name: _csv_cell(f.c[one.name], one) for one in order.columns}
    if order.collection.geometry == "point":
        cells |= _numbers_of(_shape(f.c.geom, order), order)
    else:
        cells[GEOMETRY] = func.ST_AsText(_shape(f.c.geom, order), order.items.crs.decimals)
    if order.synthetic:
        cells["synthetic"] = literal(" ".join(order.synthetic))
    return list(cells), _in_order(select(*cells.values()), prepared)


def values(prepared: Prepared, place: Literal["wkb", "point"]) -> Select[Any]:
    """The columns of the order, then the geometry.

    Parameters
    ----------
    place
        wkb: one column, hexadecimal WKB; point: two, the numbers of the point or of some point on the geometry.
    """
    order = prepared.order
    f = prepared.selection.source
    cells = [_value(f.c[one.name], one) for one in order.columns]
    if place == "wkb":
        cells.append(func.encode(func.ST_AsBinary(_shape(f.c.geom, order)), "hex"))
        return _in_order(select(*cells), prepared)
    shape: ColumnElement[Any] = f.c.geom
    if order.collection.geometry != "point":
        shape = func.ST_PointOnSurface(shape, type_=f.c.geom.type)
    cells += _numbers_of(_shape(shape, order), order).values()
    return _in_order(select(*cells), prepared)


def any_without_geometry(conn: Connection, prepared: Prepared) -> bool:
    """Whether some feature has no geometry."""
    if prepared.order.collection.geometry != "point":
        return False
    f = prepared.selection.source
    return bool(conn.execute(select(select(1).where(*prepared.selection.where, f.c.geom.is_(None)).exists())).scalar())


def how_many(conn: Connection, prepared: Prepared) -> int:
    """How many features there will be."""
    counting = select(func.count()).select_from(prepared.selection.source).where(*prepared.selection.where)
    return int(conn.execute(counting).scalar_one())


def _in_order(question: Select[Any], prepared: Prepared) -> Select[Any]:
    """The features that match, in an order in which no two are equal."""
    columns = order_by(prepared.selection.source, full_order(prepared.order.collection, prepared.order.items.sort))
    return question.where(*prepared.selection.where).order_by(*columns)


def _shape(shape: ColumnElement[Any], order: ExportOrder) -> ColumnElement[Any]:
    """A geometry in the CRS that was asked for, easting or longitude first; outer rings anticlockwise."""
    kind = shape.type
    if order.collection.geometry == "multipolygon":
        shape = func.ST_ForcePolygonCCW(shape, type_=kind)
    if order.items.crs.srid != STORED_SRID:
        shape = func.ST_Transform(shape, order.items.crs.srid, type_=kind)
    return shape


def _numbers_of(point: ColumnElement[Any], order: ExportOrder) -> dict[str, ColumnElement[Any]]:
    rounded = [
        cast(func.round(cast(axis(point), Numeric), order.items.crs.decimals), Double)
        for axis in (func.ST_X, func.ST_Y)
    ]
    return dict(zip(order.place_names, rounded, strict=True))


def _csv_cell(column: ColumnElement[Any], one: Property) -> ColumnElement[Any]:
    if one.kind == "string":
        return case((func.left(column, 1).in_(FORMULA_STARTS), literal("'") + column), else_=column)
    if one.kind == "boolean":
        return cast(column, Text)
    # As in GeoJSON, with a T.
    return func.to_json(column).op("#>>")(literal("{}")) if one.kind == "date-time" else column


def _value(column: ColumnElement[Any], one: Property) -> ColumnElement[Any]:
    if one.kind == "boolean":
        return cast(column, Text)
    if one.kind == "date-time":
        # Microseconds since 1970 UTC.
        return cast(func.extract("epoch", column) * 1_000_000, BigInteger)
    return column


def spatial_reference(crs: FeatureCrs) -> pyproj.CRS:
    """A CRS for files, which have easting or longitude first whatever its definition says."""
    return pyproj.CRS.from_user_input("OGC:CRS84") if crs.srid == STORED_SRID else pyproj.CRS.from_epsg(crs.srid)


def described(order: ExportOrder, sentences: Sequence[str] = ()) -> str:
    """What a file says about itself."""
    made_up = [f"Synthetic, made up for lack of open data: {', '.join(order.synthetic)}."] if order.synthetic else []
    return " ".join([order.collection.description, order.collection.description_zh, *made_up, *sentences])
