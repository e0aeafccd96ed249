"""Opening cases 案件: a report opens one, or belongs to the open case of the same problem (clause 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, RowMapping, insert, select, text

from gis.calendars import work_calendar
from gis.case_store import append, calendar_of, checked_time, happen, locked, named, stored
from gis.city import City, read_city
from gis.duplicates import open_duplicate
from gis.errors import NotFound, ParameterError
from gis.policies import policy_by_day
from gis.rules.cases import Event, open_case_of
from gis.rules.deadlines import limit_of
from gis.rules.policy import Policy
from gis.store.database import bump_version, sql
from gis.store.schema_cases import case_reports, cases

CASE_LOCK = 7_095
"""Advisory lock, with the id of a category: two reports of one problem cannot open two cases."""


def open_case(
    conn: Connection, source: str, source_ref: str, actor: str, now: datetime, at: datetime | None = None
) -> tuple[int, bool]:
    """Open a case for a stored report, or give it to the open case of the same problem.

    Parameters
    ----------
    now
        The clock, aware; `at` must not be later.
    at
        When the case is opened; None: now.

    Returns
    -------
    tuple
        Id of the case, and True where it is new. A report that has a case already keeps it.

    Raises
    ------
    NotFound
        No such report is stored.
    ParameterError
        `at` lies before the report or in the future, or nobody did it.
    """
    at = checked_time("at", at, now)
    report = conn.execute(sql("report_for_case"), {"source": source, "source_ref": source_ref}).mappings().first()
    if report is None:
        msg = f"source {source!r} has no report {source_ref!r}: send it first"
        raise NotFound(msg)
    own_category(conn, report["category_id"])
    case_id, opened, changed = _settle(conn, report, actor, at, read_city(conn), policy_by_day(conn))
    if changed:
        bump_version(conn, "cases")
    return case_id, opened


def open_cases(conn: Connection, keys: Sequence[tuple[str, str]], actor: str, now: datetime) -> int:
    """Open cases for many stored reports, each at the instant of its report; answers how many were new.

    Parameters
    ----------
    keys
        (source, source_ref) of each. In one transaction: some hundred at a time keep others from waiting.

    Raises
    ------
    NotFound, ParameterError
        As `open_case`.
    """
    # All in one order, so that two such commands cannot stop each other.
    conn.execute(sql("own_all_categories"), {"key": CASE_LOCK})
    city, policies, new, touched = read_city(conn), policy_by_day(conn), 0, False
    for source, source_ref in keys:
        report = conn.execute(sql("report_for_case"), {"source": source, "source_ref": source_ref}).mappings().one()
        at = checked_time("reported_at", report["reported_at"], now)
        _, opened, changed = _settle(conn, report, actor, at, city, policies)
        new, touched = new + opened, touched or changed
    if touched:
        bump_version(conn, "cases")
    return new


def own_category(conn: Connection, category_id: int) -> None:
    """Be the only one who opens cases of a category until this transaction ends."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:key, :category)"), {"key": CASE_LOCK, "category": category_id})


def _settle(
    conn: Connection, report: RowMapping, actor: str, at: datetime, city: City, policies: Callable[[date], Policy]
) -> tuple[int, bool, bool]:
    """The case of a report; whether that is new; whether anything was written."""
    known = conn.execute(
        select(case_reports.c.case_id).where(
            case_reports.c.source_id == report["source_id"], case_reports.c.source_ref == report["source_ref"]
        )
    ).scalar()
    if known is not None:
        return int(known), False, False
    policy = policies(report["day"])
    place = None if report["lon"] is None else (report["lon"], report["lat"])
    same = open_duplicate(conn, report["category_id"], report["day"], place, city, policy)
    if same is not None:
        attach(conn, same, f"{report['source']}:{report['source_ref']}", actor, at)
        _link(conn, report, same)
        return same, False, True
    return _begin(conn, report, actor, at, city, policy), True, True


def _begin(conn: Connection, report: RowMapping, actor: str, at: datetime, city: City, policy: Policy) -> int:
    calendar = work_calendar(conn, city, policy)
    amount, unit = report["amount"] or policy.case_limit_work_days, report["unit"] or "work_days"
    event = Event("open", at, named(actor), time=limit_of(amount, unit, calendar).length)
    try:
        case = open_case_of(report["reported_at"], unit, event)
    except ValueError as problem:
        raise ParameterError("at", str(problem)) from problem
    values = {name: report[name] for name in ("source_id", "source_ref", "category_id", "day", "person_id")}
    values |= {"found_at": case.found_at, "limit_unit": case.limit_unit, **stored(case)}
    if report["lon"] is not None:
        values["geom"] = f"SRID=4326;POINT({report['lon']!r} {report['lat']!r})"
    case_id = int(conn.execute(insert(cases).values(values).returning(cases.c.id)).scalar_one())
    _link(conn, report, case_id)
    append(conn, case_id, case, event)
    return case_id


def _link(conn: Connection, report: RowMapping, case_id: int) -> None:
    values = {"source_id": report["source_id"], "source_ref": report["source_ref"], "case_id": case_id}
    conn.execute(insert(case_reports).values(values))


def attach(conn: Connection, case_id: int, reason: str, actor: str, at: datetime, other: int | None = None) -> None:
    """Give a further report, or those of another case, to a case."""
    row, case = locked(conn, case_id)
    # A report of the same problem may have been made before the case's last move and come in after it.
    event = Event("attach", max(at, case.last_at), named(actor), reason, other=other)
    happen(conn, case_id, case, event, calendar_of(conn, row))
