"""`finegrid staffing` and `finegrid staffing propose`: who is missing where, and how people should be posted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import click
import numpy as np

from gis.city import read_city
from gis.cli.forms import DAY, features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option
from gis.collections.windows import window_or_default
from gis.encoding import Feature
from gis.ground import load_ground
from gis.posting import MOST_PEOPLE, parsed_caps, propose
from gis.proposal import COLUMNS as POSTING_COLUMNS
from gis.proposal import PostingQuery
from gis.staffing import COLUMNS, staffing

LONG = ("reason", "reason_zh")
"""Columns that a terminal has no room for."""


@click.group("staffing", invoke_without_command=True)
@click.option("--level", type=click.Choice(("street", "district")), help="[default: the lower one that the city has]")
@click.option("--on", "on_day", type=DAY, metavar="DAY", help="Day on which people are counted. [default: today]")
@format_option
@out_option
@json_option
@click.pass_context
def staffing_group(
    context: click.Context, level: str | None, on_day: datetime | None, form: str, out: Path | None, *, as_json: bool
) -> None:
    r"""Compare the coordinators that streets need with those on post.

    The rule: at least 30 / 20 / 10 per km2 in key / secondary / general areas, rounded up per street and tier after
    summing the cells. A negative gap says how many are missing. --format json explains each row: which cells, which
    area, which rule. `finegrid staffing propose` says how people should be posted.

    \b
    Examples:
      finegrid staffing --level district --on 2016-06-01
      finegrid staffing propose --people 700
    """
    if context.invoked_subcommand is not None:
        return
    on: date | None = on_day.date() if on_day else None
    with city_transaction(read_only=True) as conn:
        answer = staffing(conn, level, on)
        head = {"level": answer.level, "on": answer.on, "rule": answer.rule(), "total": answer.total()}
        head |= honest(read_city(conn))
        form = "json" if as_json else form
        features: Iterable[Feature] = ()
        if form == "geojson":
            areas = answer.by_area()
            ids = np.array([area.pop("id") for area in areas], np.int32)
            features = features_of(conn, "areas", ids, [area["code"] for area in areas], areas)
        explained = form == "json"
        rows = [
            {**row.as_dict(), "explanation": row.explanation() if explained else row.worked_out} for row in answer.rows
        ]
        names = list(COLUMNS) if form == "table" else [*COLUMNS, "explanation"]
        write_answer(out, form, head, names, rows, features)
    if form == "table":
        total = answer.total()
        click.echo(f"required {total['required']}, on post {total['on_post']}, gap {total['gap']:+d}", err=True)


@staffing_group.command("propose")
@click.option("--people", type=click.IntRange(1, MOST_PEOPLE), metavar="N", help="How many. [default: all on post]")
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day of the problems that are shared.")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last one. [default: the newest 31 days]")
@click.option("--on", "on_day", type=DAY, metavar="DAY", help="Day on which people are counted. [default: today]")
@click.option("--category", "categories", multiple=True, help="Only these problems, as for density; repeatable.")
@click.option("--cap", "caps", multiple=True, metavar="CODE=N", help="Most people in one street; repeatable.")
@format_option
@out_option
@json_option
def propose_command(
    *,
    people: int | None,
    from_day: datetime | None,
    to_day: datetime | None,
    on_day: datetime | None,
    categories: tuple[str, ...],
    caps: tuple[str, ...],
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Propose how so many people should be posted 排岗建议.

    Minima of the 30 / 20 / 10 rule first; then people are shared by workload, the problems of a window per person, as
    an integer programme; nobody is moved for little. If there are too few people, the answer says which minimum breaks
    and by how many, and what is nearest: key areas first, then secondary, then general. --format csv and json give the
    reason for each post.

    \b
    Examples:
      finegrid staffing propose
      finegrid staffing propose --people 700 --from 2016-05-01 --to 2016-06-01 --cap 410102001=60
    """
    first, after, on = (day.date() if day else None for day in (from_day, to_day, on_day))
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        first, after = window_or_default(conn, ground.city, first, after)
        found = propose(conn, ground, PostingQuery(first, after, people, on, categories, parsed_caps(caps)))
        head = {**found.head(), **honest(ground.city)}
        form = "json" if as_json else form
        features: Iterable[Feature] = ()
        if form == "geojson":
            areas = found.by_area()
            ids = np.array([area.pop("id") for area in areas], np.int32)
            features = features_of(conn, "areas", ids, [area["code"] for area in areas], areas)
        names = [name for name in POSTING_COLUMNS if form != "table" or name not in LONG]
        write_answer(out, form, head, names, [row.as_dict() for row in found.rows], features)
    if form == "table":
        total = found.total()
        click.echo(found.verdict()[0], err=True)
        click.echo(
            f"{total['moved']} people change posts; problems per person at the heaviest post"
            f" {_load(total['heaviest_before'])} -> {_load(total['heaviest_after'])}, where nobody is"
            f" {total['unattended_before']:,} -> {total['unattended_after']:,}",
            err=True,
        )


def _load(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
