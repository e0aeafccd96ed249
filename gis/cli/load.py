"""`finegrid load`: what the city is made of, file by file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gis.areas import AREA_TOLERANCE_M2, load_areas
from gis.categories import load_categories
from gis.cells import CELL_TOLERANCE_M2, load_cells
from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.coordinators import load_coordinators
from gis.loading import LoadSummary
from gis.operations import load_operations
from gis.responsibles import load_responsibles
from gis.roads import load_roads
from gis.store.schema import LEVELS
from gis.tiers import load_tiers

SHOWN = 20

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("load")
def load_group() -> None:
    """Load what the city is made of, who works in it, and what was built, printed and thought.

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
    counted = f"{summary.counted} " if summary.counted else ""
    crs = f" in {summary.crs}" if summary.crs else ""
    lines = [
        f"{summary.read} {summary.layer}{source}{crs}: {summary.added} {counted}added, "
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
    """Load districts 区, street offices 街道办 and communities 社区.

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
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_areas(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("cells")
@click.option(
    "--overlap-tolerance-m2",
    "tolerance_m2",
    type=click.FloatRange(min=0),
    default=CELL_TOLERANCE_M2,
    show_default=True,
    help="How far cells may overlap or reach outside their area.",
)
@click.option("--replace", "replace_others", is_flag=True, help="Retire cells of the file's areas that the file lacks.")
@shape_options
def load_cells_command(file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Load surveyed grid cells 单元网格; a city without any cuts its own with `finegrid grid make`.

    \b
    Fields:
      code           begins with the code of its area, with as many digits as city.toml says; never one retired before
      area_code      may be absent; must agree with the code
      tier           key, secondary or general; may be absent
    Polygons. Cells must not overlap and must lie in their area.

    \b
    Example:
      finegrid load cells cells.gpkg --layer grid --map code=wgbm
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_cells(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("roads")
@click.option("--replace", "replace_others", is_flag=True, help="Retire segments that the file lacks.")
@shape_options
def load_roads_command(file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Load road segments 道路.

    \b
    Fields:
      class          ring, trunk, main, branch or back_street; or OpenStreetMap's highway, which becomes one of them
      code           where empty, R000001, ... in the order of their geometry
      name           may be empty
      groups         names of sets, separated by semicolons, e.g. one_ring_fifteen_roads
    Lines.

    \b
    Example:
      finegrid load roads roads.fgb --map class=highway
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_roads(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("tiers")
@shape_options
def load_tiers_command(file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Load which cells are key 重点, secondary 双重 or general 一般.

    \b
    Either a table:
      cell_code      the cell; cells that the file lacks keep their tier
      tier           key, secondary or general
    or polygons with `tier`: every cell gets the highest tier that covers its point on surface, else general.

    \b
    Examples:
      finegrid load tiers tiers.csv
      finegrid load tiers tiers.geojson --crs wgs84
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_tiers(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("coordinators")
@shape_options
def load_coordinators_command(
    file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any
) -> None:
    """Load coordinators 协管员 and their posts.

    \b
    Fields:
      ref            their number
      name
      street_code    code of the street (or district) they stand in
      tier           key, secondary or general
      lon, lat       in place of the two above: the street and tier of the cell there (needs --crs)
      on_post_from   first day; empty: open
      on_post_to     first day no longer; empty: open

    \b
    Example:
      finegrid load coordinators coordinators.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_coordinators(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("responsibles")
@click.option("--replace", "replace_others", is_flag=True, help="Remove what else is stored for the file's places.")
@file_options
def load_responsibles_command(
    file: Path, pairs: tuple[str, ...], *, replace_others: bool, encoding: str | None, as_json: bool
) -> None:
    """Load responsible persons 责任人: who answers for a cell or an area, and when.

    \b
    Fields:
      ref, name      the person; phone may be absent
      scope          cell (code is a cell), cells (every cell of the area code) or area (its head, not its cells)
      code
      valid_from     first day or instant, in the city's time zone; empty: open
      valid_to       first day or instant no longer; empty: open
    A place has one person at any instant. After cells were made anew, load this file again.

    \b
    Example:
      finegrid load responsibles responsibles.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_responsibles(conn, file, parse_mapping(pairs), replace_others=replace_others, encoding=encoding)
    show_summary(summary, as_json=as_json)


@load_group.command("operations")
@shape_options
def load_operations_command(
    file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any
) -> None:
    """Load special operations 专项行动: a polygon and a window that can be shown alone.

    \b
    Fields:
      code           one that is stored already becomes what the file says
      name           name_en may be absent
      valid_from     first day or instant, in the city's time zone where it names none
      valid_to       first day or instant no longer
    Polygons.

    \b
    Example:
      finegrid load operations operations.geojson --crs wgs84
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_operations(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("categories")
@file_options
def load_categories_command(file: Path, pairs: tuple[str, ...], *, encoding: str | None, as_json: bool) -> None:
    """Load the category dictionary 事部件分类.

    \b
    Fields:
      standard_ref   which standard or list the code is from
      kind           event or component
      code
      name           name_en may be absent
      domain         e.g. parking; other where empty
      chaos          parking, trading, rubbish, posters, or empty

    \b
    Example:
      finegrid load categories categories.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_categories(conn, file, parse_mapping(pairs), encoding=encoding)
    show_summary(summary, as_json=as_json)
