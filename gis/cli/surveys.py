"""`finegrid import patrols` and `finegrid coverage`: the survey of all roads on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from gis.city import City, read_city
from gis.cli.forms import features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.coverage import SEGMENT, default_period, road_coverage
from gis.geometry.datum import parse_crs, to_wgs84
from gis.operations import inside, named
from gis.patrol_files import PatrolFile
from gis.patrols import PatrolOrder, PatrolSummary, import_patrols
from gis.rules.periods import Period, parse_period
from gis.store.schema import ROAD_CLASSES
from gis.unsurveyed import COLUMNS as MISSING_COLUMNS
from gis.unsurveyed import MissingQuery, missing_segments

TABLE_COLUMNS = ("code", "name", "class", "street_name", "length_m", "surveyed_m", "distance_m")


def _period(_context: click.Context, _option: click.Parameter, text: str | None) -> Period | None:
    try:
        return None if text is None else parse_period(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


period_option = click.option(
    "--period",
    callback=_period,
    metavar="PERIOD",
    help="2016-05-T1, -T2, -T3 or a month 2016-05. [default: the last of the demo window, else today's]",
)


@click.command("patrols", epilog=f"Fields for --map: {', '.join(PatrolFile.aliases)}.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--crs", help="Of coordinates: wgs84, cgcs2000, gcj02, bd09 or an EPSG code; GPX is WGS 84 by itself.")
@click.option("--surveyor", help="Who surveyed, where the file does not say.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Which column is which field; repeatable.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Where rejected rows go. [default: FILE.rejects.csv here]"
)
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files, e.g. gb18030.")
@click.option("--delimiter", help="Of text files. [default: comma, tab for .tsv]")
@click.option("--time-format", help="strptime format of times that are not ISO 8601.")
@json_option
def import_patrols_command(
    file: Path,
    *,
    crs: str | None,
    surveyor: str | None,
    pairs: tuple[str, ...],
    rejects: Path | None,
    encoding: str,
    delimiter: str | None,
    time_format: str | None,
    as_json: bool,
) -> None:
    r"""Take in patrol passes: rows that name road segments, or GPS tracks.

    \b
    A table with a column segment: each row is a pass over the whole of it.
      finegrid import patrols passes.csv --map segment=路段 --map time=时间
    GPX, GeoJSON lines with times, or a table of lon, lat, time: tracks, matched to the segments that they follow.
      finegrid import patrols morning.gpx --surveyor XG00017
      finegrid import patrols tracks.csv --crs gcj02

    All goes in at once or not at all, and sending a file again counts nothing twice. Rows that cannot be used go to the
    rejects file with row number, reason and their original text.
    """
    order = PatrolOrder(
        file=PatrolFile(file, parse_mapping(pairs), encoding, delimiter),
        surveyor=surveyor,
        crs=crs,
        rejects=rejects or Path(f"{file.name}.rejects.csv"),
        time_format=time_format,
    )
    summary = import_patrols_with_bar(order)
    show(summary.as_dict(), describe_patrols(summary), as_json=as_json)


def import_patrols_with_bar(order: PatrolOrder) -> PatrolSummary:
    """Import with a bar on a terminal."""
    with (
        tqdm(desc=order.file.path.name, unit=" rows", unit_scale=True, disable=None) as bar,
        city_transaction() as conn,
    ):
        return import_patrols(conn, order, datetime.now(UTC), bar.update)


def describe_patrols(summary: PatrolSummary) -> str:
    """The summary in sentences."""
    what = "rows" if summary.kind == "rows" else "fixes"
    taken = f"accepted {summary.accepted:,} + duplicate {summary.duplicate:,} + rejected {summary.rejected:,}"
    lines = [
        f"read {summary.read:,} {what} = {taken}",
        f"{summary.passes:,} new passes over {summary.segments:,} segments",
    ]
    if summary.track_m is not None and summary.matched_m is not None:
        along = f"{summary.track_m:,.0f} m, {summary.matched_m:,.0f} m along roads"
        lines.append(f"{summary.tracks:,} new tracks of {along}")
    lines += [f"warning: {warning}" for warning in summary.warnings]
    if summary.rejected:
        where = f" in {summary.rejects_file}" if summary.rejects_file else " are kept in the database"
        lines.append(f"rejected {what}, with reason and original text,{where}; the first:")
        lines += [f"  row {reject.row}: {reject.reason}" for reject in summary.first_rejects]
    return "\n".join(lines)


@click.command("coverage")
@click.option("--operation", metavar="CODE", help="Only inside this special operation, in its window.")
@click.option(
    "--level",
    help="city, district, street, community, class, group or segment. [default: street, or the next above]",
)
@period_option
@click.option("--missing", is_flag=True, help="List the segments that are not surveyed yet.")
@click.option("--near", metavar="LON,LAT", help="With --missing: nearest to this coordinate first.")
@click.option("--crs", default="wgs84", show_default=True, help="What --near is in.")
@click.option("--street", help="With --missing: only in this street, district or community (its code).")
@click.option("--class", "road_class", type=click.Choice(ROAD_CLASSES), help="With --missing: only of this class.")
@click.option("--group", help="With --missing: only of this named group, e.g. one_ring_fifteen_roads.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="With --missing: most segments.")
@format_option
@out_option
@json_option
def coverage_command(
    *,
    operation: str | None,
    level: str | None,
    period: Period | None,
    missing: bool,
    near: str | None,
    crs: str,
    street: str | None,
    road_class: str | None,
    group: str | None,
    limit: int,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Show how much of the roads was surveyed in a ten-day period, or what is missing.

    By length: what was passed twice counts once. A segment that was not surveyed is not clean: nothing is known of it.

    \b
    Examples:
      finegrid coverage --level street --period 2016-05-T2
      finegrid coverage --level class --period 2016-05
      finegrid coverage --missing --near 113.65,34.76 --class main --limit 10
    """
    form = "json" if as_json else form
    if not missing and (near or street or road_class or group):
        msg = "--near, --street, --class and --group go with --missing"
        raise click.UsageError(msg)
    if missing and (level or operation):
        msg = "--level and --operation do not go with --missing, which lists segments"
        raise click.UsageError(msg)
    if operation and period:
        msg = "--period does not go with --operation, which has a window of its own"
        raise click.UsageError(msg)
    place = _place(near, crs)
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        chosen = period or _today(city)
        if missing:
            left = missing_segments(conn, MissingQuery(chosen, place, street, road_class, group, limit))
            ids, codes = np.array(left.ids, np.int32), [row["code"] for row in left.rows]
            features = features_of(conn, "road_segments", ids, codes, left.rows) if form == "geojson" else ()
            names = list(TABLE_COLUMNS if form == "table" else MISSING_COLUMNS)
            write_answer(out, form, {**left.head(), **honest(city)}, names, left.rows, features)
            return
        within = None if operation is None else inside(conn, operation)
        found = road_coverage(conn, chosen, level, within)
        target = "road_segments" if found.level == SEGMENT else "areas"
        ids, codes = np.array([row.id or 0 for row in found.rows], np.int32), [row.code for row in found.rows]
        features = features_of(conn, target, ids, codes, found.listed()) if form == "geojson" else ()
        write_answer(
            out,
            form,
            {**found.head(), **named(within), **honest(city)},
            list(found.columns),
            list(found.listed()),
            features,
        )
    if form == "table":
        share = "-" if found.total.share is None else f"{found.total.share:.4f}"
        whole = f"{found.total.surveyed_m:,.0f} m of {found.total.length_m:,.0f} m"
        click.echo(f"{city.name_en} {found.period.name}: {whole} surveyed, coverage {share}", err=True)


def _today(city: City) -> Period:
    return default_period(city, datetime.now(city.zone).date())


def _place(text: str | None, crs: str) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        msg = f"two numbers lon,lat such as 113.65,34.76 are right, not {text!r}"
        raise click.BadParameter(msg, param_hint="--near") from None
    lon, lat = to_wgs84(np.array([x]), np.array([y]), parse_crs(crs))
    return float(lon[0]), float(lat[0])
