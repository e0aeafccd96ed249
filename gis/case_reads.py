"""Reading cases 案件: page by page, or one with its history, tasks and reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, select, text

from gis.calendars import work_calendar
from gis.case_store import case_of
from gis.city import read_city
from gis.density import category_ids, source_ids
from gis.errors import NotFound, ParameterError
from gis.operations import OUTSIDE_BINDS, Inside
from gis.policies import city_policy
from gis.rules.cases import Case, Event, replay
from gis.store.database import sql
from gis.store.schema_cases import STATES, case_events, case_tasks, cases

OPEN = "open"
ANY = (
    {"case_id": None, "states": None, "from_day": None, "to_day": None, "categories": None, "department": None}
    | {
        "place": None,
        "due_before": None,
        "after_id": 0,
        "row_limit": None,
    }
    | OUTSIDE_BINDS
)


@dataclass(frozen=True)
class CaseQuery:
    """Which cases.

    Parameters
    ----------
    states
        Of them; `open` stands for all that are neither closed nor void; none: any.
    from_day, to_day
        Days of the city on which the problem was found, `to_day` exclusive; None: any.
    categories
        As in `gis.density.DensityQuery`.
    department
        Code of the lead.
    place
        Code of an area or cell.
    due_before
        Only open cases whose time is up before this instant.
    after_id
        Only cases with a larger id.
    operation
        Only problems found inside a special operation.
    """

    states: tuple[str, ...] = ()
    from_day: date | None = None
    to_day: date | None = None
    categories: tuple[str, ...] = ()
    department: str | None = None
    place: str | None = None
    due_before: datetime | None = None
    after_id: int = 0
    limit: int = 100
    operation: Inside | None = None


def list_cases(conn: Connection, query: CaseQuery) -> list[dict[str, Any]]:
    """A page of cases, in the order in which they were opened.

    Raises
    ------
    ParameterError
        There is no such state or category.
    """
    wanted = category_ids(conn, query.categories)
    given = {
        "states": _states(query.states),
        "from_day": query.from_day,
        "to_day": query.to_day,
        "categories": None if wanted is None else list(wanted),
        "department": query.department,
        "place": query.place,
        "due_before": query.due_before,
        "after_id": query.after_id,
        "row_limit": query.limit,
        **(OUTSIDE_BINDS if query.operation is None else query.operation.binds()),
    }
    return [dict(row) for row in conn.execute(sql("cases_page"), ANY | given).mappings()]


def _states(names: tuple[str, ...]) -> list[str] | None:
    found: set[str] = set()
    for name in names:
        if name == OPEN:
            found |= set(STATES) - {"closed", "void"}
        elif name in STATES:
            found.add(name)
        else:
            raise ParameterError("state", f"{name[:40]!r} is none of open, {', '.join(STATES)}")
    return sorted(found) or None


@cache
def _one_case() -> TextClause:
    """The page's question for one case, its eleven tables joined as written.

    Each is one look at a primary key; looking for a better order took the planner longer than all the rest. In one
    round trip, and until the transaction ends.
    """
    return text(f"SET LOCAL join_collapse_limit = 1; {sql('cases_page')}")


def case_row(conn: Connection, case_id: int) -> dict[str, Any]:
    """One case as a page of cases has it.

    Raises
    ------
    NotFound
        There is none.
    """
    row = conn.execute(_one_case(), ANY | {"case_id": case_id}).mappings().first()
    if row is None:
        msg = f"there is no case {case_id}"
        raise NotFound(msg)
    return dict(row)


def read_case(conn: Connection, case_id: int) -> dict[str, Any]:
    """One case with its history, tasks and reports.

    Raises
    ------
    NotFound
        There is none.
    """
    parts = {"tasks": "case_tasks_of", "reports": "case_reports_of", "history": "case_history"}
    return case_row(conn, case_id) | {
        name: [dict(one) for one in conn.execute(sql(question), {"case_id": case_id}).mappings()]
        for name, question in parts.items()
    }


def reports_without_case(
    conn: Connection, from_day: date, to_day: date, categories: tuple[str, ...] = (), sources: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """(source, source_ref) of the reports of a window that belong to no case, in the order in which they were made.

    Raises
    ------
    ParameterError
        There is no such category or source.
    """
    wanted, chosen = category_ids(conn, categories), source_ids(conn, sources)
    given = {
        "from_day": from_day,
        "to_day": to_day,
        "categories": None if wanted is None else list(wanted),
        "sources": None if chosen is None else list(chosen),
    }
    return [(row.source, row.source_ref) for row in conn.execute(sql("reports_without_case"), given)]


def replayed(conn: Connection, case_id: int) -> tuple[Case, Case]:
    """A case as it is stored, and as replaying its history gives it: they must be the same.

    Raises
    ------
    NotFound
        There is none.
    """
    row = conn.execute(select(cases).where(cases.c.id == case_id)).mappings().first()
    if row is None:
        msg = f"there is no case {case_id}"
        raise NotFound(msg)
    chosen = select(case_tasks.c.state).where(case_tasks.c.case_id == case_id).order_by(case_tasks.c.number)
    stored = case_of(row, tuple(conn.execute(chosen).scalars()))
    history = select(case_events).where(case_events.c.case_id == case_id).order_by(case_events.c.number)
    events = [
        Event(one.move, one.at, one.actor, one.reason, one.department_id, one.task, one.time, one.other_id)
        for one in conn.execute(history)
    ]
    calendar = work_calendar(conn, read_city(conn), city_policy(conn, row["day"]))
    return stored, replay(row["found_at"], row["limit_unit"], events, calendar)
