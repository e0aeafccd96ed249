"""The work calendar 工作日历: public holidays and swapped workdays 调休 as data, from a file or from a library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import holidays
from sqlalchemy import Connection, select

from gis.city import City
from gis.errors import Conflict, ParameterError
from gis.loading import DATE, TEXT, LoadSummary, stage
from gis.readers import Layout, read_features
from gis.rules.deadlines import WorkCalendar, office_hours
from gis.rules.policy import Policy
from gis.store.database import bump_version, sql
from gis.store.schema_cases import CALENDAR_KINDS, calendar_days, cases

CALENDAR = Layout("calendar", ("day", "kind"), ("name",))
EPOCH = date(1970, 1, 1)
SHOWN = 5


def work_calendar(conn: Connection, city: City, policy: Policy) -> WorkCalendar:
    """When the city's offices work."""
    days: dict[str, list[date]] = {kind: [] for kind in CALENDAR_KINDS}
    for day, kind in conn.execute(select(calendar_days.c.day, calendar_days.c.kind)):
        days[kind].append(day)
    hours = office_hours(policy.office_hours)
    return WorkCalendar(city.zone, hours, frozenset(days["holiday"]), frozenset(days["workday"]))


def load_calendar(
    conn: Connection,
    path: Path,
    mapping: Mapping[str, str] | None = None,
    *,
    today: date,
    encoding: str | None = None,
) -> LoadSummary:
    """Load the days that are not what their weekday says; for the years in the file, the file is the whole truth.

    Parameters
    ----------
    today
        Day of the city.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    Conflict
        A day before today would change, by which cases were timed already.
    """
    features = read_features(path, None, mapping or {}, CALENDAR, encoding=encoding)
    days: list[date | None] = []
    times = Counter(features.column("day"))
    for at, (text, kind) in enumerate(zip(features.column("day"), features.column("kind"), strict=True)):
        try:
            days.append(date.fromisoformat(text or ""))
        except ValueError:
            days.append(None)
            features.reject(at, f"the day {text!r} is no ISO day such as 2016-10-01")
            continue
        if kind not in CALENDAR_KINDS:
            features.reject(at, f"the kind {kind!r} is none of {', '.join(CALENDAR_KINDS)}")
        elif times[text] > 1:
            features.reject(at, f"{text} stands in the file more than once")
    features.refuse()
    names = [name or "" for name in features.column("name")]
    summary = LoadSummary.of("calendar days", features)
    rows = zip((day for day in days if day), features.column("kind"), names, strict=True)
    _store(conn, [(day, str(kind), name) for day, kind, name in rows], summary, today)
    return summary


def fill_calendar(
    conn: Connection, country: str, years: Sequence[int], today: date, subdivision: str | None = None
) -> LoadSummary:
    """Take public holidays and swapped workdays of a country from the `holidays` library.

    Parameters
    ----------
    country
        ISO 3166-1 alpha-2, e.g. CN.
    subdivision
        As the library knows it, e.g. MA for Massachusetts.

    Raises
    ------
    ParameterError
        The library does not know the country or subdivision.
    Conflict
        A day before today would change, by which cases were timed already.
    """
    try:
        known = holidays.country_holidays(country, subdiv=subdivision, years=list(years))
    except NotImplementedError as problem:
        raise ParameterError("country", str(problem)) from problem
    chosen = set(years)
    rows = [(day, "holiday", name) for day, name in known.items() if day.year in chosen]
    swapped = [(day, "workday", "") for day in getattr(known, "weekend_workdays", ()) if day.year in chosen]
    rows = sorted({day: (day, kind, name) for day, kind, name in (*rows, *swapped)}.values())
    summary = LoadSummary("calendar days", f"{country} {min(years)}-{max(years)}", read=len(rows))
    _store(conn, rows, summary, today)
    empty = sorted(chosen - {day.year for day, _, _ in rows})
    if empty:
        summary.warnings.append(f"the library knows no holiday of {', '.join(map(str, empty))}")
    if country == "CN" and (unswapped := sorted(chosen - {day.year for day, _, _ in swapped})):
        summary.warnings.append(
            f"no swapped workdays 调休 are known for {', '.join(map(str, unswapped))}: they are announced each autumn; "
            "load them from a file then"
        )
    return summary


def _store(conn: Connection, rows: list[tuple[date, str, str]], summary: LoadSummary, today: date) -> None:
    days, kinds, names = zip(*rows, strict=True) if rows else ((), (), ())
    stage(
        conn,
        "incoming_days",
        {
            "day": (DATE, [(day - EPOCH).days for day in days]),
            "kind": (TEXT, kinds),
            "name": (TEXT, names),
        },
    )
    years = sorted({day.year for day in days})
    timed = conn.execute(select(cases.c.id).where(cases.c.filed_at.is_not(None)).limit(1)).first()
    if timed is not None:
        changed = list(conn.execute(sql("calendar_conflicts"), {"years": years, "today": today}).scalars())
        if changed:
            shown = ", ".join(map(str, changed[:SHOWN])) + (" ..." if len(changed) > SHOWN else "")
            msg = f"cases were timed by the calendar of the past already, so it cannot change: {shown}"
            raise Conflict(msg)
    summary.retired = conn.execute(sql("forget_calendar"), {"years": years}).rowcount
    summary.merged(list(conn.execute(sql("merge_calendar")).scalars()))
    if summary.changes:
        bump_version(conn, "calendar")
