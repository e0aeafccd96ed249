"""`finegrid listings`: the worst of a period, the list of places under supervision, and what happens to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection, select
from tqdm import tqdm

from gis.city import City, read_city
from gis.cli.forms import DAY, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, show
from gis.encoding import Feature
from gis.errors import ParameterError
from gis.instants import read_instant
from gis.listing_by_hand import HandMade, list_by_hand
from gis.listing_reads import COLUMNS, OPEN, ListingQuery, list_listings, listing_shapes, read_listing, replayed
from gis.listings import propose, publish, record, tick
from gis.operations import inside, named
from gis.rules.periods import Period, parse_period
from gis.rules.supervision import CREATING, MOVES, STATES
from gis.store.schema_listings import KINDS, listings
from gis.worst import COLUMNS as WORST_COLUMNS
from gis.worst import worst

SENT = [move for move in MOVES if move not in CREATING]
WORST_SHOWN = ("kind", "rank", "code", "name", "street_name", "reports", "weighted", "score", "lon", "lat", "listing")
SHOWN = ("id", "kind", "period", "rank", "name", "street_name", "state", "score", "due_on", "days_left", "overdue_days")


def _period(_context: click.Context, _option: click.Parameter, text: str | None) -> Period | None:
    if text is None:
        return None
    try:
        return parse_period(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


period_argument = click.argument("period", callback=_period, metavar="PERIOD")
actor_option = click.option("--actor", required=True, help="Who does it.")
at_option = click.option(
    "--at", metavar="TIME", help="When, ISO 8601; the city's time where it names no zone. [default: now]"
)


@click.group("listings")
def listings_group() -> None:
    """Listed supervision 挂牌督办: worst segments and spots until they are clean."""


@listings_group.command("worst")
@period_argument
@format_option
@out_option
@json_option
def worst_command(*, period: Period, form: str, out: Path | None, as_json: bool) -> None:
    r"""Show the worst segments and spots of a period; nothing is stored.

    Segments by weighted problems per km, spots by density clusters in metres. The rule is printed with its numbers.
    Coordinates that too many reports share are shown apart, as the kind shared.

    \b
    Examples:
      finegrid listings worst 2016-06-T1
      finegrid listings worst 2016-06-T1 --format csv --out worst.csv
    """
    with city_transaction(read_only=True) as conn:
        found = worst(conn, period)
        head = {"period": period.name, "from": period.first, "to": period.after, "rule": found.rule()}
        rows = found.rows()
        form = "json" if as_json else form
        names = WORST_SHOWN if form == "table" else (*WORST_COLUMNS, "worked_out")
        features: Iterable[Feature] = (
            (
                f"{row['kind']}-{row['rank']}",
                b'{"type":"Point","coordinates":[%.7f,%.7f]}' % (row["lon"], row["lat"]),
                row,
            )
            for row in rows
        )
        write_answer(out, form, head | honest(read_city(conn)), list(names), rows, features)
    if form == "table":
        click.echo(found.rule()["text"], err=True)


@listings_group.command("propose")
@period_argument
@actor_option
@at_option
@json_option
def propose_command(*, period: Period, actor: str, at: str | None, as_json: bool) -> None:
    r"""Store the worst places of a ten-day period as proposals, with the rule and a digest of the facts.

    Again, it changes nothing, and says whether the facts are still the same. A place that is on the list already is not
    proposed a second time.

    \b
    Example:
      finegrid listings propose 2016-06-T1 --actor "supervision office"
    """
    with city_transaction() as conn:
        done = propose(conn, period, actor, _when(conn, at))
    facts = "the facts are the same" if done.same_facts else "the facts have changed since"
    text = (
        f"{period.name} was proposed at {done.proposed_at.isoformat()} already, {facts}; nothing was changed"
        if done.known
        else f"{period.name}: {len(done.ids)} places proposed, {done.ids[0]} to {done.ids[-1]}"
        if done.ids
        else f"{period.name}: no place was bad enough, or all are on the list already"
    )
    answer = {"period": period.name, "proposed": done.ids, "known": done.known, "same_facts": done.same_facts}
    show(answer, text, as_json=as_json)


@listings_group.command("publish")
@period_argument
@actor_option
@at_option
@json_option
def publish_command(*, period: Period, actor: str, at: str | None, as_json: bool) -> None:
    r"""List every place that a period's proposal left proposed; the deadlines begin.

    \b
    Example:
      finegrid listings publish 2016-06-T1 --actor "supervision office"
    """
    with city_transaction() as conn:
        ids = publish(conn, period, actor, _when(conn, at))
    text = f"{period.name}: {len(ids)} places listed"
    show({"period": period.name, "listed": ids}, text, as_json=as_json)


@listings_group.command("add")
@click.option("--segment", metavar="CODE", help="A road segment.")
@click.option("--lon", type=float, help="A spot.")
@click.option("--lat", type=float, help="A spot.")
@click.option("--crs", help="What --lon and --lat mean: wgs84, cgcs2000, gcj02 or bd09.")
@click.option(
    "--period", callback=_period, metavar="PERIOD", help="Whose reports it stands for. [default: that of --at]"
)
@click.option("--reason", required=True, help="Why.")
@actor_option
@at_option
@json_option
def add_command(*, crs: str | None, at: str | None, as_json: bool, **named: Any) -> None:
    r"""List a place by hand, whatever the rule says of it.

    \b
    Examples:
      finegrid listings add --segment R000017 --actor office --reason "the mayor's walk"
      finegrid listings add --lon 113.66 --lat 34.75 --crs gcj02 --actor office --reason "a market fire"
    """
    if named["lon"] is not None and crs is None:
        msg = "say what --lon and --lat mean with --crs: wgs84, cgcs2000, gcj02 or bd09; it is never guessed"
        raise click.UsageError(msg)
    now = datetime.now(UTC)
    with city_transaction() as conn:
        zone = read_city(conn).zone
        listing_id = list_by_hand(conn, HandMade(**named, datum=crs, at=_instant(at, zone)), now)
        listing = read_listing(conn, listing_id, now.astimezone(zone).date())
    show(listing, _described(listing, zone), as_json=as_json)


@listings_group.command("list")
@click.option("--state", type=click.Choice((OPEN, *STATES)), help="open: on the public list. [default: any]")
@click.option("--period", callback=_period, metavar="PERIOD", help="Whose reports they stand for.")
@click.option("--kind", type=click.Choice(KINDS), help="[default: both]")
@click.option("--street", metavar="CODE", help="Of a street or district.")
@click.option("--operation", metavar="CODE", help="Only places inside this special operation, on the list at its time.")
@click.option("--on", "on_day", type=DAY, metavar="DAY", help="Day for which deadlines are counted. [default: today]")
@format_option
@out_option
@json_option
def list_command(
    *, operation: str | None, on_day: datetime | None, form: str, out: Path | None, as_json: bool, **chosen: Any
) -> None:
    r"""Show the list: newest period first, segments before spots, worst first.

    \b
    Examples:
      finegrid listings list --state open
      finegrid listings list --street 410102001 --format geojson --out listed.geojson
    """
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        today = _today(city, on_day)
        within = None if operation is None else inside(conn, operation)
        rows = list_listings(conn, ListingQuery(**chosen, operation=within), today)
        form = "json" if as_json else form
        features: Iterable[Feature] = ()
        if form == "geojson":
            shapes = listing_shapes(conn, [row["id"] for row in rows])
            features = [(str(row["id"]), shapes[row["id"]], row) for row in rows]
        names = SHOWN if form == "table" else COLUMNS
        write_answer(out, form, {"on": today, **named(within), **honest(city)}, list(names), rows, features)


@listings_group.command("show")
@click.argument("listing_id", type=click.IntRange(1, (1 << 63) - 1), metavar="LISTING")
@click.option("--on", "on_day", type=DAY, metavar="DAY", help="Day for which deadlines are counted. [default: today]")
@json_option
def show_command(*, listing_id: int, on_day: datetime | None, as_json: bool) -> None:
    """Show one listing with its score worked out and its history."""
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        listing = read_listing(conn, listing_id, _today(city, on_day))
    show(listing, _described(listing, city.zone), as_json=as_json)


@listings_group.command("move")
@click.argument("listing_id", type=click.IntRange(1, (1 << 63) - 1), metavar="LISTING")
@click.argument("move", type=click.Choice(SENT), metavar="MOVE")
@actor_option
@at_option
@click.option("--reason", help="Why; needed by dismiss, reject and put_back.")
@click.option("--expected", type=int, help="How many events you know of; refused where there are more.")
@json_option
def move_command(*, listing_id: int, at: str | None, as_json: bool, **sent: Any) -> None:
    r"""Let something happen to a listing; only legal moves, each kept in its history.

    \b
    MOVE is one of
      list dismiss                   a proposal goes on the list, or is not taken up
      rectify submit                 work begins; it is said to be done
      verify reject                  somebody else looked: it is clean, or it is not
      put_back delist                a new problem in the hold; or none until its end
      escalate                       the deadline was passed (finegrid listings tick does it by itself)

    \b
    Examples:
      finegrid listings move 7 rectify --actor "street office"
      finegrid listings move 7 reject --actor "inspector 3" --reason "stalls are back"
    """
    now = datetime.now(UTC)
    with city_transaction() as conn:
        city = read_city(conn)
        record(conn, listing_id, now=now, at=_instant(at, city.zone), **sent)
        listing = read_listing(conn, listing_id, now.astimezone(city.zone).date())
    show(listing, _described(listing, city.zone), as_json=as_json)


@listings_group.command("tick")
@at_option
@json_option
def tick_command(*, at: str | None, as_json: bool) -> None:
    r"""Do what the calendar does by itself: escalate what is overdue, put back or delist after the hold.

    Again at the same time, it does nothing; run it once a day after midnight.

    \b
    Example:
      finegrid listings tick
    """
    with city_transaction() as conn:
        done = tick(conn, _when(conn, at))
    lines = [f"listing {one['id']}: {one['move']}, now {one['state']}; {one['reason']}" for one in done]
    show({"moves": done}, "\n".join(lines) or "nothing was due", as_json=as_json)


@listings_group.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Replay every history and compare with the stored listings; exit 1 where one differs."""
    with city_transaction(read_only=True) as conn:
        ids = list(conn.execute(select(listings.c.id).order_by(listings.c.id)).scalars())
        pairs = ((one, *replayed(conn, one)) for one in tqdm(ids, desc="listings", unit=" listings", disable=None))
        differ = [one for one, stored, again in pairs if stored != again]
    text = f"{len(ids):,} histories replayed: {len(differ)} listings differ"
    show({"listings": len(ids), "differ": differ}, "\n  ".join([text, *map(str, differ[:20])]), as_json=as_json)
    if differ:
        raise SystemExit(1)


def _when(conn: Connection, at: str | None) -> datetime:
    """The time of a command that sets the clock itself.

    Raises
    ------
    ParameterError
        It lies in the future.
    """
    now = datetime.now(UTC)
    chosen = _instant(at, read_city(conn).zone) or now
    if chosen > now:
        msg = f"{chosen.isoformat()} lies in the future"
        raise ParameterError("--at", msg)
    return chosen


def _instant(at: str | None, zone: ZoneInfo) -> datetime | None:
    return None if at is None else read_instant("--at", at, zone)


def _today(city: City, on_day: datetime | None) -> date:
    return on_day.date() if on_day else datetime.now(city.zone).date()


def _described(listing: dict[str, Any], zone: Any) -> str:
    place = listing["code"] or f"{listing['lon']:.6f}, {listing['lat']:.6f}"
    where = f"{listing['kind']} {place} {listing['name'] or ''}, {listing['street_name'] or '-'}"
    left = listing["days_left"]
    clock = (
        f"{listing['overdue_days']} days overdue" if listing["overdue_days"] else f"{left} days left" if left else "-"
    )
    lines = [
        f"listing {listing['id']}: {listing['state']}, {where}, of {listing['period']}",
        f"  {listing['worked_out']}",
        f"  responsible {listing['responsible'] or '-'}, due {listing['due_on'] or '-'}, {clock}",
    ]
    for event in listing["history"]:
        at = event["at"].astimezone(zone).strftime("%Y-%m-%d %H:%M")
        lines.append(
            f"  {event['number']:>3}  {at}  {event['move']:<9} {event['actor']}  {event['reason'] or ''}".rstrip()
        )
    return "\n".join(lines)
