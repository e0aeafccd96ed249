"""`finegrid draw points, roads, results`: where dust is weighed and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from gis.city import read_city
from gis.cli.forms import features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.cli.listings import period_argument
from gis.draw_reads import POINT_COLUMNS, draw_points, revealed_row
from gis.dust import ROAD_COLUMNS, weighed_roads
from gis.dust_results import import_results
from gis.encoding import Feature
from gis.rules.periods import Period

POINTS_SHOWN = ("point", "code", "name", "road_class", "street_name", "lon", "lat", "g_per_m2", "weighed_on")
ROADS_SHOWN = tuple(name for name in ROAD_COLUMNS if name not in ("period", "street_code", "grams_per_m2"))


@click.command("points")
@period_argument
@format_option
@out_option
@json_option
def points_command(*, period: Period, form: str, out: Path | None, as_json: bool) -> None:
    r"""List where dust is weighed, with the results; as CSV it is the form that inspectors fill in.

    \b
    Examples:
      finegrid draw points 2030-01-T1 --format csv --out form.csv
      finegrid draw points 2030-01-T1 --format geojson --out points.geojson
    """
    with city_transaction(read_only=True) as conn:
        rows = draw_points(conn, period)
        head = {"period": period.name} | honest(read_city(conn))
        names = list(POINTS_SHOWN if form == "table" else POINT_COLUMNS)
        features: Iterable[Feature] = (
            (row["point"], b'{"type":"Point","coordinates":[%.7f,%.7f]}' % (row["lon"], row["lat"]), row)
            for row in rows
        )
        write_answer(out, "json" if as_json else form, head, names, rows, features)


@click.command("roads")
@period_argument
@format_option
@out_option
@json_option
def roads_command(*, period: Period, form: str, out: Path | None, as_json: bool) -> None:
    r"""List the drawn roads: the mean of the points that were weighed, the limit of the class, points deducted.

    \b
    Example:
      finegrid draw roads 2030-01-T1
    """
    with city_transaction(read_only=True) as conn:
        revealed_row(conn, period)
        found = weighed_roads(conn, period)
        rows = [{name: row[name] for name in ROAD_COLUMNS} for row in found]
        head = {"period": period.name} | honest(read_city(conn))
        form = "json" if as_json else form
        features: Iterable[Feature] = ()
        if form == "geojson":
            ids = np.array([row["segment_id"] for row in found], np.int32)
            features = features_of(conn, "road_segments", ids, [row["code"] for row in rows], rows)
        write_answer(out, form, head, list(ROADS_SHOWN if form == "table" else ROAD_COLUMNS), rows, features)


@click.command("results")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field.")
@click.option("--encoding", metavar="NAME", help="Of a CSV that is not UTF-8, e.g. GB18030.")
@click.option("--reason", help="Why stored results were wrong, for corrections whose row gives no reason.")
@click.option("--swept", is_flag=True, help="Low weights are what was swept up all the same, and no silt load.")
@json_option
def results_command(*, file: Path, pairs: tuple[str, ...], as_json: bool, **options: Any) -> None:
    r"""Take in weighing results: point, g_per_m2, weighed_on, weighed_by; rows without a weight are passed over.

    All go in or none. The same again changes nothing; another value for a point needs a reason, and the first one stays
    in the history. A file that looks like silt load, which is another quantity, is refused.

    \b
    Examples:
      finegrid draw results form.csv
      finegrid draw results weights.xlsx.csv --map point=点位 --map g_per_m2=积尘量 --reason "scale 3 was off"
    """
    with city_transaction() as conn:
        done = import_results(conn, file, datetime.now(UTC), parse_mapping(pairs), **options)
    text = (
        f"{done.read} rows from {done.file}: {done.added} added, {done.corrected} corrected, {done.unchanged} unchanged"
    )
    text += f", {done.empty} without a weight"
    show(done.as_dict(), text, as_json=as_json)
