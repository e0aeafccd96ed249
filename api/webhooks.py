"""GET, POST and DELETE /webhooks: who is told of state changes, and how that goes. All of it needs the key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import JsonBody, body_of, checked
from api.dependencies import KeyHolder, Reading, Writing, in_turn
from api.encoding import json_answer
from api.parameters import only_known
from gis.rules.cases import MOVES
from gis.settings import settings
from gis.store.schema_cases import STATES
from gis.store.schema_webhooks import DELIVERY_STATES
from gis.webhooks.addresses import AllowedHosts
from gis.webhooks.deliveries import list_deliveries, read_delivery, retry
from gis.webhooks.pinging import ping
from gis.webhooks.subscriptions import (
    NewWebhook,
    add_webhook,
    change_secret,
    list_webhooks,
    read_webhook,
    remove_webhook,
    resume_webhook,
    signing_facts,
)

router = APIRouter(tags=["webhooks"], dependencies=[Depends(only_known), KeyHolder])
MOST = 1000
# What is pending changes with every attempt, without a new version of the data; so nothing here may be kept.
FRESH = {"Cache-Control": "no-store"}
Code = Annotated[str, Field(max_length=200)]
Codes = Annotated[list[Code], Field(max_length=200)]
WebhookId = Annotated[int, Path(ge=1, lt=1 << 31, description="Number of the webhook")]
DeliveryId = Annotated[int, Path(ge=1, lt=(1 << 63) - 1, description="Number of the delivery")]


class NewSubscription(BaseModel):
    """A webhook as a client wants it."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2000)] = Field(
        description="Where to send; http or https", examples=["https://hooks.city.cn/finegrid"]
    )
    secret: Code | None = Field(None, description="whsec_ and base64 of 24 to 64 bytes; made where not given")
    moves: Codes = Field([], description=f"Only these of {', '.join(MOVES)}; none: all", examples=[["dispatch"]])
    states: Codes = Field([], description=f"Only moves that lead to these of {', '.join(STATES)}; none: all")
    categories: Codes = Field([], description="Only these, as GET /density takes them; none: all")
    streets: Codes = Field([], description="Codes of streets or other areas; none: everywhere")


class NewSecret(BaseModel):
    """Another secret."""

    model_config = ConfigDict(extra="forbid")

    secret: Code | None = Field(None, description="whsec_ and base64 of 24 to 64 bytes; made where not given")


class Again(BaseModel):
    """What to tell again."""

    model_config = ConfigDict(extra="forbid")

    delivery: Annotated[int, Field(ge=1, lt=(1 << 63) - 1)] | None = Field(
        None, description="Number of a delivery that waits or was given up; none: all that were given up"
    )


def allowed_hosts() -> AllowedHosts:
    """Hosts that this deployment lets webhooks lead to."""
    return AllowedHosts.from_text(settings().webhook_hosts)


@router.get("/webhooks", summary="All webhooks", description="Without their secrets, with how it goes.")
def get_webhooks(conn: Reading) -> Response:
    """All webhooks."""
    return json_answer({"rows": list_webhooks(conn)}, headers=FRESH)


@router.post(
    "/webhooks",
    status_code=201,
    summary="Tell an address of state changes",
    description="The answer holds the secret with which messages are signed: this once and never again.",
    openapi_extra=body_of(NewSubscription),
)
def post_webhook(body: JsonBody, conn: Writing) -> Response:
    """Add a webhook."""
    sent: NewSubscription = checked(NewSubscription, body)
    new = NewWebhook(
        sent.url, sent.secret, tuple(sent.moves), tuple(sent.states), tuple(sent.categories), tuple(sent.streets)
    )
    added = add_webhook(conn, new, allowed_hosts())
    return json_answer(added, 201, {"Location": f"/webhooks/{added['id']}", **FRESH})


@router.get("/webhooks/{webhook_id}", summary="One webhook", description="Without its secret.")
def get_webhook(conn: Reading, webhook_id: WebhookId) -> Response:
    """One webhook."""
    return json_answer(read_webhook(conn, webhook_id), headers=FRESH)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    summary="Tell an address nothing more",
    description="What it was told, and what was still to be told, is forgotten.",
)
def delete_webhook(conn: Writing, webhook_id: WebhookId) -> Response:
    """Remove a webhook."""
    remove_webhook(conn, webhook_id)
    return Response(status_code=204)


@router.post(
    "/webhooks/{webhook_id}/ping",
    summary="Send a ping at once and say what came of it",
    description="One attempt, signed like all others. `delivered` says whether the receiver took it.",
)
async def post_ping(request: Request, webhook_id: WebhookId) -> Response:
    """Try a receiver. No connection to the database is held while it takes its time."""
    facts = await in_turn(request, lambda conn: signing_facts(conn, webhook_id))
    return json_answer(await ping(webhook_id, facts, allowed_hosts(), settings().webhook_timeout_s, datetime.now(UTC)))


@router.post(
    "/webhooks/{webhook_id}/resume",
    summary="Tell a webhook again that had stopped",
    description="What was still to be told is told at once, in order; what happened while it was stopped is not.",
)
def post_resume(conn: Writing, webhook_id: WebhookId) -> Response:
    """Go on."""
    resume_webhook(conn, webhook_id)
    return json_answer(read_webhook(conn, webhook_id))


@router.post(
    "/webhooks/{webhook_id}/secret",
    summary="Give a webhook another secret",
    description="Shown this once. The one before signs as well for 24 hours.",
    openapi_extra=body_of(NewSecret),
)
def post_secret(conn: Writing, webhook_id: WebhookId, body: JsonBody) -> Response:
    """Change the secret."""
    sent: NewSecret = checked(NewSecret, body)
    secret = change_secret(conn, webhook_id, sent.secret, datetime.now(UTC))
    return json_answer({**read_webhook(conn, webhook_id), "secret": secret}, headers=FRESH)


@router.post(
    "/webhooks/{webhook_id}/retry",
    summary="Tell again what was given up",
    description="All of it, or one delivery, also one that waits for its next attempt. 409 where the webhook is "
    "stopped or took it already.",
    openapi_extra=body_of(Again),
)
def post_retry(conn: Writing, webhook_id: WebhookId, body: JsonBody) -> Response:
    """Tell again."""
    sent: Again = checked(Again, body)
    return json_answer({"cases": retry(conn, webhook_id, sent.delivery)})


State = Annotated[str | None, Query(description=f"Only those that are {', '.join(DELIVERY_STATES)}")]
Limit = Annotated[int, Query(ge=1, description=f"Most rows; {MOST} at most")]
Before = Annotated[int | None, Query(ge=1, lt=1 << 63, description="Where the next page begins; taken from `next`")]


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    summary="What a webhook was told",
    description="Newest first, with what is still to be told and what was given up. `next` is the address of the "
    "following page, absent on the last.",
)
def get_deliveries(
    request: Request,
    conn: Reading,
    webhook_id: WebhookId,
    state: State = None,
    limit: Limit = 100,
    before: Before = None,
) -> Response:
    """A page of deliveries."""
    limit = min(limit, MOST)
    rows = list_deliveries(conn, webhook_id, state, before, limit)
    answer: dict[str, Any] = {"rows": rows}
    if len(rows) == limit:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "before"]
        query = urlencode([*kept, ("before", str(rows[-1]["id"]))])
        answer["next"] = f"/webhooks/{webhook_id}/deliveries?{query}"
    return json_answer(answer, headers=FRESH)


@router.get(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    summary="One delivery with its body",
    description="`body` is, byte for byte, what is sent.",
)
def get_delivery(conn: Reading, webhook_id: WebhookId, delivery_id: DeliveryId) -> Response:
    """One delivery."""
    return json_answer(read_delivery(conn, webhook_id, delivery_id), headers=FRESH)
