"""What webhooks were told, what they have still to hear, and telling it again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from gis.errors import Conflict, NotFound, ParameterError
from gis.store.database import sql
from gis.store.schema_webhooks import DELIVERY_STATES, outbox, webhooks
from gis.webhooks.subscriptions import read_webhook


def list_deliveries(
    conn: Connection, webhook_id: int, state: str | None = None, before: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """A page of deliveries, newest first.

    Parameters
    ----------
    state
        One of DELIVERY_STATES; None: all.
    before
        Only those with a smaller id.

    Raises
    ------
    NotFound
        There is no such webhook.
    ParameterError
        There is no such state.
    """
    read_webhook(conn, webhook_id)
    if state is not None and state not in DELIVERY_STATES:
        raise ParameterError("state", f"{state[:40]!r} is none of {', '.join(DELIVERY_STATES)}")
    parameters = {"webhook_id": webhook_id, "state": state, "before_id": before, "row_limit": limit}
    return [dict(row) for row in conn.execute(sql("webhook_deliveries"), parameters).mappings()]


def read_delivery(conn: Connection, webhook_id: int, outbox_id: int) -> dict[str, Any]:
    """One delivery with its body, byte for byte as it is sent.

    Raises
    ------
    NotFound
        There is no such webhook, it has no such delivery, or that was forgotten.
    """
    found = list_deliveries(conn, webhook_id, before=outbox_id + 1, limit=1)
    if not found or found[0]["id"] != outbox_id:
        msg = f"webhook {webhook_id} has no delivery {outbox_id}; what is done with is forgotten after some weeks"
        raise NotFound(msg)
    body = conn.execute(select(outbox.c.body).where(outbox.c.id == outbox_id)).scalar_one()
    return {**found[0], "body": body}


def retry(conn: Connection, webhook_id: int, outbox_id: int | None = None) -> int:
    """Tell a webhook again what was given up: one entry, or all; answers of how many cases.

    An entry that waits for its next attempt is told at once. What was given up is told after what followed it in the
    same case, if that was told already; `number` in the body shows the order.

    Raises
    ------
    NotFound
        There is no such webhook, or it has no such entry.
    Conflict
        The webhook is stopped, or took the entry already.
    """
    if not read_webhook(conn, webhook_id)["active"]:
        msg = f"webhook {webhook_id} is stopped; resume it first"
        raise Conflict(msg)
    if outbox_id is not None and read_delivery(conn, webhook_id, outbox_id)["state"] == "delivered":
        msg = f"webhook {webhook_id} took delivery {outbox_id} already"
        raise Conflict(msg)
    lines = conn.execute(sql("webhook_retry"), {"webhook_id": webhook_id, "outbox_id": outbox_id}).all()
    if lines:
        conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(paused_until=None))
    return len(lines)
