"""Who is told of state changes: webhooks, what each wants to hear, and their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from gis.density import category_ids
from gis.errors import Conflict, NotFound, ParameterError
from gis.rules.cases import MOVES
from gis.store.database import bump_version, sql
from gis.store.schema import areas
from gis.store.schema_cases import STATES
from gis.store.schema_webhooks import deliveries, webhooks
from gis.webhooks.addresses import AllowedHosts, checked_url
from gis.webhooks.signing import key_of, new_secret

MOST = 100
"""Webhooks of a city: each costs every state change a little."""
OLD_SECRET_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class NewWebhook:
    """A webhook as somebody wants it, nothing checked yet.

    Parameters
    ----------
    secret
        `whsec_` and base64; None: one is made.
    moves, states
        Only these moves, only moves that lead to these states; none: all.
    categories
        As in `gis.density.DensityQuery`; none: all.
    areas
        Codes of streets or other areas in which the problem lies; none: everywhere.
    """

    url: str
    secret: str | None = None
    moves: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()


def add_webhook(conn: Connection, new: NewWebhook, allowed: AllowedHosts) -> dict[str, Any]:
    """Take on a webhook; the answer holds its secret, which is shown this once.

    Raises
    ------
    ParameterError
        The address is none or not allowed; there is no such move, state, category or area; the secret is too weak.
    Conflict
        There are too many.
    """
    url = checked_url(new.url, allowed)
    secret = new.secret or new_secret()
    key_of(secret)
    wanted = category_ids(conn, new.categories)
    values = {
        "url": url,
        "secret": secret,
        "moves": _known("move", new.moves, tuple(MOVES)),
        "states": _known("state", new.states, STATES),
        "category_ids": None if wanted is None else list(wanted),
        "area_ids": _area_ids(conn, new.areas),
    }
    if len(conn.execute(select(webhooks.c.id).limit(MOST)).all()) >= MOST:
        msg = f"there are {MOST} webhooks already; remove one that nobody needs"
        raise Conflict(msg)
    webhook_id = conn.execute(insert(webhooks).values(values).returning(webhooks.c.id)).scalar_one()
    bump_version(conn, "webhooks")
    return {**read_webhook(conn, webhook_id), "secret": secret}


def _known(parameter: str, given: Sequence[str], known: tuple[str, ...]) -> list[str] | None:
    for one in given:
        if one not in known:
            raise ParameterError(parameter, f"{one[:40]!r} is none of {', '.join(known)}")
    return sorted(set(given), key=known.index) or None


def _area_ids(conn: Connection, codes: Sequence[str]) -> list[int] | None:
    found = {row.code: row.id for row in conn.execute(select(areas.c.code, areas.c.id).where(areas.c.code.in_(codes)))}
    for code in codes:
        if code not in found:
            raise ParameterError("street", f"there is no area {code[:40]!r}; GET /areas lists all")
    return sorted(found.values()) or None


def list_webhooks(conn: Connection) -> list[dict[str, Any]]:
    """All webhooks in the order in which they were added, without their secrets, with how it goes."""
    return [dict(row) for row in conn.execute(sql("webhooks"), {"webhook_id": None}).mappings()]


def read_webhook(conn: Connection, webhook_id: int) -> dict[str, Any]:
    """One webhook without its secret.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    row = conn.execute(sql("webhooks"), {"webhook_id": webhook_id}).mappings().first()
    if row is None:
        raise _no_such(webhook_id)
    return dict(row)


def signing_facts(conn: Connection, webhook_id: int) -> dict[str, Any]:
    """Address and secret of a webhook, for a ping.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    chosen = select(webhooks.c.url, webhooks.c.secret).where(webhooks.c.id == webhook_id)
    row = conn.execute(chosen).mappings().first()
    if row is None:
        raise _no_such(webhook_id)
    return dict(row)


def remove_webhook(conn: Connection, webhook_id: int) -> None:
    """Tell a webhook nothing more, and forget what it was told.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    if not conn.execute(select(webhooks.c.id).where(webhooks.c.id == webhook_id)).scalar():
        raise _no_such(webhook_id)
    told = (deliveries.c.webhook_id == webhook_id) & (deliveries.c.state != "pending")
    conn.execute(delete(deliveries).where(told))
    # Whoever tells or announces holds lines and then needs the webhook; here it would be the other way round, so they
    # are let finish first. Most of what there is to delete is gone by then.
    conn.execute(text("LOCK TABLE delivery_lines IN EXCLUSIVE MODE"))
    conn.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
    bump_version(conn, "webhooks")


def resume_webhook(conn: Connection, webhook_id: int) -> None:
    """Tell a webhook again that had stopped or is away, at once, in order; what happened meanwhile is not told.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    values = {"stopped_because": None, "failures": 0, "paused_until": None}
    if not conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(values)).rowcount:
        raise _no_such(webhook_id)
    conn.execute(sql("webhook_bring_forward"), {"webhook_id": webhook_id})
    bump_version(conn, "webhooks")


def change_secret(conn: Connection, webhook_id: int, secret: str | None, now: datetime) -> str:
    """Give a webhook another secret; the one before signs as well for a day, so that nothing is refused meanwhile.

    Parameters
    ----------
    secret
        None: one is made.

    Raises
    ------
    NotFound
        There is none of this number.
    ParameterError
        The secret is too weak.
    """
    fresh = secret or new_secret()
    key_of(fresh)
    values = {"secret": fresh, "old_secret": webhooks.c.secret, "old_until": now + OLD_SECRET_FOR}
    if not conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(values)).rowcount:
        raise _no_such(webhook_id)
    bump_version(conn, "webhooks")
    return fresh


def _no_such(webhook_id: int) -> NotFound:
    return NotFound(f"there is no webhook {webhook_id}")
