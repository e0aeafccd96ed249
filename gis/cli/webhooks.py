"""`finegrid webhooks`: tell other systems of state changes, and see how that goes."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import click

from gis.cli.frame import city_transaction, json_option, open_engine, show
from gis.encoding import table_lines
from gis.rules.cases import MOVES
from gis.settings import settings
from gis.store.schema_cases import STATES
from gis.store.schema_webhooks import DELIVERY_STATES
from gis.webhooks.addresses import AllowedHosts
from gis.webhooks.courier import Courier
from gis.webhooks.deliveries import list_deliveries, read_delivery, retry
from gis.webhooks.pinging import ping
from gis.webhooks.subscriptions import (
    NewWebhook,
    add_webhook,
    change_secret,
    list_webhooks,
    remove_webhook,
    resume_webhook,
    signing_facts,
)

NUMBER = click.IntRange(1, 2**31 - 1)
DELIVERY = click.IntRange(1, 2**63 - 2)
LISTED = ("id", "active", "url", "pending", "given_up", "away", "moves", "states", "categories", "areas")
SHOWN = ("id", "subject", "subject_id", "number", "state", "attempts", "last_at", "last_status", "last_error")
secret_option = click.option(
    "--secret",
    metavar="SECRET",
    help="whsec_ and base64 of 24 to 64 bytes; - reads it from stdin. [default: one is made]",
)


@click.group("webhooks")
def webhooks_group() -> None:
    """Webhooks: tell other systems of state changes, signed, in order, until they took it."""


@webhooks_group.command("add")
@click.argument("url")
@secret_option
@click.option("--move", "moves", multiple=True, type=click.Choice(list(MOVES)), metavar="MOVE", help="Only these.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), metavar="STATE", help="Only moves that lead there."
)
@click.option("--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable.")
@click.option("--street", "areas", multiple=True, metavar="CODE", help="Of a street or another area; repeatable.")
@json_option
def add_command(*, url: str, secret: str | None, as_json: bool, **wanted: tuple[str, ...]) -> None:
    r"""Tell an address of state changes of cases, from now on.

    The secret with which messages are signed is shown this once; docs/webhooks.md says how a receiver checks it.
    Without --move, --state, --category and --street it hears everything.

    \b
    Examples:
      finegrid webhooks add https://hooks.city.cn/finegrid
      finegrid webhooks add http://10.1.2.3:8080/ --move dispatch --move rework --street 410102001
    """
    with city_transaction() as conn:
        added = add_webhook(conn, NewWebhook(url, _secret(secret), **wanted), _allowed())
    text = f"webhook {added['id']} tells {added['url']}\n{added['secret']}\nThe secret is not shown again."
    show(added, text, as_json=as_json)


@webhooks_group.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List webhooks, without their secrets, with what is pending and what was given up."""
    with city_transaction(read_only=True) as conn:
        rows = list_webhooks(conn)
    said = [{name: _said(value) for name, value in row.items()} for row in rows]
    show({"rows": rows}, "\n".join(table_lines(LISTED, said)) if rows else "no webhook yet", as_json=as_json)


@webhooks_group.command("remove")
@click.argument("webhook", type=NUMBER)
@json_option
def remove_command(*, webhook: int, as_json: bool) -> None:
    r"""Tell a webhook nothing more, and forget what it was told.

    \b
    Example:
      finegrid webhooks remove 3
    """
    with city_transaction() as conn:
        remove_webhook(conn, webhook)
    show({"removed": webhook}, f"webhook {webhook} is removed", as_json=as_json)


@webhooks_group.command("resume")
@click.argument("webhook", type=NUMBER)
@json_option
def resume_command(*, webhook: int, as_json: bool) -> None:
    """Go on with a webhook that had stopped or is away: what is pending is told at once, in order.

    A receiver that answers 410 Gone is stopped. What happened while it was stopped is not told.
    """
    with city_transaction() as conn:
        resume_webhook(conn, webhook)
    show({"resumed": webhook}, f"webhook {webhook} goes on", as_json=as_json)


@webhooks_group.command("secret")
@click.argument("webhook", type=NUMBER)
@secret_option
@json_option
def secret_command(*, webhook: int, secret: str | None, as_json: bool) -> None:
    """Give a webhook another secret, shown this once; the one before signs as well for 24 hours."""
    with city_transaction() as conn:
        fresh = change_secret(conn, webhook, _secret(secret), datetime.now(UTC))
    show({"webhook": webhook, "secret": fresh}, f"{fresh}\nThe secret is not shown again.", as_json=as_json)


@webhooks_group.command("test")
@click.argument("webhook", type=NUMBER)
@json_option
def test_command(*, webhook: int, as_json: bool) -> None:
    """Send a ping at once and say what came of it; exit 1 where the receiver did not take it."""
    with city_transaction(read_only=True) as conn:
        facts = signing_facts(conn, webhook)
    found = asyncio.run(ping(webhook, facts, _allowed(), settings().webhook_timeout_s, datetime.now(UTC)))
    said = f"taken ({found['status']})" if found["delivered"] else f"not taken: {found['error']}"
    show(found, f"{facts['url']}: {said}, {found['seconds']} s", as_json=as_json)
    if not found["delivered"]:
        raise SystemExit(1)


@webhooks_group.command("deliveries")
@click.argument("webhook", type=NUMBER)
@click.argument("delivery", type=DELIVERY, required=False)
@click.option("--failed", is_flag=True, help="Only what was given up.")
@click.option("--state", type=click.Choice(DELIVERY_STATES), help="Only those.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Most rows.")
@json_option
def deliveries_command(
    *, webhook: int, delivery: int | None, failed: bool, state: str | None, limit: int, as_json: bool
) -> None:
    r"""List what a webhook was told and has still to hear, newest first; or show one delivery with its body.

    \b
    Examples:
      finegrid webhooks deliveries 1 --failed
      finegrid webhooks deliveries 1 4711
    """
    with city_transaction(read_only=True) as conn:
        if delivery is not None:
            one = read_delivery(conn, webhook, delivery)
            lines = [f"{name}: {_said(value)}" for name, value in one.items()]
            show(one, "\n".join(lines), as_json=as_json)
            return
        rows = list_deliveries(conn, webhook, "given_up" if failed else state, limit=limit)
    said = [{name: _said(value) for name, value in row.items()} for row in rows]
    show({"rows": rows}, "\n".join(table_lines(SHOWN, said)) if rows else "nothing", as_json=as_json)


@webhooks_group.command("retry")
@click.argument("webhook", type=NUMBER)
@click.argument("delivery", type=DELIVERY, required=False)
@json_option
def retry_command(*, webhook: int, delivery: int | None, as_json: bool) -> None:
    r"""Tell again what was given up: all of it, or one delivery, also one that waits for its next attempt.

    \b
    Example:
      finegrid webhooks retry 1
    """
    with city_transaction() as conn:
        lines = retry(conn, webhook, delivery)
    show({"cases": lines}, f"events of {lines} cases are told again", as_json=as_json)


@webhooks_group.command("deliver")
@click.option("--once", is_flag=True, help="Tell what is due now, then end.")
@json_option
def deliver_command(*, once: bool, as_json: bool) -> None:
    r"""Tell webhooks what is due, until interrupted.

    `finegrid serve` does so by itself; this is for those who would rather leave it to cron or to a process of its own
    (FINEGRID_WEBHOOK_DELIVERY=false keeps the server from it). Several may run at once.

    \b
    Example:
      * * * * *  finegrid webhooks deliver --once
    """
    courier = Courier.of(open_engine(), settings())
    asyncio.run(courier.once() if once else _until_interrupted(courier))
    counts = {kind: courier.counts[kind] for kind in ("delivered", "refused", "away", "gone", "given_up")}
    text = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if count)
    show(counts, text or "nothing was due", as_json=as_json)


async def _until_interrupted(courier: Courier) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await courier.run(stopped)


def _allowed() -> AllowedHosts:
    return AllowedHosts.from_text(settings().webhook_hosts)


def _secret(given: str | None) -> str | None:
    return sys.stdin.readline().strip() if given == "-" else given


def _said(value: Any) -> Any:
    """A value for people: lists with commas, times to the second, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return ",".join(value) if isinstance(value, list) else value
