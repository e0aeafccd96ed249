"""`finegrid load`: what the city is made of, file by file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gis.areas import AREA_TOLERANCE_M2, load_areas
from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.loading import LoadSummary
from gis.store.schema import LEVELS

SHOWN = 20

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("load")
def load_group() -> None:
    """Load areas, cells, roads, tiers, people and categories.

    Formats: GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet, CSV (with a column `wkt`, or lon and lat for
    points). A file is taken whole or refused whole, naming every row that is wrong. Loading it twice changes nothing.
    """


def file_options(command: Command) -> Command:
    """FILE and the options of every tabular file."""
    for decorate in (
        json_option,
        click.option("--encoding", metavar="NAME", help="Of a CSV or Shapefile that is not UTF-8, e.g. GB18030."),
        click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


def shape_options(command: Command) -> Command:
    """The options of every file with geometry, FILE included."""
    for decorate in (
        file_options,
        click.option("--layer", metavar="NAME", help="Which layer of a GeoPackage with several."),
        click.option(
            "--crs",
            metavar="CRS",
            help="wgs84, cgcs2000, gcj02, bd09 or an EPSG code; needed where the file does not declare one.",
        ),
    ):
        command = decorate(command)
    return command


def show_summary(summary: LoadSummary, *, as_json: bool) -> None:
    """Print what a load did: the counts, then what was mended and what to look at."""
    source = f" from {summary.file}" if summary.file else ""
    lines = [
        f"{summary.read} {summary.layer}{source}{f' in {summary.crs}' if summary.crs else ''}: {summary.added} added, "
        f"{summary.changed} changed, {summary.unchanged} unchanged, {summary.retired} retired"
        + (f"; {summary.reassigned} reports moved" if summary.reassigned else "")
    ]
    for title, notes in (("repaired", [str(one) for one in summary.repairs]), ("mind", summary.warnings)):
        lines += [f"  {title}: {note}" for note in notes[:SHOWN]]
        lines += [f"  {title}: and {len(notes) - SHOWN} more (--json lists all)"] if len(notes) > SHOWN else []
    show(summary.as_dict(), "\n".join(lines), as_json=as_json)


@load_group.command("areas")
@click.option("--level", type=click.Choice(LEVELS), help="Level of all rows, where the file has no column for it.")
@click.option(
    "--overlap-tolerance-m2",
    "tolerance_m2",
    type=click.FloatRange(min=0),
    default=AREA_TOLERANCE_M2,
    show_default=True,
    help="How far areas may overlap or reach outside their parent; what is tolerated is listed.",
)
@click.option("--replace", "replace_others", is_flag=True, help="Retire areas of the file's levels that it lacks.")
@shape_options
def load_areas_command(file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    r"""Load districts 区, street offices 街道办 and communities 社区.

    \b
    Fields:
      name           needed
      level          district, street or community; or --level
      code           begins with the parent's code; where empty, numbered by name within the parent
      name_en        may be absent
      parent_code    may be absent: then by code, then by location
    Polygons. Areas of one level must not overlap, and each must lie in its parent.

    \b
    Example:
      finegrid load areas districts.geojson --crs cgcs2000 --level district --map code=adcode
    """
    with city_transaction() as conn:
        summary = load_areas(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)
