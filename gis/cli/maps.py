"""`finegrid map`: maps as files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from time import perf_counter

import click

from gis.cli.frame import city_transaction, json_option, show
from gis.cli.windows import days_or_operation
from gis.density import DensityQuery
from gis.errors import FileError
from gis.ground import load_ground
from gis.store.database import share_ground

DAY = click.DateTime(["%Y-%m-%d"])


@click.group("map")
def map_group() -> None:
    """Write maps as files that open anywhere, with the network cut too."""


@map_group.command("heatmap")
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day; needed without --operation.")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last one; needed without --operation.")
@click.option("--operation", metavar="CODE", help="Only what lies inside this special operation; its edge is drawn.")
@click.option("--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable.")
@click.option("--source", "sources", multiple=True, help="Name of a source, or kind:citizen; repeatable.")
@click.option("--without-shared", is_flag=True, help="Open without the reports on suspicious shared coordinates.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language it opens in.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.html", help="Where to write it.")
@json_option
def heatmap(
    from_day: datetime | None,
    to_day: datetime | None,
    operation: str | None,
    categories: tuple[str, ...],
    sources: tuple[str, ...],
    without_shared: bool,
    lang: str,
    out: Path,
    as_json: bool,
) -> None:
    r"""Write the heat map 热力图 of a window as one self-contained HTML file.

    Cells are coloured by reports per km2. Period, category and language can be chosen in the file itself, and a click
    shows the numbers behind a colour. Nothing is fetched from anywhere.

    \b
    Example:
      finegrid map heatmap --from 2016-06-01 --to 2016-07-01 --out june.html
    """
    from maps.heatmap import heatmap_page  # Folium is slow to import

    started = perf_counter()
    with city_transaction(read_only=True) as conn:
        share_ground(conn)
        first, after, within = days_or_operation(conn, operation, from_day, to_day)
        query = DensityQuery(first, after, categories, sources, without_shared=without_shared, operation=within)
        page = heatmap_page(conn, load_ground(conn), query, lang="en" if lang == "en" else "zh", assets="inline")
    content = page.encode()
    try:
        out.write_bytes(content)
    except OSError as problem:
        msg = f"{out}: cannot be written: {problem.strerror}"
        raise FileError(msg) from problem
    seconds = perf_counter() - started
    answer = {"file": str(out), "bytes": len(content), "seconds": round(seconds, 2)}
    show(answer, f"{out}: {len(content) / 1e6:.1f} MB in {seconds:.1f} s; open it in any browser", as_json=as_json)
