"""Cases 案件: opened by reports, moved by people, each move one event of a history that nobody can change (clause 8).

A command locks the case's row, asks the rule, appends the event and stores the state that the rule gives: one
transaction, opened at the edge. Who comes second sees the state that the first one left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from gis.case_opening import attach
from gis.case_store import calendar_of, checked_time, happen, locked, named
from gis.city import read_city
from gis.duplicates import why_not_merge
from gis.errors import Conflict, NotFound, ParameterError
from gis.policies import city_policy
from gis.rules.cases import MOVES, Case, Event, after, lacking
from gis.rules.deadlines import ROUND_THE_CLOCK, WorkCalendar, limit_of
from gis.store.database import bump_version, sql
from gis.store.schema_cases import case_reports, case_tasks, cases, category_limits, departments

OWN_MOVES = tuple(name for name, rule in MOVES.items() if rule.follows)
"""Moves that follow from other commands and cannot be sent by themselves."""


@dataclass(frozen=True)
class Move:
    """A move as somebody sends it, nothing checked yet.

    Parameters
    ----------
    actor
        Who did it.
    at
        When it happened; None: now.
    department
        Code: the lead of `dispatch` (None: the category's own), who is asked, who confirms.
    task
        Number of a supporting department's task, for `do` and `waive`; `ask` numbers by itself.
    amount
        Of an extension, in the unit of the case's limit.
    due_at
        When a task of `ask` is due; `reason` says what it is.
    other
        Id of the case that gets the reports of a merge.
    expected
        How many events the sender knows of; None: whatever came between.
    """

    move: str
    actor: str
    at: datetime | None = None
    reason: str | None = None
    department: str | None = None
    task: int | None = None
    amount: int | None = None
    due_at: datetime | None = None
    other: int | None = None
    expected: int | None = None


def record(conn: Connection, case_id: int, move: Move, now: datetime) -> Case:
    """Let a move happen to a case.

    Parameters
    ----------
    now
        The clock, aware.

    Raises
    ------
    NotFound
        There is no such case.
    ParameterError
        A field is missing or cannot be.
    Conflict
        The move is not legal in the case's state, or the case has moved on since the sender looked.
    """
    if move.move not in MOVES or move.move in OWN_MOVES:
        names = ", ".join(name for name in MOVES if name not in OWN_MOVES)
        raise ParameterError("move", f"{move.move[:40]!r} is none of {names}")
    at = checked_time("at", move.at, now)
    if move.move == "merge" and move.other is not None:
        # Two merges that meet each other must take the rows in one order.
        conn.execute(
            select(cases.c.id).where(cases.c.id.in_([case_id, move.other])).order_by(cases.c.id).with_for_update()
        )
    row, case = locked(conn, case_id)
    if move.expected is not None and move.expected != case.events:
        msg = f"case {case_id} has {case.events} events by now, not {move.expected}: read it again before you decide"
        raise Conflict(msg)
    calendar = calendar_of(conn, row)
    event = _event(conn, row, case, move, at, calendar)
    if move.move == "merge" and move.other is not None:
        _check_same_problem(conn, case_id, move.other)
    changed = happen(conn, case_id, case, event, calendar)
    if move.move == "ask":
        _give_task(conn, case_id, event, move)
    elif move.move in ("do", "waive"):
        _end_task(conn, case_id, event, changed)
    elif move.move == "merge" and move.other is not None:
        _merge(conn, case_id, move.other, event)
    bump_version(conn, "cases")
    return changed


def _event(conn: Connection, row: RowMapping, case: Case, move: Move, at: datetime, calendar: WorkCalendar) -> Event:
    """The move with everything that it refers to looked up."""
    department = None
    if move.department is not None:
        department = _department_id(conn, move.department)
    elif move.move == "dispatch":
        department = _own_department(conn, row["category_id"])
    added = None
    if move.amount is not None:
        try:
            added = limit_of(move.amount, case.limit_unit, calendar).length
        except ValueError as problem:
            raise ParameterError("amount", str(problem)) from problem
    task = len(case.tasks) + 1 if move.move == "ask" else move.task
    event = Event(move.move, at, named(move.actor), move.reason, department, task, added, move.other)
    for name in lacking(event):
        shown = {"time": "amount"}.get(name, name)
        said = f"is missing; {move.move} needs it"
        if name == "department" and move.move == "dispatch":
            said += ", as the category has no department of its own"
        raise ParameterError(shown, said)
    if move.move == "ask" and move.due_at is None:
        raise ParameterError("due_at", "is missing; a task needs an end")
    if move.move == "ask" and move.due_at is not None and move.due_at <= at:
        raise ParameterError("due_at", f"{move.due_at.isoformat()} is not after {at.isoformat()}")
    return event


def _check_same_problem(conn: Connection, case_id: int, other: int) -> None:
    both = {}
    for one in (case_id, other):
        found = conn.execute(sql("case_place"), {"case_id": one}).mappings().first()
        if found is None:
            msg = f"there is no case {one}"
            raise NotFound(msg)
        both[one] = dict(found)
    wrong = why_not_merge(both[case_id], both[other], read_city(conn), city_policy(conn, both[other]["day"]))
    if wrong is not None:
        msg = f"case {case_id} cannot be merged into {other}: {wrong}"
        raise Conflict(msg)


def _merge(conn: Connection, case_id: int, other: int, event: Event) -> None:
    conn.execute(update(case_reports).where(case_reports.c.case_id == case_id).values(case_id=other))
    attach(conn, other, f"case {case_id}", event.actor, event.at, other=case_id)


def _give_task(conn: Connection, case_id: int, event: Event, move: Move) -> None:
    conn.execute(
        insert(case_tasks).values(
            case_id=case_id,
            number=event.task,
            department_id=event.department,
            what=move.reason,
            due_at=move.due_at,
            state="open",
        )
    )


def _end_task(conn: Connection, case_id: int, event: Event, changed: Case) -> None:
    state = changed.tasks[(event.task or 0) - 1]
    chosen = (case_tasks.c.case_id == case_id) & (case_tasks.c.number == event.task)
    conn.execute(update(case_tasks).where(chosen).values(state=state, ended_at=event.at))


def _department_id(conn: Connection, code: str) -> int:
    found = conn.execute(select(departments.c.id).where(departments.c.code == code)).scalar()
    if found is None:
        known = list(conn.execute(select(departments.c.code).order_by(departments.c.code).limit(20)).scalars())
        there = f"there are {', '.join(known)}" if known else "none is loaded yet: finegrid load departments"
        raise ParameterError("department", f"there is no department {code[:60]!r}; {there}")
    return int(found)


def _own_department(conn: Connection, category_id: int) -> int | None:
    chosen = category_limits.c.category_id == category_id
    return conn.execute(select(category_limits.c.department_id).where(chosen)).scalar()


def recount(conn: Connection, actor: str, now: datetime) -> int:
    """Find the due times of all running cases anew after the calendar changed; answers how many moved.

    Each that moves has it in its history. Clocks that run round the clock know no calendar.
    """
    moved = 0
    running = select(cases.c.id).where(cases.c.clock_since.is_not(None), cases.c.limit_unit.not_in(ROUND_THE_CLOCK))
    for case_id in conn.execute(running.order_by(cases.c.id)).scalars().all():
        row, case = locked(conn, case_id)
        calendar = calendar_of(conn, row)
        event = Event("recount", max(now, case.last_at), named(actor))
        if case.clock_since is not None and after(case, event, calendar).due_at != case.due_at:
            happen(conn, case_id, case, event, calendar)
            moved += 1
    if moved:
        bump_version(conn, "cases")
    return moved
