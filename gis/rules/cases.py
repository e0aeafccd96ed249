"""The life-cycle of a case 案件: which moves are legal when, and what each does (clauses 7 and 8).

A case is what replaying its history gives; nothing else decides. Response moves (double ten) stand beside the
life-cycle: they change no state and may be recorded late, as long as they are in order among themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gis.rules.deadlines import NOTHING, WorkCalendar, due, passed

ENDED = ("closed", "void")
RUNNING = ("filed", "dispatched", "handled", "checked")
"""States in which the clock runs: from filing to the end, but not while suspended."""


@dataclass(frozen=True)
class Rule:
    """One move.

    Parameters
    ----------
    zh
        What the city calls it.
    meaning
        For people.
    before
        States in which it is legal.
    after
        The state it leads to; None: it stays.
    needs
        Fields of the event that must be there: reason, department, task, time, other.
    response
        It is one of double ten.
    follows
        It follows from another command and cannot be made by itself.
    """

    zh: str
    meaning: str
    before: tuple[str, ...]
    after: str | None = None
    needs: tuple[str, ...] = ()
    response: bool = False
    follows: bool = False


OPEN = ("reported", "verified", "accepted", "filed", "dispatched", "handled", "checked", "suspended")
MOVES: dict[str, Rule] = {
    "open": Rule("上报", "a report opens the case", (), "reported", ("time",), follows=True),
    "verify": Rule("核实", "somebody saw that it is so", ("reported",), "verified"),
    "accept": Rule("受理", "the centre takes it on", ("verified",), "accepted"),
    "file": Rule("立案", "it becomes a case to be handled; the clock starts", ("accepted",), "filed"),
    "dispatch": Rule("派遣", "a department gets it as the lead", ("filed",), "dispatched", ("department",)),
    "handle": Rule("处置", "the lead says that it has done its part", ("dispatched",), "handled"),
    "check": Rule("核查", "somebody saw that it is done", ("handled",), "checked"),
    "close": Rule("结案", "it is over; the clock is judged", ("checked",), "closed"),
    "void": Rule("作废", "it was none", OPEN, "void", ("reason",)),
    "suspend": Rule("挂账", "it cannot be handled for now; the clock stands", RUNNING, "suspended", ("reason",)),
    "resume": Rule("恢复", "it goes on in the state it was in", ("suspended",), None),
    "extend": Rule("延期", "the limit grows", RUNNING, None, ("time", "reason")),
    "return": Rule("回退", "the department sends it back: not ours", ("dispatched",), "filed", ("reason",)),
    "rework": Rule("返工", "what was done does not do", ("handled", "checked"), "dispatched", ("reason",)),
    "recount": Rule("重新计时", "the calendar changed, so the due time is found anew", RUNNING, follows=True),
    "attach": Rule("并案", "a further report of the same problem", OPEN, None, ("reason",), follows=True),
    "merge": Rule("合并", "its reports go to another case of the same problem", OPEN, "void", ("other",)),
    "ask": Rule(
        "协办", "a supporting department gets a task", ("dispatched", "handled"), None, ("task", "department", "reason")
    ),
    "do": Rule("协办完成", "a supporting department has done its task", OPEN, None, ("task",)),
    "waive": Rule("协办免除", "a task is not needed any more", OPEN, None, ("task", "reason")),
    "confirm": Rule(
        "主办确认", "the lead confirms that all of it is done", ("handled", "checked"), None, ("department",)
    ),
    "arrive": Rule("责任人到场", "the responsible person is on the spot", OPEN, None, (), response=True),
    "fail": Rule("劝导无效", "persuasion failed", OPEN, None, (), response=True),
    "enforce": Rule("执法到场", "enforcement officers are on the spot", OPEN, None, (), response=True),
}


@dataclass(frozen=True)
class Event:
    """Something that happened to a case.

    Parameters
    ----------
    at
        When; aware.
    department
        Whatever identifies one: the lead of `dispatch`, who is asked, who confirms.
    task
        Number of a supporting department's task.
    time
        The limit at `open`, more of it at `extend`, in the unit of the case's clock.
    other
        Case that gets the reports of a merge.
    """

    move: str
    at: datetime
    actor: str
    reason: str | None = None
    department: int | None = None
    task: int | None = None
    time: timedelta | None = None
    other: int | None = None


@dataclass(frozen=True)
class Case:
    """All that the rules know of a case; the columns of the same names say what each is.

    Parameters
    ----------
    tasks
        State of each task: open, done or waived; task 1 first.
    """

    found_at: datetime
    limit_unit: str
    state: str
    last_at: datetime
    events: int = 0
    allowed: timedelta = NOTHING
    used: timedelta = NOTHING
    clock_since: datetime | None = None
    due_at: datetime | None = None
    before_suspension: str | None = None
    department: int | None = None
    reworks: int = 0
    extensions: int = 0
    returns: int = 0
    tasks: tuple[str, ...] = ()
    confirmed: bool = False
    arrived_at: datetime | None = None
    failed_at: datetime | None = None
    enforced_at: datetime | None = None
    accepted_at: datetime | None = None
    filed_at: datetime | None = None
    dispatched_at: datetime | None = None
    ended_at: datetime | None = None
    on_time: bool | None = None
    merged_into: int | None = None

    @property
    def open_tasks(self) -> int:
        """Tasks that are neither done nor waived."""
        return self.tasks.count("open")


def open_case_of(found_at: datetime, unit: str, event: Event) -> Case:
    """The case that a report opens.

    Raises
    ------
    ValueError
        The event is no `open`, or lies before the report.
    """
    if event.move != "open" or event.time is None:
        msg = f"a history begins with open, which gives the limit, not with {event.move}"
        raise ValueError(msg)
    if event.at < found_at:
        msg = f"a case cannot be opened at {event.at}, before it was found at {found_at}"
        raise ValueError(msg)
    return Case(found_at, unit, "reported", event.at, 1, event.time)


def lacking(event: Event) -> list[str]:
    """Fields that an event of this kind needs and has not."""
    return [name for name in MOVES[event.move].needs if getattr(event, name) in (None, "")]


def why_not(case: Case, event: Event) -> str | None:
    """Why an event cannot happen to a case; None where it can.

    The sentence says what is wrong and what would be right.
    """
    rule = MOVES.get(event.move)
    if rule is None or event.move == "open":
        return f"there is no move {event.move!r}; in the state {case.state} there are {_listed(moves_from(case))}"
    if case.state not in rule.before:
        return (
            f"{event.move} is not legal in the state {case.state}: it is legal in {_listed(rule.before)};"
            f" from {case.state} there are {_listed(moves_from(case))}"
        )
    if missing := lacking(event):
        return f"{event.move} needs {_listed(missing)}"
    if rule.response:
        return _out_of_order(case, event)
    if event.at < case.last_at:
        return f"{event.move} at {_shown(event.at)} lies before the last move of this case at {_shown(case.last_at)}"
    if event.time is not None and event.time <= NOTHING:
        return f"{event.move} by {event.time} adds nothing; a positive time is right"
    further = FURTHER.get(event.move)
    return None if further is None else further(case, event)


def _out_of_order(case: Case, event: Event) -> str | None:
    """Double ten: found, arrived, persuasion failed, enforcement there; each once, none before the one before it."""
    steps = (
        ("found", case.found_at),
        ("arrive", case.arrived_at),
        ("fail", case.failed_at),
        ("enforce", case.enforced_at),
    )
    at = [name for name, _ in steps].index(event.move)
    if steps[at][1] is not None:
        return f"{event.move} is recorded already, at {_shown(steps[at][1])}"
    earlier, when = steps[at - 1]
    if when is None:
        return f"{event.move} comes after {earlier}, which is not recorded yet"
    if event.at < when:
        return f"{event.move} at {_shown(event.at)} lies before {earlier} at {_shown(when)}"
    return None


# -- joint handling 1+N: one lead, N supporting departments with numbered tasks ----------------------------------------


def _may_ask(case: Case, event: Event) -> str | None:
    if event.task != len(case.tasks) + 1:
        return f"the next task is number {len(case.tasks) + 1}, not {event.task}"
    if event.department == case.department:
        return "the lead department cannot support itself; ask another one"
    return None


def _may_end_task(case: Case, event: Event) -> str | None:
    number = event.task or 0
    if not 1 <= number <= len(case.tasks):
        return f"there is no task {number}; this case has {len(case.tasks)}"
    state = case.tasks[number - 1]
    return None if state == "open" else f"task {number} is {state} already"


def _may_confirm(case: Case, event: Event) -> str | None:
    if event.department != case.department:
        return "only the lead department confirms"
    return "the lead confirmed already" if case.confirmed else None


def _may_close(case: Case, _: Event) -> str | None:
    if case.open_tasks:
        numbers = [str(at) for at, state in enumerate(case.tasks, 1) if state == "open"]
        return f"tasks of supporting departments are open: {_listed(numbers)}; do or waive them first"
    return "the lead department has not confirmed yet: confirm first" if case.tasks and not case.confirmed else None


FURTHER: dict[str, Callable[[Case, Event], str | None]] = {
    "ask": _may_ask,
    "do": _may_end_task,
    "waive": _may_end_task,
    "confirm": _may_confirm,
    "close": _may_close,
}

# -- what moves do besides leading to a state --------------------------------------------------------------------------


def _extended(case: Case, event: Event) -> Case:
    return replace(case, allowed=case.allowed + (event.time or NOTHING), extensions=case.extensions + 1)


def _dispatched(case: Case, event: Event) -> Case:
    return replace(case, department=event.department, dispatched_at=case.dispatched_at or event.at)


def _with_task(case: Case, event: Event) -> Case:
    number = (event.task or 0) - 1
    state = {"ask": "open", "do": "done", "waive": "waived"}[event.move]
    # A new task undoes what the lead confirmed: not all of it is done any more.
    confirmed = case.confirmed and event.move != "ask"
    return replace(case, tasks=(*case.tasks[:number], state, *case.tasks[number + 1 :]), confirmed=confirmed)


EFFECTS: dict[str, Callable[[Case, Event], Case]] = {
    "accept": lambda case, event: replace(case, accepted_at=event.at),
    "file": lambda case, event: replace(case, filed_at=event.at),
    "dispatch": _dispatched,
    "resume": lambda case, _: replace(case, state=case.before_suspension or "", before_suspension=None),
    "extend": _extended,
    "return": lambda case, _: replace(case, department=None, returns=case.returns + 1),
    "rework": lambda case, _: replace(case, confirmed=False, reworks=case.reworks + 1),
    "merge": lambda case, event: replace(case, merged_into=event.other),
    "ask": _with_task,
    "do": _with_task,
    "waive": _with_task,
    "confirm": lambda case, _: replace(case, confirmed=True),
    "arrive": lambda case, event: replace(case, arrived_at=event.at),
    "fail": lambda case, event: replace(case, failed_at=event.at),
    "enforce": lambda case, event: replace(case, enforced_at=event.at),
}


def after(case: Case, event: Event, calendar: WorkCalendar) -> Case:
    """The case after a legal event.

    Raises
    ------
    ValueError
        It is not legal; says why.
    """
    if (wrong := why_not(case, event)) is not None:
        raise ValueError(wrong)
    rule = MOVES[event.move]
    changed = replace(case, events=case.events + 1, state=rule.after or case.state)
    if event.move in EFFECTS:
        changed = EFFECTS[event.move](changed, event)
    if rule.response:
        return changed
    if event.move == "suspend":
        changed = replace(changed, before_suspension=case.state)
    return _with_clock(case, replace(changed, last_at=event.at), event.at, calendar)


def _with_clock(case: Case, changed: Case, at: datetime, calendar: WorkCalendar) -> Case:
    """Start, stop, set and judge the clock as the new state asks."""
    unit, used, since = case.limit_unit, case.used, case.clock_since
    if changed.state in RUNNING:
        since = since or at
        return replace(changed, clock_since=since, due_at=due(unit, since, changed.allowed - used, calendar))
    if since is not None:
        used += passed(unit, since, at, calendar)
    changed = replace(changed, used=used, clock_since=None, due_at=None)
    if changed.state == "closed":
        changed = replace(changed, on_time=case.due_at is not None and at <= case.due_at)
    return replace(changed, ended_at=at, before_suspension=None) if changed.state in ENDED else changed


def replay(found_at: datetime, unit: str, events: Iterable[Event], calendar: WorkCalendar) -> Case:
    """The case that a history gives.

    Raises
    ------
    ValueError
        The history is empty or has an illegal event; says which.
    """
    history = iter(events)
    first = next(history, None)
    if first is None:
        msg = "a history without events is none"
        raise ValueError(msg)
    case = open_case_of(found_at, unit, first)
    for event in history:
        try:
            case = after(case, event, calendar)
        except ValueError as problem:
            msg = f"event {case.events + 1}: {problem}"
            raise ValueError(msg) from problem
    return case


def moves_from(case: Case) -> list[str]:
    """Moves that somebody can make in the case's state, whatever else they need."""
    return [move for move, rule in MOVES.items() if case.state in rule.before and not rule.follows]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _shown(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
