"""The queue in the database: lines are taken, told one event at a time, moved on, given back.

A line stands for all that one webhook still has to hear about one case. Only one worker holds a line at a time, so
events of a case arrive in order, through all retries. Holding is a lease: `next_at` lies in the future, and a worker
that dies is followed by another after it; what was on its way then is told again, with the same webhook-id. `claim`
counts who took the line, so that a worker that was asleep for longer than its lease changes nothing any more.

The queue runs on the database's clock, the only one that all servers share.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select, text, update

from gis.store.database import bump_version, sql
from gis.store.schema_webhooks import deliveries, delivery_lines, webhooks
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.sending import Outcome
from gis.webhooks.signing import key_of

PER_WEBHOOK = 8
"""Lines of one webhook that a worker holds at most, so that a slow receiver leaves room for others."""
GONE_TEXT = "the receiver answered 410 Gone: it wants no more"
FORGET_AT_ONCE = 1000


class LineBusy(Exception):
    """Something is being added to the line at this moment; settle it again a little later."""


@dataclass(frozen=True)
class Claim:
    """A line that this worker holds, and what it has to tell next.

    Parameters
    ----------
    claim
        Proof that it is still this worker's.
    outbox_id, message, body
        What stands at its front; the message is its webhook-id.
    keys
        That sign it.
    failures
        Times in a row that nobody was there, when the line was taken.
    pending
        False: the front was told already; the line only has to move on.
    attempts
        Failed ones so far.
    """

    webhook_id: int
    subject: str
    subject_id: int
    claim: int
    outbox_id: int
    message: str
    body: bytes
    url: str
    keys: tuple[bytes, ...]
    failures: int
    pending: bool
    attempts: int


def take(conn: Connection, room: int, taken: Mapping[int, int], lease_s: float) -> list[Claim]:
    """Lines that are due.

    Parameters
    ----------
    room
        Most lines.
    taken
        How many lines of each webhook the worker holds already.
    lease_s
        Seconds after which another worker may take over.
    """
    _lazily(conn)
    parameters = {
        "room": room,
        "each": PER_WEBHOOK,
        "lease_s": lease_s,
        "taken_ids": list(taken),
        "taken_counts": list(taken.values()),
    }
    return [_claim(row) for row in conn.execute(sql("webhook_claim"), parameters)]


def _claim(row: Row[Any]) -> Claim:
    secrets = [secret for secret in (row.secret, row.old_secret) if secret is not None]
    return Claim(
        row.webhook_id,
        row.subject,
        row.subject_id,
        row.claim,
        row.outbox_id,
        row.message,
        row.body.encode(),
        row.url,
        tuple(key_of(secret) for secret in secrets),
        row.failures,
        row.pending,
        row.attempts,
    )


def settle(
    conn: Connection, held: Claim, outcome: Outcome | None, plan: RetryPlan, lease_s: float, chance: random.Random
) -> Claim | None:
    """Write down what came of an attempt and move the line on.

    Parameters
    ----------
    outcome
        None: there was no attempt, because the front had been told already.

    Returns
    -------
    The same line with its next event, to be told at once; None: the line is not this worker's any more, because it is
    told to its end, has to wait, or another took over.

    Raises
    ------
    LineBusy
        Nothing was written, because a transaction is adding to the line; settle it again a little later.
    """
    lazily = func.set_config("synchronous_commit", "off", True)
    locked = select(delivery_lines.c.claim, lazily).where(_line(held)).with_for_update(skip_locked=True)
    mine = conn.execute(locked).scalar()
    if mine is None and conn.execute(select(delivery_lines.c.claim).where(_line(held))).scalar() == held.claim:
        raise LineBusy
    state = _state_after(held, outcome, plan)
    if mine != held.claim:
        # Another worker tells this line, or the webhook was removed. That it was taken is true all the same; that it
        # was not is no news, and must not make pending again what was given up since.
        if outcome is not None and state == "delivered":
            _note(conn, held, outcome, state)
        return None
    if outcome is None or outcome.kind == "delivered":
        if held.failures:
            _is_back(conn, held.webhook_id)
        return _move_on(conn, held, outcome, state, lease_s)
    if outcome.kind == "gone":
        stop(conn, held.webhook_id, GONE_TEXT)
    away = outcome.kind == "away"
    if away:
        _is_away(conn, held, max(plan.pause_s(held.failures + 1, chance), outcome.retry_after_s))
    if state == "given_up":
        _move_on(conn, held, outcome, state, max(plan.wait_s(1, chance), outcome.retry_after_s), away=away)
    else:
        _note(conn, held, outcome, state)
        wait_s = max(plan.wait_s(held.attempts + 1, chance), outcome.retry_after_s)
        conn.execute(update(delivery_lines).where(_line(held)).values(next_at=_from_now(wait_s), away=away))
    return None


def _state_after(held: Claim, outcome: Outcome | None, plan: RetryPlan) -> str:
    if outcome is None or outcome.kind == "delivered":
        return "delivered"
    return "given_up" if held.attempts + 1 >= plan.attempts else "pending"


def give_back(conn: Connection, held: Claim) -> None:
    """Let another worker have the line at once; no attempt is counted."""
    _lazily(conn)
    conn.execute(
        update(delivery_lines).where(_line(held), delivery_lines.c.claim == held.claim).values(next_at=func.now())
    )


def stop(conn: Connection, webhook_id: int, reason: str) -> None:
    """Tell a webhook nothing more; what is pending stays."""
    conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(stopped_because=reason))
    bump_version(conn, "webhooks")


def forget(conn: Connection, before: datetime) -> int:
    """Forget what was announced before a moment and is pending for nobody; answers how many, FORGET_AT_ONCE at most."""
    return conn.execute(sql("webhook_forget"), {"before": before, "most": FORGET_AT_ONCE}).rowcount


def _lazily(conn: Connection) -> None:
    # Losing the last moments of the queue in a crash means telling something twice, which may happen anyway; so there
    # is no need to wait for the disk.
    conn.execute(text("SET LOCAL synchronous_commit = off"))


def _line(held: Claim) -> Any:
    line = delivery_lines.c
    return and_(line.webhook_id == held.webhook_id, line.subject == held.subject, line.subject_id == held.subject_id)


def _from_now(seconds: float) -> Any:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam(None, seconds))


def _note(conn: Connection, held: Claim, outcome: Outcome, state: str) -> None:
    """What is known to be delivered stays so, whoever else tries."""
    conn.execute(
        update(deliveries)
        .where(
            deliveries.c.webhook_id == held.webhook_id,
            deliveries.c.outbox_id == held.outbox_id,
            deliveries.c.state != "delivered",
        )
        .values(
            state=state,
            attempts=deliveries.c.attempts + 1,
            last_at=func.now(),
            last_status=outcome.status,
            last_error=outcome.error,
        )
    )


def _move_on(
    conn: Connection, held: Claim, outcome: Outcome | None, state: str, wait_s: float, *, away: bool = False
) -> Claim | None:
    """The line with its next event; ended where there is none. It is locked, so nothing can be added meanwhile."""
    parameters = {
        "webhook_id": held.webhook_id,
        "subject": held.subject,
        "subject_id": held.subject_id,
        "outbox_id": held.outbox_id,
        "attempted": outcome is not None,
        "state": state,
        "status": outcome and outcome.status,
        "error": outcome and outcome.error,
        "wait_s": wait_s,
        "away": away,
    }
    row = conn.execute(sql("webhook_moved_on"), parameters).one_or_none()
    if row is None:
        return None
    return replace(
        held,
        outbox_id=row.outbox_id,
        message=row.message,
        body=row.body.encode(),
        failures=0,
        pending=True,
        attempts=row.attempts,
    )


def _is_away(conn: Connection, held: Claim, pause_s: float) -> None:
    """Leave the receiver alone for a while; attempts that were under way together count once."""
    paused = webhooks.c.paused_until
    conn.execute(
        update(webhooks)
        .where(webhooks.c.id == held.webhook_id, paused.is_(None) | (paused <= func.now()))
        .values(failures=webhooks.c.failures + 1, paused_until=_from_now(pause_s))
    )


def _is_back(conn: Connection, webhook_id: int) -> None:
    conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(failures=0, paused_until=None))
    conn.execute(sql("webhook_bring_forward"), {"webhook_id": webhook_id})
