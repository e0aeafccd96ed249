"""Cases with random legal histories, walked by the rule and stored in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, text

from gis.case_store import stored
from gis.rules.cases import MOVES, Case, Event, after, open_case_of, why_not
from gis.rules.deadlines import WorkCalendar, limit_of
from gis.store.database import bump_version
from gis.store.schema import reports
from gis.store.schema_cases import case_events, case_reports, cases, departments

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkCalendar(ZONE, ((time(8, 30), time(12)), (time(13, 30), time(18))))
UNITS = (("urgent_hours", 2), ("work_hours", 5), ("work_days", 2), ("calendar_days", 3))
# Moves that lead on come more often than others, so that many cases reach their end.
WEIGHTS = {"verify": 8, "accept": 8, "file": 8, "dispatch": 8, "handle": 6, "check": 6, "close": 5, "void": 0.3}
WEIGHTS |= {"arrive": 3, "fail": 3, "enforce": 2, "merge": 0.4}


@dataclass
class History:
    """A case and all that happened to it.

    Parameters
    ----------
    report
        Row of the table of reports that opened it.
    person_id
        Who answered for the cell.
    """

    report: dict
    events: list[Event] = field(default_factory=list)
    case: Case | None = None
    person_id: int | None = None
    id: int = 0

    @property
    def found_at(self) -> datetime:
        return self.report["reported_at"]


def minutes(rng: Random) -> timedelta:
    """Now a few minutes, now days; seconds that hit the limit of ten minutes exactly are not rare."""
    choice = rng.random()
    if choice < 0.2:
        return timedelta(seconds=rng.choice([0, 599, 600, 601]))
    return timedelta(minutes=rng.choice([1, 5, 12, 60, 300, 1500, 5000]) * rng.random())


def walk(rng: Random, history: History, departments: list[int], others: list[int], until: datetime) -> None:
    """Let a case go its way by legal moves until it has ended, stops by chance, or the time is over."""
    unit, amount = rng.choice(UNITS)
    at = history.found_at + minutes(rng)
    events = [Event("open", at, "walker", time=limit_of(amount, unit, CALENDAR).length)]
    case = open_case_of(history.found_at, unit, events[0])
    responded = history.found_at
    while case.ended_at is None and rng.random() > 0.02:
        move = rng.choices(list(MOVES), [WEIGHTS.get(move, 1) for move in MOVES])[0]
        # Double ten may be recorded late: it is in order among itself only.
        happened = (responded if MOVES[move].response else case.last_at) + minutes(rng)
        if happened >= until:
            break
        event = Event(
            move,
            happened,
            "walker",
            "because",
            case.department if move == "confirm" else rng.choice(departments),
            len(case.tasks) + 1 if move == "ask" else rng.randint(1, max(len(case.tasks), 1)),
            timedelta(hours=rng.randint(1, 30)),
            rng.choice(others) if others else None,
        )
        if (move == "merge" and not others) or why_not(case, event) is not None:
            continue
        case = after(case, event, CALENDAR)
        events.append(event)
        responded = happened if MOVES[move].response else responded
    history.events, history.case = events, case


def add_departments(conn: Connection) -> None:
    """Three departments, unless there are some."""
    if not conn.execute(select(departments.c.id)).first():
        conn.execute(insert(departments), [{"code": f"D{number}", "name": f"{number}局"} for number in range(3)])


def make_histories(conn: Connection, seed: int, until: datetime, *, keep: float = 1.0) -> list[History]:
    """A random history for the stored reports (for a share of them), stored."""
    rng = Random(seed)
    add_departments(conn)
    known = list(conn.execute(select(departments.c.id).order_by(departments.c.id)).scalars())
    persons = list(conn.execute(text("SELECT id FROM persons ORDER BY id")).scalars())
    rows = conn.execute(select(reports).order_by(reports.c.source_id, reports.c.source_ref)).mappings()
    histories = [History(dict(row)) for row in rows if rng.random() < keep]
    for number, history in enumerate(histories, 1):
        history.id = number
        history.person_id = rng.choice([*persons, None])
        walk(rng, history, known, [number - 1] if number > 1 else [], until)
    store(conn, histories)
    return histories


def store(conn: Connection, histories: Iterable[History]) -> None:
    """Write cases, their reports and their events."""
    listed = list(histories)
    identity = ("source_id", "source_ref", "category_id", "geom", "day")
    conn.execute(
        insert(cases),
        [
            {name: one.report[name] for name in identity}
            | {"id": one.id, "found_at": one.found_at, "person_id": one.person_id, "limit_unit": one.case.limit_unit}
            | stored(one.case)
            for one in listed
        ],
    )
    conn.execute(
        insert(case_reports),
        [
            {"source_id": one.report["source_id"], "source_ref": one.report["source_ref"], "case_id": one.id}
            for one in listed
        ],
    )
    conn.execute(insert(case_events), [row for one in listed for row in _events(one)])
    conn.execute(text("SELECT setval(pg_get_serial_sequence('cases', 'id'), (SELECT max(id) FROM cases))"))
    bump_version(conn, "cases", "departments")


def _events(history: History) -> Iterable[dict]:
    case = None
    for number, event in enumerate(history.events, 1):
        if case is None:
            case = open_case_of(history.found_at, history.case.limit_unit, event)
        else:
            case = after(case, event, CALENDAR)
        yield {
            "case_id": history.id,
            "number": number,
            "move": event.move,
            "state": case.state,
            "at": event.at,
            "actor": event.actor,
            "reason": event.reason,
            "department_id": event.department,
            "task": event.task,
            "time": event.time,
            "other_id": event.other,
            "due_at": case.due_at,
        }
