"""What commands on a case 案件 share: its row locked, the rule asked, the event appended, the state stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, insert

from gis.calendars import work_calendar
from gis.city import read_city
from gis.errors import Conflict, NotFound, ParameterError
from gis.policies import city_policy
from gis.rules.cases import Case, Event, after, why_not
from gis.rules.deadlines import ROUND_THE_CLOCK, WorkCalendar
from gis.store.database import sql
from gis.store.schema_cases import case_events
from gis.webhooks import announce

AHEAD = timedelta(minutes=1)
"""How far the clock of whoever reports may be ahead of the server's."""
NO_CALENDAR = WorkCalendar(ZoneInfo("UTC"), ())
COLUMNS = tuple(
    name for name in Case.__dataclass_fields__ if name not in ("found_at", "limit_unit", "department", "tasks")
)


def happen(conn: Connection, case_id: int, case: Case, event: Event, calendar: WorkCalendar) -> Case:
    """Store what a move makes of a case, and the move itself.

    Raises
    ------
    Conflict
        It is not legal in this state.
    """
    if (wrong := why_not(case, event)) is not None:
        msg = f"case {case_id}: {wrong}"
        raise Conflict(msg)
    changed = after(case, event, calendar)
    conn.execute(sql("advance_case"), {"case_id": case_id, **stored(changed), **_written(event)})
    announce(conn, case_id, changed.events)
    return changed


def append(conn: Connection, case_id: int, case: Case, event: Event) -> None:
    """Write the event that opened a case into its history."""
    written = _written(event)
    written["department_id"] = written.pop("event_department")
    conn.execute(
        insert(case_events).values(case_id=case_id, number=case.events, state=case.state, due_at=case.due_at, **written)
    )
    announce(conn, case_id, case.events)


def _written(event: Event) -> dict[str, Any]:
    return {
        "move": event.move,
        "at": event.at,
        "actor": event.actor,
        "reason": event.reason,
        "event_department": event.department,
        "task": event.task,
        "time": event.time,
        "other_id": event.other,
    }


def locked(conn: Connection, case_id: int) -> tuple[RowMapping, Case]:
    """A case, nobody else's until this transaction ends.

    Raises
    ------
    NotFound
        There is no such case.
    """
    row = conn.execute(sql("lock_case"), {"case_id": case_id}).mappings().first()
    if row is None:
        msg = f"there is no case {case_id}"
        raise NotFound(msg)
    return row, case_of(row, tuple(row["task_states"]))


def case_of(row: RowMapping, tasks: tuple[str, ...]) -> Case:
    """What the rules know of a stored case."""
    facts = {name: row[name] for name in COLUMNS}
    return Case(
        found_at=row["found_at"], limit_unit=row["limit_unit"], department=row["department_id"], tasks=tasks, **facts
    )


def stored(case: Case) -> dict[str, Any]:
    """A case as columns."""
    values = {name: getattr(case, name) for name in COLUMNS}
    return values | {"department_id": case.department, "tasks": len(case.tasks), "open_tasks": case.open_tasks}


def calendar_of(conn: Connection, row: RowMapping) -> WorkCalendar:
    """The calendar by which a case is timed: the city's, with the office hours of the day it was found.

    A clock that runs round the clock knows none, so none is read for it.
    """
    if row["limit_unit"] in ROUND_THE_CLOCK:
        return NO_CALENDAR
    return work_calendar(conn, read_city(conn), city_policy(conn, row["day"]))


def checked_time(name: str, at: datetime | None, now: datetime) -> datetime:
    """When something happened.

    Raises
    ------
    ParameterError
        Without time zone, or in the future.
    """
    if at is None:
        return now
    if at.tzinfo is None:
        raise ParameterError(name, f"{at.isoformat()} has no time zone; 2016-05-03T08:30:00+08:00 has")
    if at > now + AHEAD:
        raise ParameterError(name, f"{at.isoformat()} lies in the future; it is {now.isoformat(timespec='seconds')}")
    return at


def named(actor: str) -> str:
    """Who did it.

    Raises
    ------
    ParameterError
        Nobody.
    """
    actor = actor.strip()
    if not actor or "\0" in actor:
        raise ParameterError("actor", "is empty; say who did it")
    return actor
