"""`finegrid import`, `reconcile` and `verify`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from tqdm import tqdm

from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.reconciliation import reconciliation
from gis.report_files import ALIASES, ReportFile
from gis.reports import ImportOrder, ImportSummary, import_reports
from gis.store.schema import SOURCE_KINDS
from gis.verify import verify


@click.group("import")
def import_group() -> None:
    """Take in problem reports, and patrol passes."""


@import_group.command("reports", epilog=f"Fields for --map: {', '.join(ALIASES)}.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", required=True, help="Who reports, e.g. patrol or boston311; part of each report's identity.")
@click.option(
    "--source-kind", type=click.Choice(SOURCE_KINDS), help="What kind of source it is; needed for a new name."
)
@click.option("--crs", help="wgs84, cgcs2000, gcj02, bd09 or an EPSG code; needed where the file declares none.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Which column is which field; repeatable.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Where rejected rows go. [default: FILE.rejects.csv here]"
)
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files, e.g. gb18030.")
@click.option("--delimiter", help="Of text files. [default: comma, tab for .tsv]")
@click.option("--time-format", help="strptime format of times that are not ISO 8601, e.g. '%d.%m.%Y %H:%M'.")
@click.option("--keep-unlocated", is_flag=True, help="Take rows with empty coordinates in, as without position.")
@json_option
def import_command(file: Path, *, as_json: bool, pairs: tuple[str, ...], **options: object) -> None:
    r"""Import reports from CSV (also .gz), Parquet, GeoJSON or GeoPackage.

    \b
    Each row needs source_ref (its number at the source), lon and lat (or a point geometry), reported_at and category:
      finegrid import reports patrols.csv --source patrol --crs gcj02 --map source_ref=编号 --map category=小类

    All goes in at once or not at all. Sending a file again counts nothing twice: a report is known by its source and
    source_ref. Rows that cannot be used go to the rejects file with row number, reason and their original text.
    """
    rejects = options["rejects"] or Path(f"{file.name}.rejects.csv")
    order = ImportOrder(
        file=ReportFile(file, parse_mapping(pairs), str(options["encoding"]), options["delimiter"]),  # type: ignore[arg-type]
        source=str(options["source"]),
        source_kind=options["source_kind"],  # type: ignore[arg-type]
        crs=options["crs"],  # type: ignore[arg-type]
        rejects=Path(str(rejects)),
        keep_unlocated=bool(options["keep_unlocated"]),
        time_format=options["time_format"],  # type: ignore[arg-type]
    )
    summary = import_with_bar(order)
    show(summary.as_dict(), describe(summary), as_json=as_json)


def import_with_bar(order: ImportOrder) -> ImportSummary:
    """Import with a bar on a terminal."""
    with (
        tqdm(desc=order.file.path.name, unit=" rows", unit_scale=True, disable=None) as bar,
        city_transaction() as conn,
    ):
        return import_reports(conn, order, bar.update)


def describe(summary: ImportSummary) -> str:
    """The summary in sentences."""
    taken = f"accepted {summary.accepted:,} + duplicate {summary.duplicate:,} + rejected {summary.rejected:,}"
    places = f"in cells {summary.in_cells:,} + outside {summary.outside:,} + without position {summary.no_position:,}"
    lines = [f"read {summary.read:,} = {taken}", f"accepted {summary.accepted:,} = {places}"]
    lines += [
        f"suspicious: {place.reports:,} reports share the coordinate {place.lon:.6f}, {place.lat:.6f}; "
        "perhaps a geocoder's default. They are counted; density can leave them out"
        for place in summary.shared_positions
    ]
    if summary.rejected:
        where = f" in {summary.rejects_file}" if summary.rejects_file else ""
        lines.append(f"rejected rows, with reason and original text,{where or ' are kept in the database'}; the first:")
        lines += [f"  row {reject.row}: {reject.reason}" for reject in summary.first_rejects]
    return "\n".join(lines)


@click.command("reconcile")
@click.option("--from", "from_day", type=click.DateTime(["%Y-%m-%d"]), help="First day of the reports. [default: all]")
@click.option("--to", "to_day", type=click.DateTime(["%Y-%m-%d"]), help="Day after the last.")
@json_option
def reconcile_command(*, from_day: datetime | None, to_day: datetime | None, as_json: bool) -> None:
    """Show that the numbers add up.

    accepted + duplicate + rejected = read, and in cells + outside + without position = accepted.
    """
    with city_transaction(read_only=True) as conn:
        answer = reconciliation(conn, from_day and from_day.date(), to_day and to_day.date())
    text = (
        f"read {answer['read']:,} = accepted {answer['accepted']:,} + duplicate {answer['duplicate']:,} + rejected"
        f" {answer['rejected']:,}\naccepted {answer['accepted']:,} = in cells {answer['in_cells']:,} + outside"
        f" {answer['outside']:,} + without position {answer['no_position']:,}\n"
        + ("it adds up" if answer["adds_up"] else "IT DOES NOT ADD UP")
    )
    show(answer, text, as_json=as_json)
    if not answer["adds_up"]:
        raise SystemExit(1)


@click.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Have PostGIS derive every assignment and count again and compare; exit 1 where anything differs.

    Cells by ST_Covers and the lowest code, segments by <-> within 30 m, counts and what patrols covered by GROUP BY:
    none of them by the code that wrote them. Takes about a minute for a million reports.
    """
    with tqdm(desc="days", unit=" days", disable=None) as bar, city_transaction() as conn:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = verify(conn, advance)
    text = (
        f"{found.reports:,} reports compared with PostGIS: {found.cell_differences} cells,"
        f" {found.segment_differences} segments"
        f" and {found.count_differences} counts differ; the sums {'hold' if found.adds_up else 'DO NOT HOLD'}"
    )
    if found.survey_differences:
        text += f"\n{found.survey_differences} segments' roll-up of patrol passes differs from the passes"
    if found.unflagged_positions:
        text += (
            f"\n{found.unflagged_positions} more coordinates are shared by suspiciously many reports over all imports"
        )
    for example in found.examples:
        text += f"\n  {example}"
    show(found.as_dict(), text, as_json=as_json)
    if found.differences:
        raise SystemExit(1)
