"""`finegrid grid`: cells for a city that has none."""

from __future__ import annotations

import click

from gis.cli.frame import city_transaction, json_option
from gis.cli.load import show_summary
from gis.grid import make_grid
from gis.store.schema import LEVELS


@click.group("grid")
def grid_group() -> None:
    """Cut the lattice of grid cells 单元网格."""


@grid_group.command("make")
@click.option("--size", "size_m", type=float, help="Side of a square in metres. [default: cell_size_m of the policy]")
@click.option("--within", type=click.Choice(LEVELS), help="Level whose areas are cut; the city's lowest if not given.")
@click.option("--only", multiple=True, metavar="CODE", help="Only areas whose code begins so; may be repeated.")
@click.option("--replace", is_flag=True, help="Retire other cells of these areas; their codes are never used again.")
@json_option
def make(size_m: float | None, within: str | None, only: tuple[str, ...], *, replace: bool, as_json: bool) -> None:
    """Cut areas into square cells, clipped to each area, pieces below a quarter square merged into a neighbour.

    For cities without surveyed cells (those come with `finegrid load cells`). Cells are numbered within their area from
    west to east and north to south. Running it again changes nothing; another size needs --replace, and then tiers and
    responsible persons have to be loaded again.

    \b
    Example:
      finegrid grid make --size 100 --within community --only 410102
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = make_grid(conn, size_m, within, only, replace=replace)
    show_summary(summary, as_json=as_json)
