"""Features page by page as GeoJSON, written by the database itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.selectable import Subquery

from gis.collections.crs import CRS84, FeatureCrs
from gis.collections.order import SortKey, full_order, order_by, write_token
from gis.collections.selection import Selection
from gis.collections.texts import BETWEEN, feature_text

CHEAP_COST = 30_000.0
"""Up to this many of the planner's units (about 0.1 s) features are counted; beyond, its estimate is given."""

CountWanted = Literal["exact", "estimate", "none"]


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
    """Features as GeoJSON text in pieces, `BETWEEN` between; `after` continues on the next page, None on the last."""

    pieces: tuple[bytes, ...]
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
    text = feature_text(page, selection.collection, query.crs, query.properties)
    texts = func.string_agg(case((wanted, text)), BETWEEN)
    last = func.json_build_array(*(page.c[key.name] for key in order))
    answer = conn.execute(
        select(texts, func.count(), func.max(cast(last, Text)).filter(page.c.place == query.limit)).select_from(page)
    ).one()
    more = answer[1] > query.limit
    pieces = () if answer[0] is None else (answer[0].encode(),)
    return Page(pieces, min(answer[1], query.limit), write_token(answer[2]) if more else None)


def read_one(conn: Connection, selection: Selection, crs: FeatureCrs) -> str | None:
    """One feature as GeoJSON text, or None."""
    text = feature_text(selection.source, selection.collection, crs)
    return conn.execute(select(text).where(*selection.where)).scalar()


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
