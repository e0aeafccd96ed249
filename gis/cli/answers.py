"""`finegrid density` and `finegrid roads density`: the API's answers on the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from gis.cli.forms import DAY, features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option
from gis.cli.windows import days_or_operation
from gis.density import BBox, DensityQuery, DensityTable, density, road_density
from gis.ground import load_ground
from gis.operations import named

Command = TypeVar("Command", bound=Callable[..., Any])


def _box(_context: click.Context, _option: click.Parameter, text: str | None) -> BBox | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        msg = f"four numbers west,south,east,north such as 113.6,34.7,113.7,34.8 are right, not {text!r}"
        raise click.BadParameter(msg) from None
    return west, south, east, north


def counting_options(command: Command) -> Command:
    """The options that say what is counted and how the answer looks."""
    for decorate in (
        json_option,
        out_option,
        format_option,
        click.option(
            "--without-shared", is_flag=True, help="Leave out coordinates shared by suspiciously many reports."
        ),
        click.option("--operation", metavar="CODE", help="Only what lies inside this special operation."),
        click.option("--bbox", callback=_box, metavar="W,S,E,N", help="Only what meets this box, WGS 84 degrees."),
        click.option("--source", "sources", multiple=True, help="Name of a source, or kind:citizen; repeatable."),
        click.option(
            "--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable."
        ),
        click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last; needed without --operation."),
        click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day; needed without --operation."),
    ):
        command = decorate(command)
    return command


@click.command("density")
@click.option(
    "--level",
    required=True,
    type=click.Choice(("cell", "community", "street", "district")),
    help="One that the city has.",
)
@counting_options
def density_command(level: str, **options: Any) -> None:
    r"""Count reports per km2 of cells, streets or districts.

    Days are days of the city; --to is exclusive. Counts and areas of a street are the sums over its cells. Where an
    area has no cells, per_km2 stays empty: without responsible area there is no density.

    \b
    Examples:
      finegrid density --level street --from 2016-05-01 --to 2016-06-01
      finegrid density --level cell --from 2016-05-01 --to 2016-05-11 --format geojson --out cells.geojson
    """
    _count(lambda conn, ground, query: density(conn, ground, level, query), {"level": level}, **options)


@click.group("roads")
def roads_group() -> None:
    """Ask about road segments."""


@roads_group.command("density")
@counting_options
def road_density_command(**options: Any) -> None:
    r"""Count reports per km of each road segment; a report belongs to the nearest within 30 m.

    \b
    Example:
      finegrid roads density --from 2016-05-01 --to 2016-06-01 --format csv --out roads.csv
    """
    _count(road_density, {}, **options)


def _count(
    ask: Callable[..., DensityTable],
    head: dict[str, Any],
    *,
    from_day: datetime | None,
    to_day: datetime | None,
    categories: tuple[str, ...],
    sources: tuple[str, ...],
    bbox: BBox | None,
    operation: str | None,
    without_shared: bool,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    with city_transaction(read_only=True) as conn:
        first, after, within = days_or_operation(conn, operation, from_day, to_day)
        query = DensityQuery(first, after, categories, sources, bbox, without_shared, within)
        ground = load_ground(conn)
        table = ask(conn, ground, query)
        head = {**head, "from": query.from_day, "to": query.to_day, "days": table.days}
        head |= {**named(within), **honest(ground.city)}
        form = "json" if as_json else form
        rows = table.rows()
        features = features_of(conn, table.target, table.ids, table.columns["code"], rows) if form == "geojson" else ()
        write_answer(out, form, head, list(table.columns), rows, features)
