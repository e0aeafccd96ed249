"""`finegrid goal`: how far the four chaoses fell against a base period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from gis.cli.forms import DAY, features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option
from gis.encoding import Feature
from gis.goal import CATEGORIES, COLUMNS, GoalQuery, goal
from gis.ground import load_ground

SHOWN = ("code", "name", "category", "base_count", "count", "fall", "fall_low", "fall_high", "reached")


@click.command("goal")
@click.option(
    "--level", type=click.Choice(("community", "street", "district")), required=True, help="One that the city has."
)
@click.option("--from", "from_day", type=DAY, required=True, metavar="DAY", help="First day.")
@click.option("--to", "to_day", type=DAY, required=True, metavar="DAY", help="Day after the last.")
@click.option("--base-from", type=DAY, required=True, metavar="DAY", help="First day of the base period.")
@click.option("--base-to", type=DAY, required=True, metavar="DAY", help="Day after its last; not after --from.")
@click.option(
    "--category", "chaoses", multiple=True, type=click.Choice(CATEGORIES), help="Repeatable. [default: all five]"
)
@click.option("--source", "sources", multiple=True, help="Name of a source, or kind:patrol; repeatable.")
@format_option
@out_option
@json_option
def goal_command(
    *,
    level: str,
    from_day: datetime,
    to_day: datetime,
    base_from: datetime,
    base_to: datetime,
    chaoses: tuple[str, ...],
    sources: tuple[str, ...],
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Show how far each of the four chaoses fell against a base period; the goal is 80 %.

    fall = 1 - rate now / rate then, per km2 and day; the interval is what the counts' own chance leaves open, and
    `reached` is yes, no or cannot_be_told by it. `any` is all four together. Where citizens report more than they did,
    compare the patrols alone: --source kind:patrol.

    \b
    Example:
      finegrid goal --level district --from 2016-05-11 --to 2016-05-21 --base-from 2016-05-01 --base-to 2016-05-11
    """
    query = GoalQuery(from_day.date(), to_day.date(), base_from.date(), base_to.date(), chaoses, sources)
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        found = goal(conn, ground, level, query)
        form = "json" if as_json else form
        rows = list(found.listed())
        features: Iterable[Feature] = ()
        if form == "geojson":
            codes = [f"{row['code']}-{row['category']}" for row in rows]
            features = features_of(conn, "areas", found.ids, codes, rows)
        names = SHOWN if form == "table" else COLUMNS
        write_answer(out, form, found.head() | honest(ground.city), list(names), rows, features)
    if form == "table":
        for row in found.total:
            fall, interval = row.fall, ""
            if fall.fall is not None:
                interval = f" {fall.fall} ({fall.fall_low} to {fall.fall_high}), goal reached: {fall.reached}"
            click.echo(f"city, {row.category}: {row.base_count} -> {row.count},{interval or f' {fall.note}'}", err=True)
