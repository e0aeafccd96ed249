"""`finegrid hotspots`: where problems are denser than chance would have it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gis.cli.forms import DAY, features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option
from gis.collections.windows import window_or_default
from gis.density import DensityQuery
from gis.ground import load_ground
from gis.hot_spots import (
    COLD,
    COLUMNS,
    DEFAULT_SEED,
    FEWEST_PERMUTATIONS,
    HOT,
    MOST_PERMUTATIONS,
    MOST_SEED,
    HotSpotQuery,
    hot_spots,
)


@click.command("hotspots")
@click.option(
    "--level",
    type=click.Choice(("cell", "community", "street", "district")),
    default="cell",
    show_default=True,
    help="One that the city has.",
)
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day. [default: as the city opens]")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last one.")
@click.option("--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable.")
@click.option("--source", "sources", multiple=True, help="Name of a source, or kind:citizen; repeatable.")
@click.option("--without-shared", is_flag=True, help="Leave out coordinates shared by suspiciously many reports.")
@click.option(
    "--permutations",
    type=click.IntRange(FEWEST_PERMUTATIONS, MOST_PERMUTATIONS),
    metavar="N",
    help="Random arrangements. [default: 999, or more where there are many places]",
)
@click.option("--seed", type=click.IntRange(0, MOST_SEED), default=DEFAULT_SEED, show_default=True, help="Of them.")
@click.option("--all", "every", is_flag=True, help="In a table, show places that are neither hot nor cold, too.")
@format_option
@out_option
@json_option
def hot_spots_command(
    *,
    level: str,
    from_day: datetime | None,
    to_day: datetime | None,
    categories: tuple[str, ...],
    sources: tuple[str, ...],
    without_shared: bool,
    permutations: int | None,
    seed: int,
    every: bool,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Say where problems are denser, or thinner, than chance would have it 热点分析.

    Gi* of Getis and Ord on reports per km2, over each place and its neighbours; random arrangements give p, and
    Benjamini-Hochberg keeps the share of false ones among places called hot or cold at 5 %. "Not significant" is an
    answer: the differences that one sees there are what chance makes.

    \b
    Examples:
      finegrid hotspots --level street --from 2016-05-01 --to 2016-06-01
      finegrid hotspots --category chaos:parking --format geojson --out hot.geojson
    """
    first, after = (day.date() if day else None for day in (from_day, to_day))
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        first, after = window_or_default(conn, ground.city, first, after)
        counted = DensityQuery(first, after, categories, sources, without_shared=without_shared)
        found = hot_spots(conn, HotSpotQuery(level, counted, permutations, seed), ground)
        head = {**found.head(), **honest(ground.city)}
        form = "json" if as_json else form
        table = found.table
        rows = table.rows()
        if form == "table" and not every:
            rows = (row for row in rows if row["verdict"] in (HOT, COLD))
        features = features_of(conn, table.target, table.ids, table.columns["code"], rows) if form == "geojson" else ()
        write_answer(out, form, head, list(COLUMNS), rows, features)
    if form == "table":
        click.echo(f"{found.verdict()[0]} ({found.permutations:,} permutations, seed {seed})", err=True)
