"""A ping: sent at once and once, to try a receiver and its check of the signature."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gis.encoding import to_json
from gis.webhooks.addresses import AllowedHosts
from gis.webhooks.sending import Sender
from gis.webhooks.signing import key_of, signed_headers


async def ping(
    webhook_id: int, facts: Mapping[str, Any], allowed: AllowedHosts, timeout_s: float, now: datetime
) -> dict[str, Any]:
    """Send one and say what came of it.

    Parameters
    ----------
    facts
        `url` and `secret` of the webhook.
    now
        The clock, aware.
    """
    message = f"msg_{uuid.uuid4().hex}"
    body = to_json({"type": "ping", "timestamp": now.isoformat(), "data": {"webhook": webhook_id}})
    sender = Sender(allowed, timeout_s)
    began = time.perf_counter()
    try:
        outcome = await sender.send(
            facts["url"], signed_headers([key_of(facts["secret"])], message, now, body), body, now
        )
    finally:
        await sender.close()
    return {
        "webhook": webhook_id,
        "message": message,
        "delivered": outcome.kind == "delivered",
        "status": outcome.status,
        "error": outcome.error,
        "seconds": round(time.perf_counter() - began, 3),
    }
