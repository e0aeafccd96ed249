"""Listed supervision 挂牌督办: which moves a listed place may make, until when, and what being late costs (clause 9).

    None ── propose ──> proposed ── list ──> listed ── rectify ──> rectifying ── submit ──> submitted
    None ── list (by hand) ──────────────────^           ^  ^                                 │
            proposed ── dismiss ──> dismissed            │  └────────── reject ───────────────┤
                                                         └── put_back ── verified <─ verify ──┘
                                                                            └── delist ──> delisted

`escalate` notes once per deadline that it was passed; the state stays. Deadlines and holds are days of the city: the
day on which they begin is not counted, and the last day is in time to its end.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gis.errors import Conflict, ParameterError
from gis.rules.policy import Policy

STATES = ("proposed", "listed", "rectifying", "submitted", "verified", "delisted", "dismissed")
UNDER_SUPERVISION = ("listed", "rectifying", "submitted", "verified")
"""A place is on the public list."""
ENDED = ("delisted", "dismissed")
DUE = ("listed", "rectifying", "submitted")
"""States in which a deadline can be passed."""

# move -> states that it may leave (None: no listing yet), and the one it leads to (None: the state stays).
MOVES: dict[str, tuple[tuple[str | None, ...], str | None]] = {
    "propose": ((None,), "proposed"),
    "list": ((None, "proposed"), "listed"),
    "dismiss": (("proposed",), "dismissed"),
    "rectify": (("listed",), "rectifying"),
    "submit": (("rectifying",), "submitted"),
    "verify": (("submitted",), "verified"),
    "reject": (("submitted",), "rectifying"),
    "put_back": (("verified",), "rectifying"),
    "delist": (("verified",), "delisted"),
    "escalate": (DUE, None),
}
NEED_REASON = ("dismiss", "reject", "put_back")
CREATING = ("propose",)
"""Moves that only a command of its own makes, never an event sent to a listing."""


@dataclass(frozen=True)
class Move:
    """One thing that somebody did with a listing.

    Parameters
    ----------
    at
        When; aware.
    day
        Of `at` in the city's time zone.
    problems
        New problems of its kind at the place since it was verified, for `put_back` and `delist`.
    """

    move: str
    actor: str
    at: datetime
    day: date
    reason: str | None = None
    problems: int = 0


@dataclass(frozen=True)
class Supervision:
    """What replaying a listing's history gives.

    Parameters
    ----------
    version
        How many events.
    at
        Of the last event.
    due_on
        Last day in time; None: not listed.
    submitted_on
        Day of the submission that waits or was found good; the clock stands from it on.
    verified_at, hold_until
        Begin of the hold, and its last day.
    rectifiers
        Whoever rectified or submitted, as `person_key` writes them; none of them may verify.
    late
        Days after earlier deadlines, first and last included, before a new problem set a new one.
    escalated
        That the present deadline was passed has been noted.
    """

    state: str | None = None
    version: int = 0
    at: datetime | None = None
    listed_on: date | None = None
    due_on: date | None = None
    submitted_on: date | None = None
    verified_at: datetime | None = None
    hold_until: date | None = None
    rectifiers: tuple[str, ...] = ()
    verifier: str | None = None
    late: tuple[tuple[date, date], ...] = ()
    escalated: bool = False

    def late_days(self, today: date) -> tuple[tuple[date, date], ...]:
        """Every stretch of overdue days up to `today`, first and last included, in order."""
        if self.due_on is None:
            return self.late
        last = self.submitted_on or today
        return (*self.late, (self.due_on + timedelta(days=1), last)) if last > self.due_on else self.late


def person_key(actor: str) -> str:
    """A person as two spellings of one name are compared: width, case and spaces make no difference."""
    return " ".join(unicodedata.normalize("NFKC", actor).casefold().split())


def decide(now: Supervision, move: Move, policy: Policy) -> Supervision:
    """The listing after a move.

    Parameters
    ----------
    policy
        Of the move's day.

    Raises
    ------
    Conflict
        The move is not legal now; says what would be.
    ParameterError
        The move itself is incomplete or out of order.
    """
    _check_form(now, move)
    leaves, leads_to = MOVES[move.move]
    if now.state not in leaves:
        raise Conflict(_not_now(now, move.move))
    after = replace(now, state=leads_to or now.state, version=now.version + 1, at=move.at)
    match move.move:
        case "list":
            return replace(after, listed_on=move.day, due_on=move.day + timedelta(days=policy.listing_days))
        case "rectify":
            return replace(after, rectifiers=_with(now.rectifiers, move.actor))
        case "submit":
            return replace(after, rectifiers=_with(now.rectifiers, move.actor), submitted_on=move.day)
        case "verify":
            _refuse_rectifier(now, move)
            hold_until = move.day + timedelta(days=policy.hold_days)
            return replace(after, verifier=person_key(move.actor), verified_at=move.at, hold_until=hold_until)
        case "reject":
            _refuse_rectifier(now, move)
            return replace(after, submitted_on=None)
        case "put_back":
            return _put_back(now, after, move, policy)
        case "delist":
            _refuse_early(now, move)
        case "escalate":
            _refuse_escalation(now, move)
            return replace(after, escalated=True)
    return after


def replay(moves: Iterable[Move], policy_on: Callable[[date], Policy]) -> Supervision:
    """The listing that a history gives.

    Raises
    ------
    Conflict, ParameterError
        The history is not legal.
    """
    now = Supervision()
    for move in moves:
        now = decide(now, move, policy_on(move.day))
    return now


def legal_moves(now: Supervision) -> tuple[str, ...]:
    """Moves that the state allows; a deadline, a hold or the person may still forbid one."""
    return tuple(
        move
        for move, (leaves, _) in MOVES.items()
        if now.state in leaves and not (move == "escalate" and now.escalated)
    )


def overdue_days(now: Supervision, today: date) -> int:
    """Days after the deadlines, all together.

    The clock stands from the submission on that waits or was found good; if it is rejected, the days count after all.
    """
    return sum((last - first).days + 1 for first, last in now.late_days(today))


def overdue_days_within(now: Supervision, first: date, after: date, today: date) -> int:
    """Overdue days that fall into a period, `after` excluded; periods that join add up to the whole."""
    last_day = after - timedelta(days=1)
    return sum(max((min(last, last_day) - max(begin, first)).days + 1, 0) for begin, last in now.late_days(today))


def overdue_points(days: int, policy: Policy) -> int:
    """What so many overdue days cost."""
    return days * policy.overdue_points_per_day


def is_overdue(now: Supervision, today: date) -> bool:
    """Whether the present deadline was passed."""
    return now.state in DUE and now.due_on is not None and (now.submitted_on or today) > now.due_on


def due_move(now: Supervision, today: date, problems: int) -> str | None:
    """What the calendar itself does on a day: escalate, put_back, delist, or nothing.

    Parameters
    ----------
    problems
        New problems of its kind at the place in its hold, up to now.
    """
    if is_overdue(now, today) and not now.escalated:
        return "escalate"
    if now.state == "verified" and problems:
        return "put_back"
    if now.state == "verified" and now.hold_until is not None and today > now.hold_until:
        return "delist"
    return None


def _check_form(now: Supervision, move: Move) -> None:
    if move.move not in MOVES:
        msg = f"{move.move[:40]!r} is no move; moves are {', '.join(MOVES)}"
        raise ParameterError("move", msg)
    if not person_key(move.actor):
        msg = "say who did it; an empty name is nobody"
        raise ParameterError("actor", msg)
    if move.at.utcoffset() is None:
        msg = f"{move.at.isoformat()} needs a time zone, such as 2016-06-01T09:00:00+08:00"
        raise ParameterError("at", msg)
    if now.at is not None and move.at < now.at:
        msg = f"{move.at.isoformat()} is before the last event of this listing, {now.at.isoformat()}"
        raise ParameterError("at", msg)
    if move.move in NEED_REASON and not (move.reason or "").strip():
        msg = f"{move.move} needs a reason, because others have to answer for it"
        raise ParameterError("reason", msg)


def _not_now(now: Supervision, move: str) -> str:
    leaves = [one or "no listing yet" for one in MOVES[move][0]]
    may = ", ".join(legal_moves(now)) or "nothing more"
    return f"{move} is for {' or '.join(leaves)}, and this listing is {now.state}; now legal: {may}"


def _with(rectifiers: tuple[str, ...], actor: str) -> tuple[str, ...]:
    key = person_key(actor)
    return rectifiers if key in rectifiers else (*rectifiers, key)


def _refuse_rectifier(now: Supervision, move: Move) -> None:
    if person_key(move.actor) in now.rectifiers:
        msg = f"{move.actor.strip()} rectified this place, so somebody else has to {move.move} it"
        raise Conflict(msg)


def _put_back(now: Supervision, after: Supervision, move: Move, policy: Policy) -> Supervision:
    """A new problem in the hold: back to work with a new deadline; what was late before stays late."""
    if now.hold_until is not None and move.day > now.hold_until and not move.problems:
        msg = f"the hold ended on {now.hold_until} without a new problem: delist it"
        raise Conflict(msg)
    return replace(
        after,
        due_on=move.day + timedelta(days=policy.listing_days),
        submitted_on=None,
        verified_at=None,
        hold_until=None,
        verifier=None,
        late=now.late_days(move.day),
        escalated=False,
    )


def _refuse_early(now: Supervision, move: Move) -> None:
    if now.hold_until is not None and move.day <= now.hold_until:
        msg = f"the hold lasts until the end of {now.hold_until}; delist it after that, or put_back on a new problem"
        raise Conflict(msg)
    if move.problems:
        msg = f"{move.problems} new problems of its kind came to the place during the hold: put_back, not delist"
        raise Conflict(msg)


def _refuse_escalation(now: Supervision, move: Move) -> None:
    if now.escalated:
        msg = f"that its deadline of {now.due_on} was passed is noted already"
        raise Conflict(msg)
    if not is_overdue(now, move.day):
        msg = f"it is in time: its deadline is the end of {now.due_on}"
        raise Conflict(msg)
