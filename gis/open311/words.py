"""What a citizen reads about a case 案件: its state, why, until when; Chinese, English, or both; no database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

Language = Literal["zh", "en"] | None
"""None: the client did not say, so both."""
ENDED = ("closed", "void")
STATES = {
    "reported": ("已上报", "reported"),
    "verified": ("已核实", "verified on the spot"),
    "accepted": ("已受理", "accepted"),
    "filed": ("已立案", "filed as a case"),
    "dispatched": ("已派遣", "sent to the department that handles it"),
    "handled": ("已处置，待核查", "handled, to be checked"),
    "checked": ("已核查", "checked on the spot"),
    "closed": ("已结案", "closed"),
    "void": ("已作废", "void: it was no case"),
    "suspended": ("挂账", "suspended"),
}
MOVES = {
    "open": ("已上报", "reported"),
    "verify": ("已核实", "verified on the spot"),
    "accept": ("已受理", "accepted"),
    "file": ("已立案", "filed as a case"),
    "dispatch": ("已派遣", "sent to the department that handles it"),
    "handle": ("已处置", "handled"),
    "check": ("已核查", "checked on the spot"),
    "close": ("已结案", "closed"),
    "void": ("已作废", "void: it was no case"),
    "suspend": ("已挂账", "suspended"),
    "resume": ("恢复办理", "goes on"),
    "extend": ("已延期", "more time was given"),
    "return": ("部门回退，重新派遣", "sent back by the department"),
    "rework": ("返工", "has to be done again"),
    "attach": ("并案：又有人上报同一问题", "a further report of the same problem"),
    "merge": ("并入另一案件", "joined with another case"),
    "ask": ("请其他部门协办", "another department was asked to help"),
    "do": ("协办完成", "a helping department has done its part"),
    "waive": ("协办免除", "help of another department is not needed any more"),
    "confirm": ("主办部门确认", "confirmed by the department that leads"),
    "arrive": ("责任人已到场", "the responsible person is on the spot"),
    "fail": ("劝导无效", "persuasion failed"),
    "enforce": ("执法人员已到场", "enforcement officers are on the spot"),
}
"""Moves that are told as updates; a `recount` of the clock is the city's own affair."""
EXPLAINING = ("suspend", "resume", "extend", "return", "rework", "void")
"""Moves that say more than the state they lead to; their reason is shown with the state too."""
REASONED = {*EXPLAINING, "close"}
"""Moves whose reason is meant for the citizen; others have reasons of the city's own: another's report, a task."""


def said(language: Language, zh: str, en: str) -> str:
    """A sentence in the language of the client."""
    return {"zh": zh, "en": en}.get(language or "", f"{zh} / {en}")


def status_of(state: str | None) -> str:
    """`closed` where nothing more will happen (closed or void), else `open`; a report without case is open."""
    return "closed" if state in ENDED else "open"


def status_notes(
    language: Language,
    zone: ZoneInfo,
    state: str | None,
    move: str | None,
    reason: str | None,
    due_at: datetime | None,
    reports: int,
) -> str:
    """What there is to say beyond open and closed.

    Parameters
    ----------
    state
        Of the case; None: the report has none.
    move, reason
        The last one of `EXPLAINING` or that led to the state.
    due_at
        When the limit is reached; None: the clock stands.
    reports
        How many the case stands for.
    """
    if state is None:
        return said(language, "已上报，尚未立案", "reported; no case was opened for it yet")
    parts = [STATES[state]]
    if move in EXPLAINING and MOVES[move] != STATES[state]:
        parts.append(MOVES[move])
    _explain(parts, move, reason, due_at, zone)
    if reports > 1:
        parts.append((f"同一问题共 {reports} 次上报", f"one of {reports} reports of the same problem"))
    return _joined(language, parts)


def update_text(
    language: Language, zone: ZoneInfo, move: str, reason: str | None, due_at: datetime | None, state: str
) -> str:
    """One thing that happened."""
    parts = [MOVES[move]]
    _explain(parts, move, reason, due_at if move in ("file", "extend", "resume") and state not in ENDED else None, zone)
    return _joined(language, parts)


def _explain(
    parts: list[tuple[str, str]], move: str | None, reason: str | None, due_at: datetime | None, zone: ZoneInfo
) -> None:
    if reason and move in REASONED:
        parts.append((f"原因：{reason}", f"reason: {reason}"))
    if due_at is not None:
        day = f"{due_at.astimezone(zone):%Y-%m-%d %H:%M}"
        parts.append((f"限 {day} 前办结", f"due {day}"))


def _joined(language: Language, parts: list[tuple[str, str]]) -> str:
    choose: Callable[[int, str], str] = lambda at, between: between.join(part[at] for part in parts)  # noqa: E731
    return said(language, choose(0, "；"), choose(1, "; "))


def service_notice(language: Language, case_id: int, *, opened: bool, cell: str | None, located: bool) -> str:
    """What happens with a request that just came in."""
    place = (
        (f"位于网格 {cell}", f"in grid cell {cell}")
        if cell
        else ("不在任何网格内", "outside every grid cell")
        if located
        else ("无坐标，按地址核实", "without coordinates: it is verified by its address")
    )
    case = (
        (f"已立为案件 {case_id} 待核实", f"it is case {case_id} and will be verified")
        if opened
        else (
            f"与案件 {case_id} 为同一问题，已并案",
            f"the same problem is known as case {case_id}; it was added to that",
        )
    )
    return said(language, f"{case[0]}；{place[0]}", f"{case[1]}; {place[1]}")
