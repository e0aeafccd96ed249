"""`finegrid open311`: asking other cities' Open311 servers, and the contacts that citizens left at ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from gis.city import read_city
from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.encoding import table_lines
from gis.geometry.datum import parse_crs
from gis.open311.contacts import forget_contact, forget_contacts, read_contact
from gis.open311.documents import Form
from gis.open311.incoming import read_category_map
from gis.open311.instants import read_instant
from gis.open311.pulling import Pull, PullOrder, PullSummary, checked_window
from gis.open311.remote import Remote
from gis.report_rejects import RejectsFile
from gis.report_rows import AMBIGUOUS
from gis.reports import category_spellings
from gis.store.schema import SOURCE_KINDS

HOUR_S = 3600
form_option = click.option(
    "--form", type=click.Choice(["json", "xml"]), help="Which form to ask for. [default: whichever it has]"
)
jurisdiction_option = click.option("--jurisdiction", default="", help="jurisdiction_id, where the server wants one.")
pause_option = click.option(
    "--pause", type=click.FloatRange(0, 60), default=0.2, show_default=True, help="Seconds between two questions."
)


@click.group("open311")
def open311_group() -> None:
    """Open311: ask other cities' servers (`finegrid serve` answers as one itself), and see to contacts of citizens."""


@open311_group.command("services")
@click.argument("url")
@jurisdiction_option
@form_option
@json_option
def services_command(*, url: str, jurisdiction: str, form: Form | None, as_json: bool) -> None:
    r"""List what can be reported at another server, and which category here each would be.

    \b
    Where `category` is empty, `finegrid open311 pull` needs to be told: --map CODE=CATEGORY.
      finegrid open311 services https://311.example.org/open311/v2
    """
    with Remote(url, jurisdiction, form=form) as remote:
        found = remote.services()
    with city_transaction(read_only=True) as conn:
        spellings = category_spellings(conn)
    names = ("service_code", "service_name", "group")
    rows = [{name: row.get(name) for name in names} | {"category": _category(row, spellings)} for row in found]
    lines = table_lines([*names, "category"], rows)
    show({"services": rows}, "\n".join(lines), as_json=as_json)


def _category(row: dict[str, str], spellings: dict[str, int]) -> str | None:
    names = (row[name] for name in ("service_code", "service_name") if name in row)
    return next((name for name in names if spellings.get(name, AMBIGUOUS) != AMBIGUOUS), None)


@open311_group.command("pull")
@click.argument("url")
@click.option("--source", required=True, help="What to call them here, e.g. boston311; part of each report's identity.")
@click.option("--source-kind", type=click.Choice(SOURCE_KINDS), help="Of a new source. [default: citizen]")
@jurisdiction_option
@click.option("--from", "since", help="Day of the city or W3C time. [default: where it stopped, or 90 days ago]")
@click.option("--to", "until", help="Day, included, or W3C time. [default: now]")
@click.option("--service", "services", multiple=True, metavar="CODE", help="Only this service; repeatable.")
@click.option("--map", "pairs", multiple=True, metavar="CODE=CATEGORY", help="Which category a service is; repeatable.")
@click.option(
    "--category-map", type=click.Path(path_type=Path), help="The same as CSV with columns service_code,category."
)
@click.option("--crs", default="wgs84", show_default=True, help="What lat and long mean; the standard says WGS 84.")
@click.option("--keep-unlocated", is_flag=True, help="Take requests without coordinates in, as without position.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Where refused requests go. [default: SOURCE.rejects.csv]"
)
@click.option("--restart", is_flag=True, help="Walk from --from again; what is in already is not counted twice.")
@form_option
@pause_option
@json_option
def pull_command(*, url: str, as_json: bool, form: Form | None, pause: float, **options: Any) -> None:
    r"""Pull service requests from another server, as reports.

    \b
    The first time from a day on, later from where it stopped:
      finegrid open311 services https://311.example.org/open311/v2
      finegrid open311 pull https://311.example.org/open311/v2 --source example311 --from 2016-01-01 \
          --map 4f38920=event:0505 --map 4f38921=event:0102
      finegrid open311 pull https://311.example.org/open311/v2 --source example311 --category-map map.csv

    It walks windows of time and halves one where the server gives no more at once. Killed at any moment, it goes on
    where it was; nothing is counted twice, because a report is known by its source and service_request_id. A service
    that is no category here is refused with the reason, listed, and can be pulled again with --restart.
    """
    now = datetime.now(UTC)
    rejects_path = options["rejects"] or Path(f"{options['source'].strip().replace('/', '_')}.rejects.csv")
    with (
        Remote(url, options["jurisdiction"], form=form, pause_s=pause) as remote,
        RejectsFile(rejects_path) as rejects,
    ):
        order = _order(options)
        summary = _with_bar(Pull(city_transaction, remote, order, rejects, now), order, now)
        rejects.keep()
    show(summary.as_dict(), describe(summary), as_json=as_json)


def _order(options: dict[str, Any]) -> PullOrder:
    with city_transaction(read_only=True) as conn:
        zone = read_city(conn).zone
    since = read_instant("--from", options["since"], zone) if options["since"] else None
    until = read_instant("--to", options["until"], zone, last=True) if options["until"] else None
    checked_window(since, until)
    mapped = read_category_map(options["category_map"]) if options["category_map"] else {}
    return PullOrder(
        source=options["source"],
        source_kind=options["source_kind"],
        crs=parse_crs(options["crs"]),
        categories=mapped | parse_mapping(options["pairs"]),
        services=tuple(options["services"]),
        jurisdiction=options["jurisdiction"],
        since=since,
        until=until,
        keep_unlocated=options["keep_unlocated"],
        restart=options["restart"],
    )


def _with_bar(pull: Pull, order: PullOrder, now: datetime) -> PullSummary:
    """Pull with a bar of the hours walked."""
    with tqdm(desc=order.source, unit=" h", disable=None) as bar:
        began: list[datetime] = []
        requests = 0

        def advance(reached: datetime, more: int) -> None:
            nonlocal requests
            if not began:
                began.append(pull.start)
                bar.total = round(((order.until or now) - pull.start).total_seconds() / HOUR_S, 1)
            requests += more
            bar.set_postfix(requests=requests, refresh=False)
            bar.update(round((reached - began[0]).total_seconds() / HOUR_S, 1) - bar.n)

        return pull.run(advance)


@open311_group.command("contact")
@click.argument("service_request_id")
@json_option
def contact_command(*, service_request_id: str, as_json: bool) -> None:
    r"""Show who sent a service request, to call them back; no answer over HTTP says it.

    \b
    Example:
      finegrid open311 contact open311:1042
    """
    with city_transaction(read_only=True) as conn:
        found = read_contact(conn, service_request_id)
    lines = [f"{name}: {value}" for name, value in found.items() if value is not None]
    show(found, "\n".join(lines), as_json=as_json)


@open311_group.command("forget")
@click.argument("service_request_id", required=False)
@click.option("--before", help="Everybody who reported before this day of the city, or W3C time.")
@json_option
def forget_command(*, service_request_id: str | None, before: str | None, as_json: bool) -> None:
    r"""Forget who sent service requests: one, because they ask, or all of long ago. The requests themselves stay.

    \b
    Examples:
      finegrid open311 forget open311:1042
      finegrid open311 forget --before 2026-01-01
    """
    if (service_request_id is None) == (before is None):
        msg = "name one request, or say --before which day"
        raise click.UsageError(msg)
    with city_transaction() as conn:
        if service_request_id is not None:
            count = forget_contact(conn, service_request_id)
        else:
            count = forget_contacts(conn, read_instant("--before", str(before), read_city(conn).zone))
    show({"forgotten": count}, f"forgotten: {count}", as_json=as_json)


def describe(summary: PullSummary) -> str:
    """The summary in sentences."""
    taken = f"accepted {summary.accepted:,} + duplicate {summary.duplicate:,} + rejected {summary.rejected:,}"
    places = f"in cells {summary.in_cells:,} + outside {summary.outside:,} + without position {summary.no_position:,}"
    lines = [
        f"from {summary.since.isoformat()} to {summary.reached.isoformat()}, {summary.asked:,} questions",
        f"read {summary.read:,} = {taken}",
        f"accepted {summary.accepted:,} = {places}",
    ]
    if summary.unknown_services:
        lines.append("services that are no category here; say which with --map and pull again with --restart:")
        lines += [
            f"  {one['service_code']} {one['service_name']}: {one['requests']:,} requests"
            for one in summary.unknown_services
        ]
    if summary.rejects_file:
        lines.append(f"refused requests, with reason and what was sent: {summary.rejects_file}")
    if summary.cut:
        lines.append(
            f"{summary.cut:,} seconds hold as many requests as the server gives at once; further ones cannot be reached"
        )
    return "\n".join(lines)
