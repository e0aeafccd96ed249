"""Where and when a city's collections are: for the descriptions that clients read first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from gis.city import City
from gis.store.database import sql

LAYERS = ("city", "areas", "cells", "roads", "reports")
"""Data versions on which an extent depends."""


@dataclass(frozen=True)
class Extent:
    """The ground's box (west, south, east, north in degrees) and the reports' time; None where there is nothing yet.

    Single reports may lie outside the box: a position outside all cells is kept as it was sent.
    """

    box: tuple[float, float, float, float] | None
    time: tuple[datetime, datetime] | None


def read_extent(conn: Connection, city: City) -> Extent:
    """The extent of a city; a few hundredths of a second for 100 k cells."""
    west, south, east, north = conn.execute(sql("ground_extent")).one()
    first, last = conn.execute(sql("report_days")).one()
    days = None
    if first is not None:
        after = datetime.combine(last + timedelta(days=1), time(), city.zone)
        days = datetime.combine(first, time(), city.zone), after - timedelta(seconds=1)
    return Extent(None if west is None else (west, south, east, north), days)
