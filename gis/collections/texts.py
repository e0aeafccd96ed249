"""Features as GeoJSON text (RFC 7946), written by the database itself: one way for pages, files and memory."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal_column
from sqlalchemy.sql.selectable import Subquery

from gis.collections.crs import STORED_SRID, FeatureCrs
from gis.collections.declared import Collection, Property

BETWEEN = "\n,"
"""Between two features: a line each, which people and programs that read by line are glad of."""


def feature_text(
    f: Subquery, collection: Collection, crs: FeatureCrs, properties: tuple[str, ...] | None = None
) -> ColumnElement[str]:
    """A feature as GeoJSON text: id, geometry in the CRS that was asked for, properties.

    Parameters
    ----------
    properties
        Names of those that are written; None: all.
    """
    chosen = [one for one in collection.properties if properties is None or one.name in properties]
    # Names come from the declaration, never from a request.
    listed = ", ".join(as_written(f.name, one) for one in chosen)
    written = f"(SELECT row_to_json(one_feature) FROM (SELECT {listed}) AS one_feature)::text" if chosen else "'{}'"  # noqa: S608
    return around(f, collection, crs, literal_column(written, Text))


def around(f: Subquery, collection: Collection, crs: FeatureCrs, properties: ColumnElement[str]) -> ColumnElement[str]:
    """A feature as GeoJSON text around the text of its properties."""
    return (
        literal_column('\'{"type":"Feature","id":\'', Text)
        + cast(func.to_json(cast(f.c[collection.feature_id], Text)), Text)
        + literal_column("',\"geometry\":'", Text)
        + func.coalesce(geometry_text(f, collection, crs), "null")
        + literal_column("',\"properties\":'", Text)
        + properties
        + literal_column("'}'", Text)
    )


def as_written(source: str, one: Property) -> str:
    """A property as the database writes it: a number that happens to be whole gets `.0`.

    GDAL and QGIS decide by the first features they see; of densities that begin with 0 they would keep whole numbers.
    """
    column = f'{source}."{one.name}"'
    if one.kind != "number":
        return column
    whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
    return (
        f'CASE WHEN {whole} THEN to_json(CAST({column} AS numeric(16, 1))) ELSE to_json({column}) END AS "{one.name}"'
    )


def geometry_text(f: Subquery, collection: Collection, crs: FeatureCrs) -> ColumnElement[str]:
    """A feature's geometry as GeoJSON text in a CRS, outer rings anticlockwise as seen with easting to the right."""
    shape: ColumnElement[Any] = f.c.geom
    if collection.geometry == "multipolygon":
        shape = func.ST_ForcePolygonCCW(shape, type_=f.c.geom.type)
    if crs.srid != STORED_SRID:
        shape = func.ST_Transform(shape, crs.srid, type_=f.c.geom.type)
    if crs.northing_first:
        shape = func.ST_FlipCoordinates(shape, type_=f.c.geom.type)
    return func.ST_AsGeoJSON(shape, crs.decimals, 0, type_=Text)
