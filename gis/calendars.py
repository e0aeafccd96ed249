"""The work calendar 工作日历: public holidays and swapped workdays as data."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select

from gis.city import City
from gis.rules.deadlines import WorkCalendar, office_hours
from gis.rules.policy import Policy
from gis.store.schema_cases import CALENDAR_KINDS, calendar_days


def work_calendar(conn: Connection, city: City, policy: Policy) -> WorkCalendar:
    """When the city's offices work."""
    days: dict[str, list[date]] = {kind: [] for kind in CALENDAR_KINDS}
    for day, kind in conn.execute(select(calendar_days.c.day, calendar_days.c.kind)):
        days[kind].append(day)
    hours = office_hours(policy.office_hours)
    return WorkCalendar(city.zone, hours, frozenset(days["holiday"]), frozenset(days["workday"]))
