"""Double ten 双十: the responsible person within ten minutes, enforcement officers within ten more (clause 7).

Step 1 begins when the problem is found and is done when the responsible person is on the spot. Step 2 begins when
persuasion fails and is done when enforcement officers are on the spot. Both ends are inclusive: 600 s is in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

ON_TIME = "on_time"
LATE = "late"
PENDING = "pending"
NOT_REQUIRED = "not_required"
MISSING = "missing"
VERDICTS = (ON_TIME, LATE, PENDING, NOT_REQUIRED, MISSING)
STEPS = (1, 2)


@dataclass(frozen=True)
class Response:
    """What double ten has to know of a case; instants are aware.

    Parameters
    ----------
    chaos
        Whether its category is one of the four chaoses 四乱, for which step 1 is required.
    arrived_at
        The responsible person on the spot.
    failed_at
        Persuasion failed.
    enforced_at
        Enforcement officers on the spot.
    ended_at
        Closed or void.
    void
        It ended as none; a merged case did, too.
    merged
        Its reports went to another case.
    """

    found_at: datetime
    chaos: bool
    arrived_at: datetime | None = None
    failed_at: datetime | None = None
    enforced_at: datetime | None = None
    ended_at: datetime | None = None
    void: bool = False
    merged: bool = False


@dataclass(frozen=True)
class Step:
    """How one of the two steps stands.

    Parameters
    ----------
    verdict
        One of VERDICTS.
    begun_at
        None: it has not begun.
    due_at
        The last instant that is in time.
    seconds
        From its beginning to its end; None: not done.
    """

    number: int
    verdict: str
    begun_at: datetime | None = None
    due_at: datetime | None = None
    seconds: float | None = None


def step(case: Response, number: int, now: datetime, limit_s: int) -> Step:
    """How a step stands at an instant; what happened later does not count.

    Parameters
    ----------
    number
        1 or 2.
    limit_s
        Seconds that the step may take, the last one included.

    Notes
    -----
    - Step 1 is required of the four chaoses; of other cases it is judged where an arrival is recorded [default].
    - Step 2 is required where persuasion failed.
    - A case merged into another requires nothing: the other one is judged [default].
    - A case found to be none (void) inside the limit requires nothing; afterwards voiding cannot undo a missing arrival
      [default].
    - pending: inside the limit. missing: the limit passed, or the case ended, without an arrival.
    """
    begun, done = (case.found_at, case.arrived_at) if number == 1 else (case.failed_at, case.enforced_at)
    if begun is None or begun > now:
        return Step(number, NOT_REQUIRED)
    ended = case.ended_at if case.ended_at is not None and case.ended_at <= now else None
    done = done if done is not None and done <= now else None
    due = begun + timedelta(seconds=limit_s)
    if case.merged and ended is not None:
        return Step(number, NOT_REQUIRED, begun, due)
    if done is not None:
        verdict = ON_TIME if done <= due else LATE
        return Step(number, verdict, begun, due, (done - begun).total_seconds())
    if number == 1 and not case.chaos:
        return Step(number, NOT_REQUIRED, begun, due)
    if ended is not None:
        return Step(number, NOT_REQUIRED if case.void and ended <= due else MISSING, begun, due)
    return Step(number, PENDING if now <= due else MISSING, begun, due)


def on_time_share(on_time: int, late: int, missing: int) -> float | None:
    """Share of the steps judged that were in time, 0 to 1; None where none was judged. Missing is not on time."""
    judged = on_time + late + missing
    return on_time / judged if judged else None
