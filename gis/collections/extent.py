"""Where and when a city's collections are: for the descriptions that clients read first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from gis.city import City
from gis.store.database import sql

LAYERS = ("city", "areas", "cells", "roads", "reports", "operations", "facilities", "measures")
"""Data versions on which an extent depends."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Extent:
    """Boxes (west, south, east, north in degrees) and the reports' time; None where there is nothing yet.

    Parameters
    ----------
    box
        Of the ground: areas, cells, roads, special operations, facilities, measures.
    reports
        Of the ground and the reports: a position outside all cells is kept as it was sent, however far away.
    """

    box: Box | None
    reports: Box | None
    time: tuple[datetime, datetime] | None


def read_extent(conn: Connection, city: City) -> Extent:
    """The extent of a city; a tenth of a second for 100 k cells and a million reports."""
    ground, outside = (_box(conn, question) for question in ("ground_extent", "outside_extent"))
    first, last = conn.execute(sql("report_days")).one()
    days = None
    if first is not None:
        after = datetime.combine(last + timedelta(days=1), time(), city.zone)
        days = datetime.combine(first, time(), city.zone), after - timedelta(microseconds=1)
    return Extent(ground, _union(ground, outside), days)


def _box(conn: Connection, question: str) -> Box | None:
    west, south, east, north = conn.execute(sql(question)).one()
    return None if west is None else (west, south, east, north)


def _union(one: Box | None, other: Box | None) -> Box | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
