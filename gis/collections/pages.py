"""Features page by page as GeoJSON, written by the database itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import orjson
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql.selectable import Subquery

from gis.collections.crs import CRS84, STORED_SRID, FeatureCrs
from gis.collections.declared import Collection, Property
from gis.collections.selection import Selection
from gis.errors import ParameterError

CHEAP_COST = 30_000.0
"""Up to this many of the planner's units (about 0.1 s) features are counted; beyond, its estimate is given."""

TAKE_IT = "take it from the `next` link of the page before"
CountWanted = Literal["exact", "estimate", "none"]


@dataclass(frozen=True)
class SortKey:
    """One column of an order; features without a value come last, whatever the direction."""

    name: str
    descending: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class PageQuery:
    """Which page, and how it is written.

    Parameters
    ----------
    limit
        Most features.
    sort
        Order before the collection's own key.
    after
        Values of the order's columns at the last feature of the page before; None: from the beginning.
    properties
        Names of those that are written; None: all.
    crs
        Of the coordinates.
    """

    limit: int
    sort: tuple[SortKey, ...] = ()
    after: tuple[Any, ...] | None = None
    properties: tuple[str, ...] | None = None
    crs: FeatureCrs = CRS84


@dataclass(frozen=True)
class Page:
    """Features as GeoJSON text, comma between; `after` continues on the next page, None on the last."""

    features: str
    returned: int
    after: str | None


@dataclass(frozen=True)
class Matched:
    """How many features a selection holds, and whether that was counted or estimated."""

    number: int
    exact: bool


def read_page(conn: Connection, selection: Selection, query: PageQuery) -> Page:
    """One page of features in a stable order: no feature twice or left out while data stays."""
    order = full_order(selection.collection, query.sort)
    f = selection.source
    where = list(selection.where)
    if query.after is not None:
        where.append(_beyond(f, order, query.after))
    columns = order_by(f, order)
    # One feature more than asked for tells whether there is a next page.
    numbered = select(f, func.row_number().over(order_by=columns).label("place"))
    page = numbered.where(*where).order_by(*columns).limit(query.limit + 1).subquery("page")
    wanted = page.c.place <= query.limit
    texts = func.string_agg(case((wanted, feature_text(page, selection.collection, query))), ",")
    last = func.json_build_array(*(page.c[key.name] for key in order))
    answer = conn.execute(
        select(texts, func.count(), func.max(cast(last, Text)).filter(page.c.place == query.limit)).select_from(page)
    ).one()
    more = answer[1] > query.limit
    return Page(answer[0] or "", min(answer[1], query.limit), _token(answer[2]) if more else None)


def read_one(conn: Connection, selection: Selection, crs: FeatureCrs) -> str | None:
    """One feature as GeoJSON text, or None."""
    query = PageQuery(1, crs=crs)
    f = selection.source
    return conn.execute(select(feature_text(f, selection.collection, query)).where(*selection.where)).scalar()


def count_matched(conn: Connection, selection: Selection, wanted: CountWanted | None) -> Matched | None:
    """How many features a selection holds.

    Parameters
    ----------
    wanted
        exact: counted, whatever it takes; estimate: the planner's; none: None; not said: counted while that is cheap.
    """
    if wanted == "none":
        return None
    counting = select(func.count()).select_from(selection.source).where(*selection.where)
    if wanted != "exact":
        rows, cost = _planned(conn, selection)
        if wanted == "estimate" or cost > CHEAP_COST:
            return Matched(rows, exact=False)
    return Matched(int(conn.execute(counting).scalar_one()), exact=True)


def _planned(conn: Connection, selection: Selection) -> tuple[int, float]:
    """Rows and cost of reading all of a selection, as the planner expects them."""
    statement = select(selection.source.c[selection.collection.key[0]]).where(*selection.where)
    compiled = statement.compile(dialect=conn.dialect, compile_kwargs={"render_postcompile": True})
    # The plan alone is asked for; EXPLAIN is no part of SQLAlchemy's language.
    plan = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params).scalar_one()[0]["Plan"]
    return int(plan["Plan Rows"]), float(plan["Total Cost"])


def full_order(collection: Collection, sort: Sequence[SortKey]) -> tuple[SortKey, ...]:
    """An order in which no two features are equal: the one asked for, then the key."""
    named = {key.name for key in sort}
    return (*sort, *(SortKey(name) for name in collection.key if name not in named))


def order_by(f: Subquery, order: Sequence[SortKey]) -> list[ColumnElement[Any]]:
    """ORDER BY of an order."""
    columns = []
    for key in order:
        column: ColumnElement[Any] = f.c[key.name].desc() if key.descending else f.c[key.name].asc()
        columns.append(column.nulls_last() if key.nullable else column)
    return columns


def feature_text(f: Subquery, collection: Collection, query: PageQuery) -> ColumnElement[str]:
    """A feature as GeoJSON text: id, geometry in the CRS that was asked for, properties."""
    chosen = [one for one in collection.properties if query.properties is None or one.name in query.properties]
    # Names come from the declaration, never from a request.
    listed = ", ".join(_written(f.name, one) for one in chosen)
    properties = f"(SELECT row_to_json(q) FROM (SELECT {listed}) AS q)::text" if chosen else "'{}'"  # noqa: S608
    return (
        literal_column('\'{"type":"Feature","id":\'', Text)
        + cast(func.to_json(cast(f.c[collection.feature_id], Text)), Text)
        + literal_column("',\"geometry\":'", Text)
        + func.coalesce(geometry_text(f, collection, query.crs), "null")
        + literal_column("',\"properties\":'", Text)
        + literal_column(properties, Text)
        + literal_column("'}'", Text)
    )


def _written(source: str, one: Property) -> str:
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


def _beyond(f: Subquery, order: Sequence[SortKey], after: tuple[Any, ...]) -> ColumnElement[bool]:
    """Whether a feature comes after the last one of the page before."""
    columns = [f.c[key.name] for key in order]
    if not any(key.descending or key.nullable for key in order):
        # A comparison of rows is what an index on the key understands.
        return func.ROW(*columns) > func.ROW(*(literal(value, c.type) for value, c in zip(after, columns, strict=True)))
    choices = []
    for at, (key, column) in enumerate(zip(order, columns, strict=True)):
        equal = [one.is_not_distinct_from(after[place]) for place, one in enumerate(columns[:at])]
        value = after[at]
        if value is None:
            beyond: ColumnElement[bool] = false()
        else:
            bound = literal(value, column.type)
            beyond = column < bound if key.descending else column > bound
            beyond = or_(beyond, column.is_(None)) if key.nullable else beyond
        choices.append(and_(*equal, beyond))
    return or_(*choices)


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def read_token(token: str, selection_columns: Subquery, order: Sequence[SortKey]) -> tuple[Any, ...]:
    """Values of the order's columns out of a `next` link.

    Raises
    ------
    ParameterError
        It was made for another order, or by somebody else.
    """
    try:
        values = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(order):
            raise ParameterError("after", TAKE_IT)
        return tuple(
            _typed(value, selection_columns.c[key.name], nullable=key.nullable)
            for value, key in zip(values, order, strict=True)
        )
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise ParameterError("after", TAKE_IT) from None


def _typed(value: Any, column: ColumnElement[Any], *, nullable: bool) -> Any:
    kind = column.type
    if value is None and nullable:
        return None
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    wanted = {Integer: (int,), Double: (int, float), Boolean: (bool,)}.get(type(kind), (str,))
    if type(value) not in wanted or (isinstance(value, str) and "\0" in value):
        raise ParameterError("after", TAKE_IT)
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        raise ParameterError("after", TAKE_IT)
    return value
