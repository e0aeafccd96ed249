"""Collections whose columns are worked out for a window of days or a day: density and staffing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from gis.city import City, read_city
from gis.collections.declared import Bound, Given, Parameter
from gis.collections.intervals import Interval
from gis.density import DensityQuery, live_counts
from gis.encoding import to_json
from gis.errors import ParameterError
from gis.staffing import staffing
from gis.store.database import sql

DEFAULT_DAYS = 31

PERIOD = (
    Parameter(
        "from",
        "First day that is counted, in the city's time zone; with neither from, to nor datetime the window that the "
        "city opens with, or the newest 31 days",
        "统计首日（城市时区）；from、to、datetime 均未给出时取城市默认时段，否则为最近 31 天",
        "day",
    ),
    Parameter("to", "Day after the last one", "统计末日的次日", "day"),
    Parameter(
        "category",
        "Code or name of the dictionary (GET /categories), event:CODE where it is ambiguous, or one of the four "
        "chaoses: chaos:parking, chaos:trading, chaos:rubbish, chaos:posters, chaos:any; repeat it for several",
        "事部件代码或名称（见 /categories）；有歧义时写 event:代码；四乱写 chaos:parking、chaos:trading、"
        "chaos:rubbish、chaos:posters 或 chaos:any；可重复",
        repeatable=True,
    ),
    Parameter(
        "source",
        "Name of a source (GET /sources), or kind:citizen; repeat it for several",
        "来源名称（见 /sources）或 kind:citizen；可重复",
        repeatable=True,
    ),
    Parameter(
        "without_shared",
        "true: leave out reports on coordinates shared by suspiciously many, such as a geocoder's default",
        "true：不计坐标被异常多上报共用的记录",
        "flag",
    ),
)
STAFFING = (
    Parameter("level", "street or district", "street（街道）或 district（区）", one_of=("street", "district")),
    Parameter("on", "Day on which people are counted; today if not given", "统计日；默认今天", "day"),
)


def asked_window(conn: Connection, given: Given) -> DensityQuery:
    """What a density collection counts.

    Raises
    ------
    ParameterError
        Only one end is given, or the window is empty.
    """
    first, last = window_or_default(conn, read_city(conn), given.get("from"), given.get("to"))
    return DensityQuery(
        first,
        last,
        tuple(given.get("category", ())),
        tuple(given.get("source", ())),
        without_shared=bool(given.get("without_shared", False)),
    )


def window_or_default(conn: Connection, city: City, first: date | None, last: date | None) -> tuple[date, date]:
    """The window that is asked for, or the default one where neither end is given.

    Raises
    ------
    ParameterError
        Only one end is given.
    """
    if first is None and last is None:
        return default_window(conn, city)
    if first is None or last is None:
        missing = "from" if first is None else "to"
        raise ParameterError(missing, "is missing; an ISO day such as 2016-06-01 is right, or neither from nor to")
    return first, last


def window_of(interval: Interval, given: Given, zone: ZoneInfo) -> dict[str, Any]:
    """What `datetime` means where a window is counted: its days, as `from` and `to` beside the other parameters.

    Raises
    ------
    ParameterError
        The window is said a second time, or is open.
    """
    if "from" in given or "to" in given:
        raise ParameterError("datetime", "says the window a second time; give either datetime, or from and to")
    first, after = interval.days(zone)
    if first is None or after is None:
        raise ParameterError("datetime", "a count needs both ends, such as 2016-05-01/2016-05-31")
    return {**given, "from": first, "to": after}


def default_window(conn: Connection, city: City) -> tuple[date, date]:
    """The days that pages open with, else the newest 31 that have reports."""
    if city.demo_window is not None:
        return city.demo_window
    newest = conn.execute(sql("report_days")).one().last
    after = (newest or datetime.now(city.zone).date()) + timedelta(days=1)
    return after - timedelta(days=DEFAULT_DAYS), after


def density_of(target: str) -> Callable[[Connection, Given], Bound]:
    """How a density collection is bound: the counts of its window travel to the database as two arrays.

    Parameters
    ----------
    target
        cell or segment: of which the roll-up keeps counts.
    """

    def bind(conn: Connection, given: Given) -> Bound:
        query = asked_window(conn, given)
        ids, counts = live_counts(conn, target, query)
        binds: dict[str, Any] = {"ids": array_text(ids), "counts": array_text(counts)}
        days = (query.to_day - query.from_day).days
        if target == "cell":
            binds["days"] = days
        return Bound(binds, {"from": query.from_day, "to": query.to_day, "days": days})

    return bind


def array_text(values: np.ndarray[Any, Any]) -> str:
    """An array as PostgreSQL reads it from text: a hundred thousand numbers as one value."""
    return "{" + ",".join(map(str, values.tolist())) + "}"


def staffing_rows(conn: Connection, given: Given) -> Bound:
    """How the staffing collection is bound: the rule's own rows travel to the database."""
    answer = staffing(conn, given.get("level"), given.get("on"))
    rows = [
        {
            "place": row.id,
            "code": row.code,
            "name": row.name,
            "tier": row.tier,
            "area_km2": row.area_km2 if row.cells else None,
            "required": row.required,
            "on_post": row.on_post,
            "gap": row.gap,
        }
        for row in answer.rows
    ]
    return Bound({"rows": to_json(rows).decode()}, {"level": answer.level, "on": answer.on})
